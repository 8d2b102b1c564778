import Glibc
import Integrity

/// What a restore is asked for.
public struct RestoreRequest: Sendable {
    /// The folder of the backup.
    public var backup: String
    /// The data folder to make; it must not be there, or be empty.
    public var folder: String
    /// When it is done, in µs since 1970.
    public var now: Int64
    /// Whether every hash, signature and index is held against the others before the folder gets its name.
    public var checks: Bool
    /// Called at every named step. For tests only.
    public var atStep: (@Sendable (BackupStep) -> Void)?

    /// A request.
    public init(
        backup: String, folder: String, now: Int64, checks: Bool = true,
        atStep: (@Sendable (BackupStep) -> Void)? = nil
    ) {
        self.backup = backup
        self.folder = folder
        self.now = now
        self.checks = checks
        self.atStep = atStep
    }
}

extension Database {
    /// The key of the conductor's settings under which a restored folder says so, until its next start has read it. The
    /// value is the time of the restore and of the backup, µs since 1970, as two big-endian numbers of 8 bytes.
    public static let restoredKey = Array("restored".utf8)

    /// Reads a backup's manifest without looking at its files.
    /// - Throws: `notFound`, `backupDamaged`, `storageVersion`.
    public static func manifest(ofBackup folder: String) throws(PlasmidError) -> BackupManifest {
        let path = "\(folder)/\(BackupManifest.name)"
        guard let bytes = try Folder.read(path, atMost: BackupManifest.bytesMax) else {
            throw PlasmidError(
                .notFound, "\(folder) is no backup: it has no file '\(BackupManifest.name)'",
                hint: "A backup that was cut off has none; its folder ends in .new")
        }
        guard try Folder.read("\(folder)/\(BackupManifest.sumName)", atMost: 1_024) == BackupManifest.sum(bytes) else {
            throw BackupManifest.fault(folder, "is not what its digest says")
        }
        return try BackupManifest(json: bytes, of: folder)
    }

    /// Makes a data folder out of a backup.
    ///
    /// Every digest is held against the manifest before anything is written; the folder is made under another name,
    /// checked, synced and renamed, so that a death in between leaves no folder or the whole one. It says of itself that
    /// it was restored: its cells are read-only until the operator says otherwise. Blocks.
    /// - Throws: `notFound`, `backupDamaged`, `storageVersion`, `folderNotEmpty`, `diskFull`, `storageFailed`.
    public static func restore(
        _ request: RestoreRequest, options: Options = Options(), progress: BackupProgress = BackupProgress()
    ) throws(PlasmidError) -> BackupManifest {
        let manifest = try manifest(ofBackup: request.backup)
        guard manifest.format <= DataFolder.version else {
            throw PlasmidError(
                .storageVersion, "\(request.backup) was written by a newer version (format \(manifest.format))",
                hint: "Use the newer version")
        }
        try NewFolder.refuseUsed(request.folder)
        progress.add(total: manifest.bytes * 2)
        for file in manifest.files { try verify(file, in: request.backup, progress) }
        request.atStep?(.restoreVerified)
        let new = try NewFolder(request.folder)
        do throws(PlasmidError) {
            try Restoration(request: request, manifest: manifest, new: new, options: options).run(progress)
        } catch {
            new.abandon()
            throw error
        }
        request.atStep?(.restoreAfterRename)
        return manifest
    }

    private static func verify(
        _ file: BackupManifest.File, in folder: String, _ progress: BackupProgress
    ) throws(PlasmidError) {
        let path = "\(folder)/\(file.path)"
        guard Folder.exists(path) else { throw damaged("The backup lacks \(path)") }
        let content = try FileCopy.read(path) { progress.add(done: $0.count) }
        guard content.bytes == file.bytes else {
            throw damaged("\(path) has \(content.bytes) bytes, the backup's manifest says \(file.bytes)")
        }
        guard content.digest == file.digest else {
            throw damaged("\(path) is not the file that the backup's manifest describes")
        }
    }

