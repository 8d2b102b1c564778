import Integrity
import Sodium

/// Turns a batch of ops into rows, op by op: each op reads what those before it have written, so that what is stored in the
/// end is the same whichever came first.
struct OpDeriver {
    let draft: DraftRows
    /// The space as it is with the rows so far.
    let space: RowSpace
    /// The next unused row number.
    private(set) var next: UInt64
    /// Authors that have just become known to have actions here which they did not commit here.
    private(set) var outsiders: Set<AgentPubKey> = []
    /// Whether what is remembered of contiguous chains may be wrong now.
    private(set) var tearsChains = false

    init(_ space: RowSpace, next: UInt64) {
        draft = DraftRows(over: space.rows)
        self.space = RowSpace(rows: draft)
        self.next = next
    }

    /// Derives every row of `batch`.
    mutating func derive(_ batch: OpBatch) throws(PlasmidError) {
        for record in batch.cached { try cache(record) }
        for entry in batch.cachedEntries { try cache(entry: entry) }
        for op in batch.integrated { try integrate(op) }
        for op in batch.rejected { try reject(op) }
        for warrant in batch.warrants { try take(warrant) }
        for op in batch.parked { try park(op) }
        for hash in batch.settled { try settle(hash) }
        for receipt in batch.receipts { take(receipt) }
        for mark in batch.publishing { try take(mark) }
        for (action, type) in batch.dropped { try drop(action, type) }
        for hash in batch.droppedWarrants { try dropWarrant(hash) }
        for action in batch.forgotten { try forget(action) }
        for arc in batch.arcs { put(SpaceTables.marks, ArcRow.key(arc.agent), ArcRow.value(arc)) }
    }

    func put(_ table: TableID, _ key: [UInt8], _ value: [UInt8]? = []) { draft.put(table, key, value) }

    func put(_ row: RowDeriver.Row) { draft.put(row.table, row.key, row.value) }

    mutating func takeNumber() -> UInt64 {
        defer { next += 1 }
        return next
    }

    mutating func noteTear() { tearsChains = true }

    static func refused(_ hash: ActionHash, _ type: ChainOpType?, _ why: String) -> PlasmidError {
        let what = type.map { "The op \($0.name) of \(hash)" } ?? "The action \(hash)"
        return PlasmidError(
            .opRefused, "\(what) cannot be held: \(why)",
            hint: "Ops are checked before they are stored: this is a fault of Plasmid; please report it")
    }

    // MARK: Valid ops

    private mutating func integrate(_ op: HeldOp) throws(PlasmidError) {
        let signed = op.signedAction
        if var place = try space.place(of: signed.hash) {
            if place.isOwn { return }
            try keepLowerSignature(signed, op.actionBytes, place)
            if place.integrated & ActionPlace.bit(op.type) != 0 { return }
            if place.hasRejected(op.type) { throw Self.refused(signed.hash, op.type, "it was rejected before") }
            try integrate(op, &place)
        } else {
            var place = try add(signed, op.actionBytes)
            try integrate(op, &place)
        }
    }

    private mutating func integrate(_ op: HeldOp, _ place: inout ActionPlace) throws(PlasmidError) {
        let signed = op.signedAction
        let header = signed.action.header
        guard let location = DerivedOp.location(op.type, of: signed) else {
            throw Self.refused(signed.hash, op.type, "an action of this kind gives no such op")
        }
        var entryNumber: UInt64 = 0
        if let hash = signed.action.entryHash {
            entryNumber = try entryNumberOf(place.number)
            if op.type.hasEntrySlot, let content = try Self.content(op.entryBytes, of: signed, op.type) {
                try fill(hash, content, becomesVisible: op.type == .createEntry)
            }
        } else if op.entryBytes != nil {
            throw Self.refused(signed.hash, op.type, "its action has no entry, and one came with it")
        }
        place.integrated |= ActionPlace.bit(op.type)
        put(SpaceTables.hashes, SpaceKey.hash(signed.hash.coreBytes, HashByte.action), place.value)
        let derived = DerivedOp(type: op.type.rawValue, location: location, time: header.timestamp)
        put(SpaceTables.ops, SpaceKey.op(derived, place.number))
        for row in IndexRows.rows(op.type, of: signed, number: place.number, entryNumber: entryNumber) { put(row) }
        switch op.type {
        case .agentActivity: try noteFork(header.author, header.actionSeq)
        case .createLink: try flagLinks(signed)
        case .deleteLink:
            if case .deleteLink(_, let create) = signed.action.data { try flagLinks(of: create) }
        default: break
        }
    }

