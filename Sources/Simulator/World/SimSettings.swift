/// What is simulated.
public struct SimSettings: Sendable, Hashable {
    /// How many nodes, one agent each.
    public var nodes: Int
    /// What all chance comes from.
    public var seed: UInt64
    /// What goes wrong.
    public var faults: SimFaults
    /// Seconds of virtual time in which people write and things go wrong.
    public var seconds: Int
    /// Writes a second, of all people together.
    public var writes: Double
    /// Seconds that the network has afterwards, without faults, until every holder must hold everything.
    public var settling: Int
    /// Whether messages go through the bytes of frames, as on a wire, or as values, which is faster. The same comes of both.
    public var usesFrames: Bool

    /// A simulation of these.
    /// - Parameter usesFrames: nil for networks of at most 100 nodes.
    public init(
        nodes: Int, seed: UInt64, faults: SimFaults, seconds: Int = 120, writes: Double = 2, settling: Int = 900,
        usesFrames: Bool? = nil
    ) {
        self.nodes = nodes
        self.seed = seed
        self.faults = faults
        self.seconds = seconds
        self.writes = writes
        self.settling = settling
        self.usesFrames = usesFrames ?? (nodes <= 100)
    }

    /// The command that does the same again.
    public var replay: String {
        "plasmid sim dht --nodes \(nodes) --seed \(seed) --seconds \(seconds) --writes \(writes) --faults \(faults)"
    }
}

/// How an op's holders and a node's load were at one time of a simulation.
public struct SimMeasure: Sendable, Hashable {
    /// Seconds since the start.
    public var second = 0
    /// Nodes that were up.
    public var up = 0
    /// Ops that were looked at: acknowledged a minute ago or longer.
    public var ops = 0
    /// Nodes that hold an op: the least, the mean and the most of all ops.
    public var leastHolders = 0
    /// The mean.
    public var meanHolders = 0.0
    /// The most.
    public var mostHolders = 0
    /// The largest number of ops of one node, as a multiple of the mean.
    public var mostLoad = 0.0
}

/// What came of a simulation.
public struct SimReport: Sendable, Hashable {
    /// What was simulated.
    public let settings: SimSettings
    /// Broken invariants; empty when all held. At most 20.
    public internal(set) var violations: [String] = []
    /// Seconds after the end of the faults when every holder held everything; nil when they never did.
    public internal(set) var convergedAfter: Int?
    /// Ops that people were told are written.
    public internal(set) var acknowledged = 0
    /// Verdicts: ops taken in, over all nodes.
    public internal(set) var integrated = 0
    /// Verdicts: ops rejected, over all nodes.
    public internal(set) var rejected = 0
    /// Messages sent.
    public internal(set) var messages = 0
    /// Rounds of reconciliation that came to an end, counted at both ends.
    public internal(set) var rounds = 0
    /// Bytes of the rounds.
    public internal(set) var roundBytes = 0
    /// Crashes.
    public internal(set) var crashes = 0
    /// Times that the network was parted.
    public internal(set) var partitions = 0
    /// Malicious agents that some node has refused.
    public internal(set) var blocked = 0
    /// Holders and load while it ran.
    public internal(set) var measures: [SimMeasure] = []
    /// A number made of all events in their order: the same for the same settings.
    public internal(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ settings: SimSettings) { self.settings = settings }

    /// Whether all invariants held and the network converged.
    public var isGood: Bool { violations.isEmpty && convergedAfter != nil }

    mutating func violated(_ words: String) {
        if violations.count < 20, !violations.contains(words) { violations.append(words) }
    }
}
