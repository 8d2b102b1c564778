import Gossip
import Integrity
import Logging
import NIOCore
import Storage
import Transport

/// Which locations the agents here keep: decided from what the others claim, fetched before it is announced, handed over before
/// it is dropped (docs/spec/gossip.md §5).
extension SpaceNetwork {
    /// How long an op stays that a read brought and nobody here keeps, in microseconds.
    private static var visit: Int64 { 600_000_000 }
    /// Ops that are dropped at once.
    private static var droppedAtOnce: Int { 256 }

    /// What an agent here has announced.
    func arc(of agent: AgentPubKey) -> Arc { arcs.plans[agent]?.announced ?? .empty }

    /// The agent here that signs for what lies at a location.
    func keeper(of location: UInt32) -> AgentPubKey? {
        let plans = arcs.plans.sorted { $0.key < $1.key }
        return
            (plans.first { $0.value.announced.contains(location) } ?? plans.first { $0.value.kept.contains(location) })?
            .key
    }

    // MARK: When

    /// Looks at what is to be decided, fetched, handed over and dropped.
    func tendArcs() {
        guard !isOver else { return }
        settlePlans()
        let now = now
        // Who was told of others and has not met one yet goes on looking.
        let isDialling = !reaching.isEmpty || !underWay.isEmpty || !desk.bootstrap.isEmpty
        if arcs.isDue(now, hasMembers: !members.isEmpty, isDialling: isDialling) {
            let claims = table.claims(now: now)
            change { plan in plan.review(claims, now: now) }
        }
        catchUp()
        dismissVisitors()
        dropSome()
        armArcs()
    }

    /// Looks again soon where there is something under way.
    func armArcs() {
        guard !isOver, arcTimer == nil, !arcs.isOpen || !arcs.isSteady || !arcs.leaving.isEmpty else { return }
        arcTimer = conductor.after(microseconds: arcs.leaving.isEmpty ? 150_000 : 20_000) { [weak self] in
            self?.arcTimer = nil
            self?.tendArcs()
        }
    }

    /// A plan for each running agent, from what storage has of it.
    func settlePlans() {
        var isChanged = false
        let running = space.cells.filter { $0.value.isActive }.keys.sorted()
        for agent in running where arcs.plans[agent] == nil {
            var held = Arc.empty
            do throws(PlasmidError) {
                if let kept = try space.store.keptArc(of: agent) { held = Arc(start: kept.start, length: kept.length) }
            } catch {
                desk.logger.error("what an agent kept cannot be read", metadata: ["reason": "\(error.message)"])
            }
            arcs.plans[agent] = ArcPlan(agent: agent, held: held, settings: arcs.settings)
            arcs.written[agent] = held
            isChanged = true
        }
        for agent in arcs.plans.keys where space.cells[agent]?.isActive != true {
            arcs.plans[agent] = nil
            arcs.written[agent] = nil
            isChanged = true
        }
        guard isChanged else { return }
        arcs.isStale = true
        let before = arcs.kept
        write(arcs.settle())
        // What an agent kept that is here no more.
        visited(before.subtracting(arcs.kept).ranges.flatMap { held.keys(in: OpRange($0)) })
    }

    // MARK: Changing

    /// Has every plan go on, and carries out what follows.
    private func change(_ body: (inout ArcPlan) -> [ArcEffect]) {
        var effects: [(agent: AgentPubKey, effect: ArcEffect)] = []
        for agent in arcs.plans.keys.sorted() {
            guard var plan = arcs.plans[agent] else { continue }
            effects += body(&plan).map { (agent, $0) }
            arcs.plans[agent] = plan
        }
        guard !effects.isEmpty else { return }
        let before = arcs.announced
        write(arcs.settle())
        for (agent, effect) in effects {
            switch effect {
            case .announce(let arc):
                desk.logger.debug("an agent's arc", metadata: ["agent": "\(agent)", "length": "\(arc.length)"])
            case .fetch, .handOver: break
            case .drop(let locations):
                for range in locations.subtracting(arcs.kept).ranges {
                    arcs.leaving.append(contentsOf: held.keys(in: OpRange(range)))
                }
            }
        }
        if effects.contains(where: { if case .announce = $0.effect { true } else { false } }) { refreshOwnRecords() }
        if !arcs.announced.subtracting(before).isEmpty {
            // What was written between the last round and the announcement was sent to nobody here.
            table.gap(now: now, using: &random)
            scheduleRounds()
        }
        desk.whenChanged()
    }

