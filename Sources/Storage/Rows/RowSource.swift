import Integrity

/// A bound for a scan: which keys, from where, in which order.
struct RowRange {
    /// Only keys that start so.
    var prefix: [UInt8]
    /// Forward: the first key not to skip. Reverse: the first key to skip, all above it skipped too.
    var bound: [UInt8]?
    var reverse = false

    /// The least key above every key with the prefix; nil where there is none.
    var prefixEnd: [UInt8]? {
        var end = prefix
        while let last = end.popLast() {
            if last < 255 { return end + [last + 1] }
        }
        return nil
    }
}

/// Sorted tables of byte rows: LMDB, memory, or memory over LMDB. The one thing that reading a space needs.
protocol RowSource: AnyObject {
    /// Runs `body` on one unchanging state.
    func reading<Value>(_ body: () throws(PlasmidError) -> Value) throws(PlasmidError) -> Value
    /// Gives the value's bytes, or nil, to `body`; they are borrowed for its time. Only inside ``reading(_:)``.
    func get<Value>(
        _ table: TableID, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value
    /// Gives the rows of a range, in order, until `body` says false. Only inside ``reading(_:)``.
    func scan(
        _ table: TableID, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError)
}

/// One sorted stream of a merged scan.
enum RowStream {
    case memory(MemoryTable, MemoryTable.Place)
    case snapshot(SnapshotCursor)

    /// The key that the stream stands at.
    @inline(__always)
    func withKey<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        switch self {
        case .memory(let table, let place): table[place].key.withUnsafeBytes(body)
        case .snapshot(let cursor): body(cursor.key)
        }
    }

    /// Goes on by one; false at the end of the range.
    mutating func step(_ range: RowRange) throws(PlasmidError) -> Bool {
        switch self {
        case .memory(let table, let place):
            guard let next = table.step(place, reverse: range.reverse), table[next].key.hasPrefix(range.prefix)
            else { return false }
            self = .memory(table, next)
            return true
        case .snapshot(var cursor):
            let found = try cursor.step(reverse: range.reverse)
            self = .snapshot(cursor)
            return found && cursor.key.starts(withBytes: range.prefix)
        }
    }

    /// A stream over a table in memory; nil where the range is empty.
    static func memory(_ table: MemoryTable, _ range: RowRange) -> RowStream? {
        let place =
            range.reverse
            ? table.last(below: range.bound ?? range.prefixEnd)
            : table.first(atLeast: range.bound ?? range.prefix)
        guard let place, table[place].key.hasPrefix(range.prefix) else { return nil }
        return .memory(table, place)
    }

    /// Puts a cursor to the start of the range; false where the range is empty.
    static func seek(_ cursor: inout SnapshotCursor, _ range: RowRange) throws(PlasmidError) -> Bool {
        let found =
            range.reverse
            ? try cursor.seek(below: range.bound ?? range.prefixEnd)
            : try cursor.seek(atLeast: range.bound ?? range.prefix)
        return found && cursor.key.starts(withBytes: range.prefix)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes start with `prefix`.
    func starts(withBytes prefix: [UInt8]) -> Bool {
        count >= prefix.count && prefix.withUnsafeBytes { slice(0, prefix.count).compare($0) == 0 }
    }
}

extension MemoryRows: RowSource {
    func reading<Value>(_ body: () throws(PlasmidError) -> Value) throws(PlasmidError) -> Value {
        try body()
    }

    func get<Value>(
        _ table: TableID, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        guard let value = get(table, key) ?? nil else { return try body(nil) }
        return try value.withBytes(body)
    }

    func scan(
        _ table: TableID, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        let rows = self.table(table)
        guard var stream = RowStream.memory(rows, range) else { return }
        repeat {
            guard case .memory(let table, let place) = stream else { return }
            let row = table[place]
            guard let value = row.value else { continue }
            let more = try row.key.withBytes { key throws(PlasmidError) in
                try value.withBytes { value throws(PlasmidError) in try body(key, value) }
            }
            if !more { return }
        } while try stream.step(range)
    }
}
