import Gossip
import Integrity
import Validation

// What comes from other nodes, and the node's own timer.
extension SimNode {
    func receive(_ message: SimMessage, from peer: Int, _ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        guard table.treatment(of: SimWorld.peer(peer), now: now) != .dropped else { return }
        if let malice, malice.isSilent(to: message) { return }
        switch message {
        case .hello(let record, let isAnswer): greet(record, isAnswer: isAnswer, from: peer, world, &out)
        case .agents(let records): for record in records { learn(record, world, &out) }
        case .askAgents: out.send(.agents(table.records), to: peer)
        case .ops(let ops, let wanted): take(ops, receiptsWanted: wanted, from: peer, world, &out)
        case .round(let id, let byBeginner, let message):
            round(id, byBeginner: byBeginner, message, from: peer, world, &out)
        case .receipts(let receipts): for receipt in receipts { take(receipt, from: peer, world, &out) }
        case .fetch(let hashes): answer(hashes, to: peer, &out)
        case .records(let records):
            let asked = Array(asked[peer] ?? [])
            perform(pipeline.arrived(records, from: PeerTag(peer), asked: asked, held: store, now: now), world, &out)
        }
    }

    private func greet(
        _ record: AgentRecord, isAnswer: Bool, from peer: Int, _ world: Int64, _ out: inout SimOut
    ) {
        let now = clock(world)
        learn(record, world, &out)
        if !isAnswer { out.send(.hello(self.record(world), isAnswer: true), to: peer) }
        table.connected(SimWorld.peer(peer), isDialer: isAnswer, now: now, using: &random)
        perform(book.came(record.info.agent, arc: record.info.arc, now: now), world, &out)
    }

    func learn(_ record: AgentRecord, _ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        let peer = SimWorld.number(record.info.peer)
        switch table.learn(record, now: now) {
        case .came: out.send(.hello(self.record(world), isAnswer: false), to: peer)
        case .changed(let arc, _):
            if arc { perform(book.came(record.info.agent, arc: record.info.arc, now: now), world, &out) }
        case .left, .old, .noRoom: break
        }
    }

    /// The connection to a peer is gone.
    func lost(_ peer: Int, _ world: Int64) {
        let key = SimWorld.peer(peer)
        let arcs = table.records.filter { $0.info.peer == key.bytes }.map { ($0.info.agent, $0.info.arc) }
        table.disconnected(key, isGone: true, now: clock(world))
        for (agent, arc) in arcs { book.went(agent, arc: arc) }
        begun = begun.filter { $0.value.peer != peer }
        joined = joined.filter { $0.value.peer != peer }
    }

    // MARK: Ops

    private func take(_ ops: [DhtOp], receiptsWanted: Bool, from peer: Int, _ world: Int64, _ out: inout SimOut) {
        let kept = plan.kept
        let mine = ops.filter { op in op.location.map { kept.contains($0) } ?? true }
        if let malice, malice.fakesReceipts, receiptsWanted {
            // Signs for what it does not keep.
            let now = clock(world)
            out.send(.receipts(mine.map { agent.receipt($0.hash, .valid, now: now) }), to: peer)
            return
        }
        guard !mine.isEmpty else { return }
        perform(
            pipeline.receive(
                mine, from: PeerTag(peer), receiptsWanted: receiptsWanted, held: store, now: clock(world)),
            world, &out)
    }

    private func take(_ signed: SignedReceipt, from peer: Int, _ world: Int64, _ out: inout SimOut) {
        let receipt = signed.receipt
        guard signed.hasTrueSignature else { return penalize(peer, .forged, world, &out) }
        guard let key = ownKey(of: receipt.op), table.holds(receipt.validator, key.location) else { return }
        guard receipt.status == .valid else { return }
        if store.publishing[key]?.signers.contains(receipt.validator) == false {
            store.publishing[key]?.signers.append(receipt.validator)
        }
        perform(book.receipt(for: key, by: receipt.validator), world, &out)
    }

    /// An op of one's own that is not complete, by its hash.
    private func ownKey(of hash: DhtOpHash) -> OpKey? {
        guard let op = store.op(OpKey(location: 0, hash: hash)), op.author == agent.key, let location = op.location
        else { return nil }
        return OpKey(location: location, hash: hash)
    }

    private func answer(_ hashes: [AnyDhtHash], to peer: Int, _ out: inout SimOut) {
        let records = hashes.compactMap { hash -> Record? in
            hash.action.map { store.record($0) } ?? hash.entry.flatMap { store.record(bringing: $0) }
        }
        if !records.isEmpty { out.send(.records(records), to: peer) }
    }

    // MARK: Rounds

    private func begin(_ peer: Int, _ world: Int64, _ out: inout SimOut) {
        let arcs = table.arcs(of: SimWorld.peer(peer))
        guard
            let (round, message) = try? ReconcileRound.begin(
                store.index, aside: aside, arcs: plan.kept, peerArcs: arcs, salt: random.bytes(16))
        else { return failed(peer, nil, world, &out) }
        let id = random.next()
        begun[id] = (peer, round, world, 0)
        out.send(.round(id, byBeginner: true, message), to: peer)
    }