    // MARK: Rejected ops

    private mutating func reject(_ rejected: RejectedOp) throws(PlasmidError) {
        let op = rejected.op
        let signed = op.signedAction
        var place: ActionPlace
        if let known = try space.place(of: signed.hash) {
            if known.holds(op.type) { throw Self.refused(signed.hash, op.type, "it was found valid before") }
            try keepLowerSignature(signed, op.actionBytes, known)
            if known.hasRejected(op.type) { return }
            place = known
        } else {
            place = try add(signed, op.actionBytes)
        }
        place.rejected |= ActionPlace.bit(op.type)
        put(SpaceTables.hashes, SpaceKey.hash(signed.hash.coreBytes, HashByte.action), place.value)
        put(SpaceTables.rejected, SpaceKey.typed(place.number, op.type), RejectedRow.value(rejected))
    }

    // MARK: Dependencies

    private mutating func cache(_ record: CachedRecord) throws(PlasmidError) {
        let signed = record.signedAction
        var place: ActionPlace
        if let known = try space.place(of: signed.hash) {
            if known.isOwn { return }
            try keepLowerSignature(signed, record.actionBytes, known)
            place = known
        } else {
            place = try add(signed, record.actionBytes)
        }
        if !place.isCached {
            place.isCached = true
            put(SpaceTables.hashes, SpaceKey.hash(signed.hash.coreBytes, HashByte.action), place.value)
        }
        if let hash = signed.action.entryHash, let bytes = record.entryBytes,
            let content = try Self.content(bytes, of: signed, nil)
        {
            try fill(hash, content, becomesVisible: false)
        } else if record.entryBytes != nil, signed.action.entryHash == nil {
            throw Self.refused(signed.hash, nil, "it has no entry, and one came with it")
        }
    }

