import NIOCore
import Testing

@testable import Transport

@Suite("yamux: states")
struct YamuxStateTests {
    private let start = NIODeadline.uptimeNanoseconds(0)

    private func session(_ role: YamuxSession.Role, _ limits: YamuxLimits = YamuxLimits()) -> Machine {
        Machine(role, limits)
    }

    @Test("the frames of the specification, byte for byte")
    func bytes() throws {
        let client = session(.client)
        let id = try #require(client.open())
        #expect([UInt8](buffer: client.output().bytes) == [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0])
        client.write(id, ByteBuffer(bytes: [7, 8]))
        client.finish(id)
        #expect([UInt8](buffer: client.output().bytes) == [0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8])
        let server = session(.server)
        #expect(server.feed(Frame.update(1, flags: Frame.syn).header) == [.opened(1)])
        #expect([UInt8](buffer: server.output().bytes) == [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0])
        server.reset(1)
        #expect([UInt8](buffer: server.output().bytes) == [0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0])
        server.goAway()
        #expect([UInt8](buffer: server.output().bytes) == [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("a stream opens with what was written first, in one frame; the answer carries the only ACK")
    func lazyOpening() throws {
        let client = session(.client)
        let id = try #require(client.open())
        client.write(id, ByteBuffer(string: "hello"))
        let opening = client.frames()
        #expect(
            opening == [
                SeenFrame(
                    header: Frame.data(1, Array("hello".utf8), flags: Frame.syn).header, body: Array("hello".utf8))
            ])
        let server = session(.server)
        #expect(
            server.feed(Frame.data(1, Array("hello".utf8), flags: Frame.syn).header, Array("hello".utf8))
                == [.opened(1), .data(1, ByteBuffer(string: "hello"))])
        server.accept(1)
        server.write(1, ByteBuffer(string: "a"))
        #expect(server.frames().map(\.header.flags) == [Frame.ack])
        server.write(1, ByteBuffer(string: "b"))
        #expect(server.frames().map(\.header.flags) == [0])
    }

    @Test("both halves close one after the other; then nothing is known of the stream")
    func halfClose() throws {
        let client = session(.client)
        let server = session(.server)
        let id = try #require(client.open())
        client.write(id, ByteBuffer(string: "question"))
        client.finish(id)
        #expect(
            server.feed(client.output().bytes) == [.opened(1), .data(1, ByteBuffer(string: "question")), .finished(1)])
        server.accept(1)
        server.consumed(1, 8, now: start)
        server.write(1, ByteBuffer(string: "answer"))
        server.finish(1)
        let answer = server.output()
        #expect(answer.events == [.ended(1)])
        #expect(client.feed(answer.bytes) == [.data(1, ByteBuffer(string: "answer")), .finished(1), .ended(1)])
        #expect(client.streams.isEmpty && server.streams.isEmpty)
        client.consumed(1, 6, now: start)
        #expect(client.bufferedTotal == 0 && server.bufferedTotal == 0)
        // What still comes for it does nothing.
        #expect(
            client.feed([Frame.update(1, 5), Frame.data(1, [1, 2, 3]), Frame.update(1, flags: Frame.rst)]).isEmpty)
        #expect(client.fault == nil && !client.hasOutput)
    }

    @Test("a reset ends both directions; frames behind it are dropped with their bodies")
    func resets() throws {
        let client = session(.client)
        let id = try #require(client.open())
        client.write(id, ByteBuffer(string: "x"))
        _ = client.output()
        #expect(client.feed(Frame.update(1, 0x1002, flags: Frame.rst).header) == [.reset(1, code: 0x1002)])
        #expect(!client.write(id, ByteBuffer(string: "lost")))
        #expect(!client.hasOutput)
        let second = try #require(client.open())
        // The peer never heard of it: there is nothing to reset.
        client.reset(second)
        #expect(client.frames().isEmpty)
        let third = try #require(client.open())
        _ = client.output()
        client.reset(third, code: 9)
        #expect(client.frames() == [SeenFrame(header: Frame.update(third, 9, flags: Frame.rst).header, body: [])])
        #expect(client.feed([Frame.data(third, [1, 2, 3]), Frame.update(third, 9)]).isEmpty)
        #expect(client.outboundCount == 0 && client.unansweredCount == 0)
    }

    @Test("nothing is sent beyond the window, and a zero window is waited out")
    func sendWindow() throws {
        let client = session(.client)
        let id = try #require(client.open())
        #expect(!client.write(id, ByteBuffer(repeating: 1, count: 300_000)))
        let first = client.frames()
        #expect(first.reduce(0) { $0 + $1.body.count } == YamuxLimits.initialWindow)
        #expect(first.allSatisfy { $0.body.count <= YamuxLimits.bodyMaximum })
        #expect(!client.hasOutput)
        _ = client.feed(Frame.update(1, 1_000, flags: Frame.ack).header)
        #expect(client.frames().map(\.body.count) == [1_000])
        _ = client.feed(Frame.update(1, 1 << 20).header)
        #expect(client.frames().reduce(0) { $0 + $1.body.count } == 300_000 - YamuxLimits.initialWindow - 1_000)
    }

    @Test("a credit with SYN or ACK adds to the first window")
    func creditAdds() {
        let server = session(.server)
        _ = server.feed(Frame.update(1, 1_000, flags: Frame.syn).header)
        server.write(1, ByteBuffer(repeating: 1, count: 300_000))
        #expect(server.frames().reduce(0) { $0 + $1.body.count } == YamuxLimits.initialWindow + 1_000)
    }

    @Test("a ping that is wanted goes out once at a time, and its answer is the round trip")
    func wantedPing() {
        let client = session(.client)
        client.measure(now: start)
        client.measure(now: start + .milliseconds(1))
        let pings = client.frames().filter { $0.header.kind == YamuxHeader.Kind.ping }
        #expect(pings.map(\.header.flags) == [Frame.syn])
        #expect(client.roundTrip == nil)
        let pong = YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.ack, length: pings.first?.header.length ?? 0)
        _ = client.feed([(pong, [])], at: start + .milliseconds(7))
        #expect(client.roundTrip == .milliseconds(7))
        client.measure(now: start + .milliseconds(20))
        #expect(client.frames().count { $0.header.kind == YamuxHeader.Kind.ping } == 1, "again, after an answer")
    }

    @Test("the window comes back in halves, and grows for a peer that uses it up within four round trips")
    func receiveWindow() {
        let server = session(.server)
        let half = YamuxLimits.initialWindow / 2
        _ = server.feed(
            Frame.data(1, [UInt8](repeating: 0, count: half), flags: Frame.syn).header,
            [UInt8](repeating: 0, count: half))
        _ = server.frames()
        server.consumed(1, half - 1, now: start)
        #expect(server.frames().isEmpty)
        server.consumed(1, 1, now: start)
        let frames = server.frames()
        let grants = frames.filter { $0.header.kind == YamuxHeader.Kind.windowUpdate }
        #expect(grants.map(\.header.length) == [UInt32(half)])
        // The first grant asks how long the way is.
        let ping = frames.first { $0.header.kind == YamuxHeader.Kind.ping }
        #expect(ping?.header.flags == Frame.syn)
        let pong = YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.ack, length: ping?.header.length ?? 0)
        _ = server.feed([(pong, [])], at: start + .milliseconds(10))
        #expect(server.roundTrip == .milliseconds(10))
        for (wait, window) in [(30, 2), (60, 4), (90, 4), (200, 4)] {
            let count = server.streams[1]?.receiveWindow ?? 0
            for _ in 0..<count / 1_024 {
                let events = server.feed([Frame.data(1, [UInt8](repeating: 0, count: 1_024))], at: start)
                #expect(events.count == 1)
            }
            server.consumed(1, count, now: start + .milliseconds(Int64(wait)))
            _ = server.frames()
            #expect(server.streams[1]?.target == window * YamuxLimits.initialWindow)
            #expect(server.streams[1]?.receiveWindow == window * YamuxLimits.initialWindow)
        }
    }

    @Test("the windows of a connection grow to their sum and no further")
    func windowSum() {
        var limits = YamuxLimits()
        limits.bufferMaximum = 5 * YamuxLimits.initialWindow
        let server = session(.server, limits)
        for id in [1, 3, 5, 7] as [UInt32] { _ = server.feed(Frame.update(id, flags: Frame.syn).header) }
        server.roundTrip = .seconds(1)
        for round in 0..<3 {
            for id in [1, 3, 5, 7] as [UInt32] {
                let count = YamuxLimits.initialWindow
                _ = server.feed(
                    Frame.data(id, [UInt8](repeating: 0, count: count)).header, [UInt8](repeating: 0, count: count))
                server.consumed(id, count, now: start + .milliseconds(Int64(round)))
            }
            _ = server.frames()
        }
        #expect(server.targetTotal == limits.bufferMaximum)
        #expect(server.streams.values.map(\.target).sorted().last == 2 * YamuxLimits.initialWindow)
    }

    @Test("streams take turns, a frame each")
    func fairness() throws {
        let client = session(.client)
        let ids = try (0..<5).map { _ in try #require(client.open()) }
        for id in ids { client.write(id, ByteBuffer(repeating: UInt8(id), count: 200_000)) }
        let order = client.frames().map(\.header.stream)
        let turns = (200_000 + YamuxLimits.bodyMaximum - 1) / YamuxLimits.bodyMaximum
        // Ends of Noise frames may cut a body, so that a stream needs a turn more; none is ever two turns behind.
        var counts: [UInt32: Int] = [:]
        for id in order {
            counts[id, default: 0] += 1
            let some = ids.map { counts[$0] ?? 0 }
            #expect((some.max() ?? 0) - (some.min() ?? 0) <= 2)
        }
        #expect(counts.values.allSatisfy { $0 >= turns && $0 <= turns + 6 })
    }

    @Test("a small stream is not held up by a large one, nor control frames by either")
    func urgency() throws {
        let client = session(.client)
        let bulk = try #require(client.open())
        client.write(bulk, ByteBuffer(repeating: 1, count: 250_000))
        var out = ByteBuffer()
        var events: [YamuxSession.Event] = []
        _ = client.session.fill(&out, limit: 65_519, events: &events)
        let small = try #require(client.open())
        client.write(small, ByteBuffer(string: "hi"))
        _ = client.feed(YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.syn, length: 0xdead_beef))
        out.clear()
        _ = client.session.fill(&out, limit: 65_519, events: &events)
        let frames = SeenFrame.all(in: out)
        #expect(frames.first?.header == YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.ack, length: 0xdead_beef))
        #expect(frames.prefix(3).contains { $0.header.stream == small && $0.body == Array("hi".utf8) })
    }

    @Test("a writer is asked to wait, and told when it may go on")
    func backpressure() throws {
        let client = session(.client)
        let id = try #require(client.open())
        #expect(client.write(id, ByteBuffer(repeating: 1, count: 262_143)))
        #expect(!client.write(id, ByteBuffer(repeating: 1, count: 1)))
        let sent = client.output()
        #expect(sent.events == [.writable(id)])
        #expect(client.write(id, ByteBuffer(repeating: 1, count: 1_000)))
        #expect(client.output().events.isEmpty)
    }

    @Test("farewells: no new streams, the live ones go on")
    func goingAway() throws {
        let client = session(.client)
        let id = try #require(client.open())
        _ = client.output()
        #expect(client.feed(YamuxHeader(YamuxHeader.Kind.goAway, length: 0)) == [.goingAway(code: 0)])
        #expect(client.open() == nil)
        client.write(id, ByteBuffer(string: "still"))
        #expect(client.frames().map(\.body) == [Array("still".utf8)])
        client.goAway()
        _ = client.output()
        #expect(client.feed(Frame.update(2, flags: Frame.syn).header).isEmpty)
        #expect(
            client.frames() == [
                SeenFrame(header: Frame.update(2, YamuxCode.shutdown, flags: Frame.rst).header, body: [])
            ])
    }

    @Test("a silent peer is asked at 15 s and given up at 45 s; one that answers is not")
    func keepalive() {
        let pong = YamuxHeader(YamuxHeader.Kind.ping, flags: Frame.ack, length: 2)
        for answers in [false, true] {
            let session = session(.client)
            #expect(session.tick(14).isEmpty && !session.hasOutput)
            for seconds in [15, 30] as [Int64] {
                #expect(session.deadline == start + .seconds(seconds))
                #expect(session.tick(seconds).isEmpty)
                #expect(session.frames().map(\.header.kind) == [YamuxHeader.Kind.ping])
            }
            if answers {
                #expect(session.feed([(pong, [])], at: start + .seconds(31)).isEmpty)
                #expect(session.roundTrip == .seconds(1))
                for seconds in [45, 46, 61] as [Int64] { #expect(session.tick(seconds).isEmpty) }
                #expect(session.tick(76) == [.failed(.silent)])
            } else {
                #expect(session.tick(45) == [.failed(.silent)])
            }
        }
    }

    @Test("streams that come and go while nothing can be sent leave nothing behind")
    func brokenOpenings() {
        let server = session(.server)
        for number in 0..<5_000 as Range<UInt32> {
            let id = 2 * number + 1
            _ = server.feed(Frame.update(id, flags: Frame.syn).header)
            _ = server.feed(Frame.update(id, flags: Frame.rst).header)
        }
        #expect(server.fault == nil && server.streams.isEmpty)
        #expect(server.ready.count <= 512)
    }
}
