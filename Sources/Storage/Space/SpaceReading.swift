import Integrity

/// What can be asked of a space. Met by ``Space`` (memory over LMDB) and by ``MemorySpace``.
///
/// Every call reads one unchanging state and returns; nothing stays open after it. Reading fails only where stored bytes
/// cannot be what was written (`storageCorrupt`) or the system refuses (`storageFailed`).
public protocol SpaceReading: SpaceOpReading {
    /// The last action of an author's chain, taken but perhaps not yet durable: of a chain that came from outside the last before
    /// the first gap.
    func head(of author: AgentPubKey) throws(PlasmidError) -> ChainHead?
    /// An action and its entry.
    func record(_ action: ActionHash) throws(PlasmidError) -> StoredRecord?
    /// A public entry, where an op that makes it one is held.
    func entry(_ entry: EntryHash) throws(PlasmidError) -> Entry?
    /// The records whose actions created or updated to this entry, oldest first: by time, then number, then hash.
    func recordsOfEntry(_ entry: EntryHash) throws(PlasmidError) -> [StoredRecord]
    /// The updates of an entry or an action, oldest first.
    func updates(of hash: AnyDhtHash) throws(PlasmidError) -> [SignedAction]
    /// The deletes of an entry or an action, oldest first.
    func deletes(of hash: AnyDhtHash) throws(PlasmidError) -> [SignedAction]
    /// Part of an author's chain: sequence numbers `from`…`to`, both included.
    func chain(
        of author: AgentPubKey, from: UInt32, to: UInt32, descending: Bool, limit: Int
    ) throws(PlasmidError) -> [StoredRecord]
    /// A page of links.
    func links(_ request: LinkRequest) throws(PlasmidError) -> LinkPage
    /// How many links a request admits, over all its pages.
    func countLinks(_ request: LinkRequest) throws(PlasmidError) -> Int
    /// The actions that delete a link, oldest first.
    func linkDeletes(of create: ActionHash) throws(PlasmidError) -> [SignedAction]
    /// An author's private entry, as sealed.
    func sealedEntry(author: AgentPubKey, _ entry: EntryHash) throws(PlasmidError) -> [UInt8]?
    /// An author's capability grants that it has neither updated nor deleted; with `includingRevoked` all. Oldest first.
    func grants(of author: AgentPubKey, includingRevoked: Bool) throws(PlasmidError) -> [StoredRecord]
    /// An author's capability claims that it has neither updated nor deleted. Oldest first.
    func claims(of author: AgentPubKey) throws(PlasmidError) -> [StoredRecord]
    /// Whether an action, or an entry's content, is held.
    func has(_ hash: AnyDhtHash) throws(PlasmidError) -> Bool
    /// Whether a nonce has been used up.
    func isUsed(_ nonce: SpaceSpending.Nonce) throws(PlasmidError) -> Bool
    /// The nonces that are remembered, the first to expire first; of more than `limit` those that expire last.
    func nonces(limit: Int) throws(PlasmidError) -> [SpaceSpending.Nonce]
    /// The latest expiry of a nonce that was forgotten; nil while none was.
    func nonceFloor() throws(PlasmidError) -> Timestamp?
    /// What was counted of the grants on an author's chain, and of certificates for them.
    func uses(of author: AgentPubKey) throws(PlasmidError) -> [SpaceSpending.Use]
    /// The ops at locations `from`…`to`, in the order of location and time.
    func ops(from: UInt32, to: UInt32, limit: Int) throws(PlasmidError) -> [StoredOp]
    /// The authors whose chains are held.
    func authors() throws(PlasmidError) -> [AgentPubKey]
}

extension SpaceReading {
    /// Whether an action has been deleted.
    public func isDeleted(_ action: ActionHash) throws(PlasmidError) -> Bool {
        try !deletes(of: AnyDhtHash(action)).isEmpty
    }

    /// The record that a `get` gives: of an action unless it is deleted, or of an entry's oldest live create.
    public func liveRecord(_ hash: AnyDhtHash) throws(PlasmidError) -> StoredRecord? {
        if let action = hash.action {
            guard let record = try record(action), try !isDeleted(action) else { return nil }
            return record
        }
        guard let entry = hash.entry else { return nil }
        let records = try recordsOfEntry(entry)
        guard !records.isEmpty else { return nil }
        // A holder of the entry's location need not hold what is told to its records.
        let deleted = Set(try deletes(of: hash).compactMap(\.action.deletedAction))
        for record in records {
            let action = record.signedAction.hash
            if !deleted.contains(action), try !isDeleted(action) { return record }
        }
        return nil
    }

    /// Whether a hash's content is here for whatever reason: of an op that is held or was rejected, or as a dependency.
    public func knows(_ hash: AnyDhtHash) throws(PlasmidError) -> Bool {
        if let action = hash.action { return try knownAction(action) != nil }
        return try hash.entry.map { entry throws(PlasmidError) in try knownEntry(entry) != nil } ?? false
    }

    /// The grants in effect.
    public func grants(of author: AgentPubKey) throws(PlasmidError) -> [StoredRecord] {
        try grants(of: author, includingRevoked: false)
    }
}

extension Action {
    /// The action that a Delete takes back.
    var deletedAction: ActionHash? {
        if case .delete(let action, _) = data { action } else { nil }
    }
}
