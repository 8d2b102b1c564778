import CLMDB
import Glibc
import Integrity

/// What one environment takes, at one moment.
public struct StorageFigures: Sendable, Equatable {
    /// The length of its file, in bytes; pages that came free are used again, and are part of it.
    public var fileBytes = 0
    /// The rows in LMDB, over all tables.
    public var rows = 0
    /// The bytes of commits that are taken and not yet in LMDB.
    public var waitingBytes = 0

    /// Zeros.
    public init() {}
}

/// What the journal takes, at one moment.
public struct JournalFigures: Sendable, Equatable {
    /// Its files: those in use and the spare ones.
    public var files = 0
    /// Their length in all, in bytes.
    public var bytes = 0
    /// The commits that it was given in the life of the folder.
    public var commits: UInt64 = 0
    /// Those of them that some environment has not applied yet.
    public var waiting: UInt64 = 0

    /// Zeros.
    public init() {}
}

extension StoredEnvironment {
    /// What it takes now. Where LMDB does not answer the zeros stay: these are figures for people.
    func figures() -> StorageFigures {
        var figures = StorageFigures()
        figures.waitingBytes = overlay.pendingBytes
        var status = stat()
        if stat(lmdb.folder + "/data.mdb", &status) == 0 { figures.fileBytes = Int(status.st_size) }
        figures.rows = lmdb.rowCount() ?? 0
        return figures
    }
}

extension LMDBEnvironment {
    /// The rows of all tables.
    func rowCount() -> Int? {
        var started: OpaquePointer?
        guard mdb_txn_begin(self.handle, nil, UInt32(MDB_RDONLY), &started) == 0, let started else { return nil }
        defer { mdb_txn_abort(started) }
        var rows = 0
        for table in tables {
            var found = MDB_stat()
            // What an older version wrote lacks newer tables.
            guard let handle = try? handle(of: table.number) else { continue }
            guard mdb_stat(started, handle, &found) == 0 else { return nil }
            rows += found.ms_entries
        }
        return rows
    }
}

extension Space {
    /// What it takes on disk now, and what waits in memory.
    public func figures() -> StorageFigures { environment.figures() }
}

extension ConductorStore {
    /// What it takes on disk now, and what waits in memory.
    public func figures() -> StorageFigures { environment.figures() }
}
