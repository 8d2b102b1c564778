import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("The ciphers of a connection")
struct NoiseTransportTests {
    private func pair() -> (NoiseTransport, NoiseTransport) {
        func keys() -> NoiseKeys {
            NoiseKeys(
                toResponder: secret([UInt8](repeating: 1, count: 32)),
                toInitiator: secret([UInt8](repeating: 2, count: 32)))
        }
        return (NoiseTransport(keys: keys(), isInitiator: true), NoiseTransport(keys: keys(), isInitiator: false))
    }

    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    @Test("any number of bytes passes both ways, cut at any place")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let (a, b) = pair()
        for (from, to) in [(a, b), (b, a), (a, b)] {
            for count in [1, 17, 65_518, 65_519, 65_520, 200_000] {
                let bytes = random.bytes(count)
                var wire = ByteBuffer()
                try from.seal(ByteBuffer(bytes: bytes), into: &wire)
                #expect(NoiseTransport.plainBytes(in: wire) == count)
                var (inbox, plain) = (ByteBuffer(), ByteBuffer())
                while wire.readableBytes > 0 {
                    let piece = min(wire.readableBytes, Int.random(in: 1...70_000, using: &random))
                    if var piece = wire.readSlice(length: piece) { inbox.writeBuffer(&piece) }
                    try to.open(&inbox, into: &plain)
                }
                #expect(plain.readableBytesView.elementsEqual(bytes) && inbox.readableBytes == 0, "seed \(seed)")
            }
        }
    }

    @Test("a frame is sealed where it was written, behind what stands there already")
    func inPlace() throws {
        let (a, b) = pair()
        var out = ByteBuffer(bytes: [9, 9, 9])
        out.moveReaderIndex(forwardBy: 1)
        for text in ["one", "two"] {
            let start = NoiseTransport.beginFrame(&out)
            out.writeString(text)
            try a.endFrame(&out, at: start)
        }
        #expect(out.readBytes(length: 2) == [9, 9] && out.readableBytes == 2 * (2 + 3 + 16))
        var plain = ByteBuffer()
        try b.open(&out, into: &plain)
        #expect(String(buffer: plain) == "onetwo")
    }

    @Test("nothing is sent for nothing, and an empty frame of a peer is nothing")
    func empty() throws {
        let (a, b) = pair()
        var out = ByteBuffer()
        try a.endFrame(&out, at: NoiseTransport.beginFrame(&out))
        try a.seal(ByteBuffer(), into: &out)
        #expect(out.readableBytes == 0)
        var sealed = [UInt8](repeating: 0, count: 16)
        let key = secret([UInt8](repeating: 1, count: 32))
        sealed.withUnsafeMutableBytes {
            ChaCha20Poly1305.seal(
                UnsafeRawBufferPointer(start: nil, count: 0), into: $0, key: key, counter: 0,
                ad: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        var (wire, plain) = (ByteBuffer(bytes: [0, 16] + sealed), ByteBuffer())
        try b.open(&wire, into: &plain)
        #expect(plain.readableBytes == 0 && wire.readableBytes == 0)
    }

    @Test("an altered, repeated, reordered or left-out frame ends it for good")
    func altered() throws {
        func frames() throws -> (NoiseTransport, [[UInt8]]) {
            let (a, b) = pair()
            var frames: [[UInt8]] = []
            for text in ["one", "two"] {
                var wire = ByteBuffer()
                try a.seal(ByteBuffer(string: text), into: &wire)
                frames.append(Array(wire.readableBytesView))
            }
            return (b, frames)
        }
        for place in 2..<21 {
            let (b, all) = try frames()
            var bad = all[0]
            bad[place] ^= 1
            var (wire, plain) = (ByteBuffer(bytes: bad), ByteBuffer())
            #expect(code { try b.open(&wire, into: &plain) } == .protocolBroken)
            var good = ByteBuffer(bytes: all[0])
            #expect(code { try b.open(&good, into: &plain) } == .protocolBroken)
            #expect(code { try b.seal(ByteBuffer(string: "x"), into: &plain) } == .protocolBroken)
        }
        for order in [[0, 0], [1], [1, 0]] {
            let (b, all) = try frames()
            var (wire, plain) = (ByteBuffer(bytes: order.flatMap { all[$0] }), ByteBuffer())
            #expect(code { try b.open(&wire, into: &plain) } == .protocolBroken)
            #expect(String(buffer: plain) == (order == [0, 0] ? "one" : ""))
        }
        for short in 0..<16 {
            let (_, b) = pair()
            var (wire, plain) = (
                ByteBuffer(bytes: [0, UInt8(short)] + [UInt8](repeating: 0, count: short)), ByteBuffer()
            )
            #expect(code { try b.open(&wire, into: &plain) } == .protocolBroken)
        }
    }

    @Test("altered frames of any size never open as anything but what was sent")
    func fuzz() throws {
        let rounds = Fuzz("encrypted frames", rounds: 800)
        var random = SeededRandom(seed: rounds.seed)
        for round in rounds {
            let (a, b) = pair()
            let said = (0..<3).map { _ in random.bytes(Int.random(in: 1...80, using: &random)) }
            var wire = ByteBuffer()
            for bytes in said { try a.seal(ByteBuffer(bytes: bytes), into: &wire) }
            var bytes = random.mutated(Array(wire.readableBytesView))[...]
            var (came, plain) = (ByteBuffer(), ByteBuffer())
            do {
                while !bytes.isEmpty {
                    let piece = bytes.prefix(Int.random(in: 1...60, using: &random))
                    bytes = bytes.dropFirst(piece.count)
                    came.writeBytes(piece)
                    try b.open(&came, into: &plain)
                }
            } catch { #expect(error.code == .protocolBroken, "seed \(rounds.seed)") }
            let heard = Array(plain.readableBytesView)
            #expect(said.flatMap { $0 }.starts(with: heard), "seed \(rounds.seed), round \(round)")
        }
    }

    @Test("what one side sends does not open as what the other sends")
    func reflected() throws {
        let (a, _) = pair()
        var (wire, plain) = (ByteBuffer(), ByteBuffer())
        try a.seal(ByteBuffer(string: "back to you"), into: &wire)
        #expect(code { try a.open(&wire, into: &plain) } == .protocolBroken)
    }
}
