import Glibc
import Integrity

/// Where everything stands in a data folder, and how its parts come into being: under another name first, so that a crash
/// leaves no half-made part that could be taken for an empty one.
struct DataFolder {
    let path: String

    /// The version of the folder as a whole: file names and journal records.
    static let version = 1
    private static let formatPrefix = "plasmid-data "

    init(_ path: String) {
        self.path = path
    }

    var journal: String { path + "/journal" }
    var conductor: String { path + "/conductor" }
    var spacesFolder: String { path + "/spaces" }
    private var format: String { path + "/format" }

    func space(_ dna: DnaHash) -> String { spacesFolder + "/" + dna.text }

    /// The spaces that are there, sorted.
    func spaces() throws(PlasmidError) -> [DnaHash] {
        var found: [DnaHash] = []
        for name in try Folder.names(spacesFolder) where !name.contains(".") {
            do throws(PlasmidError) {
                found.append(try DnaHash(name))
            } catch {
                throw StorageFault.damaged("\(spacesFolder)/\(name) is not the folder of a space")
            }
        }
        return found
    }

    /// Makes what a new folder needs, or checks that an old one can be read by this version.
    func prepare(_ options: Database.Options) throws(PlasmidError) {
        if let bytes = try Folder.read(format, atMost: 64) {
            try check(format: String(decoding: bytes, as: UTF8.self))
            for part in [journal, conductor, spacesFolder] where !Folder.exists(part) {
                throw StorageFault.damaged("\(part) is missing")
            }
            return
        }
        if Folder.exists(spacesFolder), try !Folder.names(spacesFolder).isEmpty {
            throw StorageFault.damaged("\(path) holds spaces but no file 'format'")
        }
        try make(options)
    }

    /// Refuses a folder that this version cannot read.
    func check() throws(PlasmidError) {
        guard let bytes = try Folder.read(format, atMost: 64) else {
            throw StorageFault.damaged("\(path) has no file 'format'")
        }
        try check(format: String(decoding: bytes, as: UTF8.self))
    }

    private func check(format text: String) throws(PlasmidError) {
        let line = text.split(separator: "\n").first ?? ""
        guard line.hasPrefix(Self.formatPrefix), let version = Int(line.dropFirst(Self.formatPrefix.count)) else {
            throw StorageFault.damaged("\(format) does not say which version wrote \(path)")
        }
        guard version <= Self.version else {
            throw PlasmidError(
                .storageVersion, "\(path) was written by a newer version (format \(version), known \(Self.version))",
                hint: "Use the newer version, or another data folder")
        }
    }

    /// The format file comes last: before it nothing can have been committed, and all of this may be repeated.
    private func make(_ options: Database.Options) throws(PlasmidError) {
        try Folder.make(journal)
        try Folder.make(spacesFolder)
        for name in try Folder.names(journal) { unlink(journal + "/" + name) }
        try makeFirstSegment(SegmentHeader(sequence: 1, firstLSN: 1, applied: 0), options)
        if !Folder.exists(conductor) {
            try makeEnvironment(
                conductor, EnvironmentIdentity.conductorID, ConductorStore.tables,
                schema: UInt32(options.conductorUpgrades.count + 1),
                applied: 0, options: options)
        }
        try Folder.sync(path)
        try writeFormat()
    }

    /// Says which version wrote the folder: with it the folder counts as whole.
    func writeFormat() throws(PlasmidError) {
        try Folder.write(Array("\(Self.formatPrefix)\(Self.version)\n".utf8), to: format, in: path)
    }

    /// Makes the first file of a journal, begun and without records.
    func makeFirstSegment(_ header: SegmentHeader, _ options: Database.Options) throws(PlasmidError) {
        let file = try SegmentFile.create(
            journal, 1, size: options.segmentBytes, calls: options.calls, atSyncPoint: options.atSyncPoint)
        var code = header.block.withUnsafeBytes { options.calls.writeAll(file.descriptor, $0, at: 0) }
        if code == 0 { code = -options.calls.fdatasync(file.descriptor) }
        if code != 0 { throw StorageFault.error(errno: code, "begin", file.path) }
    }

    /// Makes the environment of a new space.
    func makeSpace(_ dna: DnaHash, applied: UInt64, options: Database.Options) throws(PlasmidError) {
        try makeEnvironment(
            space(dna), Array(dna.coreBytes), SpaceTables.all, schema: UInt32(options.spaceUpgrades.count + 1),
            applied: applied,
            options: options)
    }

    /// Removes a space's folder, if it is there: renamed first, so that half of it is never taken for all.
    func removeSpace(_ dna: DnaHash) throws(PlasmidError) {
        let doomed = space(dna) + ".removed"
        if Folder.exists(doomed) { try Folder.remove(doomed) }
        guard Folder.exists(space(dna)) else { return }
        if rename(space(dna), doomed) != 0 { throw StorageFault.error(errno: errno, "remove", space(dna)) }
        try Folder.sync(spacesFolder)
        try Folder.remove(doomed)
    }

    /// A number that no environment before had: from the system, for two of one name must never agree.
    private static func newGeneration() -> UInt64 {
        var system = SystemRandomNumberGenerator()
        return system.next()
    }

    private func makeEnvironment(
        _ final: String, _ id: [UInt8], _ tables: [TableID], schema: UInt32, applied: UInt64, options: Database.Options
    ) throws(PlasmidError) {
        let temporary = final + ".new"
        if Folder.exists(temporary) { try Folder.remove(temporary) }
        try Folder.make(temporary)
        let lmdb = try LMDBEnvironment(folder: temporary, tables: tables, mapBytes: options.mapBytes)
        defer { lmdb.close() }
        let first = EnvironmentIdentity.firstRows(id, generation: Self.newGeneration(), schema: schema)
        let applier = RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: nil)
        try applier.apply([DurableCommit(lsn: applied, payload: first.bytes)])
        lmdb.close()
        options.atSyncPoint?(.beforeSpaceRename)
        if rename(temporary, final) != 0 { throw StorageFault.error(errno: errno, "make", final) }
        let parent = String(final[..<(final.lastIndex(of: "/") ?? final.startIndex)])
        try Folder.sync(parent)
        options.atSyncPoint?(.afterSpaceRename)
    }
}

/// The lock that keeps a second process away from a data folder; the system gives it up when the process ends.
final class FolderLock {
    private var descriptor: Int32

    init(_ folder: String) throws(PlasmidError) {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let inUse = errno == EWOULDBLOCK
            let error = StorageFault.error(errno: errno, "lock", path)
            Glibc.close(descriptor)
            descriptor = -1
            guard inUse else { throw error }
            throw PlasmidError(
                .storageInUse, "Another process has the data folder \(folder) open",
                hint: "Stop the other conductor, or choose another folder with --data")
        }
    }

    func release() {
        // Unlocked by name: a child that is being started at this moment may hold a copy of the descriptor.
        if descriptor >= 0 {
            flock(descriptor, LOCK_UN)
            Glibc.close(descriptor)
        }
        descriptor = -1
    }

    deinit {
        release()
    }
}

extension Database {
    /// Says at once, before anything of the folder is read, that another process has it open. Holds nothing afterwards.
    /// - Throws: `storageInUse`, `storageFailed`.
    public static func checkUnused(_ folder: String) throws(PlasmidError) {
        guard Folder.exists(folder + "/lock") else { return }
        try FolderLock(folder).release()
    }
}
