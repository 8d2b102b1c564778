import CLMDB
import Glibc
import Integrity

/// One table of an environment: a small number that stands in journal records and never changes, and LMDB's name for it.
struct TableID: Hashable, Sendable {
    let number: UInt8
    let name: String
}

/// One LMDB environment: opened once, read from the loop's thread, written by its one writer thread.
///
/// Opened with `MDB_NOTLS`, so that a read transaction belongs to no thread. Never with `MDB_WRITEMAP` (a full disk
/// would be SIGBUS) and never with `MDB_NOSYNC`.
final class LMDBEnvironment: @unchecked Sendable {
    // Invariant behind `@unchecked Sendable`: after `init` nothing here changes but `closed`, which the loop's thread
    // alone touches, after the writer thread has been joined. LMDB's handle itself may be used by several threads.
    let handle: OpaquePointer
    let folder: String
    let tables: [TableID]
    private let handles: [MDB_dbi]
    private var closed = false

    /// Opens the environment in `folder`, which exists, and makes the tables that are missing. Its pages have been walked
    /// (`PageWalk`), or were made by this process: LMDB follows every pointer in them.
    init(folder: String, tables: [TableID], mapBytes: Int, readOnly: Bool = false) throws(PlasmidError) {
        var created: OpaquePointer?
        try StorageFault.lmdb(mdb_env_create(&created), "make an environment for", folder)
        guard let environment = created else {
            throw StorageFault.failed("LMDB gave no environment for \(folder)")
        }
        do throws(PlasmidError) {
            try StorageFault.lmdb(mdb_env_set_mapsize(environment, mapBytes), "set the map size of", folder)
            try StorageFault.lmdb(mdb_env_set_maxdbs(environment, 64), "set the table count of", folder)
            try StorageFault.lmdb(mdb_env_set_maxreaders(environment, 64), "set the reader count of", folder)
            // The files hold private data: only the owner may read them.
            let flags = UInt32(MDB_NOTLS) | (readOnly ? UInt32(MDB_RDONLY) : 0)
            try FileLength.refuseEmpty(folder)
            try StorageFault.lmdb(mdb_env_open(environment, folder, flags, 0o600), "open", folder)
            // Who only looks changes nothing.
            if !readOnly { try FileLength.extend(environment, folder) }
            handles = try Self.openTables(environment, tables, folder: folder, readOnly: readOnly)
        } catch {
            mdb_env_close(environment)
            throw error
        }
        self.handle = environment
        self.folder = folder
        self.tables = tables
    }

    deinit {
        close()
    }

    /// Closes the environment; no transaction may be open.
    func close() {
        if !closed { mdb_env_close(handle) }
        closed = true
    }

    /// LMDB's handle of a table, or an error where a journal record names a table that this version does not have.
    func handle(of number: UInt8) throws(PlasmidError) -> MDB_dbi {
        let index = Int(number)
        guard index < handles.count, handles[index] != MDB_dbi.max else {
            throw StorageFault.damaged("\(folder) has no table number \(number)")
        }
        return handles[index]
    }

    private static func openTables(
        _ environment: OpaquePointer, _ tables: [TableID], folder: String, readOnly: Bool
    ) throws(PlasmidError) -> [MDB_dbi] {
        let count = tables.map { Int($0.number) }.max() ?? -1
        var handles = [MDB_dbi](repeating: MDB_dbi.max, count: count + 1)
        var started: OpaquePointer?
        let flags = readOnly ? UInt32(MDB_RDONLY) : 0
        try StorageFault.lmdb(mdb_txn_begin(environment, nil, flags, &started), "read", folder)
        for table in tables {
            var handle = MDB_dbi()
            let create = readOnly ? 0 : UInt32(MDB_CREATE)
            let code = mdb_dbi_open(started, table.name, create, &handle)
            // An environment of an older schema that is only looked at lacks the newer tables.
            if readOnly, code == MDB_NOTFOUND { continue }
            if code != 0 {
                mdb_txn_abort(started)
                throw StorageFault.error(lmdb: code, "open table '\(table.name)' of", folder)
            }
            handles[Int(table.number)] = handle
        }
        try StorageFault.lmdb(mdb_txn_commit(started), "make the tables of", folder)
        return handles
    }
}

/// Key or value bytes, as LMDB passes them.
extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? bytes.emptyBase))
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
