import Sodium

/// The nine ways in which an action reaches the DHT.
public enum ChainOpType: UInt8, Sendable, Hashable, CaseIterable {
    /// The record, kept where its own address lies.
    case createRecord = 1
    /// The public entry, kept where its address lies.
    case createEntry = 2
    /// The step of the chain, kept where its author lies.
    case agentActivity = 3
    /// An update, told to the entry that it replaces.
    case updateEntry = 4
    /// An update, told to the record that it replaces.
    case updateRecord = 5
    /// A delete, told to the entry.
    case deleteEntry = 6
    /// A delete, told to the record.
    case deleteRecord = 7
    /// A link, kept at its base.
    case createLink = 8
    /// A link taken back, told to its base.
    case deleteLink = 9

    /// The name in the wire form and in what is hashed.
    public var name: StaticString {
        switch self {
        case .createRecord: "CreateRecord"
        case .createEntry: "CreateEntry"
        case .agentActivity: "AgentActivity"
        case .updateEntry: "UpdateEntry"
        case .updateRecord: "UpdateRecord"
        case .deleteEntry: "DeleteEntry"
        case .deleteRecord: "DeleteRecord"
        case .createLink: "CreateLink"
        case .deleteLink: "DeleteLink"
        }
    }

    /// True for the four types whose wire form has a place for an entry.
    public var hasEntrySlot: Bool {
        switch self {
        case .createRecord, .createEntry, .updateEntry, .updateRecord: true
        default: false
        }
    }

    init?(_ key: MessagePackKey) {
        for type in ChainOpType.allCases where type.name ~= key {
            self = type
            return
        }
        return nil
    }

    /// The types of op that an action gives, in the order in which they are produced.
    public static func produced(by action: Action) -> [ChainOpType] {
        let hasPublicEntry = action.entryType?.visibility == .public
        switch action.data {
        case .create:
            return hasPublicEntry ? [.createRecord, .agentActivity, .createEntry] : [.createRecord, .agentActivity]
        case .update:
            return hasPublicEntry
                ? [.createRecord, .agentActivity, .createEntry, .updateEntry, .updateRecord]
                : [.createRecord, .agentActivity, .updateEntry, .updateRecord]
        case .delete: return [.createRecord, .agentActivity, .deleteRecord, .deleteEntry]
        case .createLink: return [.createRecord, .agentActivity, .createLink]
        case .deleteLink: return [.createRecord, .agentActivity, .deleteLink]
        default: return [.createRecord, .agentActivity]
        }
    }

    /// The address whose holders keep an op of this type for `action`; nil when the action gives no such op.
    public func basis(of action: Action, hash: ActionHash) -> AnyLinkableHash? {
        switch (self, action.data) {
        case (.createRecord, _): return AnyLinkableHash(hash)
        case (.agentActivity, _): return AnyLinkableHash(action.author)
        case (.createEntry, .create(_, let entry)), (.createEntry, .update(_, _, _, let entry)):
            return AnyLinkableHash(entry)
        case (.updateEntry, .update(_, let entry, _, _)): return AnyLinkableHash(entry)
        case (.updateRecord, .update(let original, _, _, _)): return AnyLinkableHash(original)
        case (.deleteEntry, .delete(_, let entry)): return AnyLinkableHash(entry)
        case (.deleteRecord, .delete(let original, _)): return AnyLinkableHash(original)
        case (.createLink, .createLink(let base, _, _, _, _)): return base
        case (.deleteLink, .deleteLink(let base, _)): return base
        default: return nil
        }
    }

    /// The op's address: the hash of `{<type>: action}`, without signature and entry. `actionBytes` are the action's canonical
    /// bytes.
    public func hash(actionBytes: UnsafeRawBufferPointer) -> DhtOpHash {
        var writer = MessagePackWriter(reserving: actionBytes.count + 32)
        writer.writeMapHeader(1)
        writer.writeString(name)
        writer.writeRaw(actionBytes)
        return writer.withUnsafeBytes { DhtOpHash(hashing: $0) }
    }
}

