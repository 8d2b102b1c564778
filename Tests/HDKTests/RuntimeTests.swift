import CZome
import class Foundation.Thread
import HDK
import Integrity
import Testing

/// How a module lives under a host: calls, answers, threads, ends.
@Suite struct RuntimeTests {
    private static let zome = Zome("test") {
        Function("ping") { _ in }
        Function("clock") { (host: Host) in try await host.time().microseconds }
        Function("clock_twice") { (host: Host) in
            let first = try await host.time().microseconds
            return [first, try await host.time().microseconds]
        }
        Function("clocks") { (count: Int, host: Host) in
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<count { group.addTask { try await host.time().microseconds } }
                return try await group.reduce(0, +)
            }
        }
        Function("elsewhere") { (host: Host) in
            let sum = await withUnsafeContinuation { (continuation: UnsafeContinuation<Int, Never>) in
                Thread.detachNewThread { continuation.resume(returning: 42) }
            }
            return sum + (try await host.time().microseconds == 7 ? 0 : 1)
        }
        Function("hang") { (_: Host) in
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        Function("is_cancelled") { (host: Host) in
            do {
                _ = try await host.time()
            } catch let error as ZomeError {
                throw ZomeError(Task.isCancelled && error.code == .cancelled ? "seen" : "unseen", error.message)
            }
        }
        Function("linger") { (host: Host) in
            _ = Task { try await host.time() }
        }
    }

    private static let seven = Timestamp(microseconds: 7).packed

