import Integrity

/// Turns a commit into rows. Reads the space for what the rows depend on, and sees the commit's own earlier records.
struct RowDeriver {
    /// A row to store.
    struct Row {
        let table: TableID
        let key: [UInt8]
        let value: [UInt8]?
    }

    private let space: RowSpace
    private(set) var rows: [Row] = []
    /// The next unused row number.
    private(set) var next: UInt64
    private var entries: [EntryHash: (number: UInt64, hasContent: Bool)] = [:]
    private var actions: [ActionHash: (number: UInt64, record: CommittedRecord)] = [:]

    /// Derives rows that are numbered from `next` on.
    init(_ space: RowSpace, next: UInt64) {
        self.space = space
        self.next = next
        rows.reserveCapacity(16)
    }

    /// Derives every row of `commit`.
    mutating func derive(_ commit: SpaceCommit) throws(PlasmidError) {
        for record in commit.records { try derive(record) }
    }

    private mutating func add(_ table: TableID, _ key: [UInt8], _ value: [UInt8]? = []) {
        rows.append(Row(table: table, key: key, value: value))
    }

    private mutating func derive(_ record: CommittedRecord) throws(PlasmidError) {
        let signed = record.signedAction
        let action = signed.action
        let number = next
        next += 1
        let entryNumber = try action.entryHash.map { hash throws(PlasmidError) in try entry(hash, record) } ?? 0
        add(SpaceTables.rows, SpaceKey.number(number), ActionRow.value(record, entryNumber: entryNumber))
        rows.append(contentsOf: IndexRows.all(of: signed, number: number, entryNumber: entryNumber))
        actions[signed.hash] = (number, record)
        try deriveRelations(signed, number)
    }

    /// The number of an entry, with its content stored if this is the first time it is seen.
    private mutating func entry(_ hash: EntryHash, _ record: CommittedRecord) throws(PlasmidError) -> UInt64 {
        if let sealed = record.sealedEntry {
            let author = record.signedAction.action.header.author.coreBytes
            add(SpaceTables.sealed, SpaceKey.sealed(author, hash.coreBytes), sealed)
        }
        var known = entries[hash]
        if known == nil, let number = try space.number(hash.coreBytes, HashByte.entry) {
            let hasContent = try space.row(number) { value throws(PlasmidError) in
                try EntryRow.content(value, number) != nil
            }
            known = (number, hasContent)
        }
        let number = known?.number ?? next
        if known == nil {
            next += 1
            add(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), SpaceKey.number(number))
        }
        if known == nil || (known?.hasContent == false && record.entryBytes != nil) {
            add(SpaceTables.rows, SpaceKey.number(number), EntryRow.value(hash, record.entryBytes))
        }
        entries[hash] = (number, known?.hasContent == true || record.entryBytes != nil)
        return number
    }

    private mutating func deriveRelations(_ signed: SignedAction, _ number: UInt64) throws(PlasmidError) {
        let author = signed.action.header.author
        switch signed.action.data {
        case .update(let original, _, _, _): try revoke(original, by: author)
        case .delete(let deleted, _): try revoke(deleted, by: author)
        case .createLink:
            // A delete may be held before the link that it deletes.
            let earlier = RowRange(prefix: Array(signed.hash.coreBytes))
            let deletes = try space.lastNumbers(SpaceTables.linkDeletes, earlier)
            if !deletes.isEmpty { rows += IndexRows.links(signed, number, deleted: true) }
        case .deleteLink(_, let create): try markDeleted(create)
        default: break
        }
    }

    /// A grant or claim that its author updates or deletes is no longer in effect.
    private mutating func revoke(_ hash: ActionHash, by author: AgentPubKey) throws(PlasmidError) {
        let number: UInt64
        let action: Action
        if let own = actions[hash] {
            (number, action) = (own.number, own.record.signedAction.action)
        } else if let stored = try space.number(hash.coreBytes, HashByte.action) {
            (number, action) = (stored, try space.action(stored).action)
        } else {
            return
        }
        guard action.header.author == author else { return }
        switch action.entryType {
        case .capGrant: add(SpaceTables.grants, SpaceKey.core(author.coreBytes, number), [1])
        case .capClaim: add(SpaceTables.claims, SpaceKey.core(author.coreBytes, number), [1])
        default: break
        }
    }

    /// Marks a link's rows, so that a page of links needs no second look-up for each.
    private mutating func markDeleted(_ create: ActionHash) throws(PlasmidError) {
        let number: UInt64
        let signed: SignedAction
        if let own = actions[create] {
            (number, signed) = (own.number, own.record.signedAction)
        } else if let stored = try space.number(create.coreBytes, HashByte.action) {
            (number, signed) = (stored, try space.action(stored))
        } else {
            return
        }
        rows += IndexRows.links(signed, number, deleted: true)
    }
}

extension DerivedOp {
    /// The ops that an action gives rise to. Their codes and bases are Holochain's.
    static func all(of signed: SignedAction) -> [DerivedOp] {
        let header = signed.action.header
        var ops: [DerivedOp] = []
        ops.reserveCapacity(5)
        func add(_ type: UInt8, _ location: UInt32) {
            ops.append(DerivedOp(type: type, location: location, time: header.timestamp))
        }
        add(1, signed.hash.location)
        add(3, header.author.location)
        let isPublic = signed.action.entryType?.visibility == .public
        switch signed.action.data {
        case .create(_, let entryHash):
            if isPublic { add(2, entryHash.location) }
        case .update(let originalAction, let originalEntry, _, let entryHash):
            if isPublic { add(2, entryHash.location) }
            add(4, originalEntry.location)
            add(5, originalAction.location)
        case .delete(let deletesAction, let deletesEntry):
            add(7, deletesAction.location)
            add(6, deletesEntry.location)
        case .createLink(let base, _, _, _, _): add(8, base.location)
        case .deleteLink(let base, _): add(9, base.location)
        default: break
        }
        return ops
    }
}
