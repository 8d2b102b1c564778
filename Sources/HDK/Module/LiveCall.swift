import CZome
import Integrity

/// One `invoke` from its start to its completion, and what its `Host` speaks for.
///
/// `@unchecked Sendable`: everything from `isLive` to `settling` is touched under the lock of `RequestTable` only; `task` by
/// the host's thread only; the rest never changes.
final class LiveCall: @unchecked Sendable {
    let number: UInt64
    let caller: AgentPubKey?
    let runtime: ModuleRuntime

    private let waiter: UnsafeMutableRawPointer?
    private let complete: zome_complete?

    /// Until the call has been completed.
    var isLive = true
    /// Requests without an answer.
    var outstanding = 0
    /// Those among them whose answer nobody waits for.
    var posted = 0
    /// The first of those that failed, until somebody was told.
    var postFailure: HostAnswer?
    /// Who waits until all of those are answered.
    var settling: [UnsafeContinuation<Void, Never>] = []
    /// To tell the task that its call was cancelled.
    var task: Task<Void, Never>?

    init(
        number: UInt64, caller: AgentPubKey?, runtime: ModuleRuntime, waiter: UnsafeMutableRawPointer?,
        complete: zome_complete?
    ) {
        self.number = number
        self.caller = caller
        self.runtime = runtime
        self.waiter = waiter
        self.complete = complete
    }

    /// Completes the call, if nobody did so before. On the host's thread.
    func finish(_ reply: CallReply) {
        guard RequestTable.shared.end(self) else { return }
        runtime.forget(self)
        reply.send(to: waiter, complete)
    }

    /// Asks the host to do `operation` and waits for its answer, on the host's thread.
    /// A call that has ended gets the answer `ZOME_CANCELLED`.
    func request(_ operation: UInt32, _ bytes: [UInt8]) async -> HostAnswer {
        guard runtime.executor.isOnHostThread else {
            return await withTaskExecutorPreference(runtime.executor) { await send(operation, bytes) }
        }
        return await send(operation, bytes)
    }

    /// Most posted requests on their way at a time: what the host has to hold for one call stays small.
    private static var postedMaximum: Int { 64 }

    /// Asks the host to do `operation` and goes on at once. Requests are done in the order in which they are made, so what
    /// is asked for afterwards finds it done. Returns an earlier posted request's failure, if there was one; what fails
    /// later is told by the next one or by ``settle()``.
    func post(_ operation: UInt32, _ bytes: [UInt8]) async -> HostAnswer? {
        guard runtime.executor.isOnHostThread else {
            return await withTaskExecutorPreference(runtime.executor) { await submit(operation, bytes) }
        }
        return await submit(operation, bytes)
    }

    private func submit(_ operation: UInt32, _ bytes: [UInt8]) async -> HostAnswer? {
        if RequestTable.shared.posted(self) >= Self.postedMaximum, let failure = await settle() { return failure }
        guard let ticket = RequestTable.shared.post(self) else { return .cancelled }
        hand(operation, bytes, ticket)
        return nil
    }

    /// Waits until the host has done all that was posted; the first failure, if there was one.
    func settle() async -> HostAnswer? { await RequestTable.shared.settle(self) }

    private func hand(_ operation: UInt32, _ bytes: [UInt8], _ ticket: UnsafeMutableRawPointer) {
        let host = runtime.host
        bytes.withUnsafeBufferPointer { buffer in
            host.pointee.request(
                host.pointee.context, number, operation, buffer.baseAddress, buffer.count, ticket, requestAnswered)
        }
    }

    private func send(_ operation: UInt32, _ bytes: [UInt8]) async -> HostAnswer {
        await withUnsafeContinuation { continuation in
            guard let ticket = RequestTable.shared.file(self, continuation) else {
                continuation.resume(returning: .cancelled)
                return
            }
            hand(operation, bytes, ticket)
        }
    }
}

/// How a call ends: a status of `zome.h` and its bytes.
struct CallReply: Sendable {
    var status: Int32
    var bytes: [UInt8]

    static func ok(_ bytes: [UInt8]) -> CallReply { CallReply(status: Int32(ZOME_OK), bytes: bytes) }

    static func failed(_ error: ZomeError) -> CallReply {
        failed(status: Int32(ZOME_APP_ERROR), error)
    }

    static func failed(status: Int32, _ error: ZomeError) -> CallReply {
        CallReply(status: status, bytes: ModuleError(code: error.code.rawValue, message: error.message).packed)
    }

    static let cancelled = failed(status: Int32(ZOME_CANCELLED), .cancelled)

    func send(to waiter: UnsafeMutableRawPointer?, _ complete: zome_complete?) {
        bytes.withUnsafeBufferPointer { complete?(waiter, status, $0.baseAddress, $0.count) }
    }
}
