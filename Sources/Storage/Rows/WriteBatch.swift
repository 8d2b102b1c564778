import Integrity

/// The rows of one commit, in the form that the journal keeps and the writers apply: for each row the table's number
/// (u8), 1 for put or 0 for delete (u8), key length (u16), value length (u32), key, value.
struct WriteBatch: Sendable {
    private(set) var bytes: [UInt8] = []

    static let rowHeader = 8

    /// Adds a row to store, or, with a nil value, a key to delete.
    mutating func add(_ table: TableID, _ key: [UInt8], _ value: [UInt8]?) {
        bytes.append(table.number)
        bytes.append(value == nil ? 0 : 1)
        bytes.append(bigEndian: UInt16(key.count))
        bytes.append(bigEndian: UInt32(value?.count ?? 0))
        bytes.append(contentsOf: key)
        if let value { bytes.append(contentsOf: value) }
    }

    init(reserving count: Int = 0) {
        bytes.reserveCapacity(count)
    }
}

/// One row inside a batch's bytes.
struct RowSlice {
    let table: UInt8
    let isPut: Bool
    /// Where the key starts in the batch, and both lengths.
    let offset: Int
    let keyCount: Int
    let valueCount: Int

    var end: Int { offset + keyCount + valueCount }

    /// Reads the row that starts at `position`; nil where the bytes are not a batch.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        guard position + WriteBatch.rowHeader <= bytes.count else { return nil }
        table = bytes[position]
        guard bytes[position + 1] <= 1 else { return nil }
        isPut = bytes[position + 1] == 1
        keyCount = Int(bytes.bigEndian(position + 2, as: UInt16.self))
        valueCount = Int(bytes.bigEndian(position + 4, as: UInt32.self))
        offset = position + WriteBatch.rowHeader
        guard keyCount > 0, keyCount <= SnapshotReader.keyBytesMax, end <= bytes.count else { return nil }
    }
}
