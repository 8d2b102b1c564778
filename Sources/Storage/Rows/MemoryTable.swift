import Integrity

/// A sorted table in memory: sorted chunks of rows, so that neither a put nor a scan walks much.
/// A nil value marks a key as deleted, for a table that lies over others.
struct MemoryTable {
    struct Row {
        /// The key's first eight bytes, which decide nearly every comparison.
        let prefix: UInt64
        let key: [UInt8]
        var value: [UInt8]?
    }

    private static let chunkRows = 128
    private var chunks: [[Row]] = []
    /// Rows of tables that are seldom scanned wait here until somebody asks.
    private var unsorted: [(key: [UInt8], value: [UInt8]?)] = []

    /// Stores a row, or with nil marks the key as deleted.
    mutating func put(_ key: [UInt8], _ value: [UInt8]?) {
        let prefix = Self.prefix(key)
        guard !chunks.isEmpty else {
            chunks.append([Row(prefix: prefix, key: key, value: value)])
            return
        }
        let chunk = chunkIndex(prefix, key)
        let place = Self.lowerBound(chunks[chunk], prefix, key)
        if place < chunks[chunk].count, chunks[chunk][place].key == key {
            chunks[chunk][place].value = value
            return
        }
        chunks[chunk].insert(Row(prefix: prefix, key: key, value: value), at: place)
        if chunks[chunk].count > Self.chunkRows { split(chunk, appended: place == Self.chunkRows) }
    }

    /// Stores a row that need not be in its place before the next read.
    mutating func putLater(_ key: [UInt8], _ value: [UInt8]?) {
        unsorted.append((key, value))
    }

    var isUnsettled: Bool { !unsorted.isEmpty }

    /// Brings rows of ``putLater(_:_:)`` to their places.
    mutating func settle() {
        guard !unsorted.isEmpty else { return }
        let rows = unsorted
        unsorted = []
        for row in rows { put(row.key, row.value) }
    }

    /// The row of a key: nil where there is none, `.some(nil)` where it is marked as deleted.
    func get(_ key: [UInt8]) -> [UInt8]?? {
        guard !chunks.isEmpty else { return nil }
        let prefix = Self.prefix(key)
        let chunk = chunkIndex(prefix, key)
        let place = Self.lowerBound(chunks[chunk], prefix, key)
        guard place < chunks[chunk].count, chunks[chunk][place].key == key else { return nil }
        return .some(chunks[chunk][place].value)
    }

    /// A place among the rows.
    struct Place: Equatable {
        fileprivate var chunk: Int
        fileprivate var index: Int
    }

    /// The row at a place that ``first(atLeast:)``, ``last(below:)`` or ``step(_:reverse:)`` gave.
    subscript(place: Place) -> Row { chunks[place.chunk][place.index] }

    /// The first row whose key is ≥ `key`.
    func first(atLeast key: [UInt8]) -> Place? {
        guard !chunks.isEmpty else { return nil }
        let prefix = Self.prefix(key)
        let chunk = chunkIndex(prefix, key)
        let index = Self.lowerBound(chunks[chunk], prefix, key)
        if index < chunks[chunk].count { return Place(chunk: chunk, index: index) }
        return chunk + 1 < chunks.count ? Place(chunk: chunk + 1, index: 0) : nil
    }

    /// The last row whose key is < `key`, or the last of all.
    func last(below key: [UInt8]?) -> Place? {
        guard let lastChunk = chunks.last else { return nil }
        let end = Place(chunk: chunks.count - 1, index: lastChunk.count - 1)
        guard let key, let place = first(atLeast: key) else { return end }
        return step(place, reverse: true)
    }

    /// The next place, or the one before.
    func step(_ place: Place, reverse: Bool) -> Place? {
        var place = place
        if reverse {
            if place.index > 0 {
                place.index -= 1
                return place
            }
            guard place.chunk > 0 else { return nil }
            return Place(chunk: place.chunk - 1, index: chunks[place.chunk - 1].count - 1)
        }
        place.index += 1
        if place.index < chunks[place.chunk].count { return place }
        return place.chunk + 1 < chunks.count ? Place(chunk: place.chunk + 1, index: 0) : nil
    }

    private mutating func split(_ chunk: Int, appended: Bool) {
        // Rows that arrive in order leave full chunks behind.
        let at = appended ? Self.chunkRows : Self.chunkRows / 2
        let upper = Array(chunks[chunk][at...])
        chunks[chunk].removeSubrange(at...)
        chunks.insert(upper, at: chunk + 1)
    }

    /// The last chunk that starts at or before the key.
    private func chunkIndex(_ prefix: UInt64, _ key: [UInt8]) -> Int {
        var low = 0
        var high = chunks.count
        while low + 1 < high {
            let middle = (low + high) / 2
            let first = chunks[middle][0].prefix
            let isBefore = first != prefix ? prefix < first : key.compare(chunks[middle][0].key) < 0
            if isBefore { high = middle } else { low = middle }
        }
        return low
    }

    private static func lowerBound(_ rows: [Row], _ prefix: UInt64, _ key: [UInt8]) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            // The row itself is not copied: its arrays would be counted up and down at every step.
            let found = rows[middle].prefix
            let less = found != prefix ? found < prefix : rows[middle].key.compare(key) < 0
            if less { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func prefix(_ key: [UInt8]) -> UInt64 {
        key.withUnsafeBytes { bytes in
            if bytes.count >= 8 { return bytes.bigEndian(0) }
            var prefix: UInt64 = 0
            for index in 0..<8 { prefix = prefix << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0) }
            return prefix
        }
    }
}

extension [UInt8] {
    /// Negative, zero or positive as this sorts before, with or after `other`.
    func compare(_ other: [UInt8]) -> Int {
        withUnsafeBytes { left in other.withUnsafeBytes { left.compare($0) } }
    }
}

/// A set of sorted tables: the whole of a ``MemorySpace``, or one generation of rows that LMDB does not hold yet.
final class MemoryRows {
    private var tables: [MemoryTable]

    init() {
        tables = Array(repeating: MemoryTable(), count: 32)
    }

    func put(_ table: TableID, _ key: [UInt8], _ value: [UInt8]?, later: Bool = false) {
        if later {
            tables[Int(table.number)].putLater(key, value)
        } else {
            tables[Int(table.number)].put(key, value)
        }
    }

    /// A table with every row in its place.
    func table(_ table: TableID) -> MemoryTable {
        tables[Int(table.number)].settle()
        return tables[Int(table.number)]
    }

    func get(_ table: TableID, _ key: [UInt8]) -> [UInt8]?? {
        if tables[Int(table.number)].isUnsettled { tables[Int(table.number)].settle() }
        return tables[Int(table.number)].get(key)
    }
}
