import NIOCore
import Testing

@testable import Transport

@Suite("yamux: what a peer may not do")
struct YamuxStrictTests {
    private func server(_ limits: YamuxLimits = YamuxLimits()) -> Machine { Machine(.server, limits) }

    /// Every breach ends the connection with GO_AWAY 1, and nothing is read behind it.
    static let breaches: [(name: String, frames: [WireFrame], fault: YamuxFault)] = {
        var version = YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.syn)
        version.version = 1
        let large = UInt32(YamuxLimits.initialWindow) + 1
        return [
            ("version", [(version, [])], .version(1)),
            ("type", [(YamuxHeader(4), [])], .kind(4)),
            ("parity", [Frame.update(2, flags: Frame.syn)], .parity(2)),
            ("parity with a body", [Frame.data(2, [1], flags: Frame.syn)], .parity(2)),
            ("duplicate", [Frame.update(1, flags: Frame.syn), Frame.update(1, flags: Frame.syn)], .duplicate(1)),
            (
                "credit", [Frame.update(1, flags: Frame.syn), (YamuxHeader(0, stream: 1, length: large), [])],
                .overCredit(1)
            ),
            ("credit with SYN", [(YamuxHeader(0, flags: Frame.syn, stream: 1, length: large), [])], .overCredit(1)),
            ("a body no window allows", [(YamuxHeader(0, stream: 9, length: 1 << 20 + 1), [])], .overCredit(9)),
            ("credit in sum", [Frame.update(1, flags: Frame.syn), Frame.update(1, .max)], .creditOverflow(1)),
            ("ping on a stream", [(YamuxHeader(2, flags: Frame.syn, stream: 1), [])], .wrongStream(kind: 2, stream: 1)),
            ("farewell on a stream", [(YamuxHeader(3, stream: 1), [])], .wrongStream(kind: 3, stream: 1)),
            ("data on no stream", [Frame.data(0, [1])], .wrongStream(kind: 0, stream: 0)),
            ("opening no stream", [Frame.update(0, flags: Frame.syn)], .wrongStream(kind: 1, stream: 0)),
        ]
    }()

    @Test("breaches end the connection", arguments: breaches.indices)
    func ends(index: Int) {
        let breach = Self.breaches[index]
        let session = server()
        let events = session.feed(breach.frames + [Frame.update(11, flags: Frame.syn)])
        #expect(events.last == .failed(breach.fault), "\(breach.name)")
        #expect(!events.contains(.opened(11)))
        #expect(session.fault == breach.fault)
        #expect(session.frames().last?.header == YamuxHeader(YamuxHeader.Kind.goAway, length: YamuxCode.protocolError))
        #expect(session.feed(Frame.update(13, flags: Frame.syn).header).isEmpty)
        #expect(session.open() == nil)
    }

    @Test("credit is counted over all frames of a stream, to the byte")
    func creditInSum() {
        let session = server()
        let window = YamuxLimits.initialWindow
        let body = [UInt8](repeating: 0, count: window)
        #expect(session.feed(Frame.data(1, body, flags: Frame.syn).header, body).count == 2)
        #expect(session.feed(Frame.data(1, []).header).isEmpty)
        #expect(session.feed(Frame.data(1, [1]).header, [1]) == [.failed(.overCredit(1))])
    }

    @Test("data behind a FIN resets the stream alone")
    func dataAfterFinish() {
        let session = server()
        _ = session.feed(Frame.update(1, flags: Frame.syn | Frame.fin).header)
        let events = session.feed([Frame.data(1, [1, 2, 3]), Frame.update(3, flags: Frame.syn)])
        #expect(events == [.reset(1, code: YamuxCode.violation), .opened(3)])
    }

    @Test("the 65th stream without a protocol and the 257th of all are reset, and only they")
    func quotas() {
        let session = server()
        var id: UInt32 = 1
        func open() -> [YamuxSession.Event] {
            defer { id += 2 }
            return session.feed(Frame.update(id, flags: Frame.syn).header)
        }
        for _ in 0..<64 { #expect(open() == [.opened(id - 2)]) }
        #expect(open().isEmpty)
        var refusal = SeenFrame(header: Frame.update(129, YamuxCode.resourceLimit, flags: Frame.rst).header, body: [])
        #expect(session.frames().contains(refusal))
        for accepted in session.streams.keys { session.accept(accepted) }
        for _ in 64..<256 {
            #expect(open() == [.opened(id - 2)])
            session.accept(id - 2)
        }
        #expect(open().isEmpty)
        refusal.header.stream = id - 2
        #expect(session.frames().contains(refusal))
        #expect(session.fault == nil)
        // One that ends makes room.
        _ = session.feed(Frame.update(1, flags: Frame.rst).header)
        #expect(open() == [.opened(id - 2)])
    }

    @Test("of many pings, 32 are answered at a time")
    func pings() {
        let session = server()
        let ping = YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.syn, length: 1)
        for _ in 0..<1_000 { _ = session.feed(ping) }
        #expect(session.frames().count == 32)
        _ = session.feed(ping)
        #expect(session.frames().count == 1)
    }

    @Test("a peer that takes none of our answers is read no further")
    func congestion() {
        let session = server()
        var id: UInt32 = 1
        while !session.isCongested, id < 100_000 {
            _ = session.feed(Frame.update(id, flags: Frame.syn).header)
            id += 2
        }
        #expect(session.isCongested)
        #expect(session.control.readableBytes <= 65_536 + YamuxHeader.bytes)
        _ = session.output()
        #expect(!session.isCongested)
    }

    @Test("unread bytes of a connection are bounded: the stream that brings more is reset")
    func bufferBound() {
        var limits = YamuxLimits()
        limits.bufferMaximum = 300_000
        let session = server(limits)
        let body = [UInt8](repeating: 0, count: 200_000)
        _ = session.feed(Frame.data(1, body, flags: Frame.syn).header, body)
        let events = session.feed(Frame.data(3, body, flags: Frame.syn).header, body)
        #expect(events == [.opened(3), .reset(3, code: YamuxCode.resourceLimit)])
        #expect(session.bufferedTotal == 200_000)
    }

    @Test("our own streams wait where the peer answers none, and all open in the end")
    func unanswered() throws {
        let client = Machine(.client)
        for _ in 0..<256 { _ = try #require(client.open()) }
        #expect(client.open() == nil)
        var seen: [UInt32] = client.frames().map(\.header.stream)
        #expect(seen.count == 64)
        #expect(!client.hasOutput)
        // One that was dropped while it waited keeps nobody from opening.
        client.reset(200 * 2 + 1)
        var at = 0
        while at < seen.count {
            _ = client.feed(Frame.update(seen[at], flags: Frame.ack).header)
            at += 1
            seen += client.frames().map(\.header.stream)
        }
        #expect(seen.count == 255 && Set(seen).count == 255)
    }

    @Test("random bytes and altered frames: no trap, no more memory than the bounds")
    func fuzz() {
        let rounds = Fuzz("frames of yamux", rounds: 40)
        var dice = SeededRandom(seed: rounds.seed)
        for _ in rounds { Self.fuzz(&dice, rounds.seed) }
    }

    private static func fuzz(_ dice: inout SeededRandom, _ seed: UInt64) {
        let session = Machine(Bool.random(using: &dice) ? .client : .server)
        for _ in 0..<3 { _ = session.open() }
        for step in 0..<400 {
            var bytes = ByteBuffer()
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                var header = YamuxHeader(
                    UInt8.random(in: 0...3, using: &dice), flags: UInt16.random(in: 0...15, using: &dice),
                    stream: UInt32.random(in: 0...12, using: &dice), length: UInt32.random(in: 0...300, using: &dice))
                if Int.random(in: 0..<50, using: &dice) == 0 { header.length = .random(in: 0 ... .max, using: &dice) }
                header.write(to: &bytes)
                let count = header.kind == 0 ? Int(min(header.length, 300)) : 0
                bytes.writeRepeatingByte(1, count: count)
            }
            if Int.random(in: 0..<30, using: &dice) == 0 {
                bytes.setInteger(
                    UInt8.random(in: 0...255, using: &dice), at: .random(in: 0..<bytes.readableBytes, using: &dice))
            }
            for event in session.feed(bytes, at: .uptimeNanoseconds(UInt64(step))) {
                guard case .data(let id, let piece) = event else { continue }
                session.consumed(id, piece.readableBytes, now: .uptimeNanoseconds(UInt64(step)))
            }
            if Bool.random(using: &dice) { _ = session.output() }
            #expect(session.bufferedTotal == 0, "seed \(seed)")
            #expect(session.control.readableBytes < 400 * 4 * 12, "seed \(seed)")
            if session.fault != nil { break }
        }
    }
}
