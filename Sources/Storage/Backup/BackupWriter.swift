import CLMDB
import Glibc
import Integrity

/// What a backup is asked for.
public struct BackupRequest: Sendable {
    /// The folder to make; it must not be there, or be empty.
    public var destination: String
    /// Files and folders of the data folder to copy beside the databases, by name (`keystore`, `modules`); what is not
    /// there is left out.
    public var others: [String]
    /// When it is made, in µs since 1970.
    public var createdAt: Int64
    /// The version of the program, for people.
    public var program: String
    /// Called at every named step. For tests only.
    public var atStep: (@Sendable (BackupStep) -> Void)?

    /// A request.
    public init(
        destination: String, others: [String], createdAt: Int64, program: String,
        atStep: (@Sendable (BackupStep) -> Void)? = nil
    ) {
        self.destination = destination
        self.others = others
        self.createdAt = createdAt
        self.program = program
        self.atStep = atStep
    }
}

/// The part of a backup that touches files, done on threads of its own: LMDB's read transactions give whole snapshots
/// while the writers go on.
final class BackupWriter: Sendable {
    private let request: BackupRequest
    private let source: String
    private let progress: BackupProgress
    private let files = Monitor<[BackupManifest.File]>([])
    private let folder = Monitor<NewFolder?>(nil)

    init(_ request: BackupRequest, source: String, progress: BackupProgress) {
        self.request = request
        self.source = source
        self.progress = progress
    }

    /// Makes the folder and copies the conductor's own tables.
    func begin(_ conductor: LMDBEnvironment) -> Result<Void, PlasmidError> {
        run { () throws(PlasmidError) in
            let new = try NewFolder(request.destination)
            folder.with { $0 = new }
            request.atStep?(.backupBegun)
            try copy(conductor, "conductor", new)
            request.atStep?(.backupConductorCopied)
        }
    }

    /// Copies the spaces and the other files, writes the manifest and gives the folder its name.
    func finish(_ spaces: [(name: String, lmdb: LMDBEnvironment)]) -> Result<BackupManifest, PlasmidError> {
        run { () throws(PlasmidError) in
            guard let new = folder.with({ $0 }) else { throw StorageFault.failed("The backup has no folder") }
            for space in spaces {
                try copy(space.lmdb, "spaces/" + space.name, new)
                request.atStep?(.backupSpaceCopied)
            }
            for name in request.others { try copyOther(name, new) }
            let manifest = BackupManifest(
                createdAt: request.createdAt, program: request.program, format: DataFolder.version,
                files: files.with { $0 })
            let json = try manifest.json()
            try Folder.write(json, to: "\(new.path)/\(BackupManifest.name)", in: new.path)
            try Folder.write(BackupManifest.sum(json), to: "\(new.path)/\(BackupManifest.sumName)", in: new.path)
            try new.finish { request.atStep?(.backupBeforeRename) }
            request.atStep?(.backupAfterRename)
            return manifest
        }
    }

    private func run<Value>(_ body: () throws(PlasmidError) -> Value) -> Result<Value, PlasmidError> {
        do throws(PlasmidError) {
            return .success(try body())
        } catch {
            abandon()
            return .failure(error)
        }
    }

    /// Takes away what is not whole yet.
    func abandon() {
        folder.with { $0 }?.abandon()
    }

    private func copy(_ lmdb: LMDBEnvironment, _ name: String, _ new: NewFolder) throws(PlasmidError) {
        try progress.check()
        let relative = name + "/data.mdb"
        let target = "\(new.path)/\(relative)"
        progress.add(total: LMDBCopy.bytes(lmdb))
        try new.makeParents(of: relative)
        try LMDBCopy.copy(lmdb, to: target, compacting: false)
        try add(relative, target)
    }

    /// Reads back what was written: the digest is of what lies on the disk.
    private func add(_ relative: String, _ target: String) throws(PlasmidError) {
        let content = try FileCopy.read(target) { bytes throws(PlasmidError) in
            progress.add(done: bytes.count)
            try progress.check()
        }
        files.with {
            $0.append(BackupManifest.File(path: relative, bytes: content.bytes, digest: content.digest))
        }
    }

    private func copyOther(_ name: String, _ new: NewFolder) throws(PlasmidError) {
        var status = stat()
        guard lstat("\(source)/\(name)", &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        // A copy that is being made bears `.new` at its end.
        let found = isFolder ? try Folder.files("\(source)/\(name)", name).filter { !$0.hasSuffix(".new") } : [name]
        for relative in found {
            var status = stat()
            guard stat("\(source)/\(relative)", &status) == 0 else { continue }
            // Better refused now than when the backup is needed.
            guard BackupManifest.isSafe(relative) else {
                throw PlasmidError(
                    .storageFailed, "\(source)/\(relative) has a name that no backup can hold",
                    hint: "It is none of the conductor's own: move it away")
            }
            progress.add(total: Int(status.st_size))
            try new.makeParents(of: relative)
            let mode = status.st_mode & 0o700
            let content = try FileCopy.copy("\(source)/\(relative)", to: "\(new.path)/\(relative)", mode: mode) {
                bytes throws(PlasmidError) in
                progress.add(done: bytes)
                try progress.check()
            }
            files.with {
                $0.append(BackupManifest.File(path: relative, bytes: content.bytes, digest: content.digest))
            }
        }
    }
}

/// Copies of LMDB environments.
enum LMDBCopy {
    /// How long a copy will be: up to the newest page.
    static func bytes(_ lmdb: LMDBEnvironment) -> Int {
        var information = MDB_envinfo()
        var pages = MDB_stat()
        guard mdb_env_info(lmdb.handle, &information) == 0, mdb_env_stat(lmdb.handle, &pages) == 0 else { return 0 }
        return (information.me_last_pgno + 1) * Int(pages.ms_psize)
    }

    /// Writes a snapshot to a new file and syncs it.
    /// - Parameter compacting: leaves out the free pages; follows every pointer, so that the pages should have been walked.
    static func copy(_ lmdb: LMDBEnvironment, to path: String, compacting: Bool) throws(PlasmidError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "write", path) }
        defer { close(descriptor) }
        let flags = compacting ? UInt32(MDB_CP_COMPACT) : 0
        var code = mdb_env_copyfd2(lmdb.handle, descriptor, flags)
        if code == 0, fsync(descriptor) != 0 { code = errno }
        // A write that a full disk cut short is told as an I/O error.
        if code == EIO, Folder.isFull(path) { code = ENOSPC }
        if code != 0 {
            unlink(path)
            throw StorageFault.error(lmdb: code, "copy \(lmdb.folder) to", path)
        }
    }
}
