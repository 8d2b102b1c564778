import CLMDB
import Integrity

/// The one read transaction of an environment, renewed for each operation and reset after it, so that no snapshot
/// outlives a host operation and none holds back the reuse of pages.
final class SnapshotReader {
    private let environment: LMDBEnvironment
    private var transaction: OpaquePointer?
    private var depth = 0
    private var closed = false

    init(_ environment: LMDBEnvironment) {
        self.environment = environment
    }

    /// Ends the transaction for good; the environment may be closed afterwards.
    func close() {
        if let transaction { mdb_txn_abort(transaction) }
        transaction = nil
        closed = true
    }

    /// Takes the newest snapshot unless one is held already. Pairs with `leave`.
    func enter() throws(PlasmidError) {
        if depth == 0 {
            if closed { throw Database.closedError }
            if let transaction {
                try StorageFault.lmdb(mdb_txn_renew(transaction), "read", environment.folder)
            } else {
                try StorageFault.lmdb(
                    mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &transaction), "read", environment.folder
                )
            }
        }
        depth += 1
    }

    /// Gives the snapshot up when the outermost operation ends.
    func leave() {
        depth -= 1
        if depth == 0, let transaction { mdb_txn_reset(transaction) }
    }

    /// The value of a key inside the held snapshot, valid until `leave`.
    func get(_ table: TableID, _ key: UnsafeRawBufferPointer) throws(PlasmidError) -> UnsafeRawBufferPointer? {
        guard key.count > 0, key.count <= Self.keyBytesMax else { return nil }
        var wanted = MDB_val(key)
        var found = MDB_val()
        let code = mdb_get(transaction, try environment.handle(of: table.number), &wanted, &found)
        if code == MDB_NOTFOUND { return nil }
        try StorageFault.lmdb(code, "read table '\(table.name)' of", environment.folder)
        return found.bytes
    }

    /// A cursor inside the held snapshot; close it before `leave`.
    func cursor(_ table: TableID) throws(PlasmidError) -> SnapshotCursor {
        var handle: OpaquePointer?
        let code = mdb_cursor_open(transaction, try environment.handle(of: table.number), &handle)
        try StorageFault.lmdb(code, "read table '\(table.name)' of", environment.folder)
        guard let handle else { throw StorageFault.failed("LMDB gave no cursor for \(environment.folder)") }
        return SnapshotCursor(handle: handle, table: table.name, folder: environment.folder)
    }

    /// LMDB's longest key.
    static let keyBytesMax = 511
}

/// A place in one table of a snapshot.
struct SnapshotCursor {
    let handle: OpaquePointer
    let table: String
    let folder: String
    private(set) var key = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var value = UnsafeRawBufferPointer(start: nil, count: 0)

    init(handle: OpaquePointer, table: String, folder: String) {
        self.handle = handle
        self.table = table
        self.folder = folder
    }

    func close() {
        mdb_cursor_close(handle)
    }

    /// Goes to the first key ≥ `key`; false where there is none.
    mutating func seek(atLeast key: [UInt8]) throws(PlasmidError) -> Bool {
        if key.isEmpty { return try move(MDB_FIRST) }
        // LMDB refuses longer keys; cut, then step over what sorts before the wanted one.
        let cut = key.count > SnapshotReader.keyBytesMax ? Array(key[..<SnapshotReader.keyBytesMax]) : key
        var found = try move(MDB_SET_RANGE, cut)
        while found, self.key.compareTo(key) < 0 { found = try move(MDB_NEXT) }
        return found
    }

    /// Goes to the last key < `key`, or to the last of all where `key` is nil.
    mutating func seek(below key: [UInt8]?) throws(PlasmidError) -> Bool {
        guard let key else { return try move(MDB_LAST) }
        return try seek(atLeast: key) ? try move(MDB_PREV) : try move(MDB_LAST)
    }

    /// Goes to the next key, or the one before.
    mutating func step(reverse: Bool) throws(PlasmidError) -> Bool {
        try move(reverse ? MDB_PREV : MDB_NEXT)
    }

    private mutating func move(_ operation: MDB_cursor_op, _ wanted: [UInt8] = []) throws(PlasmidError) -> Bool {
        var value = MDB_val()
        var key = MDB_val()
        let code = wanted.withUnsafeBytes { bytes in
            key = MDB_val(bytes)
            return mdb_cursor_get(handle, &key, &value, operation)
        }
        if code == MDB_NOTFOUND { return false }
        try StorageFault.lmdb(code, "read table '\(table)' of", folder)
        self.key = key.bytes
        self.value = value.bytes
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// The byte order of this and an array.
    func compareTo(_ other: [UInt8]) -> Int {
        other.withUnsafeBytes { compare($0) }
    }
}
