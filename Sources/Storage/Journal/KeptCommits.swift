import Glibc
import Integrity

/// What the journal holds of spaces that cannot be opened: kept beside them before the journal forgets it, and applied should
/// the space be readable again. The bytes stand in docs/spec/storage.md.
enum KeptCommits {
    /// The name of the file in the space's folder.
    static let name = "kept.journal"
    private static let magic = Array("PLASMKPT".utf8)
    private static let headerBytes = 16

    /// Writes the records of the damaged spaces, once: later starts find nothing new.
    static func keep(
        of damaged: some Collection<[UInt8]>, _ scan: JournalScan, _ place: DataFolder
    ) throws(PlasmidError) {
        for id in damaged where scan.last.keys.contains(where: { $0.environment == id }) {
            guard let dna = try place.spaces().first(where: { Array($0.coreBytes) == id }) else { continue }
            let folder = place.space(dna)
            guard !Folder.exists("\(folder)/\(name)") else { continue }
            try write(id, scan, folder)
        }
    }

    private static func write(_ id: [UInt8], _ scan: JournalScan, _ folder: String) throws(PlasmidError) {
        let (path, temporary) = ("\(folder)/\(name)", "\(folder)/\(name).new")
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StorageFault.error(errno: errno, "write", path) }
        defer { close(file) }
        var at = headerBytes
        var first: UInt64?
        func put(_ bytes: [UInt8], at offset: Int) throws(PlasmidError) {
            let code = bytes.withUnsafeBytes { FileCalls.system.writeAll(file, $0, at: offset) }
            if code != 0 { throw StorageFault.error(errno: code, "write", path) }
        }
        try scan.replay { header, payload throws(PlasmidError) in
            if first == nil { first = header.lsn }
            guard header.environment == id else { return }
            var record: [UInt8] = []
            header.append(payload: [UInt8](payload), to: &record)
            try put(record, at: at)
            at += record.count
        }
        try put(magic + SpaceKey.number(first ?? scan.next), at: 0)
        if fsync(file) != 0 || rename(temporary, path) != 0 { throw StorageFault.error(errno: errno, "write", path) }
        try Folder.sync(folder)
    }

    /// Applies what was kept of a space that can be read again, and takes the file away.
    /// - Returns: whether there was something.
    /// - Throws: `storageCorrupt` where the file is not what was kept of this very space.
    static func apply(
        to lmdb: LMDBEnvironment, _ identity: EnvironmentIdentity, _ options: Database.Options
    ) throws(PlasmidError) -> Bool {
        let path = "\(lmdb.folder)/\(name)"
        guard let bytes = try read(path) else { return false }
        let applier = RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: nil)
        var waiting: (commits: [DurableCommit], bytes: Int) = ([], 0)
        var at = headerBytes
        while at < bytes.count {
            let record = bytes.withUnsafeBytes { RecordHeader($0, at: at) }
            guard let record, record.environment == identity.journalID, record.generation == identity.generation else {
                throw StorageFault.damaged("\(path) holds something else than commits of its space")
            }
            if record.lsn > identity.appliedLSN {
                let start = at + RecordHeader.bytes
                waiting.commits.append(
                    DurableCommit(lsn: record.lsn, payload: Array(bytes[start..<start + record.payloadCount])))
                waiting.bytes += record.payloadCount
            }
            at += RecordHeader.room(record.payloadCount)
            if waiting.bytes >= options.applyBytesMax || at >= bytes.count {
                try applier.apply(waiting.commits[...])
                waiting = ([], 0)
            }
        }
        if unlink(path) != 0 { throw StorageFault.error(errno: errno, "remove", path) }
        try Folder.sync(lmdb.folder)
        return true
    }

    private static func read(_ path: String) throws(PlasmidError) -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0, let bytes = try Folder.read(path, atMost: Int(status.st_size)) else {
            return nil
        }
        guard bytes.count >= headerBytes, bytes.hasPrefix(magic) else {
            throw StorageFault.damaged("\(path) is not what was kept of a journal")
        }
        return bytes
    }
}
