import Integrity

/// Rows in the making over those of a store: what derives a batch reads its own rows as if they were stored.
final class DraftRows: RowSource {
    private let base: any RowSource
    private let changed = MemoryRows()
    private var touched: Set<UInt8> = []

    init(over base: any RowSource) {
        self.base = base
    }

    /// Stores a row, or with nil takes it away.
    func put(_ table: TableID, _ key: [UInt8], _ value: [UInt8]? = []) {
        touched.insert(table.number)
        changed.put(table, key, value)
    }

    /// Every row that was put or taken away, by table and key.
    func rows() -> [RowDeriver.Row] {
        var rows: [RowDeriver.Row] = []
        for table in SpaceTables.all where touched.contains(table.number) {
            let found = changed.table(table)
            var place = found.first(atLeast: [])
            while let at = place {
                rows.append(RowDeriver.Row(table: table, key: found[at].key, value: found[at].value))
                place = found.step(at, reverse: false)
            }
        }
        return rows
    }

    func reading<Value>(_ body: () throws(PlasmidError) -> Value) throws(PlasmidError) -> Value {
        try base.reading(body)
    }

    func get<Value>(
        _ table: TableID, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        if touched.contains(table.number), let found = changed.get(table, key) {
            guard let value = found else { return try body(nil) }
            return try value.withBytes(body)
        }
        return try base.get(table, key, body)
    }

    func scan(
        _ table: TableID, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        guard touched.contains(table.number) else { return try base.scan(table, range, body) }
        let own = changed.table(table)
        var stream = RowStream.memory(own, range)
        guard stream != nil else { return try base.scan(table, range, body) }
        /// Gives the own row that the stream stands at and goes on; false when the body has had enough.
        func giveOwn() throws(PlasmidError) -> Bool {
            guard case .memory(let table, let place)? = stream else { return true }
            let row = table[place]
            if let value = row.value {
                let more = try row.key.withBytes { key throws(PlasmidError) in
                    try value.withBytes { value throws(PlasmidError) in try body(key, value) }
                }
                guard more else { return false }
            }
            if try stream?.step(range) != true { stream = nil }
            return true
        }
        var ended = false
        try base.scan(table, range) { key, value throws(PlasmidError) in
            while let order = stream?.withKey({ $0.compare(key) }), order == 0 || (order < 0) != range.reverse {
                if try !giveOwn() {
                    ended = true
                    return false
                }
                // The own row stands in the place of the stored one.
                if order == 0 { return true }
            }
            if try body(key, value) { return true }
            ended = true
            return false
        }
        while !ended, stream != nil { ended = try !giveOwn() }
    }
}
