import Gossip
import Integrity
import Logging
import NIOCore
import Sodium
import Storage
import Transport

/// How storage finds an op again.
enum OpPlace {
    /// By the name that it had when the space was joined.
    case id(UInt64)
    /// By its action.
    case chain(Bytes32, ChainOpType)
    /// By looking at its location: warrants, of which there are few.
    case location
}

/// An op that is held since now.
struct NewlyHeld {
    let location: UInt32
    let hash: DhtOpHash
    let place: OpPlace
}

/// Comparing what is held with peers, and handing over what they lack (docs/spec/gossip.md).
extension SpaceNetwork {
    /// Rounds that this side has under way at a time.
    static var roundsMaximum: Int { 4 }

    // MARK: What is held

    /// Reads the places of everything that is held, once, when the space is joined.
    func loadIndex() throws(PlasmidError) {
        var keys: [OpKey] = []
        try space.store.eachOp(in: 0...UInt32.max) { (place: HeldOpPlace) throws(PlasmidError) in
            keys.append(OpKey(location: place.location, hash: place.hash))
            places[place.hash.core] = .id(place.id)
            return true
        }
        held = OpIndex(keys)
        // What was judged and not taken, and what waits, need not come again.
        for rejected in try space.store.rejected(limit: Self.asideMaximum) {
            guard let location = rejected.op.basis?.location else { continue }
            aside.insert(OpKey(location: location, hash: DhtOp.chainOp(rejected.op).hash))
        }
        for parked in try space.store.parked(limit: Self.asideMaximum) {
            if let location = parked.op.location { aside.insert(OpKey(location: location, hash: parked.hash)) }
        }
    }

    /// Ops that were judged or parked in an earlier run and are remembered in this one, of each kind.
    private static var asideMaximum: Int { 30_000 }

    /// Ops that were integrated, or written here, from now on are compared and handed over.
    func note(_ ops: [NewlyHeld]) {
        for op in ops where places.updateValue(op.place, forKey: op.hash.core) == nil {
            let key = OpKey(location: op.location, hash: op.hash)
            held.insert(key)
            aside.remove(key)
            if !arcs.kept.contains(op.location) { visited([key]) }
        }
        settleGatherings()
        if !ops.isEmpty { desk.whenChanged() }
    }

    /// An op that is held, as it travels.
    func heldOp(_ key: OpKey) -> DhtOp? {
        guard let place = places[key.core.bytes] else { return nil }
        do throws(PlasmidError) {
            switch place {
            case .id(let id): return try space.store.op(id: id)
            case .chain(let action, let type):
                return try space.store.op(ActionHash(core: action), type).map { .chainOp($0) }
            case .location: return try space.store.op(key.hash, at: key.location)
            }
        } catch {
            desk.logger.error("an op cannot be read", metadata: ["reason": "\(error.message)"])
            return nil
        }
    }

    // MARK: Rounds that this side begins

    /// Begins the rounds that are due, and wakes up when the next is.
    func scheduleRounds() {
        guard !isOver else { return }
        let own = arcs.kept
        // Who is being sent everything by one would be sent it by every other as well.
        if !arcs.isSteady, arcs.isCrowded(now) {
            roundTimer?.cancel()
            roundTimer = conductor.after(microseconds: 1_000_000) { [weak self] in self?.scheduleRounds() }
            return
        }
        while members.values.count(where: \.isInRound) < Self.roundsMaximum,
            let key = table.nextRound(now: now, own: own)
        {
            guard let id = PeerID(bytes: key.bytes), let peer = members[id], !peer.isOver else {
                table.failed(key, now: now, using: &random)
                continue
            }
            beginRound(with: peer)
        }
        roundTimer?.cancel()
        guard let next = table.nextWake(own: own) else { return }
        let wait = max(50_000, next.microseconds - now.microseconds)
        roundTimer = conductor.after(microseconds: min(wait, 60_000_000)) { [weak self] in self?.scheduleRounds() }
    }

