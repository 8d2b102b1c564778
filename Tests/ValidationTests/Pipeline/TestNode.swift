import Integrity
import Sodium

@testable import Validation

/// What a node of a test holds.
final class HeldOps: PipelineReads {
    private(set) var actions: [Bytes32: SignedAction] = [:]
    private(set) var entries: [Bytes32: Entry] = [:]
    private(set) var verdicts: [DhtOpHash: String] = [:]
    private var standings: [ActionHash: [ChainOpType: ValidationStatus]] = [:]
    private(set) var warrants: [DhtOpHash: ValidationStatus] = [:]
    private var activity: [AgentPubKey: [UInt32: [SignedAction]]] = [:]
    private(set) var parked: [DhtOpHash: (op: DhtOp, since: Timestamp)] = [:]

    func action(_ hash: ActionHash) -> Action? { actions[hash.core]?.action }
    func entry(_ hash: EntryHash) -> Entry? { entries[hash.core] }
    func standing(of action: ActionHash, _ type: ChainOpType) -> ValidationStatus? { standings[action]?[type] }
    func standing(ofWarrant hash: DhtOpHash, against agent: AgentPubKey) -> ValidationStatus? { warrants[hash] }
    func actions(of author: AgentPubKey, at seq: UInt32) -> [SignedAction] { activity[author]?[seq] ?? [] }

    func take(_ batch: SettledOps) {
        for op in batch.integrated {
            hold(op, .valid)
            verdicts[op.hash] = "valid"
            if op.type == .agentActivity {
                activity[op.action.author, default: [:]][op.action.actionSeq, default: []].append(op.signedAction)
            }
        }
        for (op, reason) in batch.rejected {
            hold(op, .rejected)
            verdicts[op.hash] = "rejected: \(reason)"
        }
        for record in batch.cached { hold(record) }
        for (signed, status) in batch.warrants { warrants[signed.warrant.hash] = status }
        for (op, hash, _, since) in batch.parked { parked[hash] = (op, since) }
        for hash in batch.settled { parked[hash] = nil }
    }

    private func hold(_ op: CheckedOp, _ status: ValidationStatus) {
        hold(op.record)
        standings[op.signedAction.hash, default: [:]][op.type] = status
    }

    private func hold(_ record: Record) {
        actions[record.hash.core] = record.signedAction
        if let entry = record.entry.entry?.believed(beside: record.action), let hash = record.action.entryHash {
            entries[hash.core] = entry
        }
    }
}

/// A pipeline with everything around it that a shell would do, in an order that the test decides.
final class TestNode {
    var pipeline: OpPipeline
    let held = HeldOps()
    var now = Timestamp(microseconds: 1_000_000)
    /// What peers would answer.
    var universe: [Record] = []
    var asksPeers = true
    /// What the modules say; nil for no modules.
    var modules: ((JudgeRequest, _ holds: (ActionHash) -> Bool) -> JudgeOutcome)?
    /// Stores only when told to.
    var holdsBack = false
    private(set) var heldBack: [SettledOps] = []
    /// With a source of chance, work that could be done in any order is.
    var dice: RuleDice?
    let agent = TestAgent(99)
    /// Whether it charges those who break the rules, whose later ops it then refuses.
    var makesWarrants = false

    private(set) var faults: [PeerFault] = []
    private(set) var dropped: [(DhtOpHash, DropReason)] = []
    private(set) var refusedOps: [DhtOpHash] = []
    private(set) var receipts: [ReceiptOrder] = []
    private(set) var announced: Set<DhtOpHash> = []
    private(set) var charges: [SignedWarrant] = []
    private(set) var blocked: [AgentPubKey] = []
    private(set) var questions: [AnyDhtHash] = []
    private(set) var checkedActions = 0
    private var queue: [PipelineEffect] = []

    init(_ dna: DnaDefinition, modules: Bool = false, limits: PipelineLimits = PipelineLimits()) {
        pipeline = OpPipeline(
            system: SystemRules(dna: dna), declared: DeclarativeRules(dna: dna), asksModules: modules,
            limits: limits)
    }

    func receive(_ ops: [DhtOp], from peer: PeerTag = 7, receipts: Bool = false) {
        run(pipeline.receive(ops, from: peer, receiptsWanted: receipts, held: held, now: now))
    }

