import Glibc
import Integrity
import NIOCore
import Testing

@testable import ZomeRuntime

/// The pure state machine under virtual time.
@Suite struct RunnerStateTests {
    typealias State = RunnerState<Int>

    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private static let spec = ModuleSpec(zome: "z", path: "z.so", functions: ["f"])
    private let readiness = ModuleReadiness(
        abi: 1, sandbox: .init(landlock: 3, seccomp: true),
        modules: [ModuleDescription(abi: 1, hdk: "1", zome: "z", kind: .coordinator, functions: ["f"])])

    private func state(_ change: (inout RuntimeLimits) -> Void = { _ in }) -> State {
        var limits = RuntimeLimits()
        change(&limits)
        return State(zomes: ["z"], limits: limits)
    }

    private func invoke(_ state: inout State, _ call: UInt64, _ now: NIODeadline) -> State.Admission {
        state.invoke(
            call: call, zome: 0, kind: .function, name: "f", invocation: [0xc0], timeout: nil, waiter: Int(call),
            now: now)
    }

    private func readyState(_ change: (inout RuntimeLimits) -> Void = { _ in }) -> State {
        var state = state(change)
        _ = invoke(&state, 1_000, start)
        _ = state.ready(readiness, specs: [Self.spec], now: start)
        _ = state.result(call: 1_000, zome: 0, now: start)
        return state
    }

