import Integrity

/// A peer's libp2p id, as its bytes. One peer speaks for all agents that a conductor has in a space.
public struct PeerKey: Hashable, Comparable, Sendable {
    /// The peer id's bytes.
    public let bytes: [UInt8]

    /// The key with these bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Byte order.
    public static func < (left: PeerKey, right: PeerKey) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// What became of a record that a table was told.
public enum PeerNews: Sendable, Hashable {
    /// An agent that was not known, or not any more.
    case came
    /// A newer record of a known agent; whether it covers another arc, or is at another peer.
    case changed(arc: Bool, peer: Bool)
    /// The agent has left.
    case left
    /// Known already, older than what is known, one's own, or of an agent that has left.
    case old
    /// The table has no room for it: too many agents in all, or of one peer.
    case noRoom
}

/// Bounds and times of a ``PeerTable``.
public struct PeerTableSettings: Sendable, Hashable {
    /// Agents in all.
    public var agents = 10_000
    /// Agents that one peer may speak for.
    public var agentsPerPeer = 64
    /// How long after a connection the first round begins, at most; microseconds.
    public var firstRound: Int64 = 1_000_000
    /// The shortest time between two rounds with a peer, taken while they find differences; microseconds.
    public var shortest: Int64 = 15_000_000
    /// The longest, reached while they find none.
    public var longest: Int64 = 300_000_000
    /// How far clocks may be apart.
    public var skew: Int64 = AgentRecord.skewMaximum

    /// The defaults.
    public init() {}
}

/// The agents of a space that are known here, where they are and what they hold; which peer to reconcile with next; and how
/// peers have behaved.
///
/// Records come verified (``AgentRecord/fault(dna:now:)``). Their times are of another machine's clock: a record counts for as long as it says from
/// when it was first seen here, and never longer than an hour after its own end, so that clocks an hour apart do no harm and a dead agent's record is not passed around for ever.
public struct PeerTable: Sendable {
    struct Known: Sendable {
        var record: AgentRecord
        var peer: PeerKey
        var until: Timestamp
    }

    struct Standing: Sendable {
        var agents = 0
        var isConnected = false
        var isUnreachable = false
        var score = PeerScore()
        var rounds = RoundTimes()

        func isWorthKeeping(_ now: Timestamp) -> Bool { agents > 0 || isConnected || score.weight(at: now) >= 1 }
    }

    /// In the order of agent keys, so that nothing depends on the order of a dictionary.
    private(set) var known: [Known] = []
    private var gone: [AgentPubKey: (created: Timestamp, until: Timestamp)] = [:]
    var peers: [PeerKey: Standing] = [:]
    let settings: PeerTableSettings
    /// This node's own agents, whose records are not taken.
    public var own: Set<AgentPubKey>

    /// An empty table of a node with these agents.
    public init(own: Set<AgentPubKey>, settings: PeerTableSettings = PeerTableSettings()) {
        self.own = own
        self.settings = settings
    }

    /// How many agents are known.
    public var count: Int { known.count }

    // MARK: Records

    /// Takes a verified record.
    public mutating func learn(_ record: AgentRecord, now: Timestamp) -> PeerNews {
        let info = record.info
        if own.contains(info.agent) { return .old }
        if let gone = gone[info.agent] {
            guard info.createdAt > gone.created else { return .old }
            self.gone[info.agent] = nil
        }
        let place = place(of: info.agent)
        let before = place < known.count && known[place].record.info.agent == info.agent ? known[place] : nil
        if let before, info.createdAt <= before.record.info.createdAt { return .old }
        if info.isTombstone {
            if before != nil { remove(at: place, now: now) }
            remember(info, now: now)
            return before == nil ? .old : .left
        }
        let lifetime = info.expiresAt.microseconds.subtractingReportingOverflow(info.createdAt.microseconds)
        guard !lifetime.overflow, lifetime.partialValue > 0 else { return .old }
        let until = min(
            now.advanced(byMicroseconds: lifetime.partialValue),
            info.expiresAt.advanced(byMicroseconds: settings.skew))
        guard until > now else { return .old }
        let entry = Known(record: record, peer: PeerKey(info.peer), until: until)
        // Whoever writes a new record is there.
        if let before {
            if before.peer != entry.peer {
                guard peers[entry.peer]?.agents ?? 0 < settings.agentsPerPeer else { return .noRoom }
                forgetAgent(of: before.peer)
                peers[entry.peer, default: Standing()].agents += 1
            }
            peers[entry.peer]?.isUnreachable = false
            known[place] = entry
            return .changed(arc: before.record.info.arc != info.arc, peer: before.peer != entry.peer)
        }
        guard known.count < settings.agents, peers[entry.peer]?.agents ?? 0 < settings.agentsPerPeer else {
            return .noRoom
        }
        known.insert(entry, at: place)
        peers[entry.peer, default: Standing()].agents += 1
        peers[entry.peer]?.isUnreachable = false
        return .came
    }

