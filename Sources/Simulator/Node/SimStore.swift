import Gossip
import Integrity
import Sodium
import Validation

/// What a simulated node has on its disk. It survives a crash; everything else of a node does not.
final class SimStore: PipelineReads {
    private var actions: [Bytes32: SignedAction] = [:]
    private var entries: [Bytes32: Entry] = [:]
    /// An action that brought an entry.
    private var bringers: [Bytes32: ActionHash] = [:]
    private var standings: [ActionHash: [ChainOpType: ValidationStatus]] = [:]
    private var warrants: [DhtOpHash: ValidationStatus] = [:]
    private var activity: [AgentPubKey: [UInt32: [SignedAction]]] = [:]
    private(set) var parked: [DhtOpHash: (op: DhtOp, since: Timestamp)] = [:]
    /// Ops held, by their hash.
    private var ops: [Word256: DhtOp] = [:]
    /// The same in the order of reconciliation, and those that were rejected.
    private(set) var index = OpIndex()
    private(set) var rejected = OpIndex()
    /// Receipts that ops of the own chain have, and whether they are complete.
    var publishing: [OpKey: (signers: [AgentPubKey], isComplete: Bool, wanted: Int)] = [:]
    /// The arc that was kept last.
    var arc = Arc.empty

    func action(_ hash: ActionHash) -> Action? { actions[hash.core]?.action }
    func signedAction(_ hash: ActionHash) -> SignedAction? { actions[hash.core] }
    func entry(_ hash: EntryHash) -> Entry? { entries[hash.core] }
    func standing(of action: ActionHash, _ type: ChainOpType) -> ValidationStatus? { standings[action]?[type] }
    func standing(ofWarrant hash: DhtOpHash, against agent: AgentPubKey) -> ValidationStatus? { warrants[hash] }
    func actions(of author: AgentPubKey, at seq: UInt32) -> [SignedAction] { activity[author]?[seq] ?? [] }

    func op(_ key: OpKey) -> DhtOp? { ops[key.core] }
    func holds(_ key: OpKey) -> Bool { ops[key.core] != nil }

    /// A record that is held, as it may be sent to others.
    func record(_ hash: ActionHash) -> Record? {
        guard let signed = actions[hash.core] else { return nil }
        guard let type = signed.action.entryType, let name = signed.action.entryHash else {
            return Record(signedAction: signed, entry: .notApplicable)
        }
        if type.visibility == .private { return Record(signedAction: signed, entry: .hidden) }
        return Record(signedAction: signed, entry: entries[name.core].map { .present($0) } ?? .notStored)
    }

    /// A record that brought an entry.
    func record(bringing hash: EntryHash) -> Record? { bringers[hash.core].flatMap { record($0) } }

    /// Takes a batch, all or nothing.
    func take(_ batch: SettledOps) {
        for op in batch.integrated { hold(.chainOp(op.chainOp), op) }
        for (op, _) in batch.rejected {
            remember(op.signedAction, op.entry.content)
            standings[op.signedAction.hash, default: [:]][op.type] = .rejected
            rejected.insert(OpKey(location: op.location, hash: op.hash))
        }
        for record in batch.cached { remember(record.signedAction, record.entry.entry) }
        for (signed, status) in batch.warrants {
            let hash = signed.warrant.hash
            warrants[hash] = status
            let key = OpKey(location: signed.warrant.warrantee.location, hash: hash)
            if status == .valid {
                ops[key.core] = .warrant(signed)
                index.insert(key)
            } else {
                rejected.insert(key)
            }
        }
        for (op, hash, _, since) in batch.parked { parked[hash] = (op, since) }
        for hash in batch.settled { parked[hash] = nil }
    }

    /// Takes records of the own chain, with private entries, and gives their ops.
    func commit(_ records: [Record]) -> [(key: OpKey, op: ChainOp)] {
        var made: [(key: OpKey, op: ChainOp)] = []
        for record in records {
            remember(record.signedAction, record.entry.entry)
            for (checked, op) in zip(Self.checked(record), ChainOp.ops(for: record)) {
                hold(.chainOp(op), checked)
                made.append((OpKey(location: checked.location, hash: checked.hash), op))
            }
        }
        return made
    }

    /// The ops of a record in the form in which they are held.
    private static func checked(_ record: Record) -> [CheckedOp] {
        let arrived = ArrivedOp.named(ChainOp.ops(for: record).map { .chainOp($0) })
        return ArrivalChecks.check(arrived).compactMap { result in
            if case .op(let op) = result { op } else { nil }
        }
    }

    private func hold(_ op: DhtOp, _ checked: CheckedOp) {
        let key = OpKey(location: checked.location, hash: checked.hash)
        remember(checked.signedAction, checked.entry.content)
        standings[checked.signedAction.hash, default: [:]][checked.type] = .valid
        if ops[key.core] == nil, checked.type == .agentActivity {
            let action = checked.action
            activity[action.author, default: [:]][action.actionSeq, default: []].append(checked.signedAction)
        }
        ops[key.core] = op
        index.insert(key)
    }

    private func remember(_ signed: SignedAction, _ entry: Entry?) {
        actions[signed.hash.core] = signed
        guard let entry, let hash = signed.action.entryHash else { return }
        entries[hash.core] = entry
        bringers[hash.core] = signed.hash
    }

    /// Lets go of ops in these locations, but for those of `author`. What they were judged by stays, as a cache would.
    func drop(_ locations: ArcSet, keeping author: AgentPubKey) {
        for range in locations.ranges {
            for key in index.keys(in: OpRange(range)) {
                guard let op = ops[key.core], op.author != author else { continue }
                ops[key.core] = nil
                index.remove(key)
                if case .chainOp(let op) = op { standings[op.action.hash]?[op.type] = nil }
            }
            for key in rejected.keys(in: OpRange(range)) { rejected.remove(key) }
        }
    }
}

extension DhtOp {
    /// Who made it.
    var author: AgentPubKey {
        switch self {
        case .chainOp(let op): op.action.author
        case .warrant(let signed): signed.warrant.author
        }
    }

    /// Whether it bears the entry of a private type.
    var hasPrivateEntry: Bool {
        guard case .chainOp(let op) = self, case .present = op.entry else { return false }
        return op.action.entryType?.visibility == .private
    }
}

extension OpEntry {
    /// The entry, if it is there.
    var content: Entry? {
        if case .present(let entry) = self { entry } else { nil }
    }
}
