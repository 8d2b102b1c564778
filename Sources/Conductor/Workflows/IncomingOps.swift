import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Storage
import Validation
import ZomeRuntime

/// What the pipeline needs of the network. Used on the conductor loop.
protocol ValidationPeers: AnyObject {
    /// Asks holders for records; what comes is handed to ``IncomingOps/arrived(records:from:asked:)``, and may be nothing.
    func fetch(_ missing: [AnyDhtHash])
    /// Sends receipts for an author's ops, over the connection that brought them.
    func send(_ receipts: [SignedReceipt], to author: AgentPubKey, over peer: PeerTag)
    /// Brings ops to those who hold their locations.
    func spread(_ ops: [DhtOp])
    /// A peer did what it should not.
    func fault(_ peer: PeerTag, _ fault: PeerFault)
    /// Ops that are held now, durably.
    func integrated(_ ops: [(location: UInt32, hash: DhtOpHash)])
    /// An op of a refused agent: it is not held here and need not be offered.
    func refused(_ op: DhtOpHash, location: UInt32)
    /// What has a verdict now is kept, durably: it can be handed over.
    func settled(_ batch: SettledOps)
    /// Receipts for own ops that count.
    func acknowledged(_ receipts: [(op: DhtOpHash, location: UInt32, by: AgentPubKey)])
    /// An agent broke the rules of the space: nothing is taken from them any more.
    func block(_ agent: AgentPubKey)
}

/// Ops of others, from arrival to a verdict: drives ``OpPipeline`` for one space.
///
/// Confined to the conductor loop; signatures are checked on other threads.
final class IncomingOps {
    let space: SpaceContext
    var pipeline: OpPipeline
    /// Whoever brings ops and records; what waited before the start is taken up when it is first set.
    weak var network: (any ValidationPeers)? {
        didSet { if network != nil { start() } }
    }
    /// Ops that modules shall judge, and have not been shown yet.
    var toShow: [JudgeRequest] = []
    var isShowing = false
    var receiptBook = ReceiptBook()
    private var timer: Scheduled<Void>?
    private var timerAt: Timestamp?
    private var hasStarted = false
    private var isOver = false
    /// A process for one op.
    lazy var makeFreshValidators: (any ZomeHostHandler) -> any ZomeRunner = { [conductor, space] handler in
        conductor.makeRunner(role: .validator, modules: space.validatorSpecs, handler: handler)
    }

    init(_ space: SpaceContext) {
        self.space = space
        pipeline = OpPipeline(
            system: SystemRules(dna: space.definition, hash: space.dna), declared: space.declaredRules,
            asksModules: space.validators != nil)
    }

    var conductor: Conductor { space.conductor }
    var now: Timestamp { conductor.networkNow }
    var held: HeldReads { HeldReads(space: space) }

    /// Ops came from a peer. A verdict comes later; receipts go back over the same connection.
    func receive(_ ops: [DhtOp], from peer: PeerTag, receiptsWanted: Bool) {
        pipeline.asksModules = space.validators != nil
        perform(pipeline.receive(ops, from: peer, receiptsWanted: receiptsWanted, held: held, now: now))
    }

    /// Records came from a peer that was asked for these hashes; nothing of them is believed yet.
    func arrived(records: [Record], from peer: PeerTag, asked: [AnyDhtHash]) {
        perform(pipeline.arrived(records, from: peer, asked: asked, held: held, now: now))
    }

    /// Whether there is so much to do that whoever sends in bulk should wait for ``whenFree``.
    var isBusy: Bool { pipeline.busy > 6_144 }
    /// Called once when half of that is done.
    var whenFree: (() -> Void)?

    /// Takes up what was parked, and who was found to break the rules, before the conductor started.
    private func start() {
        guard !hasStarted else { return }
        hasStarted = true
        do throws(PlasmidError) {
            // Of agents whose chains are held elsewhere, too.
            for agent in try space.store.warrantees() {
                for warrant in try space.store.warrants(against: agent, includingRejected: true) {
                    guard warrant.standing == .integrated else {
                        pipeline.noteFalseWarrant(by: warrant.signed.warrant.author)
                        continue
                    }
                    pipeline.refuse(agent, from: warrant.signed.evidence.seq)
                    network?.block(agent)
                }
            }
            try resumeCharges()
            let parked = try space.store.parked(limit: PipelineLimits().ops / 2)
            pipeline.asksModules = space.validators != nil
            perform(pipeline.restore(parked.map { ($0.op, $0.since) }, held: held, now: now))
        } catch {
            trouble(error)
        }
    }

