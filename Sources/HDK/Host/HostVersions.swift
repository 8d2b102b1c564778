import Integrity

/// Details, and the versions of an entry.
///
/// `get` takes an address for what it says: that record, or that entry. An update is another record with an entry of its
/// own. Whoever rather thinks of one thing that changes (as zomes of 2019 did) asks for its latest version.
extension Host {
    /// Everything that is known of an action's record or of an entry: deletes, updates, all creates, deleted or not. Nil when
    /// this node does not hold it.
    /// - Throws: `tooLarge` for more than fits into one answer: what thousands wrote, replaced or deleted.
    public func details(_ hash: AnyDhtHash) async throws -> Details? {
        try await live.ask(.getDetails, GetRequest(hash: hash))
    }

    /// A record, deleted or not, with its deletes and updates; nil when it is not held.
    public func details(_ hash: ActionHash) async throws -> RecordDetails? {
        guard case .record(let details) = try await details(.action(hash)) else { return nil }
        return details
    }

    /// An entry, live or not, with everything that brought, replaced and deleted it; nil when it is not held.
    public func details(_ hash: EntryHash) async throws -> EntryDetails? {
        guard case .entry(let details) = try await details(.entry(hash)) else { return nil }
        return details
    }

    /// Exactly this version, whatever became of it: the record of the action, or of the oldest creation of the entry. Nil only
    /// when it is not held.
    public func getInitial(_ hash: AnyDhtHash) async throws -> Record? {
        switch try await details(hash) {
        case .record(let details): return details.record
        case .entry(let details):
            return details.actions.first.map { Record(signedAction: $0, entry: .present(details.entry)) }
        case nil: return nil
        }
    }

    /// The newest version of what any of its versions names; nil when there is none or the newest was deleted.
    ///
    /// Versions are ordered by their authors' clocks, then by address. Whether others may replace an entry is for the DNA's
    /// rules to say; where they may and should not count, name the author.
    /// - Parameters:
    ///   - hash: any version's action or entry.
    ///   - author: only later versions of this agent count; nil takes those of everyone.
    /// - Throws: `tooLarge` for more than 10,000 versions.
    public func getLatest(_ hash: AnyDhtHash, author: AgentKey? = nil) async throws -> Record? {
        try await live.ask(.getLatest, VersionRequest(hash: hash, author: author))
    }

    /// The newest version as a value. See ``getLatest(_:author:)``.
    /// - Throws: `badInput` when the entry is not such a value.
    public func getLatest<Value: EntryValue>(
        _ hash: AnyDhtHash, as type: Value.Type, author: AgentKey? = nil
    ) async throws -> Value? {
        try await getLatest(hash, author: author)?.value(type)
    }

    /// All versions from an address on, the earliest first, and which replaced which; nil when the address is not held.
    /// - Throws: `tooLarge` for more than 10,000 versions.
    public func getHistory(_ hash: AnyDhtHash, author: AgentKey? = nil) async throws -> EntryHistory? {
        try await live.ask(.getHistory, VersionRequest(hash: hash, author: author))
    }

    /// Replaces the newest version, whichever one is named.
    /// - Throws: `notFound` when there is none or it was deleted.
    @discardableResult
    public func updateLatest<Value: EntryValue>(
        _ hash: AnyDhtHash, with value: Value, author: AgentKey? = nil
    ) async throws -> ActionHash {
        try await update(try await newest(hash, author), with: value)
    }

    /// Deletes the newest version, whichever one is named: what was one thing is gone then.
    /// - Throws: `notFound` when there is none or it was deleted already.
    @discardableResult
    public func deleteLatest(_ hash: AnyDhtHash, author: AgentKey? = nil) async throws -> ActionHash {
        try await delete(try await newest(hash, author))
    }

    private func newest(_ hash: AnyDhtHash, _ author: AgentKey?) async throws -> ActionHash {
        guard let record = try await getLatest(hash, author: author) else {
            throw ZomeError(.notFound, "\(hash) has no version that is not deleted")
        }
        return record.hash
    }
}
