import Integrity

/// Reading a space from sorted rows, wherever they stand. ``MemorySpace`` and ``Space`` add how commits get there.
public class RowSpace: SpaceReading {
    let rows: any RowSource
    /// What is known of which authors have actions here that were not committed here.
    var outsiders: [AgentPubKey: Bool] = [:]
    /// Of chains that came from outside: the number up to which nothing is missing, as far as has been looked.
    var contiguous: [AgentPubKey: UInt32] = [:]

    init(rows: any RowSource) {
        self.rows = rows
    }

    /// The last action of an author's chain: of one that is written here its last, of another the last before the first gap.
    public final func head(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        if let own = try ownHead(of: author) { return own }
        return try rows.reading { () throws(PlasmidError) in try self.toldHead(of: author) }
    }

    /// The last action of a chain that is written here: the one that the next commit must follow.
    func ownHead(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        try rows.reading { () throws(PlasmidError) in try self.lastAction(of: author) }
    }

    /// An action and its entry.
    public func record(_ action: ActionHash) throws(PlasmidError) -> StoredRecord? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action), place.holds(.createRecord) else { return nil }
            return try self.record(place.number)
        }
    }

    /// An action, without its entry.
    public func action(_ action: ActionHash) throws(PlasmidError) -> SignedAction? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action), place.holds(.createRecord) else { return nil }
            return try self.action(place.number)
        }
    }

    /// A public entry.
    public func entry(_ entry: EntryHash) throws(PlasmidError) -> Entry? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.entryPlace(of: entry), place.isVisible else { return nil }
            return try self.entry(place.number)
        }
    }

    /// What a public entry says that it is (`App`, `Agent`, `CounterSign`, …), without reading the rest of it.
    public func entryKind(_ entry: EntryHash) throws(PlasmidError) -> String? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.entryPlace(of: entry), place.isVisible else { return nil }
            let number = place.number
            return try self.row(number) { value throws(PlasmidError) in try EntryRow.kind(value, number) }
        }
    }

    /// The records whose actions created or updated to this entry, oldest first.
    public func recordsOfEntry(_ entry: EntryHash) throws(PlasmidError) -> [StoredRecord] {
        try rows.reading { () throws(PlasmidError) in
            guard let number = try self.number(entry.coreBytes, HashByte.entry) else { return [] }
            let records = try self.records(try self.creators(of: number))
            return Self.inOrder(records) { $0.signedAction }
        }
    }

    /// The same without the entry, which is read for none of them.
    public func actionsOfEntry(_ entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try rows.reading { () throws(PlasmidError) in
            guard let number = try self.number(entry.coreBytes, HashByte.entry) else { return [] }
            return try self.actions(try self.creators(of: number))
        }
    }

    /// The updates of an entry or an action, oldest first.
    public func updates(of hash: AnyDhtHash) throws(PlasmidError) -> [SignedAction] {
        try actions(SpaceTables.updates, about: hash)
    }

    /// The deletes of an entry or an action, oldest first.
    public func deletes(of hash: AnyDhtHash) throws(PlasmidError) -> [SignedAction] {
        try actions(SpaceTables.deletes, about: hash)
    }

    /// Part of an author's chain.
    public func chain(
        of author: AgentPubKey, from: UInt32 = 0, to: UInt32 = .max, descending: Bool = false, limit: Int = .max
    ) throws(PlasmidError) -> [StoredRecord] {
        try chain(of: author, from: from, to: to, descending: descending, limit: limit) { _ in true }
    }

    /// Part of an author's chain; the records whose entries are not wanted come without them (`notStored`).
    public func chain(
        of author: AgentPubKey, from: UInt32, to: UInt32, descending: Bool, limit: Int, entriesOf: (Action) -> Bool
    ) throws(PlasmidError) -> [StoredRecord] {
        guard from <= to, limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            let core = author.coreBytes
            if try !self.isWrittenHere(author) {
                let numbers = try self.toldChain(of: author, from: from, to: to, descending: descending, limit: limit)
                return try self.records(numbers, entriesOf: entriesOf)
            }
            var range = RowRange(prefix: Array(core), bound: SpaceKey.chain(core, from), reverse: descending)
            if descending { range.bound = to == .max ? nil : SpaceKey.chain(core, to + 1) }
            var numbers: [UInt64] = []
            try self.rows.scan(SpaceTables.chain, range) { key, value throws(PlasmidError) in
                guard key.count == 36, value.count == 8 else { throw StorageFault.damaged("A chain row is misshapen") }
                let seq = key.bigEndian(32, as: UInt32.self)
                if seq < from || seq > to { return false }
                numbers.append(value.bigEndian(0))
                return numbers.count < limit
            }
            return try self.records(numbers, entriesOf: entriesOf)
        }
    }

    /// The actions that delete a link, oldest first.
    public func linkDeletes(of create: ActionHash) throws(PlasmidError) -> [SignedAction] {
        try rows.reading { () throws(PlasmidError) in
            try self.actions(try self.lastNumbers(SpaceTables.linkDeletes, RowRange(prefix: Array(create.coreBytes))))
        }
    }

    /// An author's private entry, as sealed.
    public func sealedEntry(author: AgentPubKey, _ entry: EntryHash) throws(PlasmidError) -> [UInt8]? {
        let key = SpaceKey.sealed(author.coreBytes, entry.coreBytes)
        return try rows.reading { () throws(PlasmidError) in
            try self.rows.get(SpaceTables.sealed, key) { value in value.map { [UInt8]($0) } }
        }
    }

    /// An author's capability grants, oldest first.
    public func grants(of author: AgentPubKey, includingRevoked: Bool) throws(PlasmidError) -> [StoredRecord] {
        try capabilities(SpaceTables.grants, author, includingRevoked: includingRevoked)
    }

    /// An author's capability claims, oldest first.
    public func claims(of author: AgentPubKey) throws(PlasmidError) -> [StoredRecord] {
        try capabilities(SpaceTables.claims, author, includingRevoked: false)
    }

    /// Whether an action, or an entry's content, is held.
    public func has(_ hash: AnyDhtHash) throws(PlasmidError) -> Bool {
        try rows.reading { () throws(PlasmidError) in
            if let action = hash.action { return try self.place(of: action)?.holds(.createRecord) ?? false }
            guard let entry = hash.entry, let place = try self.entryPlace(of: entry), place.isVisible else {
                return false
            }
            return try self.holdsContent(place.number)
        }
    }
}

