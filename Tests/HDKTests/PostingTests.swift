import CZome
import HDK
import Integrity
import Testing

/// Signals are told to the host without waiting for its answer; what goes wrong with them is not lost.
@Suite struct PostingTests {
    private static let zome = Zome("post") {
        Function("emit") { (count: Int, host: Host) in
            for number in 0..<count { try await host.emitSignal("tick", number) }
        }
        Function("emit_then_ask") { (host: Host) in
            try await host.emitSignal("tick", 1)
            return try await host.time().microseconds
        }
        Function("emit_in_tasks") { (count: Int, host: Host) in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count { group.addTask { try await host.emitSignal("tick", number) } }
                try await group.waitForAll()
            }
        }
        Function("emit_large") { (host: Host) in
            do {
                try await host.emitSignal("tick", String(repeating: "x", count: Limits.signalBytes))
            } catch let error as ZomeError where error.code == .messageTooLarge {
                return "told"
            }
            return "silence"
        }
        Function("catch") { (count: Int, host: Host) in
            var caught = 0
            for number in 0..<count {
                do { try await host.emitSignal("tick", number) } catch { caught += 1 }
            }
            return caught
        }
    }

    private static func packed(_ count: Int) throws -> [UInt8] { try MessagePackEncoder().encode(count) }
    private static let refusal = ModuleError(code: "overloaded", message: "enough").packed

    @Test func signalsGoOutWithoutAnAnswerAndTheCallEndsWhenAllAreAnswered() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit", payload: try Self.packed(50))
        #expect(host.run() == 0)
        #expect(host.requests.count == 50 && host.replies(1).isEmpty)
        for request in host.requests.dropLast() { request.answer(0, [0xc0]) }
        host.run()
        #expect(host.replies(1).isEmpty)
        host.requests.last?.answer(0, [0xc0])
        host.run()
        #expect(host.reply(1)?.status == Int32(ZOME_OK))
    }

    @Test func noMoreThanSixtyFourAreOnTheirWay() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit", payload: try Self.packed(200))
        var seen = 0
        while host.reply(1) == nil {
            host.run()
            #expect(host.requests.count <= 64)
            seen += host.requests.count
            for request in host.requests { request.answer(0, [0xc0]) }
            host.requests = []
        }
        #expect(seen == 200 && host.reply(1)?.status == Int32(ZOME_OK))
    }

    @Test func aFailureThatNobodyWasToldOfFailsTheCall() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit", payload: try Self.packed(3))
        host.run()
        host.requests[0].answer(0, [0xc0])
        host.requests[1].answer(Int32(ZOME_APP_ERROR), Self.refusal)
        host.requests[2].answer(Int32(ZOME_APP_ERROR), ModuleError(code: "other", message: "later").packed)
        host.run()
        #expect(host.error(1) == ModuleError(code: "overloaded", message: "enough"))
    }

    @Test func whatIsCaughtIsToldOnce() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "catch", payload: try Self.packed(66))
        host.run()
        #expect(host.requests.count == 64)
        for request in host.requests { request.answer(Int32(ZOME_APP_ERROR), Self.refusal) }
        host.requests = []
        host.run()
        for request in host.requests { request.answer(0, [0xc0]) }
        host.run()
        #expect(host.reply(1) == FakeHost.Reply(status: Int32(ZOME_OK), bytes: [1]))
    }

    @Test func aCallInManyTasksSettlesAllOfThem() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit_in_tasks", payload: try Self.packed(300))
        var seen = 0
        while host.reply(1) == nil {
            host.run()
            let batch = host.requests
            host.requests = []
            seen += batch.count
            for request in batch { request.answer(0, [0xc0]) }
        }
        #expect(seen == 300 && host.reply(1)?.status == Int32(ZOME_OK))
    }

    @Test func aCancelledCallThatWaitsForItsSignalsEndsOnce() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit", payload: try Self.packed(5))
        host.run()
        host.cancel(1)
        host.run()
        #expect(host.reply(1)?.status == Int32(ZOME_CANCELLED))
        for request in host.requests { request.answer(0, [0xc0]) }
        host.run()
        #expect(host.replies(1).count == 1)
    }

    @Test func whatIsAskedAfterwardsIsAskedAfterwards() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "emit_then_ask")
        host.run()
        #expect(host.requests.map(\.operation) == [HostOperation.emitSignal, .time].map(\.rawValue))
        host.requests[1].answer(0, Timestamp(microseconds: 7).packed)
        host.run()
        #expect(host.replies(1).isEmpty)
        host.requests[0].answer(0, [0xc0])
        host.run()
        #expect(host.reply(1) == FakeHost.Reply(status: Int32(ZOME_OK), bytes: [7]))
    }

    @Test func aSignalThatIsTooLargeIsToldAtOnce() throws {
        let host = FakeHost(Self.zome)
        #expect(try host.value(of: "emit_large", as: String.self) == "told")
        #expect(host.requests.isEmpty)
    }
}