    func beginRound(with peer: SpacePeer) {
        guard !peer.isInRound else { return }
        do throws(PlasmidError) {
            let begun = try ReconcileRound.begin(
                held, aside: aside, arcs: arcs.kept, peerArcs: claimed(by: peer),
                salt: randomBytes(GossipLimits.saltBytes))
            peer.isInRound = true
            peer.lastRound += 1
            ask(peer, RoundState(begun.round), begun.message)
        } catch {
            // Nothing in common: there is nothing to compare.
            table.failed(PeerKey(peer.connection.peer.bytes), now: now, using: &random)
        }
    }

    /// What a peer keeps, as far as its agents say.
    private func claimed(by peer: SpacePeer) -> ArcSet {
        let claimed = table.arcs(of: PeerKey(peer.connection.peer.bytes))
        return claimed.isEmpty ? .full : claimed
    }

    private func ask(_ peer: SpacePeer, _ state: RoundState, _ message: ReconcileMessage) {
        let body = RoundBody(round: peer.lastRound, message: message)
        state.asked += 1
        let asked = state.asked
        let watch = watchRound(peer, state)
        peer.request(.round, body.packed, overSync: true) { [weak self, weak peer] result in
            watch.timer?.cancel()
            guard let self, let peer, !peer.isOver, state.asked == asked else { return }
            do throws(PlasmidError) {
                let answer = try Optional<ReconcileMessage>(packed: try result.get())
                guard let answer else { return end(peer, state) }
                let step = try state.round.receive(answer)
                state.found += step.gifts.reduce(Int(clamping: step.expected)) { $0 + count($1) }
                give(step.gifts, to: peer)
                if let reply = step.reply { ask(peer, state, reply) } else { end(peer, state) }
            } catch {
                if error.code != .syncRefused, error.code != .connectionLost { fault(of: peer, error) }
                state.isBroken = true
                end(peer, state)
            }
        }
    }

    /// How long a peer may let a message of a round wait while nothing else comes of it, in microseconds.
    private static var roundPatience: Int64 { 60_000_000 }

    /// Ends a round whose other side says nothing: it would take one of few places for ever.
    private func watchRound(_ peer: SpacePeer, _ state: RoundState) -> RoundWatch {
        let watch = RoundWatch()
        let asked = state.asked
        func wait(_ heard: UInt64) {
            watch.timer = conductor.after(microseconds: Self.roundPatience) { [weak self, weak peer] in
                guard let self, let peer, !peer.isOver, peer.isInRound, state.asked == asked else { return }
                // The answer comes behind ops on their way.
                guard peer.opsIn == heard else { return wait(peer.opsIn) }
                state.asked += 1
                fault(
                    of: peer, PlasmidError(.syncStalled, "The peer does not go on with a round that it is in."),
                    .stalled)
                state.isBroken = true
                if !peer.isOver { end(peer, state) }
            }
        }
        wait(peer.opsIn)
        return watch
    }

    private func end(_ peer: SpacePeer, _ state: RoundState) {
        peer.isInRound = false
        peer.rounds += 1
        peer.roundEnded = now
        table.finished(PeerKey(peer.connection.peer.bytes), found: state.found, now: now, using: &random)
        if state.isThrough { reconciled(with: peer, state) }
        desk.whenChanged()
        scheduleRounds()
    }

    private func count(_ gift: ReconcileGift) -> Int {
        switch gift {
        case .ops(let keys): keys.count
        case .range(let range, let except): max(0, held.count(in: range) - except.count)
        }
    }

    // MARK: Rounds that a peer begins

