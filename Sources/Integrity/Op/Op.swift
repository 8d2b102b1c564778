/// What a validator is asked about (the `validate` callback's Op of Holochain 0.7).
public enum Op: Hashable, Sendable {
    /// Any action, with its entry as far as it is held.
    case createRecord(Record)
    /// A public entry and the Create or Update that added it.
    case createEntry(action: SignedAction, entry: Entry)
    /// An Update, seen from what it replaces; no entry when it is private.
    case update(update: SignedAction, newEntry: Entry?)
    /// A Delete, seen from what it takes back.
    case delete(SignedAction)
    /// Any action, seen from its author's chain.
    case agentActivity(SignedAction, cachedEntry: Entry?)
    /// A new link.
    case createLink(SignedAction)
    /// A link taken back, with the action that had made it.
    case deleteLink(SignedAction, createLink: Action)

    /// The action that is judged.
    public var signedAction: SignedAction {
        switch self {
        case .createRecord(let record): record.signedAction
        case .createEntry(let action, _), .update(let action, _), .delete(let action), .agentActivity(let action, _),
            .createLink(let action), .deleteLink(let action, _):
            action
        }
    }

    /// The entry that came with it, if one did.
    public var entry: Entry? {
        switch self {
        case .createRecord(let record): record.entry.entry
        case .createEntry(_, let entry): entry
        case .update(_, let entry), .agentActivity(_, let entry): entry
        case .delete, .createLink, .deleteLink: nil
        }
    }

    /// The variant's name in MessagePack.
    public var name: StaticString {
        switch self {
        case .createRecord: "CreateRecord"
        case .createEntry: "CreateEntry"
        case .update: "Update"
        case .delete: "Delete"
        case .agentActivity: "AgentActivity"
        case .createLink: "CreateLink"
        case .deleteLink: "DeleteLink"
        }
    }
}

extension Op: Packable {
    /// Writes `{<variant>: {<fields>}}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString(name)
        switch self {
        case .createRecord(let record):
            w.writeMapHeader(1)
            w.writeString("record")
            record.pack(into: &w)
        case .createEntry(let action, let entry):
            w.writeMapHeader(2)
            w.writeString("action")
            action.pack(into: &w)
            w.writeString("entry")
            entry.pack(into: &w)
        case .update(let update, let newEntry):
            w.writeMapHeader(2)
            w.writeString("update")
            update.pack(into: &w)
            w.writeString("new_entry")
            w.write(newEntry)
        case .delete(let action):
            w.writeMapHeader(1)
            w.writeString("delete")
            action.pack(into: &w)
        case .agentActivity(let action, let entry):
            w.writeMapHeader(2)
            w.writeString("action")
            action.pack(into: &w)
            w.writeString("cached_entry")
            w.write(entry)
        case .createLink(let action):
            w.writeMapHeader(1)
            w.writeString("create_link")
            action.pack(into: &w)
        case .deleteLink(let action, let create):
            w.writeMapHeader(2)
            w.writeString("delete_link")
            action.pack(into: &w)
            w.writeString("create_link")
            create.pack(into: &w)
        }
    }

    /// Reads `{<variant>: {<fields>}}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let name = try r.expectVariant("Op")
        var fields = OpFields()
        let linkIsAction = "DeleteLink" ~= name
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "record": try r.read(into: &fields.record)
            case "action", "update", "delete", "delete_link": try r.read(into: &fields.action)
            case "create_link":
                if linkIsAction { try r.read(into: &fields.createLink) } else { try r.read(into: &fields.action) }
            case "entry", "new_entry", "cached_entry": fields.entry = try r.readOptional()
            default: try r.skip()
            }
        }
        self = try fields.finish(name, r)
    }
}

private struct OpFields {
    var record: Record?
    var action: SignedAction?
    var createLink: Action?
    var entry: Entry?

    func finish(_ name: MessagePackKey, _ r: MessagePackReader) throws(PlasmidError) -> Op {
        switch name {
        case "CreateRecord": return .createRecord(try r.require(record, "record", of: "Op"))
        case "CreateEntry":
            return .createEntry(
                action: try r.require(action, "action", of: "Op"), entry: try r.require(entry, "entry", of: "Op"))
        case "Update": return .update(update: try r.require(action, "update", of: "Op"), newEntry: entry)
        case "Delete": return .delete(try r.require(action, "delete", of: "Op"))
        case "AgentActivity": return .agentActivity(try r.require(action, "action", of: "Op"), cachedEntry: entry)
        case "CreateLink": return .createLink(try r.require(action, "create_link", of: "Op"))
        case "DeleteLink":
            return .deleteLink(
                try r.require(action, "delete_link", of: "Op"),
                createLink: try r.require(createLink, "create_link", of: "Op"))
        default: throw r.unknownCase(name, of: "Op")
        }
    }
}

/// What a validator says of one op.
public enum ValidateOutcome: Hashable, Sendable {
    /// It may stand.
    case valid
    /// It may not, for this reason (at most ``Limits/warrantReasonBytes`` are kept).
    case invalid(String)
    /// It cannot be said before these are here.
    case unresolved([AnyDhtHash])
}

extension ValidateOutcome: Packable {
    /// Writes `"Valid"`, `{"Invalid": reason}` or `{"UnresolvedDependencies": {"Hashes": […]}}`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .valid: w.writeString("Valid")
        case .invalid(let reason):
            w.writeMapHeader(1)
            w.writeString("Invalid")
            w.writeString(reason)
        case .unresolved(let hashes):
            w.writeMapHeader(1)
            w.writeString("UnresolvedDependencies")
            w.writeMapHeader(1)
            w.writeString("Hashes")
            w.write(hashes)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .string {
            let key = try r.readKey()
            guard "Valid" ~= key else { throw r.unknownCase(key, of: "ValidateOutcome") }
            self = .valid
            return
        }
        let key = try r.expectVariant("ValidateOutcome")
        switch key {
        case "Invalid": self = .invalid(try r.readString())
        case "UnresolvedDependencies":
            let inner = try r.expectVariant("UnresolvedDependencies")
            guard "Hashes" ~= inner else { throw r.unknownCase(inner, of: "UnresolvedDependencies") }
            self = .unresolved(try r.readArray())
        default: throw r.unknownCase(key, of: "ValidateOutcome")
        }
    }
}