    @Test func aFunctionThatReturnsNothingAnswersNil() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "ping")
        #expect(host.replies(1).isEmpty)
        #expect(host.run() == 0)
        #expect(host.reply(1) == FakeHost.Reply(status: 0, bytes: [0xc0]))
    }

    @Test func anotherABIIsRefused() {
        #expect(FakeHost(abi: 2, open: { Module(Self.zome).export(to: $0) }).module == nil)
        #expect(Module(Self.zome).export(to: nil) == nil)
    }

    @Test func unknownNamesAndKindsAreSaidToBeUnknown() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "pong")
        host.start(2, .receive)
        host.start(3, 99, "ping", bytes: Invocation(caller: nil, payload: [0xc0]).packed)
        host.run()
        #expect((1...3).map { host.reply($0)?.status } == [2, 2, 2])
        let error = try ModuleError(packed: try #require(host.reply(1)).bytes)
        #expect(error.code == "unknownFunction")
        #expect(error.message.contains("`pong`"))
    }

    @Test func aMalformedInvocationIsRefused() {
        let host = FakeHost(Self.zome)
        host.start(1, 0, "ping", bytes: [0xc1, 0x00])
        host.start(2, 0, "ping", bytes: [])
        host.run()
        #expect((1...2).map { host.reply($0)?.status } == [4, 4])
    }

    @Test func anAnswerBeforeRequestReturnsIsTaken() throws {
        let host = FakeHost(Self.zome)
        host.answering = { _ in FakeHost.Reply(status: 0, bytes: Self.seven) }
        #expect(try host.value(of: "clock_twice") == [7, 7])
    }

    @Test func anAnswerOnAnotherThreadWakesTheHost() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "clock")
        #expect(host.run() == 0, "the call waits for the host")
        let request = try #require(host.nextRequest())
        #expect(request.call == 1 && request.operation == HostOperation.time.rawValue)
        let sent = Sent(request)
        Thread.detachNewThread { sent.request.answer(0, Self.seven) }
        host.wakes.wait()
        #expect(host.run() == 0)
        #expect(host.reply(1) == FakeHost.Reply(status: 0, bytes: [7]))
    }

    @Test func aHundredCallsAnswerInWhateverOrderTheHostAnswers() throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &random)
        print("seed \(seed)")
        var generator = SplitMix(seed)
        let host = FakeHost(Self.zome)
        for call in 1...100 { host.start(UInt64(call), .function, "clock") }
        #expect(host.run() == 0)
        #expect(host.requests.count == 100)
        for request in host.requests.shuffled(using: &generator) {
            request.answer(0, Timestamp(microseconds: Int64(request.call) * 3).packed)
            if Bool.random(using: &generator) { host.run() }
        }
        host.run()
        for call in 1...100 {
            let value = try MessagePackDecoder().decode(
                Int.self, from: try #require(host.reply(UInt64(call))).bytes)
            #expect(value == call * 3)
        }
    }

    @Test func manyThreadsMayAnswerWhileTheHostRuns() throws {
        let host = FakeHost(Self.zome)
        for call in 1...200 { host.start(UInt64(call), .function, "clock_twice") }
        host.run()
        for _ in 1...2 {
            let requests = host.requests
            host.requests = []
            #expect(requests.count == 200)
            for share in 0..<4 {
                let sent = requests.enumerated().filter { $0.offset % 4 == share }.map { Sent($0.element) }
                Thread.detachNewThread {
                    for sent in sent {
                        sent.request.answer(0, Self.seven)
                        sent.request.answer(0, Self.seven)
                    }
                }
            }
            // Every wake lets some of them go on, until all 200 have asked again or are done.
            while host.requests.count + (1...200).count(where: { host.reply($0) != nil }) < 200 {
                host.wakes.wait()
                host.run()
            }
        }
        let answer = try MessagePackEncoder().encode([7, 7])
        #expect((1...200).allSatisfy { host.reply($0)?.bytes == answer })
    }

    @Test func oneCallMayAskManyThingsAtOnce() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "clocks", payload: [50])
        host.run()
        #expect(host.requests.count == 50)
        for request in host.requests.reversed() { request.answer(0, Self.seven) }
        host.run()
        #expect(try MessagePackDecoder().decode(Int.self, from: try #require(host.reply(1)).bytes) == 350)
    }

    @Test func aCallThatLeftTheHostsThreadComesBackToIt() throws {
        let host = FakeHost(Self.zome)
        host.answering = { _ in FakeHost.Reply(status: 0, bytes: Self.seven) }
        host.start(1, .function, "elsewhere")
        while host.reply(1) == nil {
            host.run()
            if host.reply(1) == nil { host.wakes.wait() }
        }
        #expect(host.reply(1) == FakeHost.Reply(status: 0, bytes: [42]))
    }

    @Test func runCountsTheCallsThatWaitForSomethingElse() {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "hang")
        host.start(2, .function, "clock")
        host.start(3, .function, "hang")
        #expect(host.run() == 2)
        host.cancel(1)
        #expect(host.run() == 1)
    }

    @Test func aCancelledCallCompletesOnceAndItsTaskLearnsOfIt() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "is_cancelled")
        host.run()
        let request = try #require(host.nextRequest())
        host.cancel(1)
        host.cancel(1)
        #expect(host.reply(1)?.status == Int32(ZOME_CANCELLED))
        request.answer(0, Self.seven)
        host.run()
        #expect(host.replies(1).count == 1)
        host.cancel(77)
    }

    @Test func anAnswerThatComesTwiceIsTakenOnce() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "clock_twice")
        host.run()
        let first = try #require(host.nextRequest())
        first.answer(0, Self.seven)
        first.answer(0, Timestamp(microseconds: 100).packed)
        host.run()
        let second = try #require(host.nextRequest())
        // The slot of the first is in use again: its old ticket must not open it.
        first.answer(0, Timestamp(microseconds: 100).packed)
        host.run()
        #expect(host.reply(1) == nil)
        second.answer(0, Self.seven)
        host.run()
        #expect(try MessagePackDecoder().decode([Int].self, from: try #require(host.reply(1)).bytes) == [7, 7])
        second.answer(0, Self.seven)
        host.run()
        #expect(host.replies(1).count == 1)
    }

    @Test func answersToNobodyAreDropped() {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "clock")
        host.run()
        let complete = host.requests[0].complete
        for ticket in [0, 1, 0xffff_ffff, UInt.max, 1 << 32] {
            complete?(UnsafeMutableRawPointer(bitPattern: ticket), 0, nil, 0)
        }
        host.run()
        #expect(host.reply(1) == nil)
    }

    @Test func closeEndsEveryCallAndLateAnswersHurtNobody() throws {
        let host = FakeHost(Self.zome)
        for call in 1...10 { host.start(UInt64(call), .function, "clock") }
        host.start(11, .function, "hang")
        host.run()
        let late = host.requests
        host.close()
        #expect((1...11).allSatisfy { host.reply($0)?.status == Int32(ZOME_CANCELLED) })
        for request in late { request.answer(0, Self.seven) }
        #expect((1...11).allSatisfy { host.replies($0).count == 1 })
    }

    @Test func whatOutlivesItsCallGetsNothingFromTheHost() {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "linger")
        host.run()
        #expect(host.reply(1)?.status == 0)
        host.run()
        #expect(host.requests.allSatisfy { $0.call == 1 })
        for request in host.requests { request.answer(0, Self.seven) }
        host.run()
        #expect(host.replies(1).count == 1)
    }

    @Test func aSecondCallOfALiveNumberIsRefused() {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "clock")
        host.run()
        let first = host.requests.count
        host.start(1, .function, "clock")
        host.run()
        #expect(host.reply(1)?.status == 4)
        #expect(host.requests.count == first)
    }

    @Test func hostErrorsKeepTheirCode() throws {
        let host = FakeHost(Self.zome)
        host.answering = { _ in
            FakeHost.Reply(status: 1, bytes: ModuleError(code: "clockStopped", message: "no time").packed)
        }
        host.start(1, .function, "clock")
        host.run()
        #expect(host.error(1) == ModuleError(code: "clockStopped", message: "no time"))
    }

    @Test(arguments: [0, 1, 3, 77] as [Int32], [[0xc1], []] as [[UInt8]])
    func garbageFromTheHostIsAnError(status: Int32, bytes: [UInt8]) throws {
        let host = FakeHost(Self.zome)
        host.answering = { _ in FakeHost.Reply(status: status, bytes: bytes) }
        host.start(1, .function, "clock")
        host.run()
        #expect(host.error(1) != nil)
    }
}

/// A request on its way to another thread. `@unchecked Sendable`: it is used by that thread only from then on.
private struct Sent: @unchecked Sendable {
    let request: FakeHost.Request

    init(_ request: FakeHost.Request) { self.request = request }
}

/// A generator that gives the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