    /// What was found against agents who are not refused yet: that it is charged may have waited for their chains.
    private func resumeCharges() throws(PlasmidError) {
        let limit = PipelineLimits().ops / 2
        var charges = try space.store.rejected(limit: limit).map { rejected in
            Charge.invalid(CheckedOp(held: rejected.op), reason: rejected.reason)
        }
        for author in try space.store.authors() where space.cells[author] == nil {
            for fork in try space.store.forks(of: author) {
                let first = fork.first?.action.prevAction
                guard fork.count > 1, fork.dropFirst().contains(where: { $0.action.prevAction == first }) else {
                    continue
                }
                guard let other = fork.dropFirst().first(where: { $0.action.prevAction == first }) else { continue }
                charges.append(.fork(fork[0], other))
            }
        }
        perform(pipeline.resume(charges, held: held, now: now))
    }

    // MARK: Effects

    func perform(_ effects: [PipelineEffect]) {
        // What comes back of other threads and of the disk after the space was left finds nobody.
        if isOver { return }
        for effect in effects { perform(effect) }
        setTimer()
        guard pipeline.busy < 3_072, let told = whenFree else { return }
        whenFree = nil
        told()
    }

    private func perform(_ effect: PipelineEffect) {
        switch effect {
        case .check(let id, let ops):
            elsewhere({ ArrivalChecks.check(ops) }) { incoming, results in
                incoming.perform(
                    incoming.pipeline.checked(id, results, held: incoming.held, now: incoming.now))
            }
        case .checkRecords(let id, let records):
            elsewhere({ ArrivalChecks.check(records) }) { incoming, results in
                incoming.perform(
                    incoming.pipeline.checkedRecords(id, results, held: incoming.held, now: incoming.now))
            }
        case .fetch(let hashes): network?.fetch(hashes)
        case .judge(let requests): show(requests)
        case .store(let batch): store(batch)
        case .fault(let peer, let fault):
            log(.debug, "a peer sent what it should not", ["fault": "\(fault)"])
            network?.fault(peer, fault)
        case .dropped(let hash, _, let reason):
            log(.debug, "an op was let go", ["op": "\(hash)", "reason": "\(reason)"])
        case .refused(let hash, let location): network?.refused(hash, location: location)
        case .integrated(let ops): network?.integrated(ops)
        case .receipts(let orders): sendReceipts(orders)
        case .charge(let charge): make(charge)
        case .block(let agent):
            log(.warning, "an agent broke the rules of the space and is refused", ["agent": "\(agent)"])
            network?.block(agent)
        case .trouble(let error): trouble(error)
        }
    }

