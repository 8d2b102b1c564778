import Integrity

/// Other people's ops, from arrival to a verdict (docs/spec/validation.md §7): a state machine without clock, network, disk or threads. Events
/// go in with the time and with what is held; what comes out is to be done by whoever drives it.
///
/// An op's verdict depends on the op and on what it names by hash, all of it verified, and on nothing else: not on the order of
/// arrival, not on who sent what, not on what else is held.
public struct OpPipeline {
    let system: SystemRules
    let declared: DeclarativeRules
    let limits: PipelineLimits
    /// Whether the DNA has validators to be asked.
    public var asksModules: Bool

    var items: [DhtOpHash: Item] = [:]
    var staged = StagedContent()
    var waits = WaitBook()
    var load = PipelineLoad()
    /// Frames whose checks are under way.
    var checking: [UInt64: Checking] = [:]
    /// What is being stored, until it is durable.
    var storing: [UInt64: SettledOps] = [:]
    /// Steps of chains that are valid and not stored yet.
    var unstored: [ChainPlace: [SignedAction]] = [:]
    /// Items to be judged (again).
    var work: [DhtOpHash] = []
    /// Items that were not kept across restarts yet, or shall be tried again, by when that is due.
    var later: [(at: Timestamp, hash: DhtOpHash)] = []
    /// Who broke the rules, and from which number of their chain on they are refused.
    var refused: [AgentPubKey: UInt32] = [:]
    /// How many warrants of an agent were false.
    var falseWarrants: [AgentPubKey: Int] = [:]
    /// Actions that are known to be of this space's chains; see ``member(_:_:)``.
    var members: Set<ActionHash> = []
    /// For which DNA the chains were begun that ops are of.
    var origins = ChainOrigins()
    /// Spares reading the chains of authors again whose unique fields were judged of late.
    var uniqueMemory = UniqueMemory()
    var uniqueAuthors: Set<AgentPubKey> = []
    var effects: [PipelineEffect] = []
    /// What is to be stored when the event at hand is over.
    var batch: SettledOps
    private var lastID: UInt64 = 0

    /// What has come of the ops so far, since the start.
    public internal(set) var counts = PipelineCounts()

    /// A pipeline with nothing in it.
    public init(
        system: SystemRules, declared: DeclarativeRules, asksModules: Bool, limits: PipelineLimits = PipelineLimits()
    ) {
        self.system = system
        self.declared = declared
        self.asksModules = asksModules
        self.limits = limits
        batch = SettledOps(id: 0, when: Timestamp(microseconds: 0))
    }

    /// An op, warrant or charge that is not over.
    struct Item: Sendable {
        enum Content: Sendable {
            case op(CheckedOp)
            indirect case warrant(SignedWarrant, CheckedOp?)
            /// To be told of once it is sure that the chain is one of this space.
            indirect case charge(Charge)
        }

        let content: Content
        let since: Timestamp
        let source: PeerTag?
        let weight: Int
        var step: OpStep = .waiting([])
        /// The connections over which a receipt shall go.
        var wishes: Set<PeerTag> = []
        var judging = JudgeState()
        /// What a validator said last that it lacks.
        var lacked: [AnyDhtHash] = []
        var isParked = false
        var isWaiting = false
        /// How far a walk for the DNA has come.
        var walk: ActionHash?

        var author: AgentPubKey {
            switch content {
            case .op(let op): op.action.author
            case .warrant(let signed, _): signed.warrant.author
            case .charge(let charge): charge.warrantee
            }
        }
    }

    struct Checking: Sendable {
        let peer: PeerTag?
        let receiptsWanted: Bool
        let count: Int
        let weight: Int
        /// Of parked ops that are taken up again: since when they wait.
        var since: [DhtOpHash: Timestamp] = [:]
    }

    /// What is in the works, for those who judge by it.
    public var content: StagedContent { staged }

    /// How many more ops it would take now. Whoever brings ops in bulk asks for no more than that.
    public var room: Int { max(0, limits.ops - load.count) }

    /// Ops that come to an end by themselves: they are checked, judged or stored, and wait for nothing that has to come.
    public var busy: Int { load.count - load.waitingCount }