    private func write(_ changed: [(agent: AgentPubKey, arc: Arc)]) {
        guard !changed.isEmpty else { return }
        var batch = OpBatch()
        batch.arcs = changed.map { KeptArc(agent: $0.agent, start: $0.arc.start, length: $0.arc.length) }
        take(batch)
    }

    private func take(_ batch: OpBatch) {
        let logger = desk.logger
        space.store.take(batch) { result in
            guard case .failure(let error) = result else { return }
            logger.error("a change of what is kept cannot be written", metadata: ["reason": "\(error.message)"])
        }
    }

    // MARK: Fetching and handing over

    /// Begins a round over what is to be fetched or handed over, once what the last one brought is judged.
    private func catchUp() {
        let now = now
        guard arcs.isReady(now), members.values.count(where: \.isInRound) < Self.roundsMaximum else { return }
        let claims = table.claims(now: now)
        for (_, plan) in arcs.plans.sorted(by: { $0.key < $1.key }) where !plan.isSteady {
            let partners = table.peers(of: plan.partners(among: claims)).compactMap { PeerID(bytes: $0.bytes) }
            let ready = partners.compactMap { members[$0] }.filter { peer in
                !peer.isOver && !peer.isInRound
                    && table.treatment(of: PeerKey(peer.connection.peer.bytes), now: now) == .trusted
            }
            if let peer = ready.randomElement(using: &random) {
                arcs.caughtUp = now
                return beginRound(with: peer)
            }
            if let other = partners.filter({ members[$0] == nil }).randomElement(using: &random) { reach(other) }
        }
    }

    /// A round with a peer came to its end.
    func reconciled(with peer: SpacePeer, _ state: RoundState) {
        let now = now
        let claims = table.claims(now: now)
        for claim in table.claims(of: PeerKey(peer.connection.peer.bytes)) {
            let shared = state.round.shared.intersection(ArcSet([claim.arc]))
            guard !shared.isEmpty else { continue }
            change { plan in
                plan.reconciled(shared, with: claim.agent, found: state.found, claims: claims, now: now)
            }
        }
        armArcs()
    }

    // MARK: Dropping

    /// What lies here and is kept by nobody here: it goes after a while.
    func visited(_ keys: [OpKey]) {
        let now = now
        for key in keys where !arcs.kept.contains(key.location) { arcs.visitors.append((now, key)) }
    }

    /// At a start: what a run before has left outside of what is kept.
    func findVisitors() {
        for range in ArcSet.full.subtracting(arcs.kept).ranges { visited(held.keys(in: OpRange(range))) }
    }

    private func dismissVisitors() {
        let now = now
        while let first = arcs.visitors.first, now.microseconds - first.since.microseconds >= Self.visit {
            arcs.visitors.removeFirst()
            if !arcs.kept.contains(first.key.location) { arcs.leaving.append(first.key) }
        }
    }

    /// Drops some of what is to be dropped: never what an agent of this conductor wrote, and no warrant: it protects this node wherever it
    /// belongs.
    private func dropSome() {
        guard !arcs.leaving.isEmpty else { return }
        do throws(PlasmidError) {
            let own = Set(try space.store.ownAuthors())
            var batch = OpBatch()
            var looked = 0
            while looked < Self.droppedAtOnce, let key = arcs.leaving.popFirst() {
                looked += 1
                guard !arcs.kept.contains(key.location), held.contains(key), case .chainOp(let op)? = heldOp(key),
                    !own.contains(op.action.author)
                else { continue }
                batch.dropped.append((op.action.hash, op.type))
                held.remove(key)
                places[key.core.bytes] = nil
            }
            if !batch.dropped.isEmpty { take(batch) }
        } catch {
            desk.logger.error("what is not kept cannot be dropped", metadata: ["reason": "\(error.message)"])
        }
        desk.whenChanged()
    }
}
