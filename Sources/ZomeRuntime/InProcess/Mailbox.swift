import Glibc

/// Orders for a thread: many may put, one takes all at once.
///
/// `@unchecked`: `orders`, `isRung` and `isWaiting` are touched only while `mutex` is held.
final class Mailbox<Order>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var orders: [Order] = []
    private var isRung = false
    private var isWaiting = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(filled, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(filled)
        mutex.deallocate()
        filled.deallocate()
    }

    /// Adds an order.
    func put(_ order: Order) {
        pthread_mutex_lock(mutex)
        orders.append(order)
        let mustSignal = isWaiting
        // One signal wakes it; more would only cost system calls.
        isWaiting = false
        pthread_mutex_unlock(mutex)
        // Outside the lock, so that the woken thread does not run into it.
        if mustSignal { pthread_cond_signal(filled) }
    }

    /// Makes `takeAll` return even without an order.
    func ring() {
        pthread_mutex_lock(mutex)
        isRung = true
        let mustSignal = isWaiting
        // One signal wakes it; more would only cost system calls.
        isWaiting = false
        pthread_mutex_unlock(mutex)
        if mustSignal { pthread_cond_signal(filled) }
    }

    /// Waits for orders, or for a ring, and exchanges what came for the caller's empty array.
    ///
    /// - Returns: whether it was rung
    func takeAll(into taken: inout [Order]) -> Bool {
        taken.removeAll(keepingCapacity: true)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while orders.isEmpty && !isRung {
            isWaiting = true
            pthread_cond_wait(filled, mutex)
            isWaiting = false
        }
        swap(&orders, &taken)
        defer { isRung = false }
        return isRung
    }
}