/// The place for an entry in an op.
public enum OpEntry: Hashable, Sendable {
    /// Here it is.
    case present(Entry)
    /// There is one, and it is private.
    case hidden
    /// The action has no entry, or it is left out.
    case actionOnly
}

extension OpEntry: Packable {
    /// Writes `{"Present": …}`, `"Hidden"` or `"ActionOnly"`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .present(let entry):
            w.writeMapHeader(1)
            w.writeString("Present")
            entry.pack(into: &w)
        case .hidden: w.writeString("Hidden")
        case .actionOnly: w.writeString("ActionOnly")
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .map {
            let key = try r.expectVariant("OpEntry")
            guard "Present" ~= key else { throw r.unknownCase(key, of: "OpEntry") }
            self = .present(try r.read())
            return
        }
        let key = try r.readKey()
        switch key {
        case "Hidden": self = .hidden
        case "ActionOnly": self = .actionOnly
        default: throw r.unknownCase(key, of: "OpEntry")
        }
    }
}

/// An op as it travels between nodes.
public struct ChainOp: Hashable, Sendable {
    /// Which of the nine.
    public var type: ChainOpType
    /// The action.
    public var action: Action
    /// Its signature.
    public var signature: Signature
    /// Its entry; `actionOnly` for types without a place for one.
    public var entry: OpEntry

    /// An op from its parts.
    public init(type: ChainOpType, action: Action, signature: Signature, entry: OpEntry = .actionOnly) {
        self.type = type
        self.action = action
        self.signature = signature
        self.entry = type.hasEntrySlot ? entry : .actionOnly
    }

    /// The op's address. Computed at every use.
    public var hash: DhtOpHash {
        let bytes = action.packed
        return bytes.withUnsafeBytes { type.hash(actionBytes: $0) }
    }

    /// Whose holders keep it; nil when the action does not give an op of this type, which makes the op invalid.
    public var basis: AnyLinkableHash? { type.basis(of: action, hash: action.hash) }

    /// Every op of a record, in the order in which they are produced. A private entry never leaves in one.
    public static func ops(for record: Record) -> [ChainOp] {
        let signed = record.signedAction
        let entry: OpEntry
        switch signed.action.entryType?.visibility {
        case nil: entry = .actionOnly
        case .private: entry = .hidden
        case .public: entry = record.entry.entry.map { .present($0) } ?? .actionOnly
        }
        return ChainOpType.produced(by: signed.action).map {
            ChainOp(type: $0, action: signed.action, signature: signed.signature, entry: entry)
        }
    }
}

extension ChainOp: Packable {
    /// Writes `{"ChainOp": {<type>: …}}`: `[{data, signature}, entry]` with a place for an entry, else `{data, signature}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("ChainOp")
        w.writeMapHeader(1)
        w.writeString(type.name)
        if type.hasEntrySlot { w.writeArrayHeader(2) }
        w.writeMapHeader(2)
        w.writeString("data")
        action.pack(into: &w)
        w.writeString("signature")
        signature.pack(into: &w)
        if type.hasEntrySlot { entry.pack(into: &w) }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let outer = try r.expectVariant("DhtOp")
        guard "ChainOp" ~= outer else { throw r.unknownCase(outer, of: "DhtOp") }
        try self.init(body: &r)
    }

    /// Reads what stands under the key `ChainOp`.
    init(body r: inout MessagePackReader) throws(PlasmidError) {
        let name = try r.expectVariant("ChainOp")
        guard let type = ChainOpType(name) else { throw r.unknownCase(name, of: "ChainOp") }
        if type.hasEntrySlot { try r.expectArray(2, "This op") }
        var action: Action?
        var signature: Signature?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "data": try r.read(into: &action)
            case "signature": try r.read(into: &signature)
            default: try r.skip()
            }
        }
        let entry: OpEntry = type.hasEntrySlot ? try r.read() : .actionOnly
        self.init(
            type: type, action: try r.require(action, "data", of: "ChainOp"),
            signature: try r.require(signature, "signature", of: "ChainOp"), entry: entry)
    }
}