    func receive(_ ops: [ChainOp], from peer: PeerTag = 7, receipts: Bool = false) {
        receive(ops.map { DhtOp.chainOp($0) }, from: peer, receipts: receipts)
    }

    func arrived(_ records: [Record], from peer: PeerTag = 7, asked: [AnyDhtHash] = []) {
        run(pipeline.arrived(records, from: peer, asked: asked, held: held, now: now))
    }

    func tick(after microseconds: Int64) {
        now = now.advanced(byMicroseconds: microseconds)
        run(pipeline.tick(held: held, now: now))
    }

    /// Lets time pass until nothing is asked for any more.
    func settle() {
        for _ in 0..<200 where pipeline.nextTick != nil { tick(after: 700_000) }
    }

    func storeAll() {
        let batches = heldBack
        heldBack = []
        for batch in batches { store(batch) }
        drain()
    }

    func failStoring() {
        let batches = heldBack
        heldBack = []
        for batch in batches { queue += pipeline.storeFailed(batch.id, held: held, now: now) }
        drain()
    }

    func run(_ effects: [PipelineEffect]) {
        queue += effects
        drain()
    }

    private func drain() {
        while !queue.isEmpty {
            let index = dice?.below(queue.count) ?? 0
            perform(queue.remove(at: index))
        }
    }

    private func store(_ batch: SettledOps) {
        held.take(batch)
        queue += pipeline.stored(batch.id, held: held, now: now)
    }

    private func perform(_ effect: PipelineEffect) {
        switch effect {
        case .check(let id, let ops):
            checkedActions += ops.count
            queue += pipeline.checked(id, ArrivalChecks.check(ops), held: held, now: now)
        case .checkRecords(let id, let records):
            queue += pipeline.checkedRecords(id, ArrivalChecks.check(records), held: held, now: now)
        case .fetch(let hashes):
            questions += hashes
            guard asksPeers else { return }
            let wanted = Set(hashes)
            let found = universe.filter { record in
                wanted.contains(.action(record.hash))
                    || record.action.entryHash.map { wanted.contains(.entry($0)) && record.entry.entry != nil } ?? false
            }
            queue += pipeline.arrived(found, from: 8, asked: hashes, held: held, now: now)
        case .judge(let requests): judge(requests)
        case .store(let batch): if holdsBack { heldBack.append(batch) } else { store(batch) }
        case .fault(_, let fault): faults.append(fault)
        case .dropped(let hash, _, let reason): dropped.append((hash, reason))
        case .integrated(let ops): announced.formUnion(ops.map(\.hash))
        case .receipts(let orders): receipts += orders
        case .charge(let charge):
            let (warrant, evidence) = charge.warrant(by: agent.key, now: now)
            let signed = SignedWarrant(
                warrant: warrant, signature: agent.sign(warrant.signedBytes), evidence: evidence)
            charges.append(signed)
            guard makesWarrants else { return }
            queue += pipeline.charged(signed, held: held, now: now)
        case .block(let agent): blocked.append(agent)
        case .refused(let hash, _): refusedOps.append(hash)
        case .trouble: break
        }
    }

    private func judge(_ requests: [JudgeRequest]) {
        var answers = requests.map { request in
            let outcome = modules?(request) { [self] hash in
                held.action(hash) != nil || pipeline.staged.action(hash) != nil
            }
            return (ticket: request.ticket, outcome: outcome ?? .valid)
        }
        if dice != nil, answers.count > 1 {
            // One by one, in any order.
            dice.map {
                var copy = $0; answers.shuffle(using: &copy); dice = copy
            }
            for answer in answers { queue += pipeline.judged([answer], held: held, now: now) }
        } else {
            queue += pipeline.judged(answers, held: held, now: now)
        }
    }
}

extension TestChain {
    /// The records as their author signs them, private entries and all.
    var records: [Record] {
        actions.map { action, entry in
            let signed = SignedAction(action: action, signature: agent.sign(action.packed))
            return Record(signedAction: signed, entry: entry.map { .present($0) } ?? .notApplicable)
        }
    }

    var ops: [ChainOp] { records.flatMap { ChainOp.ops(for: $0) } }
}

extension Record {
    /// As it is sent to others.
    var sent: Record {
        guard action.entryType?.visibility == .private else { return self }
        return Record(signedAction: signedAction, entry: .hidden)
    }
}
