import HDK

// What the manifest's rules cannot say. They hold the fields: that there is a title, how long it is, who may change a note.

/// A note, as every node reads it. `Plugins/Notes` writes it with the same fields.
struct Note: EntryValue {
    static let type: EntryTypeName = "note"
    var title: String
    var text: String
    var tags: [String]
}

/// The same for its author's eyes only: other nodes never see one, so its author's own node alone judges it.
struct PrivateNote: EntryValue {
    static let type: EntryTypeName = "private_note"
    var title: String
    var text: String
    var tags: [String]
}

/// A tag, the same entry whoever writes it: links lead from it to the notes that bear it.
struct Tag: EntryValue {
    static let type: EntryTypeName = "tag"
    var name: String
}

let rules = IntegrityZome("notes_integrity") {
    Validate(Note.self) { note, op in
        try checkTitle(note.title)
        for tag in note.tags { try checkTag(tag) }
        // A note goes by its title: what was shared or cited under it stays the same note.
        guard case .update(let original, _) = op.change else { return }
        let before = try await op.host.mustGetValidRecord(original).value(Note.self)
        // Byte by byte: which texts count as equal otherwise depends on the Unicode version that this was built with.
        guard let title = before?.title, Array(title.utf8) == Array(note.title.utf8) else {
            throw Invalid("a note keeps its title")
        }
    }
    Validate(PrivateNote.self) { note, _ in
        try checkTitle(note.title)
        for tag in note.tags { try checkTag(tag) }
    }
    Validate(Tag.self) { tag, _ in try checkTag(tag.name) }
}

private func checkTitle(_ title: String) throws {
    guard title.utf8.first != 0x20, title.utf8.last != 0x20 else {
        throw Invalid("a title neither begins nor ends with a space")
    }
    guard title.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw Invalid("a title is one line") }
}

/// One way to write a tag, so that what belongs together is found together.
private func checkTag(_ tag: String) throws {
    let isPlain = tag.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    guard isPlain else { throw Invalid("a tag has small letters a to z, digits and hyphens: `\(tag)` has others") }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
