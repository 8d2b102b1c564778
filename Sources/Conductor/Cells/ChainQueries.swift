import Chain
import Integrity

/// From the words of a query to what is looked for.
extension SpaceContext {
    /// The filter of a query over `author`'s chain; nil where it names actions that are not on it, so that nothing fits.
    func chainFilter(
        _ query: ChainQuery, author: AgentPubKey, view: CascadeView<StoredChain>
    ) throws(PlasmidError) -> ChainFilter? {
        var filter = ChainFilter(
            entryHashes: query.entryHashes.map { Set($0) }, includeEntries: query.includeEntries,
            descending: query.descending,
            limit: min(Int(query.limit ?? UInt32(Limits.queryPageMaximum)), Limits.queryPageMaximum),
            start: Int(query.start ?? 0))
        guard let range = try range(query, author, view) else { return nil }
        filter.range = range
        if let names = query.names { filter.kinds = try kinds(names) }
        if let names = query.entryTypes {
            try Self.checkCount(names.count, "entry types")
            filter.entryTypes = Set(try names.map { name throws(PlasmidError) in try anyEntryType(name) })
        }
        if let names = query.actionTypes {
            try Self.checkCount(names.count, "action types")
            filter.actionTypes = Set(
                try names.map { name throws(PlasmidError) in
                    guard let type = ActionType.allCases.first(where: { "\($0.name)" == name }) else {
                        throw PlasmidError(
                            .badInput, "there is no action type `\(name)`", hint: "for example Create, Update, Delete")
                    }
                    return type
                })
        }
        return filter
    }

    /// The places that all given ranges have in common.
    private func range(
        _ query: ChainQuery, _ author: AgentPubKey, _ view: CascadeView<StoredChain>
    ) throws(PlasmidError) -> ClosedRange<UInt32>? {
        var (low, high) = (UInt32(0), UInt32.max)
        if let range = query.range {
            let (from, to) = (range.from ?? 0, range.to ?? .max)
            guard from <= to else {
                throw PlasmidError(.badInput, "the sequence range \(from) to \(to) is empty", hint: "give from ≤ to")
            }
            (low, high) = (from, to)
        }
        func place(_ hash: ActionHash) throws(PlasmidError) -> UInt32? {
            guard let action = try view.action(hash), action.author == author else { return nil }
            return action.actionSeq
        }
        if let range = query.hashRange {
            guard let first = try place(range.first), let last = try place(range.last) else { return nil }
            (low, high) = (max(low, first), min(high, last))
        }
        if let until = query.until {
            guard let last = try place(until.last) else { return nil }
            (low, high) = (max(low, last > until.preceding ? last - until.preceding : 0), min(high, last))
        }
        return low <= high ? low...high : nil
    }

    private func anyEntryType(_ name: String) throws(PlasmidError) -> EntryType {
        switch name {
        case "AgentPubKey": .agentPubKey
        case "CapClaim": .capClaim
        case "CapGrant": .capGrant
        default: .app(try entryType(name).app)
        }
    }

    // MARK: Names and patterns of 2019

    /// The names that records without an app's entry have in patterns; those of 2019 where it had them.
    private static let systemNames: [(name: String, kind: RecordKind)] = [
        ("%dna", .action(.dna)), ("%agent_id", .entry(.agentPubKey)),
        ("%membrane_proof", .action(.agentValidationPkg)), ("%init", .action(.initZomesComplete)),
        ("%deletion", .action(.delete)), ("%link_add", .action(.createLink)), ("%link_remove", .action(.deleteLink)),
        ("%cap_token_grant", .entry(.capGrant)), ("%cap_token_claim", .entry(.capClaim)),
        ("%close", .action(.closeChain)), ("%open", .action(.openChain)),
    ]

    /// The kinds of record that a list of names stands for; nil where it stands for all.
    private func kinds(_ names: [String]) throws(PlasmidError) -> Set<RecordKind>? {
        try Self.checkCount(names.count, "names", maximum: Limits.patternsPerQuery)
        if names.isEmpty || names.contains("") { return nil }
        var known = Self.systemNames
        for type in definition.integrity.entryTypes {
            known.append((type.name, .entry(.app(try entryType(type.name).app))))
        }
        var kinds: Set<RecordKind> = []
        for name in names {
            let glob = try NameGlob(name)
            let found = known.filter { glob.matches($0.name) }
            guard !found.isEmpty || !glob.isPlain else {
                _ = try entryType(name)
                continue
            }
            kinds.formUnion(found.map(\.kind))
        }
        return kinds
    }
}
