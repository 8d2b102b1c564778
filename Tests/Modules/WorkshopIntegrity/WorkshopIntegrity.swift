import HDK

struct Page: EntryValue {
    static let type: EntryTypeName = "page"
    var text: String
}

let rules = IntegrityZome("workshop_integrity") {
    Validate(Page.self) { page, op in
        if page.text.contains("invalid") { throw Invalid("this page asks to be refused") }
        // Looks back along its author's chain.
        if page.text == "the third page", let top = op.action.action.prevAction {
            let past = try await op.host.mustGetAgentActivity(op.author, from: top, .toGenesis)
            let pages = past.filter { $0.action.action.entryType == op.action.action.entryType }.count
            if pages != 2 { throw Invalid("it calls itself the third page, and \(pages) are before it") }
        }
        // Needs a chain that nobody holds, and shrugs off that it is not there.
        if page.text == "waits for nobody" {
            _ = try? await op.host.mustGetAgentActivity(op.author, from: ActionHash(hashing: [9]), .take(1))
        }
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
