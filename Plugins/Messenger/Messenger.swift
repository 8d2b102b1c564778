import HDK

/// A note, as it is kept. `Plugins/MessengerIntegrity` judges it.
struct Note: EntryValue {
    static let type: EntryTypeName = "note"
    var text: String
    var to: AgentKey?
}

/// A note, as it is shown.
struct NoteView: Encodable, Sendable {
    var hash: ActionHash
    var author: AgentKey
    var timestamp: Timestamp
    var text: String
    var to: AgentKey?
}

struct Draft: Decodable, Sendable {
    var text: String
    var to: AgentKey?
    var answers: [ActionHash]?
}

struct Change: Decodable, Sendable {
    var hash: ActionHash
    var text: String
}

struct NoteID: Decodable, Sendable {
    var hash: ActionHash
}

struct Saying: Decodable, Sendable {
    var to: AgentKey
    var text: String
    var timeoutMs: Int?

    enum CodingKeys: String, CodingKey {
        case to, text
        case timeoutMs = "timeout_ms"
    }
}

/// What a client hears when a message came.
struct Heard: Encodable, Sendable {
    var from: AgentKey
    var text: String
}

let messenger = Zome("messenger") {
    Function("ping") { _ in }

    Function("write") { (draft: Draft, host: Host) in
        let note = try await host.create(Note(text: draft.text, to: draft.to))
        if let reader = draft.to {
            try await host.createLink("inbox", from: reader, to: note)
        }
        for answered in draft.answers ?? [] {
            try await host.createLink("answers", from: answered, to: note)
        }
        return note
    }
    Function("update") { (change: Change, host: Host) in
        guard let note = try await host.get(change.hash, as: Note.self) else { throw noSuchNote(change.hash) }
        return try await host.update(change.hash, with: Note(text: change.text, to: note.to))
    }
    Function("delete") { (note: NoteID, host: Host) in try await host.delete(note.hash) }
    Function("withdraw") { (link: NoteID, host: Host) in try await host.deleteLink(link.hash) }

    // Everything that this agent wrote, newest first.
    Function("notes") { (host: Host) in
        try await host.query(.entries(of: Note.self, descending: true)).compactMap(show)
    }
    Function("note_count") { (host: Host) in
        try await host.query(.entries(of: Note.self, includeEntries: false)).count
    }
    Function("read") { (note: NoteID, host: Host) in
        guard let record = try await host.get(note.hash), let shown = try show(record) else {
            throw noSuchNote(note.hash)
        }
        return shown
    }
    // The notes that answer a note, oldest first.
    Function("answers") { (note: NoteID, host: Host) in
        try await notes(host.allLinks(from: note.hash, types: ["answers"]), host)
    }
    // The notes that were written to this agent, oldest first.
    Function("inbox") { (host: Host) in
        try await notes(host.allLinks(from: try await host.me, types: ["inbox"]), host)
    }

    // A message to somebody who is there: kept nowhere, answered by the `receive` of the same zome.
    Function("say") { (saying: Saying, host: Host) -> String in
        try await host.send(
            to: saying.to, saying.text, timeout: .milliseconds(saying.timeoutMs ?? 5_000), as: String.self)
    }
    Receive { (from: AgentKey, text: String, host: Host) in
        try await host.emitSignal("heard", Heard(from: from, text: text))
        return "seen by \(try await host.me) from \(from)"
    }
    Init { host in
        try await host.log(.info, "this agent has a messenger now")
    }
    PostCommit { actions, host in
        try await host.emitSignal("committed", actions.map(\.hash))
    }
}

private func noSuchNote(_ hash: ActionHash) -> ZomeError {
    ZomeError(.notFound, "there is no note \(hash)")
}

/// A record as a note; nil when it holds no entry, or one that others may not see.
private func show(_ record: Record) throws -> NoteView? {
    guard let note = try record.value(Note.self) else { return nil }
    let header = record.action.header
    return NoteView(
        hash: record.hash, author: header.author, timestamp: header.timestamp, text: note.text,
        to: note.to)
}

/// The notes that links lead to; those that were deleted since are left out.
private func notes(_ links: [Link], _ host: Host) async throws -> [NoteView] {
    var views: [NoteView] = []
    for link in links.sorted(by: { $0.timestamp < $1.timestamp }) {
        guard let hash = link.target.action, let record = try await host.get(hash) else { continue }
        if let view = try show(record) { views.append(view) }
    }
    return views
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(messenger).export(to: host)
}