    /// Forgets what has run out; returns the agents that are gone by that, in order.
    public mutating func expire(now: Timestamp) -> [AgentPubKey] {
        let over = known.filter { $0.until <= now }.map(\.record.info)
        for info in over {
            remove(at: place(of: info.agent), now: now)
            remember(info, now: now)
        }
        gone = gone.filter { $0.value.until > now }
        peers = peers.filter { $0.value.isWorthKeeping(now) }
        return over.map(\.agent)
    }

    /// A record that has ended is not taken again from whoever still passes it on.
    private mutating func remember(_ info: AgentPresence, now: Timestamp) {
        guard gone.count < settings.agents else { return }
        let until = max(info.expiresAt, now).advanced(byMicroseconds: 2 * settings.skew)
        gone[info.agent] = (info.createdAt, until)
    }

    private mutating func remove(at place: Int, now: Timestamp) {
        let entry = known.remove(at: place)
        forgetAgent(of: entry.peer)
        if peers[entry.peer]?.isWorthKeeping(now) == false { peers[entry.peer] = nil }
    }

    private mutating func forgetAgent(of peer: PeerKey) {
        if let agents = peers[peer]?.agents { peers[peer]?.agents = max(0, agents - 1) }
    }

    private func place(of agent: AgentPubKey) -> Int {
        var low = 0
        var high = known.count
        while low < high {
            let middle = (low + high) / 2
            if known[middle].record.info.agent < agent { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Asking

    /// What is known of an agent.
    public func record(of agent: AgentPubKey) -> AgentRecord? {
        let place = place(of: agent)
        guard place < known.count, known[place].record.info.agent == agent else { return nil }
        return known[place].record
    }

    /// All records, in the order of agent keys.
    public var records: [AgentRecord] { known.map(\.record) }

    /// The agents that keep what lies at `location`, but for those whose peer cannot be reached or was dropped; in the order of keys.
    public func holders(of location: UInt32, now: Timestamp) -> [AgentPubKey] {
        var found: [AgentPubKey] = []
        for entry in known where entry.record.info.arc.contains(location) && isUsable(entry.peer, now) {
            found.append(entry.record.info.agent)
        }
        return found
    }

    /// The peers of these agents, each once, in order.
    public func peers(of agents: [AgentPubKey]) -> [PeerKey] {
        Set(agents.compactMap { record(of: $0).map { PeerKey($0.info.peer) } }).sorted()
    }

    /// Whether an agent is known to keep what lies at `location`: whose receipt counts.
    public func holds(_ agent: AgentPubKey, _ location: UInt32) -> Bool {
        record(of: agent)?.info.arc.contains(location) ?? false
    }

    /// What a peer's agents claim together.
    public func arcs(of peer: PeerKey) -> ArcSet {
        ArcSet(known.filter { $0.peer == peer }.map(\.record.info.arc))
    }

    /// What each of a peer's agents claims.
    public func claims(of peer: PeerKey) -> [ArcClaim] {
        known.filter { $0.peer == peer && !$0.record.info.arc.isEmpty }
            .map { ArcClaim(agent: $0.record.info.agent, arc: $0.record.info.arc) }
    }

    /// What the agents claim that can be reached: what ``ArcPlan`` looks at.
    public func claims(now: Timestamp) -> [ArcClaim] {
        known.filter { isUsable($0.peer, now) && !$0.record.info.arc.isEmpty }
            .map { ArcClaim(agent: $0.record.info.agent, arc: $0.record.info.arc) }
    }

    func isUsable(_ peer: PeerKey, _ now: Timestamp) -> Bool {
        guard let standing = peers[peer] else { return true }
        return !standing.isUnreachable && standing.score.treatment(at: now) != .dropped
    }
}
