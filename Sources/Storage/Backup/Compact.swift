import CLMDB
import Glibc
import Integrity

/// What compacting one database came to.
public struct CompactReport: Sendable, Equatable {
    /// `conductor`, or the DNA hash of a space.
    public var place: String
    /// The file's length before, in bytes.
    public var before: Int
    /// The file's length now, in bytes.
    public var after: Int
}

extension Database {
    /// Rewrites each database of a folder that no process has open, without its free pages. One after the other takes the
    /// place of the old file by a rename: a death in between leaves each old or new, whole. Commits that only the journal
    /// holds stay there. Blocks.
    /// - Parameter progress: called before each database with its place.
    /// - Throws: `notFound`, `storageInUse`, `storageCorrupt` (run `plasmid db check`), `diskFull`, `storageFailed`.
    public static func compact(
        folder: String, options: Options = Options(), atStep: (@Sendable (BackupStep) -> Void)? = nil,
        progress: (String) -> Void = { _ in }
    ) throws(PlasmidError) -> [CompactReport] {
        guard Folder.exists(folder + "/format") else {
            throw PlasmidError(.notFound, "\(folder) is not a data folder: it has no file 'format'")
        }
        let lock = try FolderLock(folder)
        defer { lock.release() }
        let place = DataFolder(folder)
        try place.check()
        var reports: [CompactReport] = []
        progress("conductor")
        reports.append(
            try compact(
                place.conductor, "conductor", ConductorStore.tables, EnvironmentIdentity.conductorID, options, atStep))
        for dna in try place.spaces() {
            progress(dna.text)
            reports.append(
                try compact(place.space(dna), dna.text, SpaceTables.all, Array(dna.coreBytes), options, atStep))
        }
        return reports
    }

    private static func compact(
        _ folder: String, _ place: String, _ tables: [TableID], _ id: [UInt8], _ options: Options,
        _ atStep: (@Sendable (BackupStep) -> Void)?
    ) throws(PlasmidError) -> CompactReport {
        try PageWalk.require(folder, tables: tables)
        let (file, temporary) = ("\(folder)/data.mdb", folder + ".new")
        if Folder.exists(temporary) { try Folder.removeAll(temporary) }
        try Folder.make(temporary)
        do throws(PlasmidError) {
            let rows = try copy(folder, to: temporary, tables, id, options)
            let copied = try open(temporary, tables, options) { lmdb throws(PlasmidError) in
                _ = try EnvironmentIdentity(lmdb, expecting: id)
                return lmdb.rowCount()
            }
            guard copied == rows else {
                throw StorageFault.failed("The compacted copy of \(folder) has \(copied ?? 0) rows, not \(rows ?? 0)")
            }
            let report = CompactReport(
                place: place, before: try length(file), after: try length(temporary + "/data.mdb"))
            atStep?(.compactBeforeRename)
            if rename(temporary + "/data.mdb", file) != 0 { throw StorageFault.error(errno: errno, "replace", file) }
            try Folder.sync(folder)
            atStep?(.compactAfterRename)
            try? Folder.removeAll(temporary)
            return report
        } catch {
            try? Folder.removeAll(temporary)
            throw error
        }
    }

    private static func copy(
        _ folder: String, to temporary: String, _ tables: [TableID], _ id: [UInt8], _ options: Options
    ) throws(PlasmidError) -> Int? {
        try open(folder, tables, options) { lmdb throws(PlasmidError) in
            _ = try EnvironmentIdentity(lmdb, expecting: id)
            try LMDBCopy.copy(lmdb, to: temporary + "/data.mdb", compacting: true)
            return lmdb.rowCount()
        }
    }

    private static func open<Value>(
        _ folder: String, _ tables: [TableID], _ options: Options,
        _ body: (LMDBEnvironment) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        let lmdb = try LMDBEnvironment(folder: folder, tables: tables, mapBytes: options.mapBytes, readOnly: true)
        defer { lmdb.close() }
        return try body(lmdb)
    }

    private static func length(_ path: String) throws(PlasmidError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StorageFault.error(errno: errno, "measure", path) }
        return Int(status.st_size)
    }
}
