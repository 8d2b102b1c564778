import Integrity

/// Rules 9–13, 20–23 and 33: entries, and what updates and deletes point to.
extension SystemRules {
    /// Rules 9–11 and 18 on an entry that is there, 20–23 and 33 on what the action says of it.
    func checkEntry(_ action: Action, _ entry: RecordEntry, _ findings: inout Findings) {
        var definition: EntryTypeDef?
        if case .app(let app)? = action.entryType, action.entryType != .capNote {
            definition = checkDefinition(app, &findings)
        }
        guard let type = action.entryType, let hash = action.entryHash else {
            if entry.entry != nil {
                findings.reject(9, "An action of type \(action.type.name) has no entry, yet one comes with it.")
            }
            return
        }
        if type == .agentPubKey, hash != action.author.entryHash {
            findings.reject(33, "An agent's key can only be announced by that agent.")
        }
        if entry == .notApplicable {
            findings.reject(9, "The '\(name(type))' that an action names does not come with it.")
        }
        guard case .present(let content) = entry else { return }
        if !content.matches(type) {
            findings.reject(9, "An action says that it brings a '\(name(type))', and brings something else.")
        }
        // Hashing is what costs here: a record that is rejected by its size is not hashed.
        let size = content.appBytes?.count ?? 0
        if size > Limits.entryBytes {
            let words = "An entry of type '\(name(type))' has \(size) bytes; at most \(Limits.entryBytes) are allowed."
            findings.reject(11, .entryTooLarge, words)
        } else if content.hash != hash {
            findings.reject(10, "The '\(name(type))' that comes with an action is not the one whose hash it gives.")
        }
        if case .counterSign = content {
            findings.reject(
                18, .notSupported, "Countersigned entries cannot be checked by this version, and are refused.")
        }
        if let definition, size > definition.maxBytes {
            let words = "This '\(definition.name)' has \(size) bytes; the app allows \(definition.maxBytes)."
            findings.reject(22, .entryTooLarge, words)
        }
    }

    private func checkDefinition(_ app: AppEntryDef, _ findings: inout Findings) -> EntryTypeDef? {
        guard let definition = entryType(app) else {
            findings.reject(
                20, .unknownEntryType, "The app has no entry type \(app.entryIndex) in its zome \(app.zomeIndex).")
            return nil
        }
        if definition.visibility != app.visibility {
            findings.reject(
                21,
                "A '\(definition.name)' is \(words(definition.visibility)) in this app, yet it was written as \(words(app.visibility))."
            )
        }
        if !definition.publishing.contains(.signed) {
            findings.reject(23, "A '\(definition.name)' is published without an author in this app, yet it was signed.")
        }
        return definition
    }

    private func words(_ visibility: Visibility) -> String { visibility == .public ? "public" : "private" }

    /// Rule 12.
    func checkUpdate(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        guard case .update(let address, let entry, let type, _) = action.data else { return }
        guard let original = try reads.action(address) else { return findings.miss(.action(address)) }
        guard let originalType = original.entryType else {
            return findings.reject(
                12, "An update names an action that brought no entry, so there is nothing to replace.")
        }
        if originalType != type {
            findings.reject(12, "A '\(name(type))' cannot replace a '\(name(originalType))'.")
        }
        if originalType == .capNote {
            findings.reject(32, .badCapability, "What was noted beside a capability is not changed.")
        }
        if original.entryHash != entry {
            findings.reject(12, "An update names another entry than the one that its original action brought.")
        }
    }

    /// Rules 13 and 28.
    func checkDelete(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        guard case .delete(let address, let entry) = action.data else { return }
        guard let target = try reads.action(address) else { return findings.miss(.action(address)) }
        guard let brought = target.entryHash else {
            return findings.reject(
                13, "Only a record with an entry can be deleted; this names an action that brought none.")
        }
        if target.entryType == .capNote {
            findings.reject(32, .badCapability, "What was noted beside a capability stays as long as that does.")
        }
        if brought != entry {
            findings.reject(28, "A deletion names another entry than the one that the record it deletes brought.")
        }
    }
}
