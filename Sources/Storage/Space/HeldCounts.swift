import CLMDB
import Integrity

/// What a space holds for its network, counted.
public struct HeldCounts: Sendable, Equatable {
    /// Creates and updates of entries.
    public var entries: UInt64
    /// DHT operations.
    public var ops: UInt64
}

extension Space {
    /// What LMDB holds of this space; commits that only the journal holds yet come in when they are applied. Takes the time
    /// of two look-ups, however much there is.
    /// - Throws: `storageFailed`, `storageCorrupt`.
    public func heldCounts() throws(PlasmidError) -> HeldCounts {
        let lmdb = environment.lmdb
        var transaction: OpaquePointer?
        try StorageFault.lmdb(
            mdb_txn_begin(lmdb.handle, nil, UInt32(MDB_RDONLY), &transaction), "read", lmdb.folder)
        defer { mdb_txn_abort(transaction) }
        func rows(_ table: TableID) throws(PlasmidError) -> UInt64 {
            var found = MDB_stat()
            let handle = try lmdb.handle(of: table.number)
            try StorageFault.lmdb(mdb_stat(transaction, handle, &found), "count the rows of", lmdb.folder)
            return UInt64(found.ms_entries)
        }
        return HeldCounts(entries: try rows(SpaceTables.creators), ops: try rows(SpaceTables.ops))
    }
}