    /// What is in the works, oldest first.
    public func inWork(limit: Int) -> [OpInWork] {
        items.compactMap { hash, item -> OpInWork? in
            switch item.content {
            case .op(let op):
                OpInWork(
                    hash: hash, type: "\(op.type.name)", action: op.signedAction.hash, author: op.action.author,
                    step: item.step, since: item.since)
            case .warrant(let signed, _):
                OpInWork(
                    hash: hash, type: "Warrant", action: nil, author: signed.warrant.author, step: item.step,
                    since: item.since)
            case .charge: nil
            }
        }.sorted { ($0.since, $0.hash) < ($1.since, $1.hash) }.prefix(limit).map { $0 }
    }

    /// Where an op stands; nil if it is not in the works.
    public func step(of hash: DhtOpHash) -> OpStep? { items[hash]?.step }

    /// The warrants' effect so far: who is refused.
    public var refusedAgents: [AgentPubKey] { refused.keys.sorted() }

    /// Takes up what is known from before the start: an agent who broke the rules at this number of their chain.
    public mutating func refuse(_ agent: AgentPubKey, from seq: UInt32) {
        refused[agent] = min(refused[agent] ?? .max, seq)
    }

    // MARK: Shared parts of events

    mutating func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Opens an event, and judges and stores at its end whatever it has brought about.
    mutating func event(
        _ held: some PipelineReads, _ now: Timestamp, _ body: (inout OpPipeline) -> Void
    ) -> [PipelineEffect] {
        batch = SettledOps(id: nextID(), when: now)
        body(&self)
        var requests: [JudgeRequest] = []
        var questions: [AnyDhtHash] = []
        var next = 0
        repeat {
            while next < work.count {
                let hash = work[next]
                next += 1
                judge(hash, held, now, &requests)
            }
            questions += self.questions(held, now)
        } while next < work.count
        work.removeAll(keepingCapacity: true)
        if !questions.isEmpty { effects.append(.fetch(questions)) }
        if !requests.isEmpty { effects.append(.judge(requests)) }
        if !batch.isEmpty {
            storing[batch.id] = batch
            effects.append(.store(batch))
        }
        defer { effects = [] }
        return effects
    }
}

/// What has come of ops since the start.
public struct PipelineCounts: Sendable, Equatable {
    /// Ops that arrived and were neither held nor in the works.
    public var received = 0
    /// Ops that were found valid.
    public var integrated = 0
    /// Ops that broke a rule.
    public var rejected = 0
    /// Ops that were dropped as no ops, with whatever else peers did that they should not.
    public var faults = 0
    /// Ops for which there was no room.
    public var crowdedOut = 0
    /// Ops that waited too long.
    public var abandoned = 0
    /// Ops of refused authors.
    public var refused = 0
    /// Ops of chains of other spaces.
    public var foreign = 0
    /// Ops that no verdict could be had for.
    public var unvalidatable = 0

    /// Zeros.
    public init() {}
}

/// How much is in the works.
struct PipelineLoad: Sendable {
    private(set) var count = 0
    private(set) var weight = 0
    private var byPeer: [PeerTag: Int] = [:]
    private var waiting: [AgentPubKey: Int] = [:]
    /// Of all authors.
    private(set) var waitingCount = 0

    func hasRoom(for peer: PeerTag?, weight: Int, _ limits: PipelineLimits) -> Bool {
        guard count < limits.ops, self.weight + weight <= limits.bytes else { return false }
        return peer.map { (byPeer[$0] ?? 0) < limits.opsPerPeer } ?? true
    }

    func hasRoom(forWaiting author: AgentPubKey, _ limits: PipelineLimits) -> Bool {
        (waiting[author] ?? 0) < limits.waitingPerAuthor
    }

    mutating func add(_ peer: PeerTag?, weight: Int, count: Int = 1) {
        self.count += count
        self.weight += weight
        if let peer { byPeer[peer, default: 0] += count }
    }

    mutating func remove(_ peer: PeerTag?, weight: Int, count: Int = 1) {
        self.count -= count
        self.weight -= weight
        guard let peer, let before = byPeer[peer] else { return }
        byPeer[peer] = before > count ? before - count : nil
    }

    mutating func addWaiting(_ author: AgentPubKey) {
        waiting[author, default: 0] += 1
        waitingCount += 1
    }

    mutating func removeWaiting(_ author: AgentPubKey) {
        guard let before = waiting[author] else { return }
        waitingCount -= 1
        waiting[author] = before > 1 ? before - 1 : nil
    }
}
