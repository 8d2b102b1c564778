import Integrity

/// Bounds of what other people's ops may keep busy in one space.
public struct PipelineLimits: Sendable {
    /// Ops in the works, in all.
    public var ops = 60_000
    /// Their bytes, about.
    public var bytes = 96 << 20
    /// Ops in the works that came from one peer.
    public var opsPerPeer = 20_000
    /// Ops that wait for something, by one author.
    public var waitingPerAuthor = 12_000
    /// Things of one author's ops that are asked for at a time.
    public var fetchesPerAuthor = 64
    /// Things that are asked for at a time, in all.
    public var fetches = 1_024
    /// How long a missing thing is given to arrive by itself before it is asked for, in µs.
    public var patience: Int64 = 250_000
    /// Time from the first question for a thing to the second, in µs; it doubles each time.
    public var firstRetry: Int64 = 2_000_000
    /// The longest time between two questions for a thing, in µs.
    public var lastRetry: Int64 = 600_000_000
    /// How long an op waits before it is kept across restarts, in µs.
    public var parkAfter: Int64 = 2_000_000
    /// How long an op waits before it is given up, in µs: 7 days.
    public var abandonAfter: Int64 = 7 * 86_400 * 1_000_000
    /// False warrants of one agent that are put up with.
    public var falseWarrants = 3
    /// Actions of a chain that are looked through for the DNA that it was begun for.
    public var membershipSteps = 1_000_000

    /// The defaults.
    public init() {}
}

/// What the pipeline has to know of what this node holds. Nothing is fetched; nil means "not here".
public protocol PipelineReads: ValidationReads {
    /// How an op was judged that is held: `valid` or `rejected`.
    func standing(of action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> ValidationStatus?
    /// How a warrant was judged that is held.
    func standing(ofWarrant hash: DhtOpHash, against agent: AgentPubKey) throws(PlasmidError) -> ValidationStatus?
    /// The actions that are held of a chain at one number: more than one where it forks.
    func actions(of author: AgentPubKey, at seq: UInt32) throws(PlasmidError) -> [SignedAction]
}

/// Where an op stands.
public enum OpStep: Hashable, Sendable {
    /// It waits for these.
    case waiting([AnyDhtHash])
    /// A module judges it.
    case judging
    /// It has its verdict, and is being stored.
    case storing
    /// No verdict can be had: in the validator's or the conductor's words.
    case unvalidatable(PlasmidError.Code, String)
}

/// An op in the works, for those who want to see it.
public struct OpInWork: Sendable {
    /// Its address.
    public let hash: DhtOpHash
    /// Its type's name.
    public let type: String
    /// Its action; nil for a warrant.
    public let action: ActionHash?
    /// Who answers for it.
    public let author: AgentPubKey
    /// Where it stands.
    public let step: OpStep
    /// Since when it is here.
    public let since: Timestamp
}

/// How an op is shown to a validator.
public enum JudgeRun: Hashable, Sendable {
    /// Among others, in the process that is there.
    case shared
    /// In a process that was started for it.
    case fresh
}

/// An op that a module shall judge.
public struct JudgeRequest: Sendable {
    /// Under which the answer is given: the op's address, or that of the warrant that it is the evidence of.
    public let ticket: DhtOpHash
    /// The op.
    public let op: CheckedOp
    /// How.
    public let run: JudgeRun
}

/// What came of it.
public enum JudgeOutcome: Hashable, Sendable {
    /// Every validator accepts it; or none wants to be asked.
    case valid
    /// A validator rejects it, in its own words.
    case invalid(String)
    /// It cannot be said before these are here.
    case unresolved([AnyDhtHash])
    /// A trap, a time-out, a limit, garbage: no verdict. Told of an op that was shown alone.
    case failed(String)
}

/// What shall be stored together.
public struct SettledOps: Sendable {
    /// Under which ``OpPipeline/stored(_:held:now:)`` is told.
    public let id: UInt64
    /// Valid ops.
    public var integrated: [CheckedOp] = []
    /// Ops that broke a rule, and which.
    public var rejected: [(op: CheckedOp, reason: String)] = []
    /// Ops that wait, to be kept across restarts.
    public var parked: [(op: DhtOp, hash: DhtOpHash, missing: [AnyDhtHash], since: Timestamp)] = []
    /// Parked ops that wait no longer.
    public var settled: [DhtOpHash] = []
    /// Dependencies: fetched, verified, of no op that is held.
    public var cached: [Record] = []
    /// Warrants and whether they hold.
    public var warrants: [(signed: SignedWarrant, status: ValidationStatus)] = []
    /// When it was found.
    public let when: Timestamp

