import Integrity
import NIOCore
import Testing

@testable import Transport

@Suite("Ping")
struct PingTests {
    @Test("what is asked comes back, in pieces too")
    func roundTrip() throws {
        var dialer = PingDialer()
        for round in UInt8(0)..<5 {
            let question = dialer.send([UInt8](repeating: round, count: 32))
            var inbox = ByteBuffer(bytes: question.prefix(20))
            #expect(PingListener.answers(&inbox) == nil && inbox.readableBytes == 20)
            inbox.writeBytes(question.dropFirst(20))
            var answer = PingListener.answers(&inbox) ?? ByteBuffer()
            var part = answer.readSlice(length: 31) ?? ByteBuffer()
            #expect(try dialer.read(&part) == false)
            part.writeBuffer(&answer)
            #expect(try dialer.read(&part) && !dialer.isWaiting)
        }
    }

    @Test("several pings that come at once are answered at once")
    func several() {
        var inbox = ByteBuffer(repeating: 3, count: 100)
        #expect(PingListener.answers(&inbox)?.readableBytes == 96 && inbox.readableBytes == 4)
    }

    @Test("other bytes, and bytes that nobody asked for, are refused")
    func wrong() {
        var dialer = PingDialer()
        var early = ByteBuffer(repeating: 1, count: 1)
        #expect(throws: PlasmidError.self) { try dialer.read(&early) }
        _ = dialer.send([UInt8](repeating: 1, count: 32))
        var other = ByteBuffer(repeating: 2, count: 32)
        #expect(throws: PlasmidError.self) { try dialer.read(&other) }
    }
}
