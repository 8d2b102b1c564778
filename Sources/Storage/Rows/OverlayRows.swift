import Integrity

/// The rows of commits that LMDB does not hold yet, in generations, over LMDB's newest snapshot.
///
/// A row is in a generation from the moment its commit is taken, and in LMDB from the moment its writer has applied it;
/// the generation goes only after that, so that a read finds it in one or in both, never in neither.
final class OverlayRows: RowSource {
    /// Commits between two notices of the writer.
    struct Generation {
        let rows: MemoryRows
        var lastLSN: UInt64
    }

    private var generations: [Generation] = []
    private let reader: SnapshotReader
    /// The bytes of the commits in the generations.
    private(set) var pendingBytes = 0
    private var pending: [(lsn: UInt64, bytes: Int)] = []
    private var pendingStart = 0

    init(reader: SnapshotReader) {
        self.reader = reader
    }

    /// The tables that the next commit's rows go into.
    func open(lsn: UInt64, bytes: Int) -> MemoryRows {
        pending.append((lsn, bytes))
        pendingBytes += bytes
        if generations.isEmpty { generations.append(Generation(rows: MemoryRows(), lastLSN: lsn)) }
        generations[generations.count - 1].lastLSN = lsn
        return generations[generations.count - 1].rows
    }

    /// The number of the oldest commit that LMDB does not hold yet.
    var oldestLSN: UInt64? { pendingStart < pending.count ? pending[pendingStart].lsn : nil }

    /// Forgets what LMDB holds.
    func applied(through lsn: UInt64) {
        while pendingStart < pending.count, pending[pendingStart].lsn <= lsn {
            pendingBytes -= pending[pendingStart].bytes
            pendingStart += 1
        }
        if pendingStart > 4096 || pendingStart == pending.count {
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
        generations.removeAll { $0.lastLSN <= lsn }
        // What comes from now on gets a generation of its own, so that the present one can go.
        if !generations.isEmpty, generations.count < 4 {
            generations.append(Generation(rows: MemoryRows(), lastLSN: generations[generations.count - 1].lastLSN))
        }
    }

    func reading<Value>(_ body: () throws(PlasmidError) -> Value) throws(PlasmidError) -> Value {
        try reader.enter()
        defer { reader.leave() }
        return try body()
    }

    func get<Value>(
        _ table: TableID, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        for generation in generations.reversed() {
            if let found = generation.rows.get(table, key) {
                guard let value = found else { return try body(nil) }
                return try value.withBytes(body)
            }
        }
        return try key.withBytes { key throws(PlasmidError) in try body(try self.reader.get(table, key)) }
    }

    func scan(
        _ table: TableID, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        // Newest first: of equal keys the first stream's row counts.
        var streams: [RowStream] = []
        for generation in generations.reversed() {
            if let stream = RowStream.memory(generation.rows.table(table), range) { streams.append(stream) }
        }
        var cursor = try reader.cursor(table)
        defer { cursor.close() }
        if try RowStream.seek(&cursor, range) {
            if streams.isEmpty { return try scan(&cursor, range, body) }
            streams.append(.snapshot(cursor))
        }
        try merge(&streams, range, body)
    }

    /// The common case: nothing lies over LMDB here.
    private func scan(
        _ cursor: inout SnapshotCursor, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        repeat {
            if !(try body(cursor.key, cursor.value)) { return }
        } while try cursor.step(reverse: range.reverse) && cursor.key.starts(withBytes: range.prefix)
    }

    private func merge(
        _ streams: inout [RowStream], _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        while !streams.isEmpty {
            var best = 0
            var equal: [Int] = []
            for index in streams.indices.dropFirst() {
                let order = streams[index].withKey { key in streams[best].withKey { key.compare($0) } }
                if order == 0 {
                    equal.append(index)
                } else if (order < 0) != range.reverse {
                    best = index
                    equal.removeAll(keepingCapacity: true)
                }
            }
            if !(try Self.give(streams[best], body)) { return }
            for index in (equal + [best]).sorted(by: >) {
                if !(try streams[index].step(range)) { streams.remove(at: index) }
            }
        }
    }

    private static func give(
        _ stream: RowStream,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) -> Bool {
        switch stream {
        case .snapshot(let cursor):
            return try body(cursor.key, cursor.value)
        case .memory(let table, let place):
            let row = table[place]
            guard let value = row.value else { return true }
            return try row.key.withBytes { key throws(PlasmidError) in
                try value.withBytes { value throws(PlasmidError) in try body(key, value) }
            }
        }
    }
}
