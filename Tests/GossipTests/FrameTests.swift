import Gossip
import Integrity
import Testing

@Suite("Frames between members")
struct FrameTests {
    func bytes(_ frames: [Frame]) -> [UInt8] { frames.flatMap { $0.header + $0.body } }

    func read(_ bytes: [UInt8], pieces: Int, into reader: inout FrameReader) throws -> [Frame] {
        var frames: [Frame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            try piece.withUnsafeBytes { raw in try reader.read(raw) { frames.append($0) } }
        }
        return frames
    }

    @Test("frames come out as they went in, however the bytes are cut", arguments: [1, 2, 9, 10, 11, 100, 10_000])
    func cuts(_ pieces: Int) throws {
        let sent = [
            Frame(.agents, body: [0x90]), Frame(.message, id: 7, body: [UInt8](repeating: 5, count: 700)),
            Frame(.answer, id: .max, body: [0xc0]),
        ]
        var reader = FrameReader()
        #expect(try read(bytes(sent), pieces: pieces, into: &reader) == sent)
        #expect(reader.heldBytes == 0)
    }

    @Test("a frame that is too long is refused by its header; one of an unknown kind too")
    func refused() {
        let tooLong: [UInt8] = [0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 1]
        let unknown: [UInt8] = [0, 0, 0, 6, 99, 0, 0, 0, 1, 0xc0]
        let empty: [UInt8] = [0, 0, 0, 5, 3, 0, 0, 0, 1]
        for bytes in [tooLong, unknown, empty] {
            var reader = FrameReader()
            #expect(throws: PlasmidError.self) { try read(bytes, pieces: 3, into: &reader) }
        }
    }

    @Test("what is announced takes no memory before it comes")
    func announced() throws {
        var reader = FrameReader()
        let header = Frame(.ops, id: 1, body: [UInt8](repeating: 0, count: Frame.bodyBytesMaximum)).header
        #expect(try read(header + [1, 2, 3], pieces: 50, into: &reader).isEmpty)
        #expect(reader.heldBytes == Frame.headerBytes + 3)
    }

    @Test("any bytes are frames or an error, never a trap")
    func fuzz() {
        let rounds = Fuzz("bytes of frames", rounds: 12_800)
        var generator = Xorshift(seed: rounds.seed)
        for _ in rounds {
            var bytes = (0..<Int(generator.next() % 60)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            if generator.next() % 2 == 0, bytes.count > 9 { bytes.replaceSubrange(0..<5, with: [0, 0, 0, 8, 16]) }
            var reader = FrameReader()
            var bodies: [Frame] = []
            if let frames = try? read(bytes, pieces: 7, into: &reader) { bodies = frames }
            for frame in bodies {
                _ = try? MessageBody(packed: frame.body)
                _ = try? CallBody(packed: frame.body)
                _ = try? SignalBody(packed: frame.body)
                _ = try? OpsBody(packed: frame.body)
                _ = try? WantedBody(packed: frame.body)
                _ = try? AgentRecord(packed: frame.body)
            }
            #expect(reader.heldBytes <= bytes.count)
        }
    }
}

/// A small generator with a seed.
struct Xorshift: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