    private func words(_ effects: [State.Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .start(let generation): "start \(generation)"
            case .send(let call, _, _, _, _): "send \(call)"
            case .fail(let waiter, let error): "fail \(waiter) \(error.code.rawValue)"
            case .kill: "kill"
            case .close: "close"
            case .report(let error): "report \(error.code.rawValue)"
            }
        }
    }

    @Test func firstCallStartsAndIsSentWhenReady() {
        var state = state()
        guard case .queued(let effects) = invoke(&state, 1, start) else { return #expect(Bool(false)) }
        #expect(words(effects) == ["start 1"])
        guard case .queued(let second) = invoke(&state, 2, start) else { return #expect(Bool(false)) }
        #expect(second.isEmpty)
        #expect(words(state.ready(readiness, specs: [Self.spec], now: start)) == ["send 1", "send 2"])
        #expect(state.result(call: 1, zome: 0, now: start)?.waiter == 1)
        #expect(state.result(call: 1, zome: 0, now: start) == nil, "a second result is nobody's")
        #expect(state.result(call: 9, zome: 0, now: start) == nil)
        #expect(state.result(call: 2, zome: 1, now: start) == nil, "another zome's result is nobody's")
        #expect(state.result(call: 2, zome: 0, now: start)?.waiter == 2)
    }

    @Test func startTakesTooLong() {
        var state = state { $0.startTimeout = .seconds(2) }
        _ = invoke(&state, 1, start)
        #expect(state.nextTick(now: start) == start + .seconds(2))
        #expect(state.tick(now: start + .seconds(1)).isEmpty)
        #expect(words(state.tick(now: start + .seconds(2))) == ["kill", "fail 1 moduleTimedOut"])
    }

    @Test func aLateCallIsTheCulpritAndOthersMayTryAgain() {
        var state = readyState { $0.callTimeout = .seconds(1) }
        _ = invoke(&state, 1, start)
        _ = invoke(&state, 2, start + .milliseconds(500))
        #expect(state.tick(now: start + .milliseconds(999)).isEmpty)
        let effects = state.tick(now: start + .seconds(1))
        #expect(words(effects) == ["kill", "fail 1 moduleTimedOut", "fail 2 moduleRestarted"])
        let exit = ChildExit(status: .signalled(SIGKILL))
        #expect(words(state.exited(exit, generation: 1, now: start)) == ["report moduleTimedOut"])
    }

    @Test func timeSpentWaitingForTheHostDoesNotCount() {
        var state = readyState { $0.callTimeout = .seconds(1) }
        _ = invoke(&state, 1, start)
        #expect(state.request(call: 1, id: 5, now: start + .milliseconds(400)) == .deliver)
        #expect(state.request(call: 1, id: 6, now: start + .milliseconds(500)) == .deliver)
        #expect(state.tick(now: start + .seconds(60)).isEmpty)
        let answered = start + .seconds(60)
        #expect(state.answered(id: 5, generation: 1, now: answered) == true)
        #expect(state.tick(now: answered + .seconds(60)).isEmpty, "one request is still open")
        #expect(state.answered(id: 6, generation: 1, now: answered) == true)
        #expect(state.tick(now: answered + .milliseconds(599)).isEmpty)
        #expect(words(state.tick(now: answered + .milliseconds(600))) == ["kill", "fail 1 moduleTimedOut"])
    }

    @Test func pausesNest() {
        var state = readyState { $0.callTimeout = .seconds(1) }
        _ = invoke(&state, 1, start)
        state.pause(call: 1, now: start)
        state.pause(call: 1, now: start)
        state.resume(call: 1, now: start)
        #expect(state.tick(now: start + .seconds(9)).isEmpty)
        state.resume(call: 1, now: start + .seconds(9))
        state.resume(call: 1, now: start + .seconds(9))
        #expect(words(state.tick(now: start + .seconds(10))) == ["kill", "fail 1 moduleTimedOut"])
    }

    @Test func requestsOfOtherCallsAndNumbersTakenTwice() {
        var state = readyState()
        _ = invoke(&state, 1, start)
        #expect(state.request(call: 7, id: 1, now: start) == .notLive)
        #expect(state.request(call: 1, id: 1, now: start) == .deliver)
        #expect(state.request(call: 1, id: 1, now: start) == .garbage)
        #expect(state.answered(id: 1, generation: 1, now: start) == true)
        #expect(state.answered(id: 1, generation: 1, now: start) == false, "answers count once")
    }

    @Test func aCrashFailsWhatIsInFlightAndTheNextCallStartsAgain() {
        var state = readyState()
        _ = invoke(&state, 1, start)
        #expect(words(state.disconnected()) == ["kill"])
        guard case .queued(let none) = invoke(&state, 2, start) else { return #expect(Bool(false)) }
        #expect(none.isEmpty)
        let exit = ChildExit(status: .signalled(SIGILL))
        let effects = state.exited(exit, generation: 1, now: start)
        #expect(words(effects) == ["fail 1 moduleTrapped", "report moduleTrapped", "start 2"])
        guard case .fail(_, let error) = effects[0] else { return #expect(Bool(false)) }
        #expect(error.message.contains("'z'") && error.message.contains("'f'") && error.message.contains("SIGILL"))
        #expect(words(state.ready(readiness, specs: [Self.spec], now: start)) == ["send 2"])
        #expect(state.statistics.crashes == 1 && state.statistics.restarts == 1)
    }

    @Test func repeatedCrashesWaitLongerEachTime() {
        var state = readyState()
        var now = start
        var waits: [Int64] = []
        for round in 1...10 {
            _ = invoke(&state, UInt64(round), now)
            if case .backingOff(let until) = state.phase {
                waits.append((until - now).nanoseconds / 1_000_000)
                #expect(state.tick(now: until - .nanoseconds(1)).isEmpty)
                now = until
                #expect(words(state.tick(now: now)).count == 1)
            }
            _ = state.ready(readiness, specs: [Self.spec], now: now)
            _ = state.disconnected()
            _ = state.exited(ChildExit(status: .signalled(SIGSEGV)), generation: state.generation, now: now)
        }
        #expect(waits == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000])
    }

    @Test func anAnsweredCallEndsTheBackOff() {
        var state = readyState()
        for round in 1...2 {
            _ = invoke(&state, UInt64(round), start)
            _ = state.ready(readiness, specs: [Self.spec], now: start)
            _ = state.disconnected()
            _ = state.exited(ChildExit(status: .signalled(SIGSEGV)), generation: state.generation, now: start)
        }
        guard case .backingOff(let until) = state.phase else { return #expect(Bool(false)) }
        _ = invoke(&state, 3, start)
        _ = state.tick(now: until)
        _ = state.ready(readiness, specs: [Self.spec], now: until)
        #expect(state.result(call: 3, zome: 0, now: until) != nil)
        _ = invoke(&state, 4, until)
        _ = state.disconnected()
        _ = state.exited(ChildExit(status: .signalled(SIGSEGV)), generation: state.generation, now: until)
        #expect(state.phase == .idle)
    }

    @Test func idleStopsAndTheNextCallStarts() {
        var state = readyState { $0.idleAfter = .seconds(10) }
        #expect(state.nextTick(now: start) == start + .seconds(10))
        #expect(words(state.tick(now: start + .seconds(10))) == ["close"])
        _ = invoke(&state, 1, start)
        let effects = state.exited(ChildExit(status: .exited(0)), generation: 1, now: start)
        #expect(words(effects) == ["start 2"])
        #expect(state.statistics.crashes == 0)
    }

    @Test func aFullSocketQueuesWithinBounds() {
        var state = readyState { $0.maxQueuedCalls = 2 }
        #expect(state.writability(false, now: start).isEmpty)
        for call in 1...2 {
            guard case .queued = invoke(&state, UInt64(call), start) else { return #expect(Bool(false)) }
        }
        guard case .refused(let error) = invoke(&state, 3, start) else { return #expect(Bool(false)) }
        #expect(error.code == .overloaded)
        #expect(words(state.writability(true, now: start)) == ["send 1", "send 2"])
    }

    @Test func refusalsReachAllAndAreRememberedForAWhile() {
        var state = state()
        _ = invoke(&state, 1, start)
        let refusal = PlasmidError(.notAModule, "no")
        #expect(words(state.refused(refusal)) == ["kill", "fail 1 notAModule"])
        #expect(words(state.exited(ChildExit(status: .exited(1)), generation: 1, now: start)) == ["report notAModule"])
        guard case .refused(let error) = invoke(&state, 2, start) else { return #expect(Bool(false)) }
        #expect(error.code == .notAModule)
        _ = state.tick(now: start + .seconds(1))
        guard case .queued(let effects) = invoke(&state, 3, start) else { return #expect(Bool(false)) }
        #expect(words(effects) == ["start 2"])
    }

    @Test func aRequiredSandboxRefusesADegradedKernel() {
        var state = state { $0.sandbox = .required }
        _ = invoke(&state, 1, start)
        var degraded = readiness
        degraded.sandbox.landlock = 0
        let effects = state.ready(degraded, specs: [Self.spec], now: start)
        #expect(words(effects) == ["kill", "fail 1 sandboxUnavailable"])
    }

    @Test func aManifestThatListsMoreThanTheModuleHas() {
        var state = state()
        _ = invoke(&state, 1, start)
        let spec = ModuleSpec(zome: "z", path: "z.so", functions: ["f", "g"])
        #expect(words(state.ready(readiness, specs: [spec], now: start)) == ["kill", "fail 1 moduleDescribe"])
    }

    @Test func stoppingFailsEverything() {
        var state = readyState()
        _ = invoke(&state, 1, start)
        #expect(words(state.stop()) == ["fail 1 moduleStopped", "close"])
        guard case .refused(let error) = invoke(&state, 2, start) else { return #expect(Bool(false)) }
        #expect(error.code == .moduleStopped)
        #expect(state.stop().isEmpty)
    }

    @Test func cancellingAQueuedCallEndsItAtOnce() {
        var state = state()
        _ = invoke(&state, 1, start)
        let (zome, effects) = state.cancel(call: 1)
        #expect(zome == nil)
        #expect(words(effects) == ["fail 1 cancelled"])
        #expect(words(state.ready(readiness, specs: [Self.spec], now: start)).isEmpty)
    }

    @Test(arguments: [
        (ChildExit.Status.signalled(SIGILL), 0, "", "moduleTrapped"), (.signalled(SIGTRAP), 0, "", "moduleTrapped"),
        (.signalled(SIGSEGV), 0, "", "moduleTrapped"), (.signalled(SIGSYS), 0, "", "moduleForbidden"),
        (.signalled(SIGABRT), 0, "", "moduleTrapped"), (.signalled(SIGABRT), 120 << 20, "", "moduleOutOfMemory"),
        (.signalled(SIGILL), 0, "Could not allocate memory.", "moduleOutOfMemory"),
        (.signalled(SIGABRT), 0, "Could not allocate memory.", "moduleOutOfMemory"),
        (.signalled(SIGKILL), 0, "", "moduleOutOfMemory"), (.exited(0), 0, "", "moduleTrapped"),
        (.notStarted(errno: ENOENT), 0, "", "startFailed"),
    ])
    func whatAnEndMeans(_ status: ChildExit.Status, _ peak: Int, _ words: String, _ code: String) {
        let exit = ChildExit(status: status, peakBytes: peak, lastWords: words)
        let failure = ModuleFailure.explaining(exit, memoryBytes: 128 << 20)
        #expect(failure.code.rawValue == code)
        #expect(failure.error(zome: "z", kind: .function, name: "f").message.contains("function 'f'"))
    }

    @Test func aCallerIsToldTheReasonAndNotTheStack() {
        let stack = (0..<21).map { "\($0)    libswiftCore.so   0x00007f0000000000 _swift_runtime + \($0)" }
        let words =
            "counting\nNotes/Notes.swift:7: Fatal error: Index out of range\n\nCurrent stack trace:\n"
            + stack.joined(separator: "\n")
        let failure = ModuleFailure.explaining(
            ChildExit(status: .signalled(SIGILL), lastWords: words), memoryBytes: 128 << 20)
        let told = failure.error(zome: "z", kind: .function, name: "f")
        #expect(told.cause == "Notes/Notes.swift:7: Fatal error: Index out of range")
        #expect(failure.error(zomes: ["z"]).cause == words, "the log has all of it")
        #expect(ModuleFailure.brief(failure.error(zomes: ["z"])).cause == told.cause)
        #expect(ModuleFailure.headline("a\nout of luck\n \n") == "out of luck")
        #expect(ModuleFailure.headline("Current stack trace:\n0 x") == "0 x")
        #expect(ModuleFailure.headline(" \n") == nil)
        #expect(ModuleFailure.headline(String(repeating: "x", count: 5_000))?.count == 301)
    }

    @Test func anEndAtTheDeadlineNamesTheBoundAndItsKey() {
        let second = ModuleFailure.timedOut(.seconds(30)).error(zome: "z", kind: .function, name: "f")
        #expect(second.message.contains("30 s") && second.hint?.contains("zomes.call_timeout") == true)
        #expect(ModuleFailure.timedOut(.milliseconds(300)).what.contains("300 ms"))
    }
}
