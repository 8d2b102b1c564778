import CZome

/// What the host answered to a request, or why there will be no answer.
struct HostAnswer: Sendable {
    var status: Int32
    var bytes: [UInt8]

    static let cancelled = HostAnswer(status: Int32(ZOME_CANCELLED), bytes: [])
}

/// The requests that wait for an answer, in all modules of this library.
///
/// The host gets no pointer but a ticket: a slot's number and how often the slot was used. So an answer that comes
/// twice, after the call was cancelled, or after the module was closed finds nobody and is dropped.
///
/// `@unchecked Sendable`: everything mutable is touched under `lock` only.
final class RequestTable: @unchecked Sendable {
    static let shared = RequestTable()

    private struct Slot {
        var use: UInt32 = 0
        var call: LiveCall?
        /// Nil where nobody waits for the answer itself: see ``post(_:)``.
        var waiting: UnsafeContinuation<HostAnswer, Never>?
    }

    /// Whom an answer concerns, once the lock is open again.
    private enum Release {
        case nobody
        case waiting(UnsafeContinuation<HostAnswer, Never>)
        /// The last of the posted requests was answered.
        case settled([UnsafeContinuation<Void, Never>])
    }

    private let lock = Lock()
    private var slots: [Slot] = []
    private var free: [UInt32] = []

    /// Files a request of `call`; nil when the call has ended. The ticket is never a null pointer.
    func file(_ call: LiveCall, _ waiting: UnsafeContinuation<HostAnswer, Never>) -> UnsafeMutableRawPointer? {
        lock.locked { ticket(call, waiting) }
    }

    /// Files a request whose answer nobody waits for; a failure is kept for ``settle(_:)``. Nil when the call has ended.
    func post(_ call: LiveCall) -> UnsafeMutableRawPointer? {
        lock.locked {
            guard let ticket = ticket(call, nil) else { return nil }
            call.posted += 1
            return ticket
        }
    }

    /// How many posted requests of a call have no answer yet.
    func posted(_ call: LiveCall) -> Int { lock.locked { call.posted } }

    /// Waits until every posted request is answered, and takes the first failure among them.
    func settle(_ call: LiveCall) async -> HostAnswer? {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isSettled = lock.locked { () -> Bool in
                guard call.isLive, call.posted > 0 else { return true }
                call.settling.append(continuation)
                return false
            }
            if isSettled { continuation.resume() }
        }
        return lock.locked {
            let failure = call.postFailure
            call.postFailure = nil
            return failure
        }
    }

    /// Hands the answer to whoever waits under the ticket, on any thread.
    func answer(_ ticket: UnsafeMutableRawPointer?, status: Int32, bytes: UnsafePointer<UInt8>?, count: Int) {
        switch take(UInt(bitPattern: ticket), status, bytes, count) {
        case .nobody: break
        case .waiting(let waiting): waiting.resume(returning: HostAnswer(status: status, bytes: copied(bytes, count)))
        case .settled(let waiting): for one in waiting { one.resume() }
        }
    }

    /// Ends a call: it files nothing any more, and what it still waits for is answered as cancelled.
    /// Returns whether it was live, and so whether the caller is the one who completes it.
    func end(_ call: LiveCall) -> Bool {
        var left: [Release] = []
        let wasLive = lock.locked { () -> Bool in
            let wasLive = call.isLive
            call.isLive = false
            guard call.outstanding > 0 else { return wasLive }
            for index in slots.indices where slots[index].call === call { left.append(release(index)) }
            return wasLive
        }
        for one in left {
            switch one {
            case .nobody: break
            case .waiting(let waiting): waiting.resume(returning: .cancelled)
            case .settled(let waiting): for one in waiting { one.resume() }
            }
        }
        return wasLive
    }

    /// How many calls of a module wait for the host.
    func callsAtHost(_ runtime: ModuleRuntime) -> Int {
        lock.locked { runtime.callsAtHost }
    }

    /// The lock is held.
    private func ticket(
        _ call: LiveCall, _ waiting: UnsafeContinuation<HostAnswer, Never>?
    ) -> UnsafeMutableRawPointer? {
        guard call.isLive else { return nil }
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = UInt32(slots.count)
            slots.append(Slot())
        }
        slots[Int(index)].use &+= 1
        slots[Int(index)].call = call
        slots[Int(index)].waiting = waiting
        if call.outstanding == 0 { call.runtime.callsAtHost += 1 }
        call.outstanding += 1
        return UnsafeMutableRawPointer(bitPattern: UInt(slots[Int(index)].use) << 32 | UInt(index + 1))
    }

    private func take(
        _ ticket: UInt, _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int
    ) -> Release {
        lock.locked {
            let index = Int(ticket & 0xffff_ffff) - 1
            guard slots.indices.contains(index), slots[index].use == UInt32(truncatingIfNeeded: ticket >> 32),
                let call = slots[index].call
            else { return .nobody }
            if slots[index].waiting == nil, status != Int32(ZOME_OK), call.postFailure == nil {
                call.postFailure = HostAnswer(status: status, bytes: copied(bytes, count))
            }
            return release(index)
        }
    }

    /// Empties a slot. The lock is held.
    private func release(_ index: Int) -> Release {
        guard let call = slots[index].call else { return .nobody }
        let waiting = slots[index].waiting
        call.outstanding -= 1
        if call.outstanding == 0 { call.runtime.callsAtHost -= 1 }
        slots[index].call = nil
        slots[index].waiting = nil
        free.append(UInt32(index))
        if let waiting { return .waiting(waiting) }
        call.posted -= 1
        guard call.posted == 0, !call.settling.isEmpty else { return .nobody }
        defer { call.settling = [] }
        return .settled(call.settling)
    }
}

/// The bytes a C caller lends, as an array of one's own.
func copied(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    guard let bytes, count > 0 else { return [] }
    return [UInt8](UnsafeBufferPointer(start: bytes, count: count))
}

/// The `complete` of every request of every module.
func requestAnswered(_ ticket: UnsafeMutableRawPointer?, _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int)
{
    RequestTable.shared.answer(ticket, status: status, bytes: bytes, count: count)
}
