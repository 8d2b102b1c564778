import Integrity

/// Holds every row of a space against the actions and entries that it stands for.
struct SpaceCheck {
    let space: RowSpace
    let place: String
    let verifiesSignatures: Bool
    let progress: (CheckReport) -> Void
    var report: CheckReport
    private var expected: [UInt8: Int] = [:]
    private var once: Set<[UInt8]> = []

    init(
        _ space: RowSpace, _ place: String, verifiesSignatures: Bool, report: CheckReport,
        progress: @escaping (CheckReport) -> Void
    ) {
        self.space = space
        self.place = place
        self.verifiesSignatures = verifiesSignatures
        self.report = report
        self.progress = progress
    }

    private static let indexes = [
        SpaceTables.hashes, SpaceTables.chain, SpaceTables.creators, SpaceTables.updates, SpaceTables.deletes,
        SpaceTables.links, SpaceTables.linkDeletes, SpaceTables.ops, SpaceTables.grants, SpaceTables.claims,
        SpaceTables.linkTimes, SpaceTables.activity, SpaceTables.forks, SpaceTables.rejected, SpaceTables.parkedTimes,
        SpaceTables.waiting, SpaceTables.parkedCounts, SpaceTables.warrants,
    ]

    mutating func run() throws(PlasmidError) {
        var numbers: [UInt64] = []
        try space.rows.scan(SpaceTables.rows, RowRange(prefix: [])) { key, _ in
            if key.count == 8 { numbers.append(key.bigEndian(0)) } else { numbers.append(0) }
            return true
        }
        for number in numbers {
            do throws(PlasmidError) {
                try check(number)
            } catch {
                report.add("rowUnreadable", place, error.message)
            }
            if (report.actions + report.entries) % 1000 == 0 { progress(report) }
        }
        try checkWaiting()
        for table in Self.indexes { try checkCount(table) }
    }

    private mutating func check(_ number: UInt64) throws(PlasmidError) {
        let kind = try space.row(number) { value in value.isEmpty ? 0 : value[0] }
        switch kind {
        case ActionRow.kind: try checkAction(number)
        case EntryRow.kind: try checkEntry(number)
        case WarrantRow.kind: try checkWarrant(number)
        default: report.add("rowUnreadable", place, "Row \(number) is of no known kind")
        }
    }