    func takeRound(
        _ frame: Frame, from peer: SpacePeer, _ reply: ((Result<[UInt8], PlasmidError>) -> Void)?
    ) throws(PlasmidError) {
        let body = try RoundBody(packed: frame.body)
        guard let reply else { throw PlasmidError(.badFrame, "a message of a round came without a number") }
        do throws(PlasmidError) {
            let step: ReconcileStep
            let state: RoundState
            if case .open = body.message {
                // Gifts are given once: what was asked for before goes first, and does not pile up for who takes nothing.
                guard peer.gifts.isEmpty else {
                    throw PlasmidError(.syncRefused, "What the peer lacks is on its way already.")
                }
                let joined = try ReconcileRound.join(held, aside: aside, arcs: arcs.kept, message: body.message)
                state = RoundState(joined.round)
                peer.served = (body.round, state)
                step = joined.step
            } else {
                guard let (number, served) = peer.served, number == body.round else {
                    throw PlasmidError(.syncOutOfTurn, "A message came for a round that nobody began.")
                }
                state = served
                step = try state.round.receive(body.message)
            }
            state.found += step.gifts.reduce(Int(clamping: step.expected)) { $0 + count($1) }
            give(step.gifts, to: peer)
            reply(.success(step.reply.packed))
            if step.isFinished {
                peer.served = nil
                peer.wasServed = true
                table.finished(
                    PeerKey(peer.connection.peer.bytes), found: state.found, now: now, using: &random)
                reconciled(with: peer, state)
            }
        } catch {
            peer.served = nil
            reply(.success(Optional(ReconcileMessage.closing(error)).packed))
            if error.code != .syncNothingShared, error.code != .syncRefused { throw error }
        }
    }

    // MARK: Handing over

    /// Puts what a peer lacks behind what it is sent already.
    private func give(_ gifts: [ReconcileGift], to peer: SpacePeer) {
        for gift in gifts {
            switch gift {
            case .ops(let keys): peer.gifts += keys.map { OwedOp(key: $0, receiptsWanted: false) }
            case .range(let range, let except):
                let left = Set(except)
                held.forEach(in: range) { key in
                    if !left.contains(key) { peer.gifts.append(OwedOp(key: key, receiptsWanted: false)) }
                    return true
                }
            }
        }
        pump(peer)
    }

    /// New ops that wait for a peer which takes nothing, at most; rounds find what it misses then.
    private static var freshMaximum: Int { 65_536 }

    /// Puts new ops behind those that a peer is sent already, before the gifts of rounds.
    func owe(_ keys: [OpKey], to peer: SpacePeer, receiptsWanted: Bool) {
        guard peer.fresh.count + keys.count <= Self.freshMaximum else { return }
        peer.fresh += keys.map { OwedOp(key: $0, receiptsWanted: receiptsWanted) }
    }

    /// Sends of what a peer is owed as much as it takes now, a frame at a time: entries are large, and are read when they go.
    func pump(_ peer: SpacePeer) {
        while let first = peer.fresh.first ?? peer.gifts.first, peer.hasRoomForSync {
            let line: ReferenceWritableKeyPath<SpacePeer, CircularBuffer<OwedOp>> =
                peer.fresh.isEmpty ? \.gifts : \.fresh
            var packed: [[UInt8]] = []
            var bytes = 0
            while packed.count < OpsBody.opsMaximum, let next = peer[keyPath: line].first,
                next.receiptsWanted == first.receiptsWanted
            {
                if let one = heldOp(next.key)?.packed {
                    guard packed.isEmpty || bytes + one.count <= Self.frameBytes else { break }
                    packed.append(one)
                    bytes += one.count
                }
                peer[keyPath: line].removeFirst()
            }
            guard !packed.isEmpty else { continue }
            peer.opsOut += UInt64(packed.count)
            peer.sendSync(Frame(.ops, body: OpsBody(receiptsWanted: first.receiptsWanted, ops: packed).packed))
        }
    }
}

/// A round under way: a box, so that what answers a request goes on with it.
final class RoundState {
    var round: ReconcileRound
    /// About how much either side had that the other lacked.
    var found = 0
    /// Messages that were sent: an answer counts for the last one alone.
    var asked = 0
    /// Whether it came to its end, and nobody broke it off.
    var isThrough: Bool { round.isFinished && !isBroken }
    var isBroken = false

    init(_ round: ReconcileRound) { self.round = round }
}

/// The timer over one message of a round.
private final class RoundWatch {
    var timer: Scheduled<Void>?
}
