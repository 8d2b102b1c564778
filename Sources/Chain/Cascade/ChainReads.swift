import Integrity

/// What a cascade needs from stored data: one snapshot of a space, private entries of its own author opened.
///
/// Storage is adapted to it by the conductor; tests meet it with dictionaries. Everything is synchronous and local.
public protocol ChainReads {
    /// The stored record of this action.
    func record(_ hash: ActionHash) throws(PlasmidError) -> Record?
    /// The stored action, without looking for its entry: entries are large, and private ones cost a key.
    func action(_ hash: ActionHash) throws(PlasmidError) -> SignedAction?
    /// The stored entry with this hash.
    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry?
    /// Whether there is a stored entry with this hash: entries are large, and private ones cost a key.
    func holds(_ entry: EntryHash) throws(PlasmidError) -> Bool
    /// The stored Creates and Updates that brought this entry, in any order.
    func creates(of entry: EntryHash) throws(PlasmidError) -> [SignedAction]
    /// The stored Updates of the record `original`, in any order.
    func updates(of original: ActionHash) throws(PlasmidError) -> [SignedAction]
    /// The stored Deletes of the record `original`, in any order.
    func deletes(of original: ActionHash) throws(PlasmidError) -> [SignedAction]
    /// The stored Updates of an entry, whichever action brought it, in any order.
    func updates(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction]
    /// The stored Deletes of an entry, whichever action brought it, in any order.
    func deletes(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction]
    /// Whether a stored Delete names the record `original`.
    func isDeleted(_ original: ActionHash) throws(PlasmidError) -> Bool
    /// The first `limit` stored links that the filter admits (its status against the stored DeleteLinks) and that lie behind
    /// `position`: by position, or the other way round.
    func links(
        _ filter: LinkFilter, behind position: LinkPosition?, newestFirst: Bool, limit: Int
    ) throws(PlasmidError) -> [Link]
    /// How many stored links the filter admits.
    func countLinks(_ filter: LinkFilter) throws(PlasmidError) -> Int
    /// The stored DeleteLinks of the link that `add` created, in any order.
    func linkDeletes(of add: ActionHash) throws(PlasmidError) -> [SignedAction]
    /// Hands the stored records of `author`'s chain with a sequence in `range` to `body`, in the order asked for, until it
    /// answers false. Those of which `entriesOf` wants none come without their entry (`notStored`).
    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool, entriesOf: (Action) -> Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError)
}

extension ChainReads {
    /// By way of ``record(_:)``; a store that keeps entries apart answers faster.
    public func action(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? { try record(hash)?.signedAction }

    /// By way of ``entry(_:)``; a store with an index answers faster.
    public func holds(_ entry: EntryHash) throws(PlasmidError) -> Bool { try self.entry(entry) != nil }

    /// By way of ``deletes(of:)``; a store with an index answers faster.
    public func isDeleted(_ original: ActionHash) throws(PlasmidError) -> Bool { try !deletes(of: original).isEmpty }

    /// Whether a stored DeleteLink names the link that `add` created.
    public func isLinkDeleted(_ add: ActionHash) throws(PlasmidError) -> Bool { try !linkDeletes(of: add).isEmpty }
}
