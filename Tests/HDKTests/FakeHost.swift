import CZome
import Dispatch
import HDK
import Integrity

/// A host as a C program would be one: a struct of function pointers, completions by number, and no idea of Swift.
///
/// `@unchecked Sendable`: `wakes` is a semaphore; everything else is touched by the test's thread only.
final class FakeHost: @unchecked Sendable {
    /// Something that the module asked for.
    struct Request {
        var call: UInt64
        var operation: UInt32
        var bytes: [UInt8]
        var waiter: UnsafeMutableRawPointer?
        var complete: zome_complete?

        func answer(_ status: Int32 = Int32(ZOME_OK), _ bytes: [UInt8]) {
            bytes.withUnsafeBufferPointer { complete?(waiter, status, $0.baseAddress, $0.count) }
        }
    }

    /// How a call ended.
    struct Reply: Equatable {
        var status: Int32
        var bytes: [UInt8]
    }

    /// What the module asked for and got no answer yet.
    var requests: [Request] = []
    /// Answers a request at once, before `request` returns; those for which it gives nil are kept.
    var answering: (Request) -> Reply? = { _ in nil }
    /// Signalled by every `wake`.
    let wakes = DispatchSemaphore(value: 0)

    private let face: UnsafeMutablePointer<zome_host>
    private(set) var module: UnsafePointer<zome_module>?
    private var waiters: [UInt64: Waiter] = [:]
    /// All of them: a call whose number was used again still completes its own.
    private var kept: [Waiter] = []

    init(abi: UInt32 = ZOME_ABI, open: (UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>?) {
        face = .allocate(capacity: 1)
        face.initialize(
            to: zome_host(
                abi: abi, size: UInt32(MemoryLayout<zome_host>.size), context: nil, request: fakeRequest,
                wake: fakeWake))
        face.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        module = open(face)
    }

    convenience init(_ zome: Zome) {
        self.init { Module(zome).export(to: $0) }
    }

    convenience init(_ zome: IntegrityZome) {
        self.init { Module(zome).export(to: $0) }
    }

    deinit {
        close()
        face.deallocate()
    }

    func close() {
        guard let module else { return }
        module.pointee.close(module.pointee.context)
        self.module = nil
    }

    func describe() throws -> ModuleDescription {
        let waiter = Waiter()
        module?.pointee.describe(module?.pointee.context, waiter.opaque, fakeCompleted)
        return try ModuleDescription(packed: waiter.replies.first?.bytes ?? [])
    }

    /// Starts a call without running it.
    func start(
        _ call: UInt64, _ kind: InvocationKind = .function, _ name: String = "", payload: [UInt8] = [0xc0],
        caller: AgentPubKey? = nil
    ) {
        start(call, kind.rawValue, name, bytes: Invocation(caller: caller, payload: payload).packed)
    }

    func start(_ call: UInt64, _ kind: UInt8, _ name: String, bytes: [UInt8]) {
        let waiter = Waiter()
        waiters[call] = waiter
        kept.append(waiter)
        let name = Array(name.utf8)
        name.withUnsafeBufferPointer { name in
            bytes.withUnsafeBufferPointer { bytes in
                module?.pointee.invoke(
                    module?.pointee.context, call, UInt32(kind), name.baseAddress, name.count, bytes.baseAddress,
                    bytes.count, waiter.opaque, fakeCompleted)
            }
        }
    }

    @discardableResult
    func run() -> Int {
        module?.pointee.run(module?.pointee.context) ?? 0
    }

    func cancel(_ call: UInt64) {
        module?.pointee.cancel(module?.pointee.context, call)
    }

    /// Every completion of a call, in order: one, if the module is as it should be.
    func replies(_ call: UInt64) -> [Reply] { waiters[call]?.replies ?? [] }

    /// The one reply of a call.
    func reply(_ call: UInt64) -> Reply? {
        replies(call).count == 1 ? replies(call).first : nil
    }

    /// The error of a call that failed with status 1.
    func error(_ call: UInt64) -> ModuleError? {
        guard let reply = reply(call), reply.status == Int32(ZOME_APP_ERROR) else { return nil }
        return try? ModuleError(packed: reply.bytes)
    }

    /// Runs a call of a function to its end and reads its value.
    func value<Value: Decodable>(
        of name: String, _ input: (some Encodable)? = nil as String?, caller: AgentPubKey? = nil,
        as type: Value.Type = Value.self
    ) throws -> Value {
        let payload = try input.map { try MessagePackEncoder().encode($0) } ?? [0xc0]
        let call = UInt64(waiters.count + 1)
        start(call, .function, name, payload: payload, caller: caller)
        run()
        guard let reply = reply(call) else { throw FakeHostError.noReply }
        guard reply.status == Int32(ZOME_OK) else { throw FakeHostError.failed(try? ModuleError(packed: reply.bytes)) }
        return try MessagePackDecoder().decode(type, from: reply.bytes)
    }

    /// The oldest request without an answer, taken off the list.
    func nextRequest() -> Request? {
        requests.isEmpty ? nil : requests.removeFirst()
    }
}

enum FakeHostError: Error {
    case noReply
    case failed(ModuleError?)
}

/// Keeps what a module answers under one waiter.
private final class Waiter {
    var replies: [FakeHost.Reply] = []
    var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

private func fakeCompleted(
    _ waiter: UnsafeMutableRawPointer?, _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int
) {
    guard let waiter else { return }
    Unmanaged<Waiter>.fromOpaque(waiter).takeUnretainedValue()
        .replies.append(FakeHost.Reply(status: status, bytes: Array(UnsafeBufferPointer(start: bytes, count: count))))
}

private func fakeRequest(
    _ context: UnsafeMutableRawPointer?, _ call: UInt64, _ operation: UInt32, _ bytes: UnsafePointer<UInt8>?,
    _ count: Int, _ waiter: UnsafeMutableRawPointer?, _ complete: zome_complete?
) {
    guard let context else { return }
    let host = Unmanaged<FakeHost>.fromOpaque(context).takeUnretainedValue()
    let request = FakeHost.Request(
        call: call, operation: operation, bytes: Array(UnsafeBufferPointer(start: bytes, count: count)),
        waiter: waiter, complete: complete)
    if let reply = host.answering(request) {
        request.answer(reply.status, reply.bytes)
    } else {
        host.requests.append(request)
    }
}

private func fakeWake(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<FakeHost>.fromOpaque(context).takeUnretainedValue().wakes.signal()
}