// MARK: Parts of reads; each inside one `reading`.

extension RowSpace {
    func number(_ core: ArraySlice<UInt8>, _ kind: UInt8) throws(PlasmidError) -> UInt64? {
        try rows.get(SpaceTables.hashes, SpaceKey.hash(core, kind)) { value throws(PlasmidError) in
            guard let value else { return nil }
            guard value.count >= 8 else { throw StorageFault.damaged("A row of the hash index is misshapen") }
            return value.bigEndian(0)
        }
    }

    /// What the hash index says of an action.
    func place(of action: ActionHash) throws(PlasmidError) -> ActionPlace? {
        try rows.get(SpaceTables.hashes, SpaceKey.hash(action.coreBytes, HashByte.action)) {
            value throws(PlasmidError) in
            if let value { try ActionPlace(value) } else { nil }
        }
    }

    /// What the hash index says of an entry.
    func entryPlace(of entry: EntryHash) throws(PlasmidError) -> EntryPlace? {
        try rows.get(SpaceTables.hashes, SpaceKey.hash(entry.coreBytes, HashByte.entry)) {
            value throws(PlasmidError) in
            if let value { try EntryPlace(value) } else { nil }
        }
    }

    func holdsContent(_ entryNumber: UInt64) throws(PlasmidError) -> Bool {
        try row(entryNumber) { value throws(PlasmidError) in try EntryRow.content(value, entryNumber) != nil }
    }

    /// The actions that are seen to create an entry.
    func creators(of entryNumber: UInt64) throws(PlasmidError) -> [UInt64] {
        var numbers: [UInt64] = []
        try rows.scan(SpaceTables.creators, RowRange(prefix: SpaceKey.number(entryNumber))) {
            key, value throws(PlasmidError) in
            guard key.count == 16 else { throw StorageFault.damaged("A key of table 'creators' is misshapen") }
            if value.isEmpty { numbers.append(key.bigEndian(8)) }
            return true
        }
        return numbers
    }

    /// Brings what several actions answer into the order that does not depend on which came here first.
    static func inOrder<Value>(_ values: [Value], _ action: (Value) -> SignedAction) -> [Value] {
        guard values.count > 1 else { return values }
        let keyed = values.map { (order: ActionOrder(action($0)), value: $0) }
        return keyed.sorted { $0.order < $1.order }.map { $0.value }
    }

    func row<Value>(
        _ number: UInt64, _ body: (UnsafeRawBufferPointer) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        try rows.get(SpaceTables.rows, SpaceKey.number(number)) { value throws(PlasmidError) in
            guard let value else { throw StorageFault.damaged("Row \(number) is missing") }
            return try body(value)
        }
    }

