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
    /// Kinds of record of which one must fit: how names of entry types and of actions are asked for together; nil takes all.
    public var kinds: Set<RecordKind>?
    /// Whether the records carry their entries (`notStored` in their place otherwise).
    public var includeEntries: Bool
    /// Newest first.
    public var descending: Bool
    /// How many records at most.
    public var limit: Int
    /// How many of those wanted are left out first.
    public var start: Int

    /// The whole chain, oldest first, narrowed by what is given.
    public init(
        range: ClosedRange<UInt32>? = nil, entryTypes: Set<EntryType>? = nil, actionTypes: Set<ActionType>? = nil,
        entryHashes: Set<EntryHash>? = nil, kinds: Set<RecordKind>? = nil, includeEntries: Bool = true,
        descending: Bool = false, limit: Int = Limits.queryPageMaximum, start: Int = 0
    ) {
        self.range = range
        self.entryTypes = entryTypes
        self.actionTypes = actionTypes
        self.entryHashes = entryHashes
        self.kinds = kinds
        self.includeEntries = includeEntries
        self.descending = descending
        self.limit = limit
        self.start = start
    }

    /// Whether the action is one of those wanted.
    public func admits(_ action: Action) -> Bool {
        if let range, !range.contains(action.actionSeq) { return false }
        if let actionTypes, !actionTypes.contains(action.type) { return false }
        if let kinds, !kinds.contains(RecordKind(action)) { return false }
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
        var skipped = 0
        var budget = AnswerBudget()
        func take(_ record: Record) throws(PlasmidError) -> Bool {
            if filter.admits(record.action) {
                if skipped < filter.start {
                    skipped += 1
                } else {
                    let shaped = filter.shaped(record)
                    try budget.spend(shaped.entry.entry)
                    found.append(shaped)
                }
            }
            return found.count < filter.limit
        }
        let lower = filter.range?.lowerBound ?? 0
        let upper = min(filter.range?.upperBound ?? .max, head.seq)
        guard lower <= upper else { return [] }
        let pending = layers.flatMap(\.actions).filter { (lower...upper).contains($0.action.actionSeq) }
            .compactMap(\.record)
        if filter.descending {
            for record in pending.reversed() where !(try take(record)) { return found }
        }
        // The stored part ends where the oldest scratch begins.
        let storedEnd = layers.first(where: { !$0.isEmpty }).map { $0.base?.seq } ?? head.seq
        var goesOn = true
        if let storedEnd, lower <= min(upper, storedEnd) {
            try stored.chain(
                of: author, in: lower...min(upper, storedEnd), descending: filter.descending,
                entriesOf: { filter.includeEntries && filter.admits($0) }
            ) {
                record throws(PlasmidError) in
                goesOn = try take(record)
                return goesOn
            }
        }
        if !filter.descending, goesOn {
            for record in pending where !(try take(record)) { break }
        }
        return found
    }
}

/// What a record is, seen by its name: an entry of a type, or an action of a type that brings no entry.
public enum RecordKind: Hashable, Sendable {
    /// A Create or Update of an entry of this type.
    case entry(EntryType)
    /// An action without an entry.
    case action(ActionType)

    /// What an action is.
    public init(_ action: Action) {
        self = action.entryType.map(RecordKind.entry) ?? .action(action.type)
    }
}
