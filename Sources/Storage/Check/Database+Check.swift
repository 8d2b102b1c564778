import Glibc
import Integrity

extension Database {
    /// Looks through a data folder that no process has open, without changing it: the journal's records, the pages of
    /// each LMDB file, every hash, chain and index row, in both directions.
    ///
    /// Commits that only the journal holds yet are laid over what LMDB has, as the next start will apply them, and looked
    /// into with the rest.
    /// `progress` is called now and then with the report so far.
    /// - Throws: `storageInUse`, `storageVersion`, `notFound`; faults are in the report.
    public static func check(
        folder: String, options: Options = Options(), verifiesSignatures: Bool = true,
        progress: @escaping (CheckReport) -> Void = { _ in }
    ) throws(PlasmidError) -> CheckReport {
        guard Folder.exists(folder + "/format") else {
            throw PlasmidError(.notFound, "\(folder) is not a data folder: it has no file 'format'")
        }
        let lock = try FolderLock(folder)
        defer { lock.release() }
        let place = DataFolder(folder)
        var report = CheckReport()
        var journal = JournalEnd()
        try place.check()
        do throws(PlasmidError) {
            let scan = try JournalScan(folder: place.journal, calls: options.calls)
            journal.next = scan.next
            try scan.replay { header, _ in
                report.journalRecords += 1
                let last = JournalScan.Last(environment: header.environment, generation: header.generation)
                journal.records[last, default: []].append(header.lsn)
            }
            journal.scan = scan
        } catch {
            report.add(error.code.rawValue, "journal", error.message)
        }
        check(place.conductor, EnvironmentIdentity.conductorID, "conductor", options, journal, &report) { _, _ in }
        var spaces: [DnaHash] = []
        do throws(PlasmidError) {
            spaces = try place.spaces()
        } catch {
            report.add(error.code.rawValue, "spaces", error.message)
        }
        for dna in spaces {
            report.spaces += 1
            check(place.space(dna), Array(dna.coreBytes), dna.text, options, journal, &report) {
                rows, report throws(PlasmidError) in
                var check = SpaceCheck(
                    RowSpace(rows: rows), dna.text, verifiesSignatures: verifiesSignatures, report: report,
                    progress: progress)
                defer { report = check.report }
                try check.run()
            }
            progress(report)
        }
        return report
    }

    private static func check(
        _ path: String, _ id: [UInt8], _ place: String, _ options: Options, _ journal: JournalEnd,
        _ report: inout CheckReport, _ body: (OverlayRows, inout CheckReport) throws(PlasmidError) -> Void
    ) {
        let isConductor = place == "conductor"
        let tables = isConductor ? ConductorStore.tables : SpaceTables.all
        let walk = PageWalk.walk(path + "/data.mdb", tables: tables)
        report.pages += walk.pages
        for fault in walk.faults { report.add("pageDamaged", place, "\(path)/data.mdb: \(fault)") }
        // LMDB would follow the wrong pointers.
        guard walk.faults.isEmpty else { return }
        do throws(PlasmidError) {
            let lmdb = try LMDBEnvironment(folder: path, tables: tables, mapBytes: options.mapBytes, readOnly: true)
            defer { lmdb.close() }
            let identity = try EnvironmentIdentity(lmdb, expecting: id)
            if identity.appliedLSN >= journal.next {
                report.add(
                    "journalBehind", place, "Commit \(identity.appliedLSN) was applied, the journal ends before it")
            }
            let newest = UInt32((isConductor ? options.conductorUpgrades : options.spaceUpgrades).count + 1)
            guard identity.schema == newest else {
                throw PlasmidError(
                    .storageVersion, "\(path) has schema \(identity.schema), this version checks schema \(newest)",
                    hint: "an older one is upgraded by the next start; a newer one needs the newer version")
            }
            let reader = SnapshotReader(lmdb)
            defer { reader.close() }
            let rows = OverlayRows(reader: reader)
            report.waitingRecords += try journal.lay(over: rows, identity, tables)
            try rows.reading { () throws(PlasmidError) in try body(rows, &report) }
        } catch {
            report.add(error.code.rawValue, place, error.message)
        }
    }
}

/// What the journal holds, as far as a check of an environment asks.
private struct JournalEnd {
    /// The number of the next commit; as high as can be where the journal cannot be read.
    var next = UInt64.max
    /// The numbers of the commits of each environment.
    var records: [JournalScan.Last: [UInt64]] = [:]
    /// The journal itself; nil where it cannot be read.
    var scan: JournalScan?

    /// Puts the rows of the commits that an environment has not applied over its own, in their order.
    /// - Returns: how many such commits there are.
    func lay(
        over rows: OverlayRows, _ identity: EnvironmentIdentity, _ tables: [TableID]
    ) throws(PlasmidError) -> Int {
        let last = JournalScan.Last(environment: identity.journalID, generation: identity.generation)
        let waiting = (records[last] ?? []).count { $0 > identity.appliedLSN }
        guard waiting > 0, let scan else { return 0 }
        let known = Dictionary(uniqueKeysWithValues: tables.map { ($0.number, $0) })
        try scan.replay { header, payload throws(PlasmidError) in
            guard header.environment == identity.journalID, header.generation == identity.generation,
                header.lsn > identity.appliedLSN
            else { return }
            let over = rows.open(lsn: header.lsn, bytes: payload.count)
            var position = 0
            while position < payload.count {
                guard let row = RowSlice(payload, at: position), let table = known[row.table] else {
                    throw StorageFault.journal("Commit \(header.lsn) in the journal is not a list of rows")
                }
                let value = payload.slice(row.offset + row.keyCount, row.valueCount)
                over.put(table, [UInt8](payload.slice(row.offset, row.keyCount)), row.isPut ? [UInt8](value) : nil)
                position = row.end
            }
        }
        return waiting
    }
}
