import HDK

struct Page: EntryValue {
    static let type: EntryTypeName = "page"
    var text: String
}

let rules = IntegrityZome("workshop_integrity") {
    Validate(Page.self) { page, _ in
        if page.text.contains("invalid") { throw Invalid("this page asks to be refused") }
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
