import CZome
import Integrity

/// Who waits for what: the calls that the conductor waits for and the requests that modules wait for.
///
/// Waiters that are handed to modules are numbers of slots with a generation, never pointers to memory: a module that
/// completes twice, or with a waiter that it made up, finds a slot that does not match and is ignored.
struct Switchboard {
    private struct Call {
        var call: UInt64 = 0
        var generation: UInt32 = 1
        var zome: UInt8 = 0
        var isLive = false
    }

    private struct Request {
        var waiter: UnsafeMutableRawPointer?
        var complete: zome_complete?
        var generation: UInt32 = 1
    }

    /// More open requests than this in one process are refused at once.
    static let maxRequests = 1 << 16
    private static let generations: UInt32 = (1 << 15) - 1

    private var calls: [Call] = []
    private var freeCalls: [Int] = []
    private var requests: [Request] = []
    private var freeRequests: [Int] = []

    /// A waiter for `zome_module.invoke`.
    mutating func open(call: UInt64, zome: UInt8) -> UnsafeMutableRawPointer? {
        let index = freeCalls.popLast() ?? calls.count
        if index == calls.count { calls.append(Call()) }
        calls[index].call = call
        calls[index].zome = zome
        calls[index].isLive = true
        return UnsafeMutableRawPointer(bitPattern: UInt(calls[index].generation) << 32 | UInt(index))
    }

    /// Ends the call of a waiter; `nil` when no live call has it.
    mutating func close(waiter: UnsafeMutableRawPointer?) -> (call: UInt64, zome: UInt8)? {
        let bits = UInt(bitPattern: waiter)
        let index = Int(bits & 0xffff_ffff)
        guard index < calls.count, calls[index].isLive, UInt(calls[index].generation) == bits >> 32 else { return nil }
        calls[index].isLive = false
        calls[index].generation &+= 1
        freeCalls.append(index)
        return (calls[index].call, calls[index].zome)
    }

    /// A number for a host request; `nil` when too many are open.
    mutating func open(waiter: UnsafeMutableRawPointer?, complete: @escaping zome_complete) -> UInt32? {
        let index = freeRequests.popLast() ?? requests.count
        guard index < Self.maxRequests else { return nil }
        if index == requests.count { requests.append(Request()) }
        requests[index].waiter = waiter
        requests[index].complete = complete
        return requests[index].generation << 16 | UInt32(index)
    }

    /// Takes the waiter of request `id` out; `nil` when no open request has that number.
    mutating func close(request id: UInt32) -> (waiter: UnsafeMutableRawPointer?, complete: zome_complete)? {
        let index = Int(id & 0xffff)
        guard index < requests.count, requests[index].generation == id >> 16, let complete = requests[index].complete
        else { return nil }
        requests[index].complete = nil
        requests[index].generation = requests[index].generation % Self.generations + 1
        freeRequests.append(index)
        return (requests[index].waiter, complete)
    }
}
