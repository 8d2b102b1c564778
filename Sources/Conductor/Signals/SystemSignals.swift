import Integrity
import NIOCore
import Storage

/// What the conductor itself tells operators: made only while some socket wants it.
///
/// Confined to the conductor loop.
final class SystemSignals {
    /// The time between two sets of statistics, in milliseconds: that of 2019.
    static let statisticsPeriod: Int64 = 500

    /// The kinds that somebody listens to.
    private(set) var wanted: Set<SystemSignal.Kind> = []
    var receiver: ((SystemSignal) -> Void)?
    private var lastTrace: UInt64 = 0
    private var timer: RepeatedTask?

    /// Whether steps of cells have to be told. Asked on every call: a stored flag, no look-up.
    private(set) var tracesCalls = false
    private(set) var tellsConsistency = false

    /// Takes over what sockets want; the timer of statistics runs only while it is wanted.
    func want(_ kinds: Set<SystemSignal.Kind>, loop: any EventLoop, statistics: @escaping () -> SystemSignal) {
        wanted = kinds
        tracesCalls = kinds.contains(.trace)
        tellsConsistency = kinds.contains(.consistency)
        guard kinds.contains(.statistics) != (timer != nil) else { return }
        timer?.cancel()
        timer = nil
        guard kinds.contains(.statistics) else { return }
        let period = TimeAmount.milliseconds(Self.statisticsPeriod)
        let bound = NIOLoopBound((self, statistics), eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: .zero, delay: period) { _ in
            let (signals, statistics) = bound.value
            signals.receiver?(statistics())
        }
    }

    /// Tells one step of a cell.
    func trace(
        _ instanceID: String, _ actionType: String, boot: String, _ data: KeyValuePairs<String, MessagePackValue>
    ) {
        guard tracesCalls else { return }
        lastTrace += 1
        let pairs = data.map { MessagePackValue.Pair(key: .string($0.key), value: $0.value) }
        receiver?(
            .trace(
                SystemSignal.Trace(
                    instanceID: instanceID, actionType: actionType, data: .map(pairs), id: "\(boot)-\(lastTrace)")))
    }

    /// Tells that something happened, and what is still to come.
    func consistency(_ instanceID: String, _ event: String, pending: [SystemSignal.Consistency.Pending] = []) {
        guard tellsConsistency else { return }
        receiver?(.consistency(SystemSignal.Consistency(instanceID: instanceID, event: event, pending: pending)))
    }
}

/// What cells tell: function names, types and hashes, never what a call carries.
extension Cell {
    /// A call came in, past its checks.
    func traceCall(_ call: ActiveCall) {
        let system = conductor.signals.system
        guard system.tracesCalls, let step = call.current else { return }
        system.trace(
            instanceID, "SignalZomeFunctionCall", boot: conductor.bootID,
            [
                "call": .number(Int64(call.number)), "zome": .string(zomes[step.zome].name),
                "function": .string(step.name), "caller": call.caller.map { .string($0.text) } ?? .null,
            ])
    }

    /// A call got its answer.
    func traceReturn(_ call: ActiveCall, _ result: Result<ZomeOutcome, PlasmidError>) {
        let system = conductor.signals.system
        guard system.tracesCalls else { return }
        let code: String? =
            switch result {
            case .success(.ok): nil
            case .success(.appError(let error)): error.code
            case .failure(let error): error.code.rawValue
            }
        system.trace(
            instanceID, "ReturnZomeFunctionResult", boot: conductor.bootID,
            [
                "call": .number(Int64(call.number)), "ok": .bool(code == nil),
                "code": code.map { .string($0) } ?? .null,
            ])
    }

    /// A commit is durable. Without a network the own node is the only one that has to hold it, and does at once.
    func traceCommit(_ actions: [SignedAction]) {
        let system = conductor.signals.system
        for signed in actions where system.tracesCalls {
            let action = signed.action
            system.trace(
                instanceID, "Commit", boot: conductor.bootID,
                [
                    "address": .string(signed.hash.text), "seq": .number(Int64(action.header.actionSeq)),
                    "type": .string("\(action.data.type)"),
                    "entry_address": action.entryHash.map { .string($0.text) } ?? .null,
                ])
        }
        for signed in actions where system.tellsConsistency {
            let held = "Hold(\(signed.hash.text))"
            system.consistency(
                instanceID, "Commit(\(signed.hash.text))", pending: [.init(event: held, group: "Source")])
            system.consistency(instanceID, held)
        }
    }
}

extension Conductor {
    /// The signals of an instance with numbers above `number`, as far as they are kept.
    /// - Returns: also how many are not kept any more; nil if `boot` is another run of the conductor, or `number` can only be of
    ///   one, because this run has not come so far: nobody counts its signals, and all of the present run come.
    public func signals(
        of instanceID: String, since number: UInt64, boot: String?
    ) -> (signals: [UserSignal], missed: UInt64?) {
        loop.assertInEventLoop()
        guard boot == bootID || (boot == nil && number <= signals.lastNumber(of: instanceID)) else {
            return (signals.since(0, of: instanceID).signals, nil)
        }
        return signals.since(number, of: instanceID)
    }

    /// Who hears the conductor's own signals; nil: nobody.
    public func hearSystemSignals(_ receiver: ((SystemSignal) -> Void)?) {
        loop.assertInEventLoop()
        signals.system.receiver = receiver
    }

    /// Which of them somebody wants.
    public func wantSystemSignals(_ kinds: Set<SystemSignal.Kind>) {
        loop.assertInEventLoop()
        signals.system.want(kinds, loop: loop) { [self] in .statistics(instanceStatistics()) }
    }

    /// The numbers of every installed instance. Own writes are judged before they are committed, so that nothing waits to be
    /// judged here.
    func instanceStatistics() -> [SystemSignal.InstanceStatistics] {
        let running = Dictionary(
            uniqueKeysWithValues: instances(of: nil).map { ($0.id, cells[$0.id]) })
        return running.sorted { $0.key < $1.key }.map { instanceID, cell in
            // A space that cannot be read is told where it is asked for; here its cell is offline.
            let held = cell.flatMap { try? $0.space.store.heldCounts() }
            return SystemSignal.InstanceStatistics(
                instanceID: instanceID, heldEntries: held?.entries ?? 0, heldAspects: held?.ops ?? 0,
                pendingValidations: 0, delayedValidations: 0, runningCalls: UInt64(cell?.calls.count ?? 0),
                isOffline: !(cell?.isActive ?? false) || held == nil)
        }
    }
}
