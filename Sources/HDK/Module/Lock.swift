import Glibc

/// A lock around what several threads share. The standard library's own would cost a module one more library to load.
///
/// `@unchecked Sendable`: the lock word is touched through pthread functions only, and lives as long as the object.
final class Lock: @unchecked Sendable {
    private let word: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: pthread_mutex_t())
        pthread_mutex_init(word, nil)
    }

    deinit {
        pthread_mutex_destroy(word)
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// Runs `body` while no other thread is inside. Never call out of the module from within.
    @inline(__always)
    func locked<R: ~Copyable, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(word)
        defer { pthread_mutex_unlock(word) }
        return try body()
    }
}