    func action(_ number: UInt64) throws(PlasmidError) -> SignedAction {
        try row(number) { value throws(PlasmidError) in
            _ = try ActionRow.header(value, number)
            return try ActionRow.action(value, number)
        }
    }

    func record(
        _ number: UInt64, evenHidden: Bool = false, entriesOf: (Action) -> Bool = { _ in true }
    ) throws(PlasmidError) -> StoredRecord {
        let (header, action) = try row(number) { value throws(PlasmidError) in
            (try ActionRow.header(value, number), try ActionRow.action(value, number))
        }
        guard header.flags & ~ActionRow.isInParts == ActionRow.flags(of: action.action) else {
            throw StorageFault.damaged("The row \(number) of an action says otherwise of its entry than the action")
        }
        if header.flags & ActionRow.hasEntry == 0 { return StoredRecord(signedAction: action, entry: .notApplicable) }
        guard entriesOf(action.action) else { return StoredRecord(signedAction: action, entry: .notStored) }
        if header.flags & ActionRow.isPrivate != 0 { return StoredRecord(signedAction: action, entry: .hidden) }
        // What an op brought is seen with its action; what only another op or a dependency brought is not.
        if header.flags & ActionRow.isInParts != 0, !evenHidden, try !showsEntry(of: action) {
            return StoredRecord(signedAction: action, entry: .notStored)
        }
        let entry = try self.entry(header.entryNumber)
        return StoredRecord(signedAction: action, entry: entry.map { .present($0) } ?? .notStored)
    }

    private func showsEntry(of signed: SignedAction) throws(PlasmidError) -> Bool {
        if try place(of: signed.hash)?.holdsEntry ?? false { return true }
        guard let hash = signed.action.entryHash else { return false }
        return try entryPlace(of: hash)?.isVisible ?? false
    }

    func entry(_ number: UInt64) throws(PlasmidError) -> Entry? {
        try row(number) { value throws(PlasmidError) in try EntryRow.entry(value, number) }
    }

    func lastAction(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        var number: UInt64?
        try rows.scan(SpaceTables.chain, RowRange(prefix: Array(author.coreBytes), reverse: true)) {
            _, value throws(PlasmidError) in
            guard value.count == 8 else { throw StorageFault.damaged("A chain row is misshapen") }
            number = value.bigEndian(0)
            return false
        }
        guard let number else { return nil }
        let last = try action(number)
        return ChainHead(hash: last.hash, seq: last.action.header.actionSeq, timestamp: last.action.header.timestamp)
    }

    /// The numbers that end the keys of a range.
    func lastNumbers(_ table: TableID, _ range: RowRange) throws(PlasmidError) -> [UInt64] {
        var numbers: [UInt64] = []
        try rows.scan(table, range) { key, _ throws(PlasmidError) in
            guard key.count == range.prefix.count + 8 else {
                throw StorageFault.damaged("A key of table '\(table.name)' is misshapen")
            }
            numbers.append(key.bigEndian(key.count - 8))
            return true
        }
        return numbers
    }

    private func actions(_ table: TableID, about hash: AnyDhtHash) throws(PlasmidError) -> [SignedAction] {
        let bytes = hash.bytes
        return try rows.reading { () throws(PlasmidError) in
            try self.actions(
                try self.lastNumbers(table, RowRange(prefix: SpaceKey.hash(bytes[3..<35], bytes[1]))))
        }
    }

    func actions(_ numbers: [UInt64]) throws(PlasmidError) -> [SignedAction] {
        var actions: [SignedAction] = []
        for number in numbers { actions.append(try action(number)) }
        return Self.inOrder(actions) { $0 }
    }

    func records(
        _ numbers: [UInt64], entriesOf: (Action) -> Bool = { _ in true }
    ) throws(PlasmidError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        records.reserveCapacity(numbers.count)
        for number in numbers { records.append(try record(number, entriesOf: entriesOf)) }
        return records
    }

    private func capabilities(
        _ table: TableID, _ author: AgentPubKey, includingRevoked: Bool
    ) throws(PlasmidError) -> [StoredRecord] {
        try rows.reading { () throws(PlasmidError) in
            var numbers: [UInt64] = []
            try self.rows.scan(table, RowRange(prefix: Array(author.coreBytes))) { key, value throws(PlasmidError) in
                guard key.count == 40, value.count == 1 else {
                    throw StorageFault.damaged("A row of table '\(table.name)' is misshapen")
                }
                if includingRevoked || value[0] == 0 { numbers.append(key.bigEndian(32)) }
                return true
            }
            return try self.records(numbers)
        }
    }
}
