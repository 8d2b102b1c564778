import Gossip
import Integrity
import NIOCore
import Storage
import Transport

/// Reads across the network: what holders keep at a base comes here as ops, is judged here as any other op, and is then read
/// as if it had always been here. Nobody's word is taken for it.
extension SpaceNetwork {
    /// Holders that are asked at once.
    private static var askedAtOnce: Int { 3 }
    /// Longest time that a read waits for holders, in microseconds.
    private static var patience: Int64 { 3_000_000 }
    /// Pages that are asked of one holder for one read.
    private static var pagesMaximum: UInt32 { 64 }

    /// Whether a read about `base` should ask holders: where nothing is here, or this node has not compared what it holds with
    /// anybody yet, or is no holder of the base.
    func asks(about base: AnyLinkableHash, isMissing: Bool) -> Bool {
        guard !members.isEmpty else { return false }
        return isMissing || !arcs.announced.contains(base.location)
            || !members.values.contains { $0.rounds > 0 || $0.wasServed }
    }

    /// Fetches what holders keep at a base; `done` comes when all that came is judged, or when time is up.
    func gather(_ base: AnyLinkableHash, _ done: @escaping () -> Void) {
        let holders = table.peers(of: table.holders(of: base.location, now: now)).compactMap { PeerID(bytes: $0.bytes) }
        var peers = holders.compactMap { members[$0] }.filter { !$0.isOver }
        if holders.isEmpty { peers = sortedMembers }
        peers.shuffle(using: &random)
        let gathering = Gathering(done)
        gathering.timer = conductor.after(microseconds: Self.patience) { gathering.finish() }
        for peer in peers.prefix(Self.askedAtOnce) {
            gathering.open += 1
            ask(peer, QueryBody(base: base), gathering)
        }
        // Where too few of the holders are connected, others are gone to.
        let far = holders.filter { members[$0] == nil && gone[$0] == nil }.shuffled(using: &random)
        for id in far.prefix(max(0, Self.askedAtOnce - peers.count)) {
            gathering.open += 1
            reach(id) { [weak self] result in
                guard let self, !gathering.isOver else { return }
                if case .success(let peer) = result { return ask(peer, QueryBody(base: base), gathering) }
                gathering.open -= 1
                look(at: gathering)
            }
        }
        if gathering.open == 0 { gathering.finish() }
    }

    private func ask(_ peer: SpacePeer, _ query: QueryBody, _ gathering: Gathering) {
        peer.request(.query, query.packed) { [weak self, weak peer] result in
            guard let self, let peer, !gathering.isOver else { return }
            var next: QueryBody?
            if case .success(let body) = result {
                do throws(PlasmidError) {
                    let answer = try QueryAnswer(packed: body)
                    take(answer, about: query.base, from: peer, gathering)
                    let most = Self.pagesMaximum * UInt32(QueryBody.opsMaximum)
                    if answer.hasMore, !answer.ops.isEmpty, query.skip < most {
                        next = query
                        next?.skip += UInt32(answer.ops.count)
                    }
                } catch {
                    fault(of: peer, error)
                }
            }
            if let next { return ask(peer, next, gathering) }
            gathering.open -= 1
            look(at: gathering)
        }
    }

    /// An op that is not about the base was not asked for; the others go the way of all ops.
    private func take(_ answer: QueryAnswer, about base: AnyLinkableHash, from peer: SpacePeer, _ gathering: Gathering)
    {
        var ops: [DhtOp] = []
        for bytes in answer.ops {
            do throws(PlasmidError) {
                let op = try DhtOp(packed: bytes)
                guard case .chainOp(let chainOp) = op, chainOp.basis == base else {
                    fault(of: peer, PlasmidError(.badFrame, "an op came that nobody had asked for"), .unsolicited)
                    continue
                }
                let key = OpKey(location: base.location, hash: op.hash)
                guard places[key.core.bytes] == nil, !aside.contains(key) else { continue }
                gathering.waitsFor.insert(key)
                ops.append(op)
            } catch {
                fault(of: peer, error)
            }
        }
        if !ops.isEmpty {
            peer.opsIn += UInt64(ops.count)
            gatherings.append(gathering)
            space.incoming.receive(ops, from: peer.tag, receiptsWanted: false)
        }
    }

    /// What has a verdict now is not waited for any more.
    func settleGatherings() {
        guard !gatherings.isEmpty else { return }
        for gathering in gatherings { look(at: gathering) }
        gatherings.removeAll(where: \.isOver)
    }

    private func look(at gathering: Gathering) {
        gathering.waitsFor = gathering.waitsFor.filter { places[$0.core.bytes] == nil && !aside.contains($0) }
        if gathering.open == 0, gathering.waitsFor.isEmpty { gathering.finish() }
    }

    // MARK: Answering

    /// The ops that are held at a base, a page of them.
    func answerQuery(
        _ body: [UInt8], _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let query = try QueryBody(packed: body)
        var answer = QueryAnswer(ops: [], hasMore: false)
        var skipped: UInt32 = 0
        var bytes = 0
        let location = query.base.location
        try space.store.eachOp(in: location...location) { (place: HeldOpPlace) throws(PlasmidError) in
            guard !place.isWarrant, let op = try self.space.store.op(id: place.id), case .chainOp(let chainOp) = op,
                chainOp.basis == query.base, query.types.isEmpty || query.types.contains(chainOp.type.rawValue),
                // An own one that is not durable yet could still be taken back by a power cut.
                self.space.cells[chainOp.action.author] == nil || self.places[op.hash.core] != nil
            else { return true }
            if skipped < query.skip {
                skipped += 1
                return true
            }
            let packed = op.packed
            guard answer.ops.count < QueryBody.opsMaximum,
                answer.ops.isEmpty || bytes + packed.count < Frame.bodyBytesMaximum / 2
            else {
                answer.hasMore = true
                return false
            }
            bytes += packed.count
            answer.ops.append(packed)
            return true
        }
        reply(.success(answer.packed))
    }
}

/// One read that waits for holders.
final class Gathering {
    /// Holders that have not answered.
    var open = 0
    /// Ops that came and have no verdict yet.
    var waitsFor: Set<OpKey> = []
    var timer: Scheduled<Void>?
    private(set) var isOver = false
    private let done: () -> Void

    init(_ done: @escaping () -> Void) { self.done = done }

    func finish() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        done()
    }
}
