import HDK

/// An entry that the manifest has rules for.
struct Ruled: EntryValue {
    static let type: EntryTypeName = "ruled"
    var text: String
    var slug: String?
    var about: ActionHash?
}

struct ManyRuled: Decodable, Sendable {
    var entries: [Ruled]
}

struct ChangedRuled: Decodable, Sendable {
    var hash: ActionHash
    var entry: Ruled
}

@ZomeBuilder
func ruled() -> [ZomePart] {
    Function("write_ruled") { (entry: Ruled, host: Host) in try await host.create(entry) }
    Function("write_many_ruled") { (many: ManyRuled, host: Host) in
        var written: [ActionHash] = []
        for entry in many.entries { written.append(try await host.create(entry)) }
        return written
    }
    Function("change_ruled") { (changed: ChangedRuled, host: Host) in
        try await host.update(changed.hash, with: changed.entry)
    }
}
