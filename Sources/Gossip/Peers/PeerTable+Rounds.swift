import Integrity

/// When a peer was and will be reconciled with.
struct RoundTimes: Sendable, Hashable {
    var isUnderWay = false
    /// When the next is due; nil before the peer is connected.
    var next: Timestamp?
    var last: Timestamp?
    /// How long to wait after a round, in microseconds.
    var pause: Int64 = 0
}

// Connections, behaviour, and whom to reconcile with.
extension PeerTable {
    /// A connection is there. The side that dialled begins a round soon; the other waits, and begins one only if none comes.
    public mutating func connected(
        _ peer: PeerKey, isDialer: Bool, now: Timestamp, using random: inout some RandomNumberGenerator
    ) {
        var standing = peers[peer, default: Standing()]
        standing.isConnected = true
        standing.isUnreachable = false
        standing.rounds.isUnderWay = false
        standing.rounds.pause = settings.shortest
        let delay = Int64.random(in: 0...settings.firstRound, using: &random)
        standing.rounds.next = now.advanced(byMicroseconds: isDialer ? delay : settings.shortest + delay)
        peers[peer] = standing
    }

    /// The last connection to a peer has ended; `isGone` when it could not be reached again, so that its agents are holders no more
    /// until they are heard of.
    public mutating func disconnected(_ peer: PeerKey, isGone: Bool, now: Timestamp) {
        guard var standing = peers[peer] else { return }
        standing.isConnected = false
        standing.isUnreachable = isGone || standing.isUnreachable
        standing.rounds.isUnderWay = false
        standing.rounds.next = nil
        peers[peer] = standing.isWorthKeeping(now) ? standing : nil
    }

    /// Notes what a peer did, and says how it is to be treated from now on.
    public mutating func note(_ offence: PeerOffence, of peer: PeerKey, now: Timestamp) -> PeerTreatment {
        guard peers[peer] != nil || peers.count < 2 * settings.agents else {
            // No room to remember one more stranger: it goes at once.
            return .dropped
        }
        peers[peer, default: Standing()].score.add(offence, now: now)
        return treatment(of: peer, now: now)
    }

    /// How a peer is to be treated.
    public func treatment(of peer: PeerKey, now: Timestamp) -> PeerTreatment {
        peers[peer]?.score.treatment(at: now) ?? .trusted
    }

    /// The weight of a peer's offences.
    public func score(of peer: PeerKey, now: Timestamp) -> Double { peers[peer]?.score.weight(at: now) ?? 0 }

    /// This node was away (suspended, cut off, its clock jumped): every connected peer is due soon.
    public mutating func gap(now: Timestamp, using random: inout some RandomNumberGenerator) {
        for peer in peers.keys.sorted() where peers[peer]?.isConnected == true {
            let delay = Int64.random(in: 0...settings.firstRound, using: &random)
            peers[peer]?.rounds.next = now.advanced(byMicroseconds: delay)
            peers[peer]?.rounds.pause = settings.shortest
        }
    }

    /// The peer to begin a round with now; nil when none is due that holds anything of `own`. Marks the round as under way. Of several
    /// that are due the one that was asked longest ago, those slowed last. The shell decides how many rounds run at once.
    public mutating func nextRound(now: Timestamp, own: ArcSet) -> PeerKey? {
        var best: (isSlowed: Int, last: Int64, peer: PeerKey)?
        forEachPartner(own) { peer, standing, next in
            let treatment = standing.score.treatment(at: now)
            guard next <= now, treatment != .dropped else { return }
            let one = (treatment == .slowed ? 1 : 0, standing.rounds.last?.microseconds ?? .min, peer)
            if best.map({ one < $0 }) ?? true { best = one }
        }
        if let peer = best?.peer { peers[peer]?.rounds.isUnderWay = true }
        return best?.peer
    }

    /// When ``nextRound(now:own:)`` has something to say at the earliest; nil when nobody is connected that holds anything of `own`.
    public func nextWake(own: ArcSet) -> Timestamp? {
        var first: Timestamp?
        forEachPartner(own) { _, _, next in first = min(first ?? next, next) }
        return first
    }

    /// Every connected peer that holds something of `own` and has no round under way.
    private func forEachPartner(_ own: ArcSet, _ body: (PeerKey, Standing, Timestamp) -> Void) {
        for entry in known {
            let arc = entry.record.info.arc
            let shares = own.isFull ? !arc.isEmpty : own.ranges.contains { arc.overlaps($0) }
            guard shares, let standing = peers[entry.peer], standing.isConnected, !standing.rounds.isUnderWay,
                let next = standing.rounds.next
            else { continue }
            body(entry.peer, standing, next)
        }
    }

    /// A round with a peer is through, whoever began it; `found` ops went either way. Rounds grow rarer while they find nothing.
    public mutating func finished(
        _ peer: PeerKey, found: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) {
        guard var times = peers[peer]?.rounds else { return }
        times.isUnderWay = false
        times.last = now
        times.pause = found > 0 ? settings.shortest : min(settings.longest, max(settings.shortest, times.pause * 2))
        times.next = now.advanced(byMicroseconds: Self.around(times.pause, &random))
        peers[peer]?.rounds = times
    }

    /// A round with a peer came to nothing; the offence, if it was one, is noted apart.
    public mutating func failed(_ peer: PeerKey, now: Timestamp, using random: inout some RandomNumberGenerator) {
        finished(peer, found: 0, now: now, using: &random)
    }

    /// A duration of `base`, an eighth more or less: nodes that started together do not stay together.
    static func around(_ base: Int64, _ random: inout some RandomNumberGenerator) -> Int64 {
        base + Int64.random(in: -base / 8...base / 8, using: &random)
    }
}
