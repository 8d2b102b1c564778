import Integrity

/// What a space can be asked of the ops that it holds for its network: how each stands, what waits, what was found of whom.
///
/// Ordinary reads (``SpaceReading``) see through ops: a record by its CreateRecord, a chain by AgentActivity, and so on. What is
/// rejected or kept as a dependency only is seen by the reads here alone.
public protocol SpaceOpReading: AnyObject {
    /// How an op of an action stands; nil where it is not held.
    func standing(of action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> OpStanding?
    /// How a warrant was judged; nil where it is not here.
    func standing(ofWarrant hash: DhtOpHash) throws(PlasmidError) -> OpStanding?
    /// An op that is held and valid, as it travels.
    func op(_ action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> ChainOp?
    /// An op that is held and valid, by the name that `eachOp` gave; nil where it is not held any more.
    func op(id: UInt64) throws(PlasmidError) -> DhtOp?
    /// An op by its address and location: looks at every op of that location.
    func op(_ hash: DhtOpHash, at location: UInt32) throws(PlasmidError) -> DhtOp?
    /// Gives every op that is held and valid, warrants among them, in the order of locations, until `body` says false.
    func eachOp(
        in locations: ClosedRange<UInt32>, _ body: (HeldOpPlace) throws(PlasmidError) -> Bool) throws(PlasmidError)
    /// Two actions of one author with one number: all of them for each such number; the one that the chain shows comes first.
    func forks(of author: AgentPubKey) throws(PlasmidError) -> [[SignedAction]]
    /// The authors whose chains are written here.
    func ownAuthors() throws(PlasmidError) -> [AgentPubKey]

    /// An action that is here for whatever reason. Says nothing of its validity.
    func knownAction(_ action: ActionHash) throws(PlasmidError) -> SignedAction?
    /// The same with its entry, where its content is here.
    func knownRecord(_ action: ActionHash) throws(PlasmidError) -> StoredRecord?
    /// A public entry whose content is here for whatever reason.
    func knownEntry(_ entry: EntryHash) throws(PlasmidError) -> Entry?

    /// The parked ops, the one that waits longest first.
    func parked(limit: Int) throws(PlasmidError) -> [ParkedOp]
    /// The parked ops that wait for this hash.
    func parked(waitingFor hash: AnyDhtHash, limit: Int) throws(PlasmidError) -> [ParkedOp]
    /// A parked op; nil where it is not parked.
    func parked(_ hash: DhtOpHash) throws(PlasmidError) -> ParkedOp?
    /// How many ops are parked: of an author, or with nil of all.
    func parkedCount(of author: AgentPubKey?) throws(PlasmidError) -> Int
    /// The rejected ops.
    func rejected(limit: Int) throws(PlasmidError) -> [RejectedStored]
    /// A rejected op with its reason; nil where it was not rejected.
    func rejected(_ action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> RejectedStored?
    /// The receipts for an op.
    func receipts(of op: DhtOpHash) throws(PlasmidError) -> [SignedReceipt]
    /// The warrants against an agent: those that hold, or all that were judged.
    func warrants(against agent: AgentPubKey, includingRejected: Bool) throws(PlasmidError) -> [StoredWarrant]
    /// Own ops that are still to be published, chain after chain.
    func unpublished(limit: Int) throws(PlasmidError) -> [UnpublishedOp]
    /// The same of one chain, behind an op of it.
    func unpublished(
        of author: AgentPubKey, after last: UnpublishedOp?, limit: Int
    ) throws(PlasmidError) -> [UnpublishedOp]
}

extension SpaceOpReading {
    /// The warrants against an agent that hold.
    public func warrants(against agent: AgentPubKey) throws(PlasmidError) -> [StoredWarrant] {
        try warrants(against: agent, includingRejected: false)
    }

    /// How many ops are parked.
    public func parkedCount() throws(PlasmidError) -> Int { try parkedCount(of: nil) }
}
