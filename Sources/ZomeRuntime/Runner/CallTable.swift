import Integrity
import NIOCore

/// The calls of a runner that are not yet answered, with their clocks. Pure: time comes in.
struct CallTable<Waiter> {
    /// One call.
    struct Call {
        let zome: Int
        let kind: InvocationKind
        let name: String
        let waiter: Waiter
        /// Waits to be sent: the packed invocation. `nil` once sent.
        var queued: [UInt8]?
        /// How long it may run.
        let allowed: TimeAmount
        /// Time that is left, as of `runningSince`; while paused, as of now.
        var left: TimeAmount
        /// `nil` while the clock stands.
        var runningSince: NIODeadline?
        var pauses = 0

        /// When it is too late; `nil` while the clock stands.
        var deadline: NIODeadline? { runningSince.map { $0 + left } }

        mutating func pause(_ now: NIODeadline) {
            pauses += 1
            guard let since = runningSince else { return }
            left = left - (now - since)
            runningSince = nil
        }

        mutating func resume(_ now: NIODeadline) {
            guard pauses > 0 else { return }
            pauses -= 1
            if pauses == 0 && queued == nil { runningSince = now }
        }

        /// The call was handed to the module: its clock starts, unless it is paused.
        mutating func send(_ now: NIODeadline) {
            queued = nil
            if pauses == 0 { runningSince = now }
        }
    }

    private(set) var calls: [UInt64: Call] = [:]

    var count: Int { calls.count }

    subscript(call: UInt64) -> Call? {
        _read { yield calls[call] }
        _modify { yield &calls[call] }
    }

    mutating func remove(_ call: UInt64) -> Call? { calls.removeValue(forKey: call) }

    /// Takes all calls out that match, in the order of their numbers.
    mutating func takeAll(where matches: (Call) -> Bool = { _ in true }) -> [(number: UInt64, call: Call)] {
        let taken = calls.filter { matches($0.value) }.sorted { $0.key < $1.key }
        for (number, _) in taken { calls.removeValue(forKey: number) }
        return taken.map { (number: $0.key, call: $0.value) }
    }

    /// Takes out those whose time is over.
    mutating func takeExpired(_ now: NIODeadline) -> [(number: UInt64, call: Call)] {
        takeAll { $0.deadline.map { $0 <= now } ?? false }
    }

    mutating func pause(_ call: UInt64, _ now: NIODeadline) { calls[call]?.pause(now) }

    mutating func resume(_ call: UInt64, _ now: NIODeadline) { calls[call]?.resume(now) }
}