    /// Whether there is nothing to store.
    public var isEmpty: Bool {
        integrated.isEmpty && rejected.isEmpty && parked.isEmpty && settled.isEmpty && cached.isEmpty
            && warrants.isEmpty
    }
}

extension SettledOps {
    /// The same in parts that can be stored each for itself, with the op or warrant that each is about.
    public var apart: [(name: DhtOpHash?, part: SettledOps)] {
        var parts: [(name: DhtOpHash?, part: SettledOps)] = []
        func add(_ name: DhtOpHash?, _ change: (inout SettledOps) -> Void) {
            var part = SettledOps(id: id, when: when)
            change(&part)
            parts.append((name, part))
        }
        for record in cached { add(nil) { $0.cached = [record] } }
        for op in integrated { add(op.hash) { $0.integrated = [op] } }
        for entry in rejected { add(entry.op.hash) { $0.rejected = [entry] } }
        for warrant in warrants { add(warrant.signed.warrant.hash) { $0.warrants = [warrant] } }
        for op in parked { add(op.hash) { $0.parked = [op] } }
        if !settled.isEmpty { add(nil) { $0.settled = settled } }
        return parts
    }

    /// The same without some of its ops and warrants.
    public func without(_ refused: [DhtOpHash: PlasmidError]) -> SettledOps {
        guard !refused.isEmpty else { return self }
        var rest = self
        rest.integrated.removeAll { refused[$0.hash] != nil }
        rest.rejected.removeAll { refused[$0.op.hash] != nil }
        rest.warrants.removeAll { refused[$0.signed.warrant.hash] != nil }
        rest.parked.removeAll { refused[$0.hash] != nil }
        return rest
    }
}

/// A receipt to be made: of an op that is durable now.
public struct ReceiptOrder: Hashable, Sendable {
    /// The op.
    public let op: DhtOpHash
    /// Where it lives.
    public let location: UInt32
    /// How it was judged.
    public let status: ValidationStatus
    /// Who shall have it.
    public let author: AgentPubKey
    /// Over which connection.
    public let peer: PeerTag
}

/// What a local agent shall charge another with.
public enum Charge: Sendable {
    /// An op that breaks a rule, and the words.
    case invalid(CheckedOp, reason: String)
    /// Two actions in one place.
    case fork(SignedAction, SignedAction)

    /// Whom.
    public var warrantee: AgentPubKey {
        switch self {
        case .invalid(let op, _): op.action.author
        case .fork(let one, _): one.action.author
        }
    }

    /// The warrant that says so, unsigned.
    public func warrant(by author: AgentPubKey, now: Timestamp) -> (warrant: Warrant, evidence: WarrantEvidence) {
        switch self {
        case .invalid(let op, let reason): Warrant.invalid(op, reason: reason, author: author, now: now)
        case .fork(let one, let two): Warrant.fork(one, two, author: author, now: now)
        }
    }
}

/// Why an op was let go without a verdict.
public enum DropReason: Hashable, Sendable {
    /// There was no room: in all, for its peer, or for its author.
    case noRoom
    /// It waited too long.
    case abandoned
    /// Its author broke the rules, and this is later.
    case refusedAuthor
    /// Its chain is one of another space.
    case foreign
}

/// What the pipeline wants done.
public enum PipelineEffect: Sendable {
    /// Run ``ArrivalChecks/check(_:)-(_:[ArrivedOp])`` and tell ``OpPipeline/checked(_:_:held:now:)``.
    case check(UInt64, [ArrivedOp])
    /// The same for records that were fetched.
    case checkRecords(UInt64, [Record])
    /// Ask peers for these.
    case fetch([AnyDhtHash])
    /// Show these to the modules, and tell ``OpPipeline/judged(_:held:now:)``.
    case judge([JudgeRequest])
    /// Store this, all or nothing, and tell ``OpPipeline/stored(_:held:now:)`` when it is durable.
    case store(SettledOps)
    /// A peer did what it should not.
    case fault(PeerTag, PeerFault)
    /// An op was let go.
    case dropped(DhtOpHash, PeerTag?, DropReason)
    /// An op of an agent who is refused: not held here, and not to be offered again.
    case refused(DhtOpHash, location: UInt32)
    /// Ops that are held now, durably.
    case integrated([(location: UInt32, hash: DhtOpHash)])
    /// Receipts to sign and send.
    case receipts([ReceiptOrder])
    /// A warrant to sign, keep and spread.
    case charge(Charge)
    /// An agent who broke the rules; a charge that is shown is behind it.
    case block(AgentPubKey)
    /// Something failed here that is no verdict; it is tried again.
    case trouble(PlasmidError)
}
