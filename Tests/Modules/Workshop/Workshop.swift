import HDK

// A module with one function for each thing that a conductor promises, so that tests can ask for it.

/// A public entry.
struct Page: EntryValue {
    static let type: EntryTypeName = "page"
    var text: String
}

/// An entry for its author's eyes only.
struct Diary: EntryValue {
    static let type: EntryTypeName = "diary"
    var text: String
}

struct Text: Codable, Sendable {
    var text: String
}

struct Address: Decodable, Sendable {
    var hash: ActionHash
}

struct EntryAddress: Decodable, Sendable {
    var hash: EntryHash
}

struct Change: Decodable, Sendable {
    var hash: ActionHash
    var text: String
}

/// Where something that was written can be found.
struct Written: Encodable, Sendable {
    var action: ActionHash
    var entry: EntryHash?
    var seq: UInt32
}

struct PageView: Encodable, Sendable {
    var hash: ActionHash
    var author: AgentKey
    var text: String?
}

struct ChainLine: Encodable, Sendable {
    var seq: UInt32
    var hash: ActionHash
    var prev: ActionHash?
    var type: String
    var text: String?
}

let workshop = Zome("workshop") {
    entries()
    links()
    linkPages()
    reading()
    chains()
    secrets()
    facts()
    capabilities()
    labels()
    messages()
    properties()
    cells()
    ruled()
    clones()
    scheduling()
}

@ZomeBuilder
private func entries() -> [ZomePart] {
    Function("write") { (page: Text, host: Host) in try await written(host.create(Page(text: page.text)), host) }
    Function("write_private") { (page: Text, host: Host) in
        try await written(host.create(Diary(text: page.text)), host)
    }
    // An entry with a text of this many bytes.
    Function("write_large") { (amount: Amount, host: Host) in
        try await host.create(Page(text: String(repeating: "x", count: amount.count)))
    }
    Function("write_twice_then_fail") { (host: Host) -> Void in
        try await host.create(Page(text: "first"))
        try await host.create(Diary(text: "second"))
        throw ZomeError("changedMyMind", "nothing of this shall remain")
    }
    Function("change") { (change: Change, host: Host) in
        try await host.update(change.hash, with: Page(text: change.text))
    }
    Function("remove") { (page: Address, host: Host) in try await host.delete(page.hash) }
    Function("get") { (page: Address, host: Host) in try await host.get(page.hash).map(view) }
    Function("get_entry") { (page: EntryAddress, host: Host) in try await host.get(page.hash).map(view) }
    // What was written first, deleted or not.
    Function("initial") { (page: Address, host: Host) in try view(try await host.mustGetValidRecord(page.hash)) }
    Function("must_get_entry") { (page: EntryAddress, host: Host) in
        try await host.mustGetEntry(page.hash).appBytes?.count
    }
    Function("pages") { (host: Host) in
        try await host.query(.entries(of: Page.self)).compactMap { try $0.value(Page.self)?.text }
    }
    Function("diaries") { (host: Host) in
        try await host.query(.entries(of: Diary.self)).compactMap { try $0.value(Diary.self)?.text }
    }
    Function("chain") { (host: Host) in try await host.query(ChainQuery(includeEntries: true)).map(line) }
    // Everything that a call must see of its own writes before it returns.
    Function("read_own_write") { (page: Text, host: Host) in
        let before = try await host.agentInfo().chainHead.seq
        let hash = try await host.create(Page(text: page.text))
        let link = try await host.createLink("any", from: try await host.me, to: hash, tag: Array("own".utf8))
        let text = try await host.get(hash, as: Page.self)?.text
        let inQuery = try await host.query(.entries(of: Page.self)).contains { $0.hash == hash }
        let inLinks = try await host.allLinks(from: try await host.me).contains { $0.createLinkHash == link }
        try await host.deleteLink(link)
        let isGone = try await !host.allLinks(from: try await host.me).contains { $0.createLinkHash == link }
        let after = try await host.agentInfo().chainHead.seq
        return OwnWrite(text: text, inQuery: inQuery, inLinks: inLinks, isGone: isGone, steps: after - before)
    }
}

struct Amount: Decodable, Sendable {
    var count: Int
}

struct OwnWrite: Encodable, Sendable {
    var text: String?
    var inQuery: Bool
    var inLinks: Bool
    var isGone: Bool
    var steps: UInt32
}

private func written(_ hash: ActionHash, _ host: Host) async throws -> Written {
    let action = try await host.mustGetAction(hash).action
    return Written(action: hash, entry: action.entryHash, seq: action.header.actionSeq)
}

func view(_ record: Record) throws -> PageView {
    PageView(hash: record.hash, author: record.action.header.author, text: try record.value(Page.self)?.text)
}

private func line(_ record: Record) throws -> ChainLine {
    let action = record.action
    return ChainLine(
        seq: action.header.actionSeq, hash: record.hash, prev: action.header.prevAction, type: "\(action.type.name)",
        text: (try? record.value(Page.self))??.text)
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(workshop).export(to: host)
}