    private mutating func checkEntry(_ number: UInt64) throws(PlasmidError) {
        report.entries += 1
        let (hash, entry) = try space.row(number) { value throws(PlasmidError) in
            (try EntryRow.hash(value, number), try EntryRow.entry(value, number))
        }
        if EntryHash(coreBytes: Array(hash.coreBytes)) != hash || entry.map({ $0.hash != hash }) ?? false {
            report.add("entryHashWrong", place, "The entry in row \(number) does not have the hash \(hash)")
        }
        var wanted = try space.entryPlace(of: hash) ?? EntryPlace(number: number)
        let creators = try space.lastNumbers(SpaceTables.creators, RowRange(prefix: SpaceKey.number(number)))
        if creators.isEmpty, !wanted.isCached {
            report.add("entryUnused", place, "No action creates the entry in row \(number)")
        }
        wanted.number = number
        wanted.isVisible = if entry == nil { true } else { try isPublic(number) }
        try expect(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.entry), wanted.value, number)
    }

    /// Whether an action that is seen to create an entry makes it public.
    private func isPublic(_ entryNumber: UInt64) throws(PlasmidError) -> Bool {
        for number in try space.creators(of: entryNumber) {
            if try space.action(number).action.entryType?.visibility == .public { return true }
        }
        return false
    }

    private mutating func checkAction(_ number: UInt64) throws(PlasmidError) {
        report.actions += 1
        let (header, signed) = try space.row(number) { value throws(PlasmidError) in
            (try ActionRow.header(value, number), try ActionRow.action(value, number))
        }
        if !signed.hasTrueHash {
            report.add("actionHashWrong", place, "The action in row \(number) does not have the hash \(signed.hash)")
        }
        if verifiesSignatures, !signed.hasTrueSignature {
            report.add("signatureWrong", place, "The signature of \(signed.hash) does not verify")
        }
        let isInParts = header.flags & ActionRow.isInParts != 0
        if header.flags & ~ActionRow.isInParts != ActionRow.flags(of: signed.action) {
            report.add(
                "entryWrong", place, "The row \(number) of an action says otherwise of its entry than the action")
        }
        if let entryHash = signed.action.entryHash {
            try checkEntryOf(number, header.entryNumber, entryHash)
        } else if header.entryNumber != 0 {
            report.add("entryUnexpected", place, "The action in row \(number) has no entry, its row names one")
        }
        if isInParts { return try checkParts(signed, number, header.entryNumber) }
        try checkPrevious(signed, number)
        try expectFork(signed, number)
        for row in IndexRows.all(of: signed, number: number, entryNumber: header.entryNumber) {
            try expect(row.table, row.key, try flagged(row, signed), number)
        }
    }

    /// The row as it stands now: a deleted link, a grant or claim out of effect bear a flag.
    func flagged(_ row: RowDeriver.Row, _ signed: SignedAction) throws(PlasmidError) -> [UInt8] {
        var value = row.value ?? []
        switch row.table.number {
        case SpaceTables.links.number, SpaceTables.linkTimes.number:
            let deletes = try space.lastNumbers(
                SpaceTables.linkDeletes, RowRange(prefix: Array(signed.hash.coreBytes)))
            if !deletes.isEmpty { value[0] |= LinkRow.isDeleted }
        case SpaceTables.grants.number, SpaceTables.claims.number:
            let about = AnyDhtHash(signed.hash)
            let after = try space.updates(of: about) + space.deletes(of: about)
            if after.contains(where: { $0.action.header.author == signed.action.header.author }) { value[0] = 1 }
        default: break
        }
        return value
    }

    private mutating func checkEntryOf(
        _ number: UInt64, _ entryNumber: UInt64, _ wanted: EntryHash
    ) throws(PlasmidError) {
        let found = try space.rows.get(SpaceTables.rows, SpaceKey.number(entryNumber)) { value throws(PlasmidError) in
            try value.map { value throws(PlasmidError) in try EntryRow.hash(value, entryNumber) }
        }
        guard let found else {
            return report.add(
                "entryMissing", place, "The entry of the action in row \(number) has no row \(entryNumber)")
        }
        if found.coreBytes != wanted.coreBytes {
            report.add("entryWrong", place, "The action in row \(number) and row \(entryNumber) name different entries")
        }
    }

    private mutating func checkPrevious(_ signed: SignedAction, _ number: UInt64) throws(PlasmidError) {
        let header = signed.action.header
        guard header.actionSeq > 0 else { return }
        let key = SpaceKey.chain(header.author.coreBytes, header.actionSeq - 1)
        let previous = try space.rows.get(SpaceTables.chain, key) { value -> UInt64? in
            value.flatMap { $0.count == 8 ? $0.bigEndian(0) : nil }
        }
        guard let previous, try space.action(previous).hash == header.prevAction else {
            return report.add(
                "chainBroken", place, "Action \(header.actionSeq) of \(header.author) does not follow the one before it"
            )
        }
    }

    /// The same of a row that several others ask for.
    mutating func expectOnce(_ table: TableID, _ key: [UInt8], _ number: UInt64) throws(PlasmidError) {
        guard once.insert([table.number] + key).inserted else { return }
        try expect(table, key, [], number)
    }

    mutating func expect(
        _ table: TableID, _ key: [UInt8], _ value: [UInt8], _ number: UInt64
    ) throws(PlasmidError) {
        expected[table.number, default: 0] += 1
        report.indexRows += 1
        let isThere = try space.rows.get(table, key) { found in found.map { $0.compareTo(value) == 0 } }
        switch isThere {
        case nil: report.add("indexMissing", place, "Row \(number) is not in table '\(table.name)'")
        case false?: report.add("indexWrong", place, "Row \(number) stands wrongly in table '\(table.name)'")
        default: break
        }
    }

    /// Every row that an action asks for is there: then any further one stands for nothing.
    private mutating func checkCount(_ table: TableID) throws(PlasmidError) {
        var count = 0
        try space.rows.scan(table, RowRange(prefix: [])) { _, _ in
            count += 1
            return true
        }
        let wanted = expected[table.number] ?? 0
        if count > wanted {
            report.add(
                "indexUnexpected", place, "Table '\(table.name)' has \(count) rows, \(wanted) stand for something")
        }
    }
}
