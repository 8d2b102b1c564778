import Integrity

/// Chains of agents as this node holds them.
extension CascadeView {
    /// How `author`'s chain stands, and which of its actions the filter admits. `head` is where the caller's own chain ends for
    /// the call, the scratches included; nil for every other chain, which is asked for as it is stored.
    public func activity(
        of author: AgentPubKey, _ filter: ChainFilter?, head: ChainHead?
    ) throws(PlasmidError) -> AgentActivity {
        var newest: Record?
        if let head {
            newest = try anyRecord(head.hash)
        } else {
            try stored.chain(of: author, in: 0...UInt32.max, descending: true, entriesOf: { _ in false }) { record in
                newest = record
                return false
            }
        }
        guard let newest else { return AgentActivity(status: .empty) }
        let place = ActivityPlace(newest)
        var listed: [ActivityPlace] = []
        if var filter {
            filter.includeEntries = false
            listed = try (head == nil ? storedQuery(filter, author: author) : query(filter, author: author, head: head))
                .map { ActivityPlace($0) }
        }
        return AgentActivity(
            valid: listed, status: newest.action.type == .closeChain ? .closed(place) : .valid(place),
            highestObserved: HighestObserved(seq: place.seq, hashes: [place.hash]))
    }

    private func storedQuery(_ filter: ChainFilter, author: AgentPubKey) throws(PlasmidError) -> [Record] {
        try CascadeView(layers: [], stored: stored).query(filter, author: author, head: try storedHead(of: author))
    }

    private func storedHead(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        var head: ChainHead?
        try stored.chain(of: author, in: 0...UInt32.max, descending: true, entriesOf: { _ in false }) { record in
            head = ChainHead(hash: record.hash, seq: record.action.actionSeq, timestamp: record.action.timestamp)
            return false
        }
        return head
    }

    /// Part of a chain, from the filter's top back to its limit, newest first; or the first action on the way that is not held.
    /// It follows `prev_action`, so that it answers alike wherever those actions are held, whatever else is.
    /// - Throws: `badInput` for a filter that no chain can answer, `tooLarge` beyond ``Limits/activityMaximum``.
    public func mustGetActivity(
        of author: AgentPubKey, _ filter: ActivityFilter
    ) throws(PlasmidError) -> MustGetAgentActivityAnswer {
        if case .take(0) = filter.limit {
            throw PlasmidError(.badInput, "an activity of 0 actions was asked for", hint: "take at least 1")
        }
        var items: [ActivityItem] = []
        var budget = AnswerBudget()
        var next: ActionHash? = filter.top
        while let hash = next {
            // Entries are many times what their actions are: none is read that is not asked for.
            guard let signed = try signedAction(hash) else { return MustGetAgentActivityAnswer(missing: hash) }
            let action = signed.action
            guard action.author == author else {
                throw PlasmidError(.badInput, "\(hash) does not stand in the chain of \(author)")
            }
            switch filter.limit {
            case .untilTimestamp(let time) where action.timestamp < time:
                guard !items.isEmpty else {
                    throw PlasmidError(.badInput, "the time that the activity was asked for lies after its top \(hash)")
                }
                return MustGetAgentActivityAnswer(activity: items)
            default: break
            }
            guard items.count < Limits.activityMaximum else {
                throw PlasmidError(
                    .tooLarge, "the activity has more than \(Limits.activityMaximum) actions",
                    hint: "take fewer, or ask until a later action")
            }
            let item = try activityItem(signed, withEntry: filter.includeEntries)
            try budget.spend(item.entry)
            items.append(item)
            if case .take(let count) = filter.limit, items.count == Int(count) { break }
            if case .untilHash(hash) = filter.limit { break }
            next = action.prevAction
        }
        if case .untilHash(let wanted) = filter.limit, items.last?.action.hash != wanted {
            throw PlasmidError(.badInput, "\(wanted) does not stand in the chain before \(filter.top)")
        }
        return MustGetAgentActivityAnswer(activity: items)
    }
}

extension CascadeView {
    /// Only public entries come along: private ones are not the same for everybody.
    private func activityItem(_ signed: SignedAction, withEntry: Bool) throws(PlasmidError) -> ActivityItem {
        guard withEntry, signed.action.entryType?.visibility == .public else { return ActivityItem(action: signed) }
        return ActivityItem(action: signed, entry: try anyRecord(signed.hash)?.entry.entry)
    }
}

extension ActivityPlace {
    init(_ record: Record) {
        self.init(seq: record.action.actionSeq, hash: record.hash)
    }
}
