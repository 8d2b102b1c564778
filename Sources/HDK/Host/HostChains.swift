import Integrity

extension Host {
    /// How an agent's chain stands, and which of its actions a query admits, as far as this node holds them. Of the own
    /// chain, this call's writes are part.
    /// - Parameters:
    ///   - query: which actions are listed (their entries are not); `start` and `limit` page them.
    ///   - full: false asks for the status alone.
    public func agentActivity(
        _ agent: AgentKey, _ query: ChainQuery = ChainQuery(), full: Bool = true
    ) async throws -> AgentActivity {
        try await live.ask(.getAgentActivity, AgentActivityRequest(agent: agent, query: query, full: full))
    }

    /// A part of an agent's chain that has to be there without a gap: from `top` back to the limit, newest first.
    /// - Throws: `missingDependency` when this node does not hold all of it; `badInput` for a limit that this chain cannot
    ///   meet; `tooLarge` for more than 10,000 actions.
    public func mustGetAgentActivity(
        _ author: AgentKey, from top: ActionHash, _ limit: ActivityLimit, includeEntries: Bool = false
    ) async throws -> [ActivityItem] {
        let answer = try await live.mustGetAgentActivity(author, top, limit, includeEntries)
        if let missing = answer.missing { throw LiveCall.gap(missing) }
        return answer.activity
    }

    /// Ends the chain: nothing can be written on it any more once the call has returned.
    /// - Parameter target: the DNA in which it goes on; nil when it does not.
    /// - Throws: `notSupported` for another key as target.
    @discardableResult
    public func closeChain(_ target: MigrationTarget? = nil) async throws -> ActionHash {
        try await live.ask(.closeChain, CloseChainRequest(target: target))
    }

    /// Says which chain this one continues.
    /// - Parameter closeHash: the CloseChain that ended it.
    @discardableResult
    public func openChain(from previous: MigrationTarget, closeHash: ActionHash) async throws -> ActionHash {
        try await live.ask(.openChain, OpenChainRequest(from: previous, closeHash: closeHash))
    }
}

extension LiveCall {
    func mustGetAgentActivity(
        _ author: AgentKey, _ top: ActionHash, _ limit: ActivityLimit, _ includeEntries: Bool
    ) async throws(ZomeError) -> MustGetAgentActivityAnswer {
        try await ask(
            .mustGetAgentActivity,
            MustGetAgentActivityRequest(
                author: author, filter: ActivityFilter(top: top, limit: limit, includeEntries: includeEntries)))
    }

    static func gap(_ missing: ActionHash) -> ZomeError {
        ZomeError(.missingDependency, "\(missing) is not held here")
    }
}

/// What 2019's `query_result` gave, in the shape that was asked for.
public enum QueryResult: Sendable, Hashable {
    /// Addresses: of the entry, or of an action that has none.
    case addresses([AnyDhtHash])
    /// The actions, which were called headers.
    case headers([SignedAction])
    /// Records whose entries are here, each with its address. Actions without an entry are left out.
    case entries([EntryAt])
    /// Records, entries included.
    case headersWithEntries([Record])

    /// An entry and its address.
    public struct EntryAt: Sendable, Hashable {
        /// The address.
        public let address: EntryHash
        /// The entry.
        public let entry: Entry

        /// An entry at its address.
        public init(address: EntryHash, entry: Entry) {
            self.address = address
            self.entry = entry
        }
    }
}

/// Own chain by names, as `query` had it in 2019.
extension Host {
    /// Addresses on the own chain, newest first.
    /// - Parameters:
    ///   - names: names of entry types, and patterns: `/` parts a name, `*` stands for anything within a part, `**` for
    ///     anything at all, `?`, `[abc]`, `[!a]`, `{a,b}` as in a shell. None, or an empty one, takes all. System names are
    ///     `%dna`, `%agent_id`, `%membrane_proof`, `%init`, `%deletion`, `%link_add`, `%link_remove`, `%cap_token_grant`,
    ///     `%cap_token_claim`, `%close`, `%open`: `[!%]*` leaves them out.
    ///   - start: how many are left out first.
    ///   - limit: at most so many; nil means as many as one answer holds (10,000).
    /// - Throws: `unknownEntryType` for a plain name that the DNA does not have; `badInput` for a pattern that is none.
    public func query(names: [String], start: Int = 0, limit: Int? = nil) async throws -> [AnyDhtHash] {
        try await records(names, start, limit, entries: false).map(\.address)
    }

    /// The same with headers, entries, both or neither.
    public func queryResult(
        names: [String], start: Int = 0, limit: Int? = nil, headers: Bool = false, entries: Bool = false
    ) async throws -> QueryResult {
        let found = try await records(names, start, limit, entries: entries)
        switch (headers, entries) {
        case (false, false): return .addresses(found.map(\.address))
        case (true, false): return .headers(found.map(\.signedAction))
        case (true, true): return .headersWithEntries(found)
        case (false, true):
            return .entries(
                found.compactMap { record in
                    guard let address = record.action.entryHash, let entry = record.entry.entry else { return nil }
                    return QueryResult.EntryAt(address: address, entry: entry)
                })
        }
    }

    private func records(_ names: [String], _ start: Int, _ limit: Int?, entries: Bool) async throws -> [Record] {
        try await query(
            ChainQuery(
                names: names, includeEntries: entries, descending: true, start: UInt32(clamping: start),
                limit: limit.map { UInt32(clamping: $0) }))
    }
}

extension Record {
    /// The address as 2019 had it: the entry's, or the action's where there is none.
    public var address: AnyDhtHash { action.entryHash.map { .entry($0) } ?? .action(hash) }
}
