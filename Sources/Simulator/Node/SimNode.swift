import Gossip
import Integrity
import Sodium
import Validation

/// A simulated node: the pure cores, and around them what a conductor's shell does. What it wants done in the world goes into ``SimOut``.
///
/// `agent` and `store` survive a crash; everything else is made anew at each start.
final class SimNode {
    let number: Int
    let agent: SimAgent
    let store: SimStore
    let dna: SimDna
    /// How far its clock is off, in microseconds.
    let skew: Int64
    var random: SimRandom
    let malice: SimMalice?
    var life = 0
    var isUp = false

    // What a crash takes.
    var pipeline: OpPipeline
    var table: PeerTable
    var book = PublishBook()
    var plan: ArcPlan
    /// Ops known and not held: rejected, parked, refused.
    var aside = OpIndex()
    var begun: [UInt64: (peer: Int, round: ReconcileRound, since: Int64, found: UInt64)] = [:]
    var joined: [UInt64: (peer: Int, round: ReconcileRound, since: Int64, found: UInt64)] = [:]
    var recordCreated = Timestamp(microseconds: 0)
    var lastReview: Int64 = 0
    var lastPoll: Int64 = 0
    /// What each peer was asked for; kept over a crash, since answers may come after it.
    var asked: [Int: Set<AnyDhtHash>] = [:]

    init(
        number: Int, agent: SimAgent, dna: SimDna, skew: Int64, random: SimRandom, malice: SimMalice?
    ) {
        self.number = number
        self.agent = agent
        self.dna = dna
        self.skew = skew
        self.random = random
        self.malice = malice
        store = SimStore()
        pipeline = dna.pipeline
        table = PeerTable(own: [agent.key], settings: dna.tableSettings)
        plan = ArcPlan(agent: agent.key)
    }

    /// The node's own clock.
    func clock(_ world: Int64) -> Timestamp { Timestamp(microseconds: SimWorld.epoch + world + skew) }

    /// What it tells others of itself.
    func record(_ world: Int64) -> AgentRecord {
        let now = max(clock(world), recordCreated.advanced(byMicroseconds: 1))
        recordCreated = now
        // Nobody in here verifies it: that is the space's part, and costs more than all else.
        return AgentRecord(
            info: AgentPresence(
                agent: agent.key, peer: SimWorld.peer(number).bytes, addresses: [],
                arc: malice?.claims ?? plan.announced,
                createdAt: now, expiresAt: now.advanced(byMicroseconds: 1_200_000_000)),
            signature: Signature(Bytes64()))
    }

    /// Starts, or starts again after a crash, with what the store has.
    func start(_ world: Int64, running: Arc? = nil) {
        life += 1
        isUp = true
        pipeline = dna.pipeline
        table = PeerTable(own: [agent.key], settings: dna.tableSettings)
        book = PublishBook()
        begun = [:]
        joined = [:]
        aside = store.rejected
        plan =
            running.map { ArcPlan(agent: agent.key, running: $0, settings: dna.arcs) }
            ?? ArcPlan(agent: agent.key, held: store.arc, settings: dna.arcs)
        if let running { store.arc = running }
    }

    /// Takes up what the store has of before: parked ops, and own ops that are not complete.
    func resume(_ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        let parked = store.parked.sorted { $0.key < $1.key }.map { (op: $0.value.op, since: $0.value.since) }
        for (op, _) in parked { note(aside: op) }
        perform(pipeline.restore(parked, held: store, now: now), world, &out)
        let waiting = store.publishing.filter { !$0.value.isComplete }.sorted { $0.key < $1.key }
            .map { (key: $0.key, wanted: $0.value.wanted, signers: $0.value.signers) }
        publish(waiting, world, &out)
    }

    func note(aside op: DhtOp) {
        if let location = op.location { aside.insert(OpKey(location: location, hash: op.hash)) }
    }

    // MARK: Own writes

    /// Commits a scratch as a conductor does: judged by the rules that others will use, durable, then acknowledged and published.
    func commit(_ build: (inout SimScratch) -> Void, _ world: Int64, _ out: inout SimOut) {
        var draft = SimScratch(agent.scratch, dna, now: clock(world), store)
        build(&draft)
        let records = agent.signed(&draft.scratch)
        let verdict = try? dna.system.check(records, reads: CandidateReads(records, over: store))
        guard verdict == .valid, !records.isEmpty else {
            out.refusedWrites += 1
            return
        }
        agent.adopt(draft.scratch, records)
        let made = store.commit(records)
        out.made(records, isAcknowledged: malice == nil)
        for (key, op) in made {
            let wanted = op.type == .createEntry ? 5 : 3
            store.publishing[key] = ([], false, wanted)
        }
        publish(made.map { ($0.key, store.publishing[$0.key]?.wanted ?? 3, []) }, world, &out)
    }

    func publish(_ ops: [(key: OpKey, wanted: Int, signers: [AgentPubKey])], _ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        let table = table
        perform(book.add(ops, now: now, holders: { table.holders(of: $0, now: now) }, using: &random), world, &out)
    }

    // MARK: Effects

