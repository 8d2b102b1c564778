import Integrity
import Synchronization

/// A clock that stands still until a test moves it: every timestamp of a session is then known in advance, and a grant that
/// lasts a year is over at once.
///
/// It is the conductors' wall clock: timestamps of actions, expiry of grants, claims and signed calls, scheduled functions.
/// Time-outs of waits (`send`, a module that hangs) go by real time, since they guard against what does not move.
public final class VirtualClock: Sendable {
    private let time: Mutex<Timestamp>
    private let listeners = Mutex<[@Sendable () -> Void]>([])

    /// A clock that shows `start`: by default noon of 1 January 2030, UTC.
    public init(start: Timestamp = Timestamp(microseconds: 1_893_499_200_000_000)) {
        time = Mutex(start)
    }

    /// What it shows, µs since the Unix epoch.
    public var now: Timestamp { time.withLock { $0 } }

    /// Moves it on, or back: a conductor has to bear a clock that jumps. Scheduled functions that are due by then begin to run;
    /// wait for what they do.
    public func advance(by duration: Duration) {
        let (seconds, atto) = duration.components
        let step = seconds * 1_000_000 + atto / 1_000_000_000_000
        time.withLock { $0 = Timestamp(microseconds: $0.microseconds + step) }
        for listener in listeners.withLock({ $0 }) { listener() }
    }

    /// Calls back whenever it was moved.
    func whenMoved(_ body: @escaping @Sendable () -> Void) { listeners.withLock { $0.append(body) } }
}
