import CZome
import Integrity

/// An opened module: its live calls and the thread they run on.
///
/// `@unchecked Sendable`: `live` is touched by the host's thread only, `callsAtHost` under the lock of `RequestTable`
/// only, `known` under `knownLock` only.
final class ModuleRuntime: @unchecked Sendable {
    let host: UnsafePointer<zome_host>
    let executor: HostExecutor
    let table: CallTable

    private var live: [UInt64: LiveCall] = [:]
    /// How many live calls wait for an answer of the host.
    var callsAtHost = 0

    private let knownLock = Lock()
    private var known = KnownFacts()

    init(host: UnsafePointer<zome_host>, table: CallTable) {
        self.host = host
        self.table = table
        executor = HostExecutor(host: host)
    }

    /// The zome's name.
    var zome: String { table.zome }

    /// What was learnt from the host and cannot change while this module is open.
    var facts: KnownFacts { knownLock.locked { known } }

    func learn(_ change: (inout KnownFacts) -> Void) { knownLock.locked { change(&known) } }

    func invoke(
        _ number: UInt64, kind: UInt32, name: String, bytes: [UInt8], waiter: UnsafeMutableRawPointer?,
        complete: zome_complete?
    ) {
        executor.enter()
        let reject = { (status: Int32, error: ZomeError) in
            CallReply.failed(status: status, error).send(to: waiter, complete)
        }
        guard live[number] == nil else {
            return reject(Int32(ZOME_MALFORMED), ZomeError(.badInput, "call \(number) is already under way"))
        }
        guard let handler = table.handler(kind, name) else {
            return reject(Int32(ZOME_UNKNOWN_NAME), unknown(kind: kind, name: name))
        }
        let invocation: Invocation
        do {
            invocation = try Invocation(packed: bytes)
        } catch {
            return reject(Int32(ZOME_MALFORMED), ZomeError(.badInput, "the invocation: \(error.message)"))
        }
        let call = LiveCall(
            number: number, caller: invocation.caller, runtime: self, waiter: waiter, complete: complete)
        live[number] = call
        let payload = invocation.payload
        call.task = Task(executorPreference: executor) {
            do {
                let result = try await handler(call, payload)
                try await call.settled()
                call.finish(.ok(result))
            } catch {
                call.finish(.failed(ZomeError(thrown: error)))
            }
        }
    }

    func cancel(_ number: UInt64) {
        executor.enter()
        guard let call = live[number] else { return }
        call.task?.cancel()
        call.finish(.cancelled)
    }

    /// Runs what is ready; returns how many calls wait for something else than the host.
    func run() -> Int {
        executor.enter()
        executor.drain()
        return max(0, live.count - RequestTable.shared.callsAtHost(self))
    }

    func close() {
        executor.enter()
        for call in live.values {
            call.task?.cancel()
            call.finish(.cancelled)
        }
        executor.drain()
        executor.close()
    }

    /// Drops a call that was completed.
    func forget(_ call: LiveCall) {
        live[call.number] = nil
        call.task = nil
    }

    private func unknown(kind: UInt32, name: String) -> ZomeError {
        let words = name.isEmpty ? "the module has no callback of kind \(kind)" : "the module has no function `\(name)`"
        return ZomeError(.unknownFunction, words)
    }
}

/// What a module asks its host for once.
struct KnownFacts: Sendable {
    var agent: AgentPubKey?
    var entryTypes: [String]?
    var linkTypes: [String]?
}
