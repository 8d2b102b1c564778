import Integrity
import NIOCore
import Testing

@testable import Transport

@Suite("Messages behind their length")
struct MessageFramerTests {
    @Test("messages come out as they went in, however the bytes are cut")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = DiscoveryRandom(seed)
        for _ in 0..<50 {
            let messages = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                random.bytes(Int.random(in: 0...300, using: &random))
            }
            var rest = messages.flatMap { [UInt8](buffer: MessageFramer.framed($0)) }[...]
            var framer = MessageFramer(maximum: 300)
            var read: [[UInt8]] = []
            while !rest.isEmpty {
                let count = Int.random(in: 1...100, using: &random)
                framer.append(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
                while let message = try framer.next() { read.append(message) }
            }
            #expect(read == messages)
            #expect(framer.rest.readableBytes == 0)
        }
    }

    @Test("a length beyond the bound is refused with its first bytes, and what is behind a message stays")
    func bounds() throws {
        var framer = MessageFramer(maximum: 10)
        framer.append(ByteBuffer(bytes: [11]))
        #expect(throws: PlasmidError.self) { try framer.next() }
        var long = MessageFramer(maximum: 10)
        long.append(ByteBuffer(bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]))
        #expect(throws: PlasmidError.self) { try long.next() }
        var overlong = MessageFramer(maximum: 10)
        overlong.append(ByteBuffer(bytes: [0x80, 0x00]))
        #expect(throws: PlasmidError.self) { try overlong.next() }
        var two = MessageFramer(maximum: 10)
        two.append(ByteBuffer(bytes: [1, 7, 9, 9]))
        let message = try two.next()
        #expect(message == [7])
        #expect([UInt8](buffer: two.rest) == [9, 9])
    }

    @Test("no bytes trap it")
    func fuzz() {
        let rounds = Fuzz("framed messages", rounds: 2_000)
        var random = DiscoveryRandom(rounds.seed)
        for _ in rounds {
            var framer = MessageFramer(maximum: 50)
            framer.append(ByteBuffer(bytes: random.bytes(Int.random(in: 0...100, using: &random))))
            while let message = try? framer.next() { #expect(message.count <= 50) }
        }
    }
}
