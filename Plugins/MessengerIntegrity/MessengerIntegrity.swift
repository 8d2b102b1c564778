import HDK

/// A note, as every node reads it. `Plugins/Messenger` writes it with the same fields.
struct Note: EntryValue {
    static let type: EntryTypeName = "note"
    var text: String
    var to: AgentKey?
}

/// The longest note, in bytes of UTF-8.
let longestNote = 4_000

let rules = IntegrityZome("messenger_integrity") {
    Validate(Note.self) { note, op in
        let count = note.text.utf8.count
        guard count > 0 else { throw Invalid("a note needs a text") }
        guard count <= longestNote else {
            throw Invalid("a note has at most \(longestNote) bytes of text, and this one has \(count)")
        }
        if case .update(let original, _) = op.change {
            guard try await op.host.mustGetAction(original).action.header.author == op.author else {
                throw Invalid("only its author may change a note")
            }
        }
    }
    ValidateDelete(Note.self) { op in
        guard op.author == op.originalAuthor else { throw Invalid("only its author may delete a note") }
    }
    ValidateLink("inbox") { link, op in
        try onlyItsAuthorTakesBack(link, op)
        try await mustBeNote(link.target, "an inbox link leads to a note", op)
    }
    ValidateLink("answers") { link, op in
        try onlyItsAuthorTakesBack(link, op)
        try await mustBeNote(link.base, "an answer belongs to a note", op)
        try await mustBeNote(link.target, "an answer is a note", op)
    }
}

private func onlyItsAuthorTakesBack(_ link: ProposedLink, _ op: LinkOp) throws {
    guard op.change == .delete, op.author != link.author else { return }
    throw Invalid("only its author may take a link back")
}

/// Waits until this node knows what the address names, then asks that it is a note.
private func mustBeNote(_ hash: AnyLinkableHash, _ rule: String, _ op: LinkOp) async throws {
    guard op.change == .create else { return }
    guard let action = hash.action else { throw Invalid("\(rule), named by its action") }
    let record = try await op.host.mustGetValidRecord(action)
    guard try await op.host.entryType(of: record.signedAction) == Note.type else {
        throw Invalid("\(rule), and \(action) is something else")
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
