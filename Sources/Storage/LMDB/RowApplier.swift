import CLMDB
import Glibc
import Integrity

/// A commit that is durable in the journal and waits for its LMDB transaction.
struct DurableCommit: Sendable {
    let lsn: UInt64
    let payload: [UInt8]
}

/// Puts the rows of durable commits into an environment, sorted by key, in one transaction with the number of the last.
struct RowApplier {
    let environment: LMDBEnvironment
    let meta: TableID
    let atSyncPoint: (@Sendable (SyncPoint) -> Void)?

    /// The key in the meta table under which the last applied log sequence number stands.
    static let appliedKey = Array("appliedLSN".utf8)

    private struct SortedRow {
        let prefix: UInt64
        let key: UnsafeRawBufferPointer
        let value: UnsafeRawBufferPointer
        let table: UInt8
        let isPut: Bool
    }

    /// Applies all of `commits`, or nothing.
    func apply(_ commits: ArraySlice<DurableCommit>) throws(PlasmidError) {
        guard let last = commits.last else { return }
        var started: OpaquePointer?
        let folder = environment.folder
        try StorageFault.lmdb(mdb_txn_begin(environment.handle, nil, 0, &started), "write", folder)
        guard let transaction = started else { throw StorageFault.failed("LMDB gave no transaction for \(folder)") }
        do throws(PlasmidError) {
            try put(commits, transaction)
            try putApplied(last.lsn, transaction)
        } catch {
            // After one failed put every later one fails too: the transaction is void as a whole.
            mdb_txn_abort(transaction)
            throw error
        }
        atSyncPoint?(.beforeApplyCommit)
        let code = mdb_txn_commit(transaction)
        // LMDB reports a write that a full disk cut short as an I/O error.
        if code == EIO, Folder.isFull(folder) { throw StorageFault.error(lmdb: ENOSPC, "write", folder) }
        try StorageFault.lmdb(code, "write", folder)
        atSyncPoint?(.afterApplyCommit)
    }

    private func putApplied(_ lsn: UInt64, _ transaction: OpaquePointer) throws(PlasmidError) {
        var value: [UInt8] = []
        value.append(bigEndian: lsn)
        let handle = try environment.handle(of: meta.number)
        let code = Self.appliedKey.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                var key = MDB_val(key)
                var value = MDB_val(value)
                return mdb_put(transaction, handle, &key, &value, 0)
            }
        }
        try StorageFault.lmdb(code, "write", environment.folder)
    }

    private func put(_ commits: ArraySlice<DurableCommit>, _ transaction: OpaquePointer) throws(PlasmidError) {
        // The rows point into the payloads, which therefore stand still in one buffer while they are sorted and put.
        let total = commits.reduce(0) { $0 + $1.payload.count }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 1), alignment: 8)
        defer { copy.deallocate() }
        var rows: [SortedRow] = []
        rows.reserveCapacity(total / 96)
        var start = 0
        for commit in commits {
            commit.payload.withUnsafeBytes { bytes in
                if bytes.count > 0 { UnsafeMutableRawBufferPointer(rebasing: copy[start...]).copyMemory(from: bytes) }
            }
            let bytes = UnsafeRawBufferPointer(copy).slice(start, commit.payload.count)
            try collect(bytes, lsn: commit.lsn, into: &rows)
            start += commit.payload.count
        }
        rows.sort { left, right in
            if left.table != right.table { return left.table < right.table }
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let order = left.key.compare(right.key)
            if order != 0 { return order < 0 }
            // The same key twice: the commit that came later stands later in the buffer, and wins by being put last.
            return UInt(bitPattern: left.key.baseAddress) < UInt(bitPattern: right.key.baseAddress)
        }
        try put(rows, transaction)
    }

    private func collect(
        _ bytes: UnsafeRawBufferPointer, lsn: UInt64, into rows: inout [SortedRow]
    ) throws(PlasmidError) {
        var position = 0
        while position < bytes.count {
            guard let row = RowSlice(bytes, at: position) else {
                throw StorageFault.journal("Commit \(lsn) in the journal is not a list of rows")
            }
            let key = bytes.slice(row.offset, row.keyCount)
            var prefix: UInt64 = 0
            if row.keyCount >= 8 {
                prefix = key.bigEndian(0)
            } else {
                for index in 0..<8 { prefix = prefix << 8 | (index < row.keyCount ? UInt64(key[index]) : 0) }
            }
            rows.append(
                SortedRow(
                    prefix: prefix, key: key, value: bytes.slice(row.offset + row.keyCount, row.valueCount),
                    table: row.table, isPut: row.isPut))
            position = row.end
        }
    }

    private func put(_ rows: [SortedRow], _ transaction: OpaquePointer) throws(PlasmidError) {
        var cursor: OpaquePointer?
        var open: UInt8?
        var handle = MDB_dbi()
        // LMDB closes a write transaction's cursors never by itself.
        defer { if let cursor { mdb_cursor_close(cursor) } }
        for row in rows {
            if open != row.table {
                if let old = cursor { mdb_cursor_close(old) }
                cursor = nil
                handle = try environment.handle(of: row.table)
                try StorageFault.lmdb(mdb_cursor_open(transaction, handle, &cursor), "write", environment.folder)
                open = row.table
            }
            var key = MDB_val(row.key)
            var value = MDB_val(row.value)
            let code: Int32
            if row.isPut {
                code = mdb_cursor_put(cursor, &key, &value, 0)
            } else {
                let deleted = mdb_del(transaction, handle, &key, nil)
                code = deleted == MDB_NOTFOUND ? 0 : deleted
            }
            try StorageFault.lmdb(code, "write", environment.folder)
        }
    }
}
