import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import ZomeRuntime

/// Real processes around the module of Tests/Modules/Tiny.
@Suite(.enabled(if: Products.areBuilt, "plasmid-zome-host and Tiny lie beside the tests")) struct ProcessRunnerTests {
    @Test func echoesAndDescribes() async throws {
        let harness = try await Harness.process()
        let payload: [UInt8] = [0xa2, 0x68, 0x69]
        let invocation = Invocation(caller: nil, payload: payload).packed
        #expect(try await harness.call("echo", payload) == .success(.ok(invocation)))
        let found = try await harness.onLoop { runner, _ in runner.descriptions }
        #expect(found?.first?.functions == ["noop", "echo", "trap"])
        #expect(try await harness.text("environment") == "clean")
        let statistics = try await harness.onLoop { runner, _ in runner.statistics }
        #expect(statistics.calls == 2 && statistics.residentBytes > 1 << 20)
        try await harness.stop()
    }

    @Test func theAppsOwnErrorsAndUnknownNames() async throws {
        let harness = try await Harness.process()
        let error = ModuleError(code: "own", message: "words")
        #expect(try await harness.call("fail") == .success(.appError(error)))
        #expect(try await harness.code("nothing") == .unknownFunction)
        try await harness.stop()
    }

    @Test func hostRequestsAreAnsweredNowOrLater() async throws {
        let harness = try await Harness.process()
        #expect(try await harness.call("host", [0xc3]).get() != .ok([]))
        try await harness.onLoop { _, host in host.isHolding = true }
        let waiting = try await harness.begin("host")
        // Another call passes by while the host has not answered.
        _ = try await harness.call("noop")
        let held = harness.loop.makePromise(of: Void.self)
        try await harness.onLoop { _, host in
            if host.held.isEmpty { host.onRequest = { held.succeed(()) } } else { held.succeed(()) }
        }
        try await held.futureResult.get()
        try await harness.onLoop { _, host in
            for answer in host.held { answer() }
        }
        guard case .success(.ok) = try await waiting.outcome.get() else { return #expect(Bool(false)) }
        #expect(try await harness.onLoop { _, host in host.operations } == [15, 15])
        try await harness.stop()
    }

    @Test func workOfOtherThreadsWakesTheModule() async throws {
        let harness = try await Harness.process()
        #expect(try await harness.call("later") == .success(.ok([0xc0])))
        try await harness.stop()
    }

    @Test(arguments: [
        ("trap", "moduleTrapped"), ("abort", "moduleTrapped"), ("exit", "moduleTrapped"), ("hog", "moduleOutOfMemory"),
        ("garbage", "moduleGarbage"), ("unknown-call", "moduleGarbage"), ("loop", "moduleTimedOut"),
        ("never", "moduleTimedOut"),
    ])
    func aHostileFunctionCostsItsCallerAnError(_ name: String, _ code: String) async throws {
        let harness = try await Harness.process()
        #expect(try await harness.code("noop") == nil)
        let before = try await harness.text("pid")
        let limit: TimeAmount? = code == "moduleTimedOut" ? .milliseconds(300) : nil
        guard case .failure(let error) = try await harness.call(name, timeout: limit) else {
            return #expect(Bool(false))
        }
        #expect(error.code.rawValue == code)
        #expect(error.message.contains("'tiny'") && error.message.contains("'\(name)'"), "\(error.message)")
        #expect(try await harness.code("noop") == nil, "the next call finds a new process")
        #expect(try await harness.text("pid") != before)
        let crashes = try await harness.onLoop { runner, host in (runner.statistics.crashes, host.reasons.count) }
        #expect(crashes == (1, 1))
        try await harness.stop()
    }

    @Test func lastWordsReachTheCaller() async throws {
        let harness = try await Harness.process()
        guard case .failure(let error) = try await harness.call("say-and-trap") else { return #expect(Bool(false)) }
        #expect(error.code == .moduleTrapped)
        #expect(error.cause?.contains("tiny fell over") == true)
        try await harness.stop()
    }

    @Test func aSecondCompletionIsIgnored() async throws {
        let harness = try await Harness.process()
        for _ in 0..<3 { #expect(try await harness.call("twice") == .success(.ok([0xc0]))) }
        #expect(try await harness.onLoop { runner, _ in runner.statistics.crashes } == 0)
        try await harness.stop()
    }

    @Test func onlyTheCulpritTimesOut() async throws {
        let harness = try await Harness.process()
        _ = try await harness.call("noop")
        let (culprit, other) = try await harness.beginBoth("loop", timeout: .milliseconds(200), "noop")
        guard case .failure(let late) = try await culprit.get() else { return #expect(Bool(false)) }
        guard case .failure(let restarted) = try await other.get() else { return #expect(Bool(false)) }
        #expect(late.code == .moduleTimedOut)
        #expect(restarted.code == .moduleRestarted)
        #expect(restarted.message.contains("'loop'"))
        try await harness.stop()
    }

    @Test func aResultThatNoFrameHolds() async throws {
        let harness = try await Harness.process()
        guard case .success(.appError(let error)) = try await harness.call("large") else { return #expect(Bool(false)) }
        #expect(error.code == "resultTooLarge")
        let input = [UInt8](repeating: 0, count: 17 << 20)
        guard case .failure(let refused) = try await harness.call("echo", input) else { return #expect(Bool(false)) }
        #expect(refused.code == .tooLarge)
        let most = [UInt8](repeating: 7, count: 15 << 20)
        guard case .success(.ok(let bytes)) = try await harness.call("echo", most) else { return #expect(Bool(false)) }
        #expect(bytes.count > most.count)
        try await harness.stop()
    }

    @Test func aThousandCallsAtOnce() async throws {
        let harness = try await Harness.process()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let payload = [0xcd, UInt8(number >> 8), UInt8(number & 255)]
                    let expected = Invocation(caller: nil, payload: payload).packed
                    return try await harness.call("echo", payload) == .success(.ok(expected))
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(try await harness.onLoop { runner, _ in runner.statistics.inFlight } == 0)
        try await harness.stop()
    }

    @Test func manyLargeCallsAtOnceNeitherBlockNorAreLost() async throws {
        let harness = try await Harness.process()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<24 {
                group.addTask {
                    guard
                        case .success(.ok(let bytes)) = try await harness.call(
                            "echo", Array(repeating: 1, count: 1 << 20))
                    else { return 0 }
                    return bytes.count
                }
            }
            for try await count in group { #expect(count > 1 << 20) }
        }
        try await harness.stop()
    }

    @Test func anIdleProcessIsStoppedAndStartedAgain() async throws {
        let harness = try await Harness.process { $0.idleAfter = .milliseconds(50) }
        let first = try await harness.text("pid")
        try await Exit.wait(for: first)
        #expect(try await harness.text("pid") != first)
        let statistics = try await harness.onLoop { runner, _ in runner.statistics }
        #expect(statistics.crashes == 0 && statistics.restarts == 1)
        try await harness.stop()
    }

    @Test func stoppingEndsTheProcess() async throws {
        let harness = try await Harness.process()
        let number = try await harness.text("pid")
        let never = try await harness.begin("never")
        try await harness.stop()
        guard case .failure(let error) = try await never.outcome.get() else { return #expect(Bool(false)) }
        #expect(error.code == .moduleStopped)
        try await Exit.wait(for: number)
        #expect(try await harness.code("noop") == .moduleStopped)
    }

    @Test func stoppingEndsAProcessThatDoesNotListen() async throws {
        let harness = try await Harness.process()
        let number = try await harness.text("pid")
        _ = try await harness.begin("loop")
        try await harness.stop()
        try await Exit.wait(for: number)
        #expect(try await harness.onLoop { runner, _ in runner.statistics.inFlight } == 0)
    }

    @Test func withoutAHostProgramCallsFail() async throws {
        let harness = try await Harness.process(executable: Products.folder + "/no-such-program")
        #expect(try await harness.code("noop") == .startFailed)
        try await harness.stop()
    }

    @Test(arguments: [("/nowhere/libNone.so", "moduleMissing"), ("/etc/hostname", "notAModule")])
    func whatIsNoModuleIsRefused(_ path: String, _ code: String) async throws {
        let harness = try await Harness.process([ModuleSpec(zome: "odd", path: path)])
        guard case .failure(let error) = try await harness.call("noop") else { return #expect(Bool(false)) }
        #expect(error.code.rawValue == code)
        #expect(error.message.contains("'odd'"))
        try await harness.stop()
    }
}

/// Waits for the end of a process, looking every few milliseconds.
enum Exit {
    static func wait(for number: String) async throws {
        guard let process = Int32(number) else { return }
        // Ours is reaped by its own thread; all that is asked here is that it has gone.
        for await _ in Self.ticks() where kill(process, 0) != 0 { return }
    }

    private static func ticks() -> AsyncStream<Void> {
        // A tick that nobody took yet is as good as the next one.
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let task = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { _ in continuation.yield() }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}
