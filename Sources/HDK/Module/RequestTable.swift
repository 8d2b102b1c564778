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
        var waiting: UnsafeContinuation<HostAnswer, Never>?
    }

    private let lock = Lock()
    private var slots: [Slot] = []
    private var free: [UInt32] = []

    /// Files a request of `call`; nil when the call has ended. The ticket is never a null pointer.
    func file(_ call: LiveCall, _ waiting: UnsafeContinuation<HostAnswer, Never>) -> UnsafeMutableRawPointer? {
        lock.locked {
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
    }

    /// Hands the answer to whoever waits under the ticket, on any thread.
    func answer(_ ticket: UnsafeMutableRawPointer?, status: Int32, bytes: UnsafePointer<UInt8>?, count: Int) {
        guard let waiting = take(UInt(bitPattern: ticket)) else { return }
        waiting.resume(returning: HostAnswer(status: status, bytes: copied(bytes, count)))
    }

    /// Ends a call: it files nothing any more, and what it still waits for is answered as cancelled.
    /// Returns whether it was live, and so whether the caller is the one who completes it.
    func end(_ call: LiveCall) -> Bool {
        var left: [UnsafeContinuation<HostAnswer, Never>] = []
        let wasLive = lock.locked { () -> Bool in
            let wasLive = call.isLive
            call.isLive = false
            guard call.outstanding > 0 else { return wasLive }
            for index in slots.indices where slots[index].call === call {
                if let waiting = release(index) { left.append(waiting) }
            }
            return wasLive
        }
        for waiting in left { waiting.resume(returning: .cancelled) }
        return wasLive
    }

    /// How many calls of a module wait for the host.
    func callsAtHost(_ runtime: ModuleRuntime) -> Int {
        lock.locked { runtime.callsAtHost }
    }

    private func take(_ ticket: UInt) -> UnsafeContinuation<HostAnswer, Never>? {
        lock.locked {
            let index = Int(ticket & 0xffff_ffff) - 1
            guard slots.indices.contains(index), slots[index].use == UInt32(truncatingIfNeeded: ticket >> 32) else {
                return nil
            }
            return release(index)
        }
    }

    /// Empties a slot. The lock is held.
    private func release(_ index: Int) -> UnsafeContinuation<HostAnswer, Never>? {
        guard let call = slots[index].call, let waiting = slots[index].waiting else { return nil }
        call.outstanding -= 1
        if call.outstanding == 0 { call.runtime.callsAtHost -= 1 }
        slots[index].call = nil
        slots[index].waiting = nil
        free.append(UInt32(index))
        return waiting
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
