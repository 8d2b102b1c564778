import Glibc

/// A value guarded by one mutex, with one condition variable to wait for changes of it.
/// The standard library has a mutex but nothing to wait on; the journal and the writers need both.
final class Monitor<State>: @unchecked Sendable {
    // Invariant behind `@unchecked Sendable`: `state` is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        // Waits are measured on the monotonic clock, so that a clock jump neither hurries nor stalls a writer.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        self.state = state
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` with the state; wakes every waiter afterwards when `wake` is set.
    func with<Value, Failure: Error>(
        wake: Bool = false, _ body: (inout State) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        pthread_mutex_lock(mutex)
        defer {
            pthread_mutex_unlock(mutex)
            // Outside the lock, so that whoever wakes does not run into it.
            if wake { pthread_cond_broadcast(condition) }
        }
        return try body(&state)
    }

    /// Runs `body` with the state; wakes every waiter afterwards if it says so.
    func change(_ body: (inout State) -> Bool) {
        pthread_mutex_lock(mutex)
        let wakes = body(&state)
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_broadcast(condition) }
    }

    /// Waits until `body` gives a value, or until `milliseconds` have passed (then nil).
    func wait<Value>(milliseconds: Int? = nil, _ body: (inout State) -> Value?) -> Value? {
        var deadline = timespec()
        if let milliseconds {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            deadline.tv_sec += milliseconds / 1000
            deadline.tv_nsec += (milliseconds % 1000) * 1_000_000
            if deadline.tv_nsec >= 1_000_000_000 {
                deadline.tv_nsec -= 1_000_000_000
                deadline.tv_sec += 1
            }
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = body(&state) { return value }
            if milliseconds == nil {
                pthread_cond_wait(condition, mutex)
            } else if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT {
                return body(&state)
            }
        }
    }
}

/// A plain POSIX thread that runs one closure; joined once by its owner.
struct OwnThread: Sendable {
    private let thread: pthread_t

    /// Starts the thread, or gives nil where the system has none left.
    static func start(_ body: @escaping @Sendable () -> Void) -> OwnThread? {
        let box = Unmanaged.passRetained(ThreadBody(body))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runThreadBody, box.toOpaque()) == 0 else {
            box.release()
            return nil
        }
        return OwnThread(thread: thread)
    }

    /// Waits for the thread's end.
    func join() {
        pthread_join(thread, nil)
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

// A free function, for a closure passed to C from `main` would be bound to the main actor.
private func runThreadBody(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let raw {
        Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
    }
    return nil
}
