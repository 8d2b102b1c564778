import Integrity

/// Everything that is known of a record, an entry, and the versions of one.
extension CascadeView {
    /// The details of an action's record, or of an entry; nil where neither is held.
    /// - Throws: `tooLarge` beyond ``Limits/answerBytes``: anyone can write what many have written.
    public func details(of hash: AnyDhtHash) throws(PlasmidError) -> Details? {
        var budget = AnswerBudget()
        if let action = hash.action {
            guard let record = try anyRecord(action) else { return nil }
            let details = RecordDetails(
                record: record, validationStatus: .valid, deletes: try signedDeletes(of: action),
                updates: try signedUpdates(of: action))
            try budget.spend(record.entry.entry)
            try budget.spend(actions: details.deletes.count + details.updates.count)
            return .record(details)
        }
        guard let entry = hash.entry, let content = try self.entry(entry) else { return nil }
        var details = EntryDetails(
            entry: content, actions: try creates(of: entry), deletes: try deletes(ofEntry: entry),
            updates: try updates(ofEntry: entry), status: .dead)
        try budget.spend(content)
        try budget.spend(actions: details.actions.count + details.deletes.count + details.updates.count)
        for create in details.actions where try !isDeleted(create.hash) {
            details.status = .live
            break
        }
        return .entry(details)
    }

    /// The Creates and Updates that brought an entry, deleted or not, oldest first.
    public func creates(of entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        let pending = layers.flatMap { $0.creates(of: entry) }.compactMap(\.signedAction)
        return Self.inOrder(try stored.creates(of: entry) + pending)
    }

    func signedUpdates(of original: ActionHash) throws(PlasmidError) -> [SignedAction] {
        let pending = layers.flatMap { $0.updates(of: original) }.compactMap(\.signedAction)
        return Self.inOrder(try stored.updates(of: original) + pending)
    }

    private func signedDeletes(of original: ActionHash) throws(PlasmidError) -> [SignedAction] {
        let pending = layers.flatMap { $0.deletes(of: original) }.compactMap(\.signedAction)
        return Self.inOrder(try stored.deletes(of: original) + pending)
    }

    private func updates(ofEntry entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        let pending = pendingActions {
            if case .update(_, entry, _, _) = $0 { true } else { false }
        }
        return Self.inOrder(try stored.updates(ofEntry: entry) + pending)
    }

    private func deletes(ofEntry entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        let pending = pendingActions {
            if case .delete(_, entry) = $0 { true } else { false }
        }
        return Self.inOrder(try stored.deletes(ofEntry: entry) + pending)
    }

    private func pendingActions(_ isWanted: (ActionData) -> Bool) -> [SignedAction] {
        layers.flatMap(\.actions).filter { isWanted($0.action.data) }.compactMap(\.signedAction)
    }
}

/// Versions: an Update names the version that it replaces. Where authors did not know of each other, several replace the
/// same; the newest of all, by time and then by hash, is the latest then.
extension CascadeView {
    /// All versions from an address on, by time; nil where the address is not held. With an author, only that agent's later
    /// versions count.
    /// - Throws: `tooLarge` beyond ``Limits/versionsMaximum`` or ``Limits/answerBytes``.
    public func history(of hash: AnyDhtHash, author: AgentPubKey? = nil) throws(PlasmidError) -> EntryHistory? {
        let (versions, links) = try versions(of: hash, author)
        guard !versions.isEmpty else { return nil }
        let replaced = Set(links.map(\.from))
        var items: [EntryVersion] = []
        var budget = AnswerBudget()
        for version in versions {
            guard let record = try anyRecord(version.hash) else { continue }
            try budget.spend(record.entry.entry)
            let status: VersionStatus =
                try isDeleted(version.hash) ? .deleted : replaced.contains(version.hash) ? .modified : .live
            items.append(EntryVersion(record: record, status: status))
        }
        return EntryHistory(items: items, links: links)
    }

    /// The newest of all versions from an address on; nil where there is none or the newest was deleted.
    /// - Throws: `tooLarge` beyond ``Limits/versionsMaximum``.
    public func latest(of hash: AnyDhtHash, author: AgentPubKey? = nil) throws(PlasmidError) -> Record? {
        guard let newest = try versions(of: hash, author).versions.last else { return nil }
        return try get(newest.hash)
    }

    private func versions(
        of hash: AnyDhtHash, _ author: AgentPubKey?
    ) throws(PlasmidError) -> (versions: [SignedAction], links: [VersionLink]) {
        var found: [SignedAction] = []
        if let action = hash.action {
            if let signed = try signedAction(action), signed.action.entryHash != nil { found = [signed] }
        } else if let entry = hash.entry {
            found = try creates(of: entry)
        }
        var known = Set(found.map(\.hash))
        var links: [VersionLink] = []
        var next = 0
        while next < found.count {
            let version = found[next].hash
            next += 1
            for update in try signedUpdates(of: version) where author == nil || update.action.author == author {
                links.append(VersionLink(from: version, to: update.hash))
                if known.insert(update.hash).inserted { found.append(update) }
            }
            guard found.count <= Limits.versionsMaximum else {
                throw PlasmidError(
                    .tooLarge, "\(hash) has more than \(Limits.versionsMaximum) versions",
                    hint: "ask from a later version on, or for those of one author")
            }
        }
        return (Self.inOrder(found), links)
    }
}
