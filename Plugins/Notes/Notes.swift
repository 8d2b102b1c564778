import HDK

let notes = Zome("notes") {
    writing()
    finding()
    sharing()
}

// MARK: What is kept

/// A note that everyone can read. `Plugins/NotesIntegrity` and the manifest's rules judge it.
struct Note: EntryValue {
    static let type: EntryTypeName = "note"
    var title: String
    var text: String
    var tags: [String]
}

/// A note that its author alone can read, and whom she shares it with.
struct PrivateNote: EntryValue {
    static let type: EntryTypeName = "private_note"
    var title: String
    var text: String
    var tags: [String]
}

/// What links to all notes with a tag start from.
struct Tag: EntryValue {
    static let type: EntryTypeName = "tag"
    var name: String
}

// MARK: What is asked and answered

struct Draft: Decodable, Sendable {
    var title: String
    var text: String
    var tags: [String]?
    var `private`: Bool?
}

struct Change: Decodable, Sendable {
    var title: String
    var text: String
}

struct Titled: Decodable, Sendable {
    var title: String
}

struct Addressed: Decodable, Sendable {
    var note: ActionHash
}

struct NoteView: Codable, Sendable {
    /// The address that stands for the note through all its versions.
    var note: ActionHash
    var author: AgentKey
    var title: String
    var text: String
    var tags: [String]
    var `private`: Bool
    var versions: Int
}

struct VersionView: Encodable, Sendable {
    var text: String
    var written: Timestamp
}

// MARK: Writing

@ZomeBuilder
private func writing() -> [ZomePart] {
    Function("write") { (draft: Draft, host: Host) -> ActionHash in
        let tags = draft.tags ?? []
        let isPrivate = draft.private == true
        // Of its own kind, the manifest's rules see to it.
        if try await own(host, title: draft.title).contains(where: { $0.isPrivate != isPrivate }) {
            throw ZomeError("titleTaken", "you have another note named `\(draft.title)`")
        }
        if isPrivate {
            return try await host.create(PrivateNote(title: draft.title, text: draft.text, tags: tags))
        }
        let note = try await host.create(Note(title: draft.title, text: draft.text, tags: tags))
        for tag in tags { try await host.createLink("tagged", from: try await anchor(tag, host), to: note) }
        return note
    }
    // The title stays: a note goes by it.
    Function("change") { (change: Change, host: Host) -> ActionHash in
        let own = try await find(change.title, host)
        if own.isPrivate {
            let changed = PrivateNote(title: own.title, text: change.text, tags: own.tags)
            return try await host.updateLatest(.action(own.root), with: changed)
        }
        let changed = Note(title: own.title, text: change.text, tags: own.tags)
        return try await host.updateLatest(.action(own.root), with: changed)
    }
    // Nobody can open it any more, whoever it was shared with.
    Function("remove") { (titled: Titled, host: Host) -> Int in
        let own = try await find(titled.title, host)
        try await host.deleteLatest(.action(own.root))
        for tag in own.tags where !own.isPrivate {
            for link in try await host.allLinks(from: Tag.address(tag), types: ["tagged"], author: try await host.me)
            where link.target.action == own.root {
                try await host.deleteLink(link.createLinkHash)
            }
        }
        return try await unshare(titled.title, host)
    }
}

extension Tag {
    /// The address that the tag's entry has, whoever wrote it.
    static func address(_ name: String) throws -> EntryHash {
        Entry.app(try MessagePackEncoder().encode(Tag(name: name))).hash
    }
}

/// The tag's entry, written if nobody has yet.
private func anchor(_ name: String, _ host: Host) async throws -> EntryHash {
    let address = try Tag.address(name)
    if try await host.get(address) == nil { try await host.create(Tag(name: name)) }
    return address
}

// MARK: One's own notes

/// A note of this agent as it is now.
struct OwnNote: Sendable {
    let root: ActionHash
    let author: AgentKey
    let title: String
    let text: String
    let tags: [String]
    let isPrivate: Bool