    /// Runs what takes long on another thread, and goes on here.
    func elsewhere<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, _ then: @escaping (IncomingOps, Value) -> Void
    ) {
        let back = NIOLoopBound((self, then), eventLoop: conductor.loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: conductor.loop, work).whenSuccess { value in
            let (incoming, then) = back.value
            then(incoming, value)
        }
    }

    func trouble(_ error: PlasmidError) {
        log(
            .error, "ops of others meet a fault here", ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
    }

    func log(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        conductor.logger.log(
            level: level, message, metadata: metadata.merging(["dna": "\(space.dna)"]) { first, _ in first })
    }

    // MARK: Time

    private func setTimer() {
        guard let next = pipeline.nextTick else {
            timer?.cancel()
            (timer, timerAt) = (nil, nil)
            return
        }
        if let timerAt, timerAt <= next, timer != nil { return }
        timer?.cancel()
        timerAt = next
        // A little later than due, so that what is due about the same time is done at once.
        let wait = max(0, next.microseconds - now.microseconds) + 20_000
        timer = conductor.after(microseconds: min(wait, 60_000_000)) { [weak self] in
            guard let self else { return }
            (timer, timerAt) = (nil, nil)
            perform(pipeline.tick(held: held, now: now))
        }
    }

    /// The space is left.
    func stop() {
        isOver = true
        timer?.cancel()
        timer = nil
        network = nil
        whenFree = nil
    }

    /// Other validators are there: what had no verdict is judged anew.
    func validatorsChanged() {
        pipeline.asksModules = space.validators != nil
        perform(pipeline.modulesChanged(held: held, now: now))
    }

    // MARK: Storing

    private func store(_ batch: SettledOps) {
        let taken = OpBatch(batch)
        space.store.take(taken) { [self] result in
            switch result {
            case .success:
                stored(batch)
            case .failure(let error) where error.code == .opRefused: storeApart(batch)
            case .failure(let error):
                trouble(error)
                perform(pipeline.storeFailed(batch.id, held: held, now: now))
            }
        }
    }

    private func stored(_ batch: SettledOps, refused: [DhtOpHash: PlasmidError] = [:]) {
        let own = batch.warrants.filter { $0.status == .valid && space.cells[$0.signed.warrant.author] != nil }
        network?.settled(batch)
        perform(pipeline.stored(batch.id, refused: refused, held: held, now: now))
        if !own.isEmpty { network?.spread(own.map { .warrant($0.signed) }) }
    }

    /// Something in a batch is refused by the storage: each part of it is taken alone, so that one costs the others nothing.
    private func storeApart(_ batch: SettledOps) {
        let parts = batch.apart
        var due = parts.count
        var refused: [DhtOpHash: PlasmidError] = [:]
        var failure: PlasmidError?
        for (name, part) in parts {
            space.store.take(OpBatch(part)) { [self] result in
                due -= 1
                if case .failure(let error) = result {
                    if error.code == .opRefused {
                        log(
                            .error, "an op cannot be stored and is set aside",
                            ["op": "\(name.map { "\($0)" } ?? "a dependency")", "reason": "\(error.message)"])
                        if let name { refused[name] = error }
                    } else {
                        failure = failure ?? error
                    }
                }
                guard due == 0 else { return }
                if let failure {
                    trouble(failure)
                    return perform(pipeline.storeFailed(batch.id, held: held, now: now))
                }
                stored(batch.without(refused), refused: refused)
            }
        }
    }
}

/// What this node holds, for whatever reason, as ops of others are judged by it.
struct HeldReads: PipelineReads {
    let space: SpaceContext

    func action(_ hash: ActionHash) throws(PlasmidError) -> Action? { try space.store.knownAction(hash)?.action }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? { try space.store.knownEntry(hash) }

    func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? { try space.knownKind(of: hash) }

    func standing(of action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> ValidationStatus? {
        try space.store.standing(of: action, type)?.status
    }

    func standing(
        ofWarrant hash: DhtOpHash, against agent: AgentPubKey
    ) throws(PlasmidError) -> ValidationStatus? {
        try space.store.standing(ofWarrant: hash)?.status
    }

    func actions(of author: AgentPubKey, at seq: UInt32) throws(PlasmidError) -> [SignedAction] {
        try space.store.chain(of: author, from: seq, to: seq, descending: false, limit: 2) { _ in false }
            .map(\.signedAction)
    }
}

extension OpStanding {
    var status: ValidationStatus { self == .integrated ? .valid : .rejected }
}

extension ValidationStatus {
    var standing: OpStanding { self == .valid ? .integrated : .rejected }
}

extension OpBatch {
    /// What the pipeline has settled, as storage takes it.
    init(_ settled: SettledOps) {
        self.init()
        integrated = settled.integrated.map { HeldOp($0) }
        rejected = settled.rejected.map { RejectedOp(op: HeldOp($0.op), reason: $0.reason, when: settled.when) }
        parked = settled.parked.map { ParkedOp(op: $0.op, hash: $0.hash, missing: $0.missing, since: $0.since) }
        self.settled = settled.settled
        cached = settled.cached.map { record in
            CachedRecord(
                signedAction: record.signedAction, actionBytes: record.action.packed,
                entryBytes: record.entry.entry?.packed)
        }
        warrants = settled.warrants.map {
            StoredWarrant(signed: $0.signed, standing: $0.status.standing, when: settled.when)
        }
    }
}

extension HeldOp {
    init(_ op: CheckedOp) {
        var entry: [UInt8]?
        if case .present(let content) = op.entry { entry = content.packed }
        self.init(signedAction: op.signedAction, actionBytes: op.actionBytes, type: op.type, entryBytes: entry)
    }
}

extension WarrantEvidence {
    /// The number in the chain from which on its author is refused.
    var seq: UInt32 {
        switch self {
        case .op(let op): op.action.actionSeq
        case .actions(let one, _): one.action.actionSeq
        }
    }
}
