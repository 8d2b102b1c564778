import Integrity

/// Which records of the own chain are wanted. Every condition that is given must hold.
public struct ChainFilter: Sendable {
    /// Sequence numbers, inclusive; nil takes the whole chain.
    public var range: ClosedRange<UInt32>?
    /// Entry types; nil takes all, and actions without an entry.
    public var entryTypes: Set<EntryType>?
    /// Action types; nil takes all.
    public var actionTypes: Set<ActionType>?
    /// Entries; nil takes all, and actions without an entry.
    public var entryHashes: Set<EntryHash>?
    /// Whether the records carry their entries (`notStored` in their place otherwise).
    public var includeEntries: Bool
    /// Newest first.
    public var descending: Bool
    /// How many records at most.
    public var limit: Int

    /// The whole chain, oldest first, narrowed by what is given.
    public init(
        range: ClosedRange<UInt32>? = nil, entryTypes: Set<EntryType>? = nil, actionTypes: Set<ActionType>? = nil,
        entryHashes: Set<EntryHash>? = nil, includeEntries: Bool = true, descending: Bool = false,
        limit: Int = Limits.queryPageMaximum
    ) {
        self.range = range
        self.entryTypes = entryTypes
        self.actionTypes = actionTypes
        self.entryHashes = entryHashes
        self.includeEntries = includeEntries
        self.descending = descending
        self.limit = limit
    }

    /// Whether the action is one of those wanted.
    public func admits(_ action: Action) -> Bool {
        if let range, !range.contains(action.actionSeq) { return false }
        if let actionTypes, !actionTypes.contains(action.type) { return false }
        if let entryTypes {
            guard let type = action.entryType, entryTypes.contains(type) else { return false }
        }
        if let entryHashes {
            guard let hash = action.entryHash, entryHashes.contains(hash) else { return false }
        }
        return true
    }

    func shaped(_ record: Record) -> Record {
        if includeEntries || record.entry == .notApplicable { return record }
        return Record(signedAction: record.signedAction, entry: .notStored)
    }
}

extension CascadeView {
    /// Queries the author's chain up to `head`, the scratches included; what others committed after `head` was fixed is not
    /// part of it.
    public func query(
        _ filter: ChainFilter, author: AgentPubKey, head: ChainHead?
    ) throws(PlasmidError) -> [Record] {
        guard let head, filter.limit > 0 else { return [] }
        var found: [Record] = []
        func take(_ record: Record) -> Bool {
            if filter.admits(record.action) { found.append(filter.shaped(record)) }
            return found.count < filter.limit
        }
        let lower = filter.range?.lowerBound ?? 0
        let upper = min(filter.range?.upperBound ?? .max, head.seq)
        guard lower <= upper else { return [] }
        let pending = layers.flatMap(\.actions).filter { (lower...upper).contains($0.action.actionSeq) }
            .compactMap(\.record)
        if filter.descending, !pending.reversed().allSatisfy(take) { return found }
        // The stored part ends where the oldest scratch begins.
        let storedEnd = layers.first(where: { !$0.isEmpty }).map { $0.base?.seq } ?? head.seq
        var goesOn = true
        if let storedEnd, lower <= min(upper, storedEnd) {
            try stored.chain(of: author, in: lower...min(upper, storedEnd), descending: filter.descending) {
                record throws(PlasmidError) in
                goesOn = take(record)
                return goesOn
            }
        }
        if !filter.descending, goesOn { _ = pending.allSatisfy(take) }
        return found
    }
}