    func perform(_ effects: [PublishEffect], _ world: Int64, _ out: inout SimOut) {
        for effect in effects {
            switch effect {
            case .send(let keys, let holder):
                guard let record = table.record(of: holder) else { continue }
                let ops = keys.compactMap { store.op($0) }
                out.send(.ops(ops, receiptsWanted: true), to: SimWorld.number(record.info.peer))
            case .mark(let key, _, let isComplete):
                store.publishing[key]?.isComplete = isComplete
            }
        }
    }

    func perform(_ effects: [PipelineEffect], _ world: Int64, _ out: inout SimOut) {
        var queue = effects
        var next = 0
        while next < queue.count {
            queue += perform(queue[next], world, &out)
            next += 1
        }
    }

    /// One effect; what follows from it at once.
    private func perform(_ effect: PipelineEffect, _ world: Int64, _ out: inout SimOut) -> [PipelineEffect] {
        let now = clock(world)
        switch effect {
        case .check(let id, let ops):
            return pipeline.checked(id, ArrivalChecks.check(ops), held: store, now: now)
        case .checkRecords(let id, let records):
            return pipeline.checkedRecords(id, ArrivalChecks.check(records), held: store, now: now)
        case .fetch(let hashes): ask(hashes, now, &out)
        case .judge(let requests):
            return pipeline.judged(requests.map { ($0.ticket, .valid) }, held: store, now: now)
        case .store(let batch):
            store.take(batch)
            for (op, hash, _, _) in batch.parked {
                if let location = op.location { aside.insert(OpKey(location: location, hash: hash)) }
            }
            for (op, _) in batch.rejected { aside.insert(OpKey(location: op.location, hash: op.hash)) }
            for (signed, status) in batch.warrants where status == .rejected { note(aside: .warrant(signed)) }
            out.stored(batch, number)
            return pipeline.stored(batch.id, held: store, now: now)
        case .fault(let peer, let fault): penalize(Int(peer), fault.offence, world, &out)
        case .dropped: out.dropped += 1
        // What is refused for its author's sake is named to others as known, lest it come with every round.
        case .refused(let hash, let location): aside.insert(OpKey(location: location, hash: hash))
        case .integrated(let ops):
            for (location, hash) in ops { aside.remove(OpKey(location: location, hash: hash)) }
        case .receipts(let orders):
            var byPeer: [(peer: Int, receipts: [SignedReceipt])] = []
            for order in orders {
                let receipt = agent.receipt(order.op, order.status, now: now)
                if let place = byPeer.firstIndex(where: { $0.peer == Int(order.peer) }) {
                    byPeer[place].receipts.append(receipt)
                } else {
                    byPeer.append((Int(order.peer), [receipt]))
                }
            }
            for (peer, receipts) in byPeer { out.send(.receipts(receipts), to: peer) }
        case .charge(let charge):
            let (warrant, evidence) = charge.warrant(by: agent.key, now: now)
            let signed = SignedWarrant(
                warrant: warrant, signature: agent.sign(warrant.signedBytes), evidence: evidence)
            let effects = pipeline.charged(signed, held: store, now: now)
            spread(signed, world, &out)
            return effects
        case .block(let agent): out.blocked.append((agent, number))
        case .trouble(let error): out.troubles.append(error)
        }
        return []
    }

    private func spread(_ warrant: SignedWarrant, _ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        for holder in table.holders(of: warrant.warrant.warrantee.location, now: now) {
            guard let record = table.record(of: holder) else { continue }
            out.send(.ops([.warrant(warrant)], receiptsWanted: false), to: SimWorld.number(record.info.peer))
        }
    }

    /// Asks two holders of each missing thing, chosen by chance.
    private func ask(_ hashes: [AnyDhtHash], _ now: Timestamp, _ out: inout SimOut) {
        var questions: [(peer: Int, hashes: [AnyDhtHash])] = []
        for hash in hashes {
            let holders = table.holders(of: hash.location, now: now)
            for _ in 0..<min(2, holders.count) {
                guard let holder = holders.randomElement(using: &random), let record = table.record(of: holder) else {
                    continue
                }
                let peer = SimWorld.number(record.info.peer)
                if let place = questions.firstIndex(where: { $0.peer == peer }) {
                    questions[place].hashes.append(hash)
                } else {
                    questions.append((peer, [hash]))
                }
            }
        }
        for (peer, hashes) in questions {
            asked[peer, default: []].formUnion(hashes)
            out.send(.fetch(hashes), to: peer)
        }
    }

    func penalize(_ peer: Int, _ offence: PeerOffence?, _ world: Int64, _ out: inout SimOut) {
        guard let offence else { return }
        let treatment = table.note(offence, of: SimWorld.peer(peer), now: clock(world))
        if treatment == .dropped { out.droppedPeers.insert(peer) }
    }
}

extension PeerFault {
    /// What it weighs. A peer that passes on what it could not know to be bad does nothing wrong.
    var offence: PeerOffence? {
        switch self {
        case .malformed: .malformed
        case .badSignature, .privateEntry, .badReceipt, .badWarrant: .forged
        case .unsolicited, .tooMuch, .foreign: .unsolicited
        case .refusedAuthor: nil
        }
    }
}