    fileprivate static func damaged(_ message: String) -> PlasmidError {
        PlasmidError(.backupDamaged, message, hint: "Nothing was changed. Use another backup")
    }
}

/// A restore whose backup has been verified.
private struct Restoration {
    let request: RestoreRequest
    let manifest: BackupManifest
    let new: NewFolder
    let options: Database.Options

    func run(_ progress: BackupProgress) throws(PlasmidError) {
        for file in manifest.files {
            try new.makeParents(of: file.path)
            let mode: mode_t = file.path.hasPrefix("modules/") ? 0o500 : 0o600
            let content = try FileCopy.copy(
                "\(request.backup)/\(file.path)", to: "\(new.path)/\(file.path)", mode: mode
            ) { progress.add(done: $0) }
            guard content.digest == file.digest else {
                throw Database.damaged("\(request.backup)/\(file.path) changed while it was copied")
            }
            request.atStep?(.restoreFileCopied)
        }
        let place = DataFolder(new.path)
        try Folder.make(place.spacesFolder)
        let applied = try markRestored(place)
        try makeJournal(place, applied)
        request.atStep?(.restoreBeforeFormat)
        try place.writeFormat()
        if request.checks { try check() }
        try new.finish { request.atStep?(.restoreBeforeRename) }
    }

    /// Notes the restore in the conductor's own tables; gives the highest commit number that any database has applied.
    private func markRestored(_ place: DataFolder) throws(PlasmidError) -> UInt64 {
        guard Folder.exists(place.conductor) else { throw Database.damaged("The backup lacks the conductor's tables") }
        var applied: UInt64 = 0
        for dna in try place.spaces() {
            let identity = try identity(place.space(dna), SpaceTables.all, Array(dna.coreBytes))
            applied = max(applied, identity.appliedLSN)
        }
        let own = try identity(place.conductor, ConductorStore.tables, EnvironmentIdentity.conductorID)
        var value: [UInt8] = []
        value.append(bigEndian: UInt64(bitPattern: request.now))
        value.append(bigEndian: UInt64(bitPattern: manifest.createdAt))
        var batch = WriteBatch()
        batch.add(ConductorStore.Table.settings.id, Database.restoredKey, value)
        let lmdb = try LMDBEnvironment(
            folder: place.conductor, tables: ConductorStore.tables, mapBytes: options.mapBytes)
        defer { lmdb.close() }
        try RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: nil)
            .apply([DurableCommit(lsn: own.appliedLSN, payload: batch.bytes)])
        return max(applied, own.appliedLSN)
    }

    private func identity(
        _ folder: String, _ tables: [TableID], _ id: [UInt8]
    ) throws(PlasmidError) -> EnvironmentIdentity {
        // A wrong pointer would end the process, so the pages are looked at without LMDB first.
        let walk = PageWalk.walk(folder + "/data.mdb", tables: tables, faultsMax: 1)
        if let fault = walk.faults.first { throw Database.damaged("\(folder)/data.mdb: \(fault)") }
        let lmdb = try LMDBEnvironment(folder: folder, tables: tables, mapBytes: options.mapBytes, readOnly: true)
        defer { lmdb.close() }
        return try EnvironmentIdentity(lmdb, expecting: id)
    }

    /// A journal without records, whose next number follows everything that was applied.
    private func makeJournal(_ place: DataFolder, _ applied: UInt64) throws(PlasmidError) {
        try Folder.make(place.journal)
        let header = SegmentHeader(sequence: 1, firstLSN: applied + 1, applied: applied)
        try place.makeFirstSegment(header, options)
    }

    private func check() throws(PlasmidError) {
        let report = try Database.check(folder: new.path, options: options)
        // What an older version wrote is upgraded, and looked into, by the next start.
        guard let fault = report.faults.first(where: { $0.code != PlasmidError.Code.storageVersion.rawValue }) else {
            return
        }
        throw Database.damaged("The backup holds damaged data (\(report.faultCount) faults): \(fault)")
    }
}