    private mutating func cache(entry bytes: [UInt8]) throws(PlasmidError) {
        let entry = try Self.decoded(bytes)
        let hash = entry.hash
        let place = try entryPlace(hash)
        try fill(hash, bytes, becomesVisible: false)
        guard var now = try space.entryPlace(of: hash), now.number == place.number, !now.isCached else { return }
        now.isCached = true
        put(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), now.value)
    }

    // MARK: Shared rows

    /// Writes the row of an action that is not here yet, with what every action has: its number, its entry's number.
    private mutating func add(_ signed: SignedAction, _ actionBytes: [UInt8]) throws(PlasmidError) -> ActionPlace {
        guard ActionHash(hashing: actionBytes) == signed.hash else {
            throw Self.refused(signed.hash, nil, "its bytes have another hash")
        }
        var place = ActionPlace(number: takeNumber())
        place.isOwn = false
        var entryNumber: UInt64 = 0
        if let hash = signed.action.entryHash {
            entryNumber = try entryPlace(hash).number
            put(SpaceTables.creators, SpaceKey.creator(entryNumber, place.number), IndexRows.namesOnly)
        }
        put(
            SpaceTables.rows, SpaceKey.number(place.number),
            ActionRow.value(signed, actionBytes, entryNumber: entryNumber, inParts: true))
        let author = signed.action.header.author
        if !outsiders.contains(author), try !space.isOutsider(author) {
            outsiders.insert(author)
            put(SpaceTables.outsiders, Array(author.coreBytes))
        }
        return place
    }

    /// Of several signatures of one action the lowest is kept, so that it does not matter which came first.
    private mutating func keepLowerSignature(
        _ signed: SignedAction, _ actionBytes: [UInt8], _ place: ActionPlace
    ) throws(PlasmidError) {
        let wanted = signed.signature.bytes
        let isLower = try space.row(place.number) { value throws(PlasmidError) in
            guard value.count > 64 else { throw StorageFault.damaged("Row \(place.number) is not an action") }
            return wanted.withUnsafeBytes { value.from(value.count - 64).compare($0) > 0 }
        }
        guard isLower else { return }
        guard ActionHash(hashing: actionBytes) == signed.hash else {
            throw Self.refused(signed.hash, nil, "its bytes have another hash")
        }
        let entryNumber = try entryNumberOf(place.number)
        put(
            SpaceTables.rows, SpaceKey.number(place.number),
            ActionRow.value(signed, actionBytes, entryNumber: entryNumber, inParts: true))
    }

    func entryNumberOf(_ number: UInt64) throws(PlasmidError) -> UInt64 {
        try space.row(number) { value throws(PlasmidError) in try ActionRow.header(value, number).entryNumber }
    }

    /// An entry's place; where it is not known yet it gets a row without content.
    private mutating func entryPlace(_ hash: EntryHash) throws(PlasmidError) -> EntryPlace {
        if let known = try space.entryPlace(of: hash) { return known }
        let place = EntryPlace(number: takeNumber())
        put(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), place.value)
        put(SpaceTables.rows, SpaceKey.number(place.number), EntryRow.value(EntryHash(core: hash.core), nil))
        return place
    }

    /// Stores an entry's content if it is not here, and lets everybody see it if a CreateEntry brings it.
    private mutating func fill(
        _ hash: EntryHash, _ content: [UInt8], becomesVisible: Bool
    ) throws(PlasmidError) {
        var place = try entryPlace(hash)
        let number = place.number
        let before = place.value
        let isKept = try space.row(number) { value throws(PlasmidError) in
            guard let kind = try EntryRow.kind(value, number) else { return false }
            // Any hash can be written down as a key. What hashes to it is no key, and wins, whichever came first.
            guard kind == "Agent", let known = try EntryRow.content(value, number) else { return true }
            return known.elementsEqual(content)
        }
        if !isKept {
            put(SpaceTables.rows, SpaceKey.number(number), EntryRow.value(EntryHash(core: hash.core), content))
            place.isVisible = becomesVisible
        } else if becomesVisible {
            place.isVisible = true
        }
        if place.value != before {
            put(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), place.value)
        }
    }

    /// The content that an op brings, held against the hash that the action names. Nil where it brings none and need not.
    private static func content(
        _ bytes: [UInt8]?, of signed: SignedAction, _ type: ChainOpType?
    ) throws(PlasmidError) -> [UInt8]? {
        guard let entryType = signed.action.entryType, let hash = signed.action.entryHash else { return nil }
        guard entryType.visibility == .public else {
            if bytes == nil { return nil }
            throw refused(signed.hash, type, "its entry is private, and came with it")
        }
        guard let bytes else {
            // The address of an agent's entry says what the entry is.
            if entryType == .agentPubKey { return Entry.agent(AgentPubKey(core: hash.core)).packed }
            throw refused(signed.hash, type, "its public entry did not come with it")
        }
        let entry = try decoded(bytes)
        guard entry.hash.core == hash.core else {
            throw refused(signed.hash, type, "its entry has another hash than its action says")
        }
        // A key's bytes may carry any location: the one that belongs to it is kept, whichever came first.
        if case .agent(let key) = entry { return Entry.agent(AgentPubKey(core: key.core)).packed }
        return bytes
    }

    /// An entry, whose bytes are the canonical ones.
    private static func decoded(_ bytes: [UInt8]) throws(PlasmidError) -> Entry {
        let entry: Entry
        do throws(PlasmidError) {
            entry = try Entry(packed: bytes)
        } catch {
            throw error.wrapped(.opRefused, "An entry cannot be held: its bytes are none", hint: StorageFault.faultHint)
        }
        guard entry.packed == bytes else {
            throw PlasmidError(
                .opRefused, "The entry \(entry.hash) cannot be held: its bytes are not the canonical ones",
                hint: StorageFault.faultHint)
        }
        return entry
    }
}

// MARK: What rows say of each other

extension OpDeriver {
    /// Remembers where a chain has two actions with one number, and forgets it where it has not any more.
    func noteFork(_ author: AgentPubKey, _ seq: UInt32) throws(PlasmidError) {
        let key = SpaceKey.chain(author.coreBytes, seq)
        let isFork = try space.activityNumbers(author, seq).count > 1
        let isNoted = try space.rows.get(SpaceTables.forks, key) { $0 != nil }
        if isFork != isNoted { put(SpaceTables.forks, key, isFork ? [] : nil) }
    }

    /// Writes the rows of a link as the DeleteLinks that are held have it.
    func flagLinks(_ create: SignedAction) throws(PlasmidError) {
        let range = RowRange(prefix: Array(create.hash.coreBytes))
        let isDeleted = try !space.lastNumbers(SpaceTables.linkDeletes, range).isEmpty
        for row in IndexRows.links(create, deleted: isDeleted) { put(row) }
    }

    /// The same of a link that is stored, if its CreateLink is held.
    func flagLinks(of create: ActionHash) throws(PlasmidError) {
        guard let place = try space.place(of: create), place.holds(.createLink) else { return }
        try flagLinks(try space.action(place.number))
    }
}