    init?(root: ActionHash, _ record: Record, isPrivate: Bool) throws {
        self.root = root
        author = record.action.header.author
        self.isPrivate = isPrivate
        if isPrivate {
            guard let note = try record.value(PrivateNote.self) else { return nil }
            (title, text, tags) = (note.title, note.text, note.tags)
        } else {
            guard let note = try record.value(Note.self) else { return nil }
            (title, text, tags) = (note.title, note.text, note.tags)
        }
    }

    func view(_ host: Host) async throws -> NoteView {
        let versions = try await host.getHistory(.action(root), author: author)?.items.count ?? 1
        return NoteView(
            note: root, author: author, title: title, text: text, tags: tags, private: isPrivate, versions: versions)
    }
}

/// Every note of this agent that is not removed, newest first. `title` narrows it to the one of that name, byte by byte: two
/// that look alike are two notes, and who may open one may not open the other.
func own(_ host: Host, title: String? = nil) async throws -> [OwnNote] {
    var found: [OwnNote] = []
    for (type, isPrivate) in [(Note.type, false), (PrivateNote.type, true)] {
        let query = ChainQuery(
            entryTypes: [type.rawValue], actionTypes: ["Create"], includeEntries: true, descending: true)
        for created in try await host.query(query) {
            guard let first = try OwnNote(root: created.hash, created, isPrivate: isPrivate),
                title.map({ $0.utf8.elementsEqual(first.title.utf8) }) ?? true,
                let latest = try await host.getLatest(.action(created.hash), author: first.author),
                let note = try OwnNote(root: created.hash, latest, isPrivate: isPrivate)
            else { continue }
            found.append(note)
        }
    }
    return found
}

func find(_ title: String, _ host: Host) async throws -> OwnNote {
    guard let note = try await own(host, title: title).first else {
        throw ZomeError(.notFound, "you have no note named `\(title)`")
    }
    return note
}

// MARK: Finding

@ZomeBuilder
private func finding() -> [ZomePart] {
    Function("list") { (host: Host) -> [NoteView] in
        var views: [NoteView] = []
        for note in try await own(host) { views.append(try await note.view(host)) }
        return views
    }
    Function("read") { (titled: Titled, host: Host) in try await find(titled.title, host).view(host) }
    // What a note said, from the first version to the last.
    Function("history") { (titled: Titled, host: Host) -> [VersionView] in
        let note = try await find(titled.title, host)
        var versions: [VersionView] = []
        for item in try await host.getHistory(.action(note.root), author: note.author)?.items ?? [] {
            guard let version = try OwnNote(root: note.root, item.record, isPrivate: note.isPrivate) else { continue }
            versions.append(VersionView(text: version.text, written: item.record.action.header.timestamp))
        }
        return versions
    }
    // One's own notes, private ones among them, that have a text in their title or text.
    Function("search") { (wanted: Wanted, host: Host) -> [NoteView] in
        var views: [NoteView] = []
        for note in try await own(host) where note.title.contains(wanted.text) || note.text.contains(wanted.text) {
            views.append(try await note.view(host))
        }
        return views
    }
    // Everybody's public notes with a tag, oldest first.
    Function("tagged") { (wanted: WantedTag, host: Host) -> [NoteView] in
        var views: [NoteView] = []
        let links = try await host.allLinks(from: Tag.address(wanted.tag), types: ["tagged"], order: .oldestFirst)
        for link in links {
            guard let root = link.target.action,
                let latest = try await host.getLatest(.action(root), author: link.author),
                let note = try OwnNote(root: root, latest, isPrivate: false)
            else { continue }
            views.append(try await note.view(host))
        }
        return views
    }
    // A public note by its address, whoever wrote it.
    Function("see") { (wanted: Addressed, host: Host) -> NoteView in
        guard let first = try await host.get(wanted.note),
            let latest = try await host.getLatest(.action(wanted.note), author: first.action.header.author),
            let note = try OwnNote(root: wanted.note, latest, isPrivate: false)
        else { throw ZomeError(.notFound, "there is no note at \(wanted.note)") }
        return try await note.view(host)
    }
}

struct Wanted: Decodable, Sendable {
    var text: String
}

struct WantedTag: Decodable, Sendable {
    var tag: String
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(notes).export(to: host)
}
