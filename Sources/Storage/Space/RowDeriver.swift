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
    private var entries: [EntryHash: (place: EntryPlace, hasContent: Bool)] = [:]
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
        let number: UInt64
        if try space.isOutsider(action.header.author), let known = try space.place(of: signed.hash) {
            number = known.number
            try adopt(signed, known)
        } else {
            number = next
            next += 1
        }
        let entryNumber = try action.entryHash.map { hash throws(PlasmidError) in try entry(hash, record) } ?? 0
        add(SpaceTables.rows, SpaceKey.number(number), ActionRow.value(record, entryNumber: entryNumber))
        rows.append(contentsOf: IndexRows.all(of: signed, number: number, entryNumber: entryNumber))
        actions[signed.hash] = (number, record)
        try deriveRelations(signed, number)
        if try space.isOutsider(action.header.author) { try noteFork(signed) }
    }

    /// An action of an own chain that had come from outside before it was committed here keeps its number; what stood for its
    /// ops one by one goes.
    private mutating func adopt(_ signed: SignedAction, _ place: ActionPlace) throws(PlasmidError) {
        guard !place.isOwn else {
            throw PlasmidError(
                .commitMalformed, "The action \(signed.hash) is committed twice", hint: StorageFault.faultHint)
        }
        let header = signed.action.header
        if place.holds(.agentActivity) {
            let key = SpaceKey.activity(header.author.coreBytes, header.actionSeq, signed.hash.coreBytes)
            add(SpaceTables.activity, key, nil)
        }
        for type in ChainOpType.allCases where place.hasRejected(type) {
            add(SpaceTables.rejected, SpaceKey.typed(place.number, type), nil)
        }
    }

    /// Another action with this one's number may have come from outside.
    private mutating func noteFork(_ signed: SignedAction) throws(PlasmidError) {
        let header = signed.action.header
        let known = try space.place(of: signed.hash)?.number
        let others = try space.activityNumbers(header.author, header.actionSeq).filter { $0 != known }
        let key = SpaceKey.chain(header.author.coreBytes, header.actionSeq)
        let isNoted = try space.rows.get(SpaceTables.forks, key) { $0 != nil }
        if isNoted == others.isEmpty { add(SpaceTables.forks, key, others.isEmpty ? nil : []) }
    }

    /// The number of an entry, with its content stored if this is the first time it is seen.
    private mutating func entry(_ hash: EntryHash, _ record: CommittedRecord) throws(PlasmidError) -> UInt64 {
        if let sealed = record.sealedEntry {
            let author = record.signedAction.action.header.author.coreBytes
            add(SpaceTables.sealed, SpaceKey.sealed(author, hash.coreBytes), sealed)
        }
        var known = entries[hash]
        if known == nil, let place = try space.entryPlace(of: hash) {
            let hasContent = try space.row(place.number) { value throws(PlasmidError) in
                try EntryRow.content(value, place.number) != nil
            }
            known = (place, hasContent)
        }
        var place = known?.place ?? EntryPlace(number: next)
        if known == nil { next += 1 }
        let isHidden = !place.isVisible
        // What was kept as a dependency only is everybody's to see now.
        if record.entryBytes != nil { place.isVisible = true }
        if known == nil || isHidden != !place.isVisible {
            add(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), place.value)
        }
        if known == nil || (known?.hasContent == false && record.entryBytes != nil) {
            add(SpaceTables.rows, SpaceKey.number(place.number), EntryRow.value(hash, record.entryBytes))
        }
        entries[hash] = (place, known?.hasContent == true || record.entryBytes != nil)
        return place.number
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
            if !deletes.isEmpty { rows += IndexRows.links(signed, deleted: true) }
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
        } else if let stored = try space.place(of: hash), stored.isOwn {
            (number, action) = (stored.number, try space.action(stored.number).action)
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
        let signed: SignedAction
        if let own = actions[create] {
            signed = own.record.signedAction
        } else if let stored = try space.place(of: create), stored.holds(.createLink) {
            signed = try space.action(stored.number)
        } else {
            return
        }
        rows += IndexRows.links(signed, deleted: true)
    }
}

extension DerivedOp {
    /// Where an op of this type lives; nil where the action gives none.
    static func location(_ type: ChainOpType, of signed: SignedAction) -> UInt32? {
        if type == .createEntry, signed.action.entryType?.visibility != .public { return nil }
        return type.basis(of: signed.action, hash: signed.hash)?.location
    }

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
