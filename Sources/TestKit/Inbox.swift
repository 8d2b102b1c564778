import Conductor
import Synchronization

/// Signals that nobody took, and questions that wait for their answers.
final class Inbox: Sendable {
    private struct State {
        var signals: [UserSignal] = []
        var calls: [UInt64: @Sendable (String) -> Void] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    func add(_ signal: UserSignal) { state.withLock { $0.signals.append(signal) } }

    func take(_ fits: (UserSignal) -> Bool) -> UserSignal? {
        state.withLock { state in
            state.signals.firstIndex(where: fits).map { state.signals.remove(at: $0) }
        }
    }

    /// Notes a question; `fail` is called if the conductor ends before it was answered.
    func expect(_ fail: @escaping @Sendable (String) -> Void) -> UInt64 {
        state.withLock { state in
            state.last += 1
            state.calls[state.last] = fail
            return state.last
        }
    }

    /// Whether the question still waited; it does no longer.
    func answered(_ number: UInt64) -> Bool { state.withLock { $0.calls.removeValue(forKey: number) != nil } }

    func failCalls() {
        let calls = state.withLock { state in
            defer { state.calls = [:] }
            return state.calls.values
        }
        for fail in calls { fail("here") }
    }
}