    private func round(
        _ id: UInt64, byBeginner: Bool, _ message: ReconcileMessage, from peer: Int, _ world: Int64, _ out: inout SimOut
    ) {
        // Through the bytes, as on a wire.
        guard let message = try? ReconcileMessage(packed: message.packed) else { return }
        if byBeginner, joined[id] == nil {
            guard case .open = message, joined.count < 8 else { return }
            do {
                let (round, step) = try ReconcileRound.join(
                    store.index, aside: aside, arcs: plan.kept, message: message)
                joined[id] = (peer, round, world, 0)
                proceed(id, byBeginner: false, step, world, &out)
            } catch { broken(id, byBeginner: false, peer, error, world, &out) }
            return
        }
        do {
            let step: ReconcileStep
            if byBeginner {
                guard joined[id]?.peer == peer, let new = try joined[id]?.round.receive(message) else { return }
                step = new
            } else {
                guard begun[id]?.peer == peer, let new = try begun[id]?.round.receive(message) else { return }
                step = new
            }
            proceed(id, byBeginner: !byBeginner, step, world, &out)
        } catch { broken(id, byBeginner: !byBeginner, peer, error, world, &out) }
    }

    /// `byBeginner` says which end of the round this is.
    private func proceed(_ id: UInt64, byBeginner: Bool, _ step: ReconcileStep, _ world: Int64, _ out: inout SimOut) {
        guard let peer = byBeginner ? begun[id]?.peer : joined[id]?.peer else { return }
        var reply = step.reply
        if let malice, malice.lies { reply = malice.twist(reply, &random) }
        if let reply { out.send(.round(id, byBeginner: byBeginner, reply), to: peer) }
        var given = 0
        for gift in step.gifts { given += send(gift, to: peer, &out) }
        let found = step.expected + UInt64(given)
        if byBeginner { begun[id]?.found += found } else { joined[id]?.found += found }
        guard step.isFinished, let done = byBeginner ? begun.removeValue(forKey: id) : joined.removeValue(forKey: id)
        else { return }
        table.finished(SimWorld.peer(peer), found: Int(done.found), now: clock(world), using: &random)
        out.rounds += 1
        out.roundBytes += byBeginner ? done.round.byteCount : 0
        for record in table.records where record.info.peer == SimWorld.peer(peer).bytes {
            let shared = done.round.shared.intersection(ArcSet([record.info.arc]))
            let effects = plan.reconciled(
                shared, with: record.info.agent, found: Int(clamping: done.found),
                claims: table.claims(now: clock(world)), now: clock(world))
            perform(effects, world, &out)
        }
    }

    private func broken(
        _ id: UInt64, byBeginner: Bool, _ peer: Int, _ error: PlasmidError, _ world: Int64, _ out: inout SimOut
    ) {
        begun[id] = nil
        joined[id] = nil
        if error.code != .syncRefused {
            out.send(.round(id, byBeginner: byBeginner, .closing(error)), to: peer)
        }
        failed(peer, PeerOffence(error), world, &out)
    }

    private func failed(_ peer: Int, _ offence: PeerOffence?, _ world: Int64, _ out: inout SimOut) {
        table.failed(SimWorld.peer(peer), now: clock(world), using: &random)
        penalize(peer, offence, world, &out)
    }

    private func send(_ gift: ReconcileGift, to peer: Int, _ out: inout SimOut) -> Int {
        var keys: [OpKey]
        switch gift {
        case .ops(let list): keys = list
        case .range(let range, let except):
            let left = Set(except)
            keys = store.index.keys(in: range).filter { !left.contains($0) }
        }
        keys = keys.filter { store.holds($0) }
        for start in stride(from: 0, to: keys.count, by: 256) {
            let ops = keys[start..<min(start + 256, keys.count)].compactMap { store.op($0) }
            out.send(.ops(ops, receiptsWanted: false), to: peer)
        }
        return keys.count
    }

    // MARK: Time

    func tick(_ world: Int64, _ out: inout SimOut) {
        let now = clock(world)
        _ = table.expire(now: now)
        perform(pipeline.tick(held: store, now: now), world, &out)
        let table = table
        perform(book.tick(now: now, holders: { table.holders(of: $0, now: now) }, using: &random), world, &out)
        let old =
            (begun.map { ($0.key, $0.value.peer, $0.value.since) }
            + joined.map { ($0.key, $0.value.peer, $0.value.since) })
            .filter { world - $0.2 > 15_000_000 }.sorted { $0.0 < $1.0 }
        for (id, peer, _) in old {
            begun[id] = nil
            joined[id] = nil
            failed(peer, .silence, world, &out)
        }
        if world - lastReview >= 4_000_000 {
            lastReview = world
            perform(plan.review(self.table.claims(now: now), now: now), world, &out)
        }
        if world - lastPoll >= 15_000_000 {
            lastPoll = world
            out.polls = true
        }
        guard begun.count < 2, malice?.isIdle != true else { return }
        if !plan.isSteady, let peer = partner(now) { return begin(peer, world, &out) }
        if let peer = self.table.nextRound(now: now, own: plan.kept) { begin(SimWorld.number(peer.bytes), world, &out) }
    }

    /// Somebody who holds of what is to be fetched or handed over, by chance.
    private func partner(_ now: Timestamp) -> Int? {
        let busy = begun.values.map(\.peer)
        guard let agent = plan.partners(among: table.claims(now: now)).randomElement(using: &random),
            let record = table.record(of: agent)
        else { return nil }
        let peer = SimWorld.number(record.info.peer)
        return busy.contains(peer) ? nil : peer
    }

    func perform(_ effects: [ArcEffect], _ world: Int64, _ out: inout SimOut) {
        for effect in effects {
            switch effect {
            case .announce:
                let record = record(world)
                for known in table.records { out.send(.agents([record]), to: SimWorld.number(known.info.peer)) }
            case .fetch, .handOver: break
            case .drop(let locations):
                store.drop(locations, keeping: agent.key)
                for range in locations.ranges {
                    for key in aside.keys(in: OpRange(range)) { aside.remove(key) }
                }
            }
        }
        store.arc = plan.keptArc
    }
}
