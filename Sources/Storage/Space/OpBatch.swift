import Integrity

/// An op that a space holds, or shall hold: an action in one of its nine ways.
public struct HeldOp: Sendable {
    /// The action with its hash and signature.
    public let signedAction: SignedAction
    /// The action's canonical bytes: those that were hashed and signed.
    public let actionBytes: [UInt8]
    /// Which of the nine.
    public let type: ChainOpType
    /// The canonical bytes of the public entry (a packed `Entry`) where the type has a place for one; nil otherwise.
    public let entryBytes: [UInt8]?

    /// An op from its parts; what the type has no place for is left out.
    public init(signedAction: SignedAction, actionBytes: [UInt8], type: ChainOpType, entryBytes: [UInt8]? = nil) {
        self.signedAction = signedAction
        self.actionBytes = actionBytes
        self.type = type
        self.entryBytes = type.hasEntrySlot ? entryBytes : nil
    }

    /// The op as it travels; computes the action's bytes and hash.
    public init(_ op: ChainOp) {
        let bytes = op.action.packed
        let signed = SignedAction(action: op.action, hash: ActionHash(hashing: bytes), signature: op.signature)
        var entry: [UInt8]?
        if case .present(let content) = op.entry { entry = content.packed }
        self.init(signedAction: signed, actionBytes: bytes, type: op.type, entryBytes: entry)
    }
}

/// An op that broke a rule. It is kept apart from all that reads give, with the reason.
public struct RejectedOp: Sendable {
    /// The op; its entry need not fit its hash.
    public let op: HeldOp
    /// Which rule, for people; at most ``Limits/warrantReasonBytes`` are kept.
    public let reason: String
    /// When this node found it.
    public let when: Timestamp

    /// A rejected op.
    public init(op: HeldOp, reason: String, when: Timestamp) {
        self.op = op
        self.reason = reason
        self.when = when
    }
}

/// An op that cannot be judged before something else is here.
public struct ParkedOp: Sendable, Hashable {
    /// The op as it came.
    public let op: DhtOp
    /// Its address.
    public let hash: DhtOpHash
    /// What it waits for; an arrival of any of them is a reason to look again.
    public let missing: [AnyDhtHash]
    /// Since when it waits. Parked again it waits since the first time.
    public let since: Timestamp

    /// A parked op; `hash` is computed where it is not given.
    public init(op: DhtOp, hash: DhtOpHash? = nil, missing: [AnyDhtHash], since: Timestamp) {
        self.op = op
        self.hash = hash ?? op.hash
        self.missing = missing
        self.since = since
    }

    /// Who answers for it: the action's author, or the warrant's.
    public var author: AgentPubKey {
        switch op {
        case .chainOp(let op): op.action.author
        case .warrant(let signed): signed.warrant.author
        }
    }
}

/// What another op depends on: an action, with its entry where that is public and here. No op is held by it, and ordinary
/// reads do not see it.
public struct CachedRecord: Sendable {
    /// The action with its hash and signature.
    public let signedAction: SignedAction
    /// The action's canonical bytes.
    public let actionBytes: [UInt8]
    /// The canonical bytes of its public entry (a packed `Entry`), where they are here.
    public let entryBytes: [UInt8]?

    /// A dependency.
    public init(signedAction: SignedAction, actionBytes: [UInt8], entryBytes: [UInt8]? = nil) {
        self.signedAction = signedAction
        self.actionBytes = actionBytes
        self.entryBytes = entryBytes
    }
}

/// A warrant with what this node found of it.
public struct StoredWarrant: Sendable, Hashable {
    /// The warrant, its signature and the evidence.
    public let signed: SignedWarrant
    /// Whether it holds.
    public let standing: OpStanding
    /// When this node found that.
    public let when: Timestamp

    /// A judged warrant.
    public init(signed: SignedWarrant, standing: OpStanding, when: Timestamp) {
        self.signed = signed
        self.standing = standing
        self.when = when
    }
}

/// How publishing an own op has come on.
public struct PublishMark: Sendable, Hashable {
    /// The action, committed here.
    public let action: ActionHash
    /// Which of its ops.
    public let type: ChainOpType
    /// Whether enough others hold it; only such ops are no longer among the unpublished ones.
    public let isComplete: Bool

    /// A mark.
    public init(action: ActionHash, type: ChainOpType, isComplete: Bool = true) {
        self.action = action
        self.type = type
        self.isComplete = isComplete
    }
}

/// How an op that is held was judged.
public enum OpStanding: UInt8, Sendable, Hashable, CaseIterable {
    /// It is valid, and seen by reads.
    case integrated = 1
    /// It broke a rule; it is kept, and seen by no ordinary read.
    case rejected = 2
}

/// The stretch of the ring whose ops an agent here keeps: what a start has to know of the run before.
public struct KeptArc: Sendable, Hashable {
    /// Whose arc.
    public var agent: AgentPubKey
    /// The first location.
    public var start: UInt32
    /// How many locations: 0 to 2³².
    public var length: UInt64

    /// A stretch.
    public init(agent: AgentPubKey, start: UInt32, length: UInt64) {
        self.agent = agent
        self.start = start
        self.length = length
    }
}

/// What the pipeline makes of ops: taken together, all or nothing; any part of it that is held already changes nothing.
public struct OpBatch: Sendable {
    /// Ops that are valid.
    public var integrated: [HeldOp] = []
    /// Ops that broke a rule.
    public var rejected: [RejectedOp] = []
    /// Ops that wait; one that is parked already waits for these hashes from now on.
    public var parked: [ParkedOp] = []
    /// Ops that wait no longer, whatever became of them.
    public var settled: [DhtOpHash] = []
    /// Dependencies of which no op is held.
    public var cached: [CachedRecord] = []
    /// Entries without an action, likewise: packed `Entry` values.
    public var cachedEntries: [[UInt8]] = []
    /// Receipts for own ops.
    public var receipts: [SignedReceipt] = []
    /// Judged warrants.
    public var warrants: [StoredWarrant] = []
    /// What has become of publishing own ops.
    public var publishing: [PublishMark] = []
    /// Ops out of the arc: held no longer. Own ones stay.
    public var dropped: [(ActionHash, ChainOpType)] = []
    /// Warrants out of the arc.
    public var droppedWarrants: [DhtOpHash] = []
    /// Dependencies that nothing needs any more.
    public var forgotten: [ActionHash] = []
    /// What agents here keep from now on.
    public var arcs: [KeptArc] = []

    /// Nothing.
    public init() {}
}
