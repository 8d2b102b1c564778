import Glibc
import Integrity
import Storage

/// The process that dies. Arguments: folder, number of commits, step, n-th time, seed.
/// The step is the name of a sync point, `none`, or `power`: then writes that were not synced reach the disk in part.
enum Killer {
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 5, let count = Int(arguments[1]), let nth = Int(arguments[3]),
            let seed = UInt64(arguments[4])
        else { return 2 }
        let loop = HelperLoop()
        var options = Database.Options()
        options.mapBytes = 256 << 20
        options.segmentBytes = 16 << 10
        options.journalBytesMax = 1 << 20
        options.applyDelayMilliseconds = seed % 3 == 0 ? 5 : 0
        if arguments[2] == "power" {
            options.calls = LosingDisk(dieAtSync: nth, seed: seed).calls
        } else if let point = SyncPoint(rawValue: arguments[2]) {
            let counter = Counter()
            options.atSyncPoint = { reached in
                if reached == point, counter.next() == nth { kill(getpid(), SIGKILL) }
            }
        }
        do {
            let database = try Database(folder: arguments[0], options: options, deliver: loop.deliver)
            try Workload(database: database, loop: loop, count: count).run()
            database.close()
            return 0
        } catch {
            say("E \(error)\n")
            return 1
        }
    }

    /// Writes to standard output at once: what was said before a kill is read after it.
    static func say(_ line: String) {
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}

/// Counts from several threads.
final class Counter: @unchecked Sendable {
    // Invariant behind `@unchecked Sendable`: `value` is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
    private var value = 0

    init() { pthread_mutex_init(mutex, nil) }

    func next() -> Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        value += 1
        return value
    }
}

/// The thread that commits, as the conductor's loop would be.
final class HelperLoop: @unchecked Sendable {
    // Invariant behind `@unchecked Sendable`: `queue` is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
    private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
    private var queue: [@Sendable () -> Void] = []

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    var deliver: Database.Deliver {
        { work in
            pthread_mutex_lock(self.mutex)
            self.queue.append(work)
            pthread_cond_signal(self.condition)
            pthread_mutex_unlock(self.mutex)
        }
    }

    func run(until done: () -> Bool) {
        while !done() {
            pthread_mutex_lock(mutex)
            while queue.isEmpty { pthread_cond_wait(condition, mutex) }
            let work = queue
            queue = []
            pthread_mutex_unlock(mutex)
            for closure in work { closure() }
        }
    }
}

/// A disk that holds writes back until they are synced, and at the chosen sync dies with only some of their sectors on
/// it, in no order.
final class LosingDisk: @unchecked Sendable {
    private static let sector = 512

    // Invariant behind `@unchecked Sendable`: everything below is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
    private var held: [(file: Int32, offset: Int, bytes: [UInt8])] = []
    private var syncs = 0
    private var state: UInt64
    private let dieAtSync: Int

    init(dieAtSync: Int, seed: UInt64) {
        self.dieAtSync = dieAtSync
        state = seed
        pthread_mutex_init(mutex, nil)
    }

    var calls: FileCalls {
        let real = FileCalls.system
        return FileCalls(
            open: real.open,
            pwrite: { file, bytes, offset in
                pthread_mutex_lock(self.mutex)
                defer { pthread_mutex_unlock(self.mutex) }
                self.held.append((file, offset, [UInt8](bytes)))
                return bytes.count
            }, pread: real.pread, fdatasync: { file in self.sync(file, real) })
    }

    private func sync(_ file: Int32, _ real: FileCalls) -> Int32 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        syncs += 1
        let dying = syncs == dieAtSync
        for write in held where dying || write.file == file {
            var at = 0
            while at < write.bytes.count {
                // Up to the next sector's border: what shares a sector reaches the disk together.
                let count = min(Self.sector - (write.offset + at) % Self.sector, write.bytes.count - at)
                if !dying || random() % 2 == 0 {
                    let part = Array(write.bytes[at..<at + count])
                    _ = part.withUnsafeBytes { real.pwrite(write.file, $0, write.offset + at) }
                }
                at += count
            }
        }
        if dying { kill(getpid(), SIGKILL) }
        held.removeAll { $0.file == file }
        return real.fdatasync(file)
    }

    private func random() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
