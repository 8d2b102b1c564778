import CZome
import Glibc

/// Runs a module's tasks on the thread of its host: `enqueue` collects jobs from any thread, `drain` runs them on the
/// thread that calls it. A hop to another thread and back would cost more than most calls take.
///
/// `@unchecked Sendable`: `queue`, `owner` and `wakePending` are touched under `lock` only; `host` under `wakeLock`
/// only; `spare` and `draining` by the host's thread only.
final class HostExecutor: TaskExecutor, @unchecked Sendable {
    private let lock = Lock()
    private var queue: [UnownedJob] = []
    private var owner: pthread_t
    private var wakePending = false

    private let wakeLock = Lock()
    private var host: UnsafePointer<zome_host>?

    private var spare: [UnownedJob] = []
    private var draining = false

    init(host: UnsafePointer<zome_host>) {
        self.host = host
        owner = pthread_self()
        queue.reserveCapacity(64)
        spare.reserveCapacity(64)
    }

    /// Whether the caller is on the thread that the host uses for this module.
    var isOnHostThread: Bool {
        let current = pthread_self()
        return lock.locked { pthread_equal(current, owner) != 0 }
    }

    /// Remembers the calling thread as the host's. Called on every way in from the host.
    func enter() {
        let current = pthread_self()
        lock.locked { owner = current }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let current = pthread_self()
        let wakes = lock.locked { () -> Bool in
            queue.append(unowned)
            // The host runs the queue anyway after whatever it did on its own thread.
            guard pthread_equal(current, owner) == 0, !wakePending else { return false }
            wakePending = true
            return true
        }
        if wakes { wake() }
    }

    /// Runs jobs until none is left. Does nothing when the host calls it from within itself.
    func drain() {
        guard !draining else { return }
        draining = true
        defer { draining = false }
        while takeQueue() {
            let executor = asUnownedTaskExecutor()
            for job in spare { job.runSynchronously(on: executor) }
            spare.removeAll(keepingCapacity: true)
        }
    }

    /// From now on the host's memory is not touched any more.
    func close() {
        wakeLock.locked { host = nil }
    }

    /// Moves what is queued to `spare`; false when there was nothing.
    private func takeQueue() -> Bool {
        lock.locked {
            swap(&queue, &spare)
            wakePending = false
            return !spare.isEmpty
        }
    }

    /// `wake` stands in for "until close has returned": it is called inside `wakeLock`, which `close` takes.
    private func wake() {
        wakeLock.locked {
            guard let host else { return }
            host.pointee.wake(host.pointee.context)
        }
    }
}
