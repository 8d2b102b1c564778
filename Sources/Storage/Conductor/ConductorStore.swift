import Integrity

/// The conductor's own tables: small rows by key, written through the same journal as the spaces.
public final class ConductorStore {
    /// One table of the conductor.
    public struct Table: Hashable, Sendable {
        let id: TableID

        /// Installed apps, by app id.
        public static let apps = Table(id: TableID(number: 1, name: "apps"))
        /// Access tokens.
        public static let tokens = Table(id: TableID(number: 2, name: "tokens"))
        /// Settings of the conductor itself.
        public static let settings = Table(id: TableID(number: 3, name: "settings"))
        /// Agents and the names they go by.
        public static let agents = Table(id: TableID(number: 4, name: "agents"))
        /// Spaces that were removed: their journal records are not missed.
        static let removed = Table(id: TableID(number: 5, name: "removed"))

        static let all = [apps, tokens, settings, agents, removed]
    }

    /// One row to write.
    public enum Change: Sendable {
        /// Stores a row: key (1…511 bytes) and value.
        case put(Table, key: [UInt8], value: [UInt8])
        /// Removes a row, if it is there.
        case delete(Table, key: [UInt8])
    }

    static let tables = [SpaceTables.meta] + Table.all.map(\.id)

    let environment: StoredEnvironment

    init(_ environment: StoredEnvironment) {
        self.environment = environment
    }

    /// A view of one table.
    public func table(_ table: Table) -> KeyValueTable {
        KeyValueTable(store: self, table: table)
    }

    /// The installed apps.
    public var apps: KeyValueTable { table(.apps) }
    /// The access tokens.
    public var tokens: KeyValueTable { table(.tokens) }
    /// The settings.
    public var settings: KeyValueTable { table(.settings) }
    /// The agents.
    public var agents: KeyValueTable { table(.agents) }

    /// The value of a key, written but perhaps not yet durable.
    public func get(_ table: Table, _ key: [UInt8]) throws(PlasmidError) -> [UInt8]? {
        let rows = environment.overlay
        return try rows.reading { () throws(PlasmidError) in
            try rows.get(table.id, key) { value in value.map { [UInt8]($0) } }
        }
    }

    /// The rows whose keys start with `prefix`, in the order of their keys; with `after` only those behind that key.
    public func scan(
        _ table: Table, prefix: [UInt8] = [], after: [UInt8]? = nil, limit: Int = .max
    ) throws(PlasmidError) -> [KeyValueTable.Row] {
        guard limit > 0 else { return [] }
        let rows = environment.overlay
        return try rows.reading { () throws(PlasmidError) in
            var found: [KeyValueTable.Row] = []
            var range = RowRange(prefix: prefix)
            if let after, after.compare(prefix) >= 0 { range.bound = after + [0] }
            try rows.scan(table.id, range) { key, value in
                found.append(KeyValueTable.Row(key: [UInt8](key), value: [UInt8](value)))
                return found.count < limit
            }
            return found
        }
    }

    /// Writes all of the rows, or none; `completion` comes after the sync, a refusal before this returns.
    public func write(_ changes: [Change], completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        environment.commit(
            StoredEnvironment.Waiting(
                prepare: { () throws(PlasmidError) in
                    try changes.map { change throws(PlasmidError) in try Self.row(change) }
                },
                taken: {}, completion: completion))
    }

    private static func row(_ change: Change) throws(PlasmidError) -> RowDeriver.Row {
        let row =
            switch change {
            case .put(let table, let key, let value): RowDeriver.Row(table: table.id, key: key, value: value)
            case .delete(let table, let key): RowDeriver.Row(table: table.id, key: key, value: nil)
            }
        guard row.key.count >= 1, row.key.count <= SnapshotReader.keyBytesMax else {
            throw PlasmidError(
                .commitMalformed, "A key of table '\(row.table.name)' has \(row.key.count) bytes; 1 to 511 are possible"
            )
        }
        return row
    }
}

/// One table of the conductor: keys of 1…511 bytes, values of any size that a journal segment takes.
public struct KeyValueTable {
    /// A row.
    public struct Row: Sendable, Equatable {
        /// 1…511 bytes.
        public let key: [UInt8]
        /// The value.
        public let value: [UInt8]
    }

    let store: ConductorStore
    let table: ConductorStore.Table

    /// The value of a key.
    public func get(_ key: [UInt8]) throws(PlasmidError) -> [UInt8]? {
        try store.get(table, key)
    }

    /// The rows whose keys start with `prefix`, in the order of their keys; with `after` only those behind that key.
    public func scan(
        prefix: [UInt8] = [], after: [UInt8]? = nil, limit: Int = .max
    ) throws(PlasmidError) -> [Row] {
        try store.scan(table, prefix: prefix, after: after, limit: limit)
    }

    /// Stores a row; `completion` after the sync.
    public func put(_ key: [UInt8], _ value: [UInt8], completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        store.write([.put(table, key: key, value: value)], completion: completion)
    }

    /// Removes a row; `completion` after the sync.
    public func delete(_ key: [UInt8], completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        store.write([.delete(table, key: key)], completion: completion)
    }
}
