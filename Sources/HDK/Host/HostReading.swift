import Integrity

/// Where a read looks.
public enum ReadSource: Sendable, Hashable {
    /// Only at what this node holds: at once.
    case local
    /// There first, then at the holders.
    case network
}

extension Host {
    /// The record at an address; nil when there is none or it was deleted. For an entry, the record of its oldest live
    /// creation.
    /// - Parameter source: where to look. From the network, holders are asked where nothing is held here: that takes their
    ///   answer's time, 3 s at most, and what they send is judged here before it counts.
    public func get(_ hash: AnyDhtHash, _ source: ReadSource = .network) async throws -> Record? {
        try await live.ask(.get, GetRequest(hash: hash, local: source == .local))
    }

    /// The record of an action; nil when there is none or what it created was deleted.
    public func get(_ hash: ActionHash, _ source: ReadSource = .network) async throws -> Record? {
        try await get(AnyDhtHash(hash), source)
    }

    /// The record of an entry's oldest live creation; nil when there is none.
    public func get(_ hash: EntryHash, _ source: ReadSource = .network) async throws -> Record? {
        try await get(AnyDhtHash(hash), source)
    }

    /// The value at an address; nil when there is no record or it was deleted.
    /// - Throws: `badInput` when the entry is not such a value.
    public func get<Value: EntryValue>(_ hash: AnyDhtHash, as type: Value.Type) async throws -> Value? {
        try await get(hash)?.value(type)
    }

    /// The value that an action created; nil when there is none or it was deleted.
    /// - Throws: `badInput` when the entry is not such a value.
    public func get<Value: EntryValue>(_ hash: ActionHash, as type: Value.Type) async throws -> Value? {
        try await get(AnyDhtHash(hash), as: type)
    }

    /// The value of an entry; nil when there is none or every creation of it was deleted.
    /// - Throws: `badInput` when the entry is not such a value.
    public func get<Value: EntryValue>(_ hash: EntryHash, as type: Value.Type) async throws -> Value? {
        try await get(AnyDhtHash(hash), as: type)
    }

    /// Records of this agent's own chain, private entries included, in the order of the chain unless asked otherwise: at most
    /// 10,000, and 15 MiB with their entries.
    ///
    /// What a query costs: the actions of its range, each looked at once, and the entries of those that fit. On a chain of many
    /// thousands, name a range or begin at the end.
    /// - Throws: `unknownEntryType`; `tooLarge` when they are more bytes (`start` and `limit` ask for parts).
    public func query(_ query: ChainQuery = ChainQuery()) async throws -> [Record] {
        try await live.ask(.query, query)
    }

    /// An entry that has to be there.
    /// - Throws: `notFound` when this node cannot get it.
    public func mustGetEntry(_ hash: EntryHash) async throws -> Entry { try await live.mustGetEntry(hash) }

    /// An action that has to be there, valid or not.
    /// - Throws: `notFound` when this node cannot get it.
    public func mustGetAction(_ hash: ActionHash) async throws -> SignedAction { try await live.mustGetAction(hash) }

    /// A record that has to be there and valid.
    /// - Throws: `notFound` when this node cannot get it, `validationFailed` when it was judged invalid.
    public func mustGetValidRecord(_ hash: ActionHash) async throws -> Record {
        try await live.mustGetValidRecord(hash)
    }
}

extension ChainQuery {
    /// The records that created or replaced an entry of a type, entries included unless asked otherwise.
    public static func entries<Value: EntryValue>(
        of type: Value.Type, includeEntries: Bool = true, descending: Bool = false, limit: UInt32? = nil
    ) -> ChainQuery {
        ChainQuery(
            entryTypes: [Value.type.rawValue], includeEntries: includeEntries, descending: descending, limit: limit)
    }
}

extension Record {
    /// The entry as a value; nil when the record has no app entry or it may not be seen here.
    /// - Throws: `badInput` when the entry is not such a value.
    public func value<Value: EntryValue>(_ type: Value.Type) throws -> Value? {
        guard let bytes = entry.entry?.appBytes else { return nil }
        return try ValueCodec.input(Value.self, bytes)
    }
}

extension LiveCall {
    func mustGetEntry(_ hash: EntryHash) async throws(ZomeError) -> Entry {
        try await ask(.mustGetEntry, MustGetEntryRequest(hash: hash))
    }

    func mustGetAction(_ hash: ActionHash) async throws(ZomeError) -> SignedAction {
        try await ask(.mustGetAction, MustGetActionRequest(hash: hash))
    }

    func mustGetValidRecord(_ hash: ActionHash) async throws(ZomeError) -> Record {
        try await ask(.mustGetValidRecord, MustGetActionRequest(hash: hash))
    }
}
