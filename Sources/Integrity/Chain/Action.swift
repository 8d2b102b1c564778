import Sodium

/// What every action says: who wrote it, when, and where in the chain it stands.
public struct ActionHeader: Hashable, Sendable, Packable {
    /// The chain's owner.
    public var author: AgentPubKey
    /// The author's clock; never earlier than the previous action's.
    public var timestamp: Timestamp
    /// The place in the chain, from 0.
    public var actionSeq: UInt32
    /// The action before this one; nil for the first (Dna) only.
    public var prevAction: ActionHash?

    /// A header from its parts.
    public init(author: AgentPubKey, timestamp: Timestamp, actionSeq: UInt32, prevAction: ActionHash?) {
        self.author = author
        self.timestamp = timestamp
        self.actionSeq = actionSeq
        self.prevAction = prevAction
    }

    /// Writes a map of four fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("author")
        author.pack(into: &w)
        w.writeString("timestamp")
        timestamp.pack(into: &w)
        w.writeString("action_seq")
        w.writeUInt(actionSeq)
        w.writeString("prev_action")
        w.write(prevAction)
    }

    /// Reads a map; a missing `prev_action` is nil.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var author: AgentPubKey?
        var timestamp: Timestamp?
        var seq: UInt32?
        var prev: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "author": try r.read(into: &author)
            case "timestamp": try r.read(into: &timestamp)
            case "action_seq": try r.read(into: &seq)
            case "prev_action": prev = try r.readOptional()
            default: try r.skip()
            }
        }
        self.author = try r.require(author, "author", of: "Action")
        self.timestamp = try r.require(timestamp, "timestamp", of: "Action")
        actionSeq = try r.require(seq, "action_seq", of: "Action")
        prevAction = prev
    }
}

/// Where a chain goes on to, or comes from.
public enum MigrationTarget: Hashable, Sendable, Packable {
    /// A chain in another DNA.
    case dna(DnaHash)
    /// A chain of another key.
    case agent(AgentPubKey)

    /// Writes `{"Dna": …}` or `{"Agent": …}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        switch self {
        case .dna(let hash):
            w.writeString("Dna")
            hash.pack(into: &w)
        case .agent(let key):
            w.writeString("Agent")
            key.pack(into: &w)
        }
    }

    /// Reads `{"Dna": …}` or `{"Agent": …}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let key = try r.expectVariant("MigrationTarget")
        switch key {
        case "Dna": self = .dna(try r.read())
        case "Agent": self = .agent(try r.read())
        default: throw r.unknownCase(key, of: "MigrationTarget")
        }
    }
}

/// The ten kinds of action, with their numbers in stored rows.
public enum ActionType: UInt8, Sendable, CaseIterable {
    /// The chain's first action: which DNA it belongs to.
    case dna = 1
    /// The membrane proof.
    case agentValidationPkg = 2
    /// Everything `init` wrote comes before this.
    case initZomesComplete = 3
    /// A new entry.
    case create = 4
    /// A new version of an entry.
    case update = 5
    /// A create or update taken back.
    case delete = 6
    /// A link.
    case createLink = 7
    /// A link taken back.
    case deleteLink = 8
    /// The chain's last action.
    case closeChain = 9
    /// The chain continues another.
    case openChain = 10

    /// The name in `data.type`.
    public var name: StaticString {
        switch self {
        case .dna: "Dna"
        case .agentValidationPkg: "AgentValidationPkg"
        case .initZomesComplete: "InitZomesComplete"
        case .create: "Create"
        case .update: "Update"
        case .delete: "Delete"
        case .createLink: "CreateLink"
        case .deleteLink: "DeleteLink"
        case .closeChain: "CloseChain"
        case .openChain: "OpenChain"
        }
    }
}

/// What an action does.
public enum ActionData: Hashable, Sendable {
    /// The chain belongs to this DNA.
    case dna(DnaHash)
    /// What lets the agent into the network.
    case agentValidationPkg(membraneProof: [UInt8]?)
    /// `init` is over.
    case initZomesComplete
    /// Adds an entry.
    case create(entryType: EntryType, entryHash: EntryHash)
    /// Adds a new version of an entry.
    case update(originalAction: ActionHash, originalEntry: EntryHash, entryType: EntryType, entryHash: EntryHash)
    /// Takes a create or update back.
    case delete(deletesAction: ActionHash, deletesEntry: EntryHash)
    /// Adds a link.
    case createLink(
        base: AnyLinkableHash, target: AnyLinkableHash, zomeIndex: UInt8, linkType: UInt8, tag: [UInt8])
    /// Takes a link back.
    case deleteLink(base: AnyLinkableHash, linkAdd: ActionHash)
    /// Ends the chain.
    case closeChain(MigrationTarget?)
    /// Continues the chain that ended with this action.
    case openChain(MigrationTarget, ActionHash)

    /// The kind without its fields.
    public var type: ActionType {
        switch self {
        case .dna: .dna
        case .agentValidationPkg: .agentValidationPkg
        case .initZomesComplete: .initZomesComplete
        case .create: .create
        case .update: .update
        case .delete: .delete
        case .createLink: .createLink
        case .deleteLink: .deleteLink
        case .closeChain: .closeChain
        case .openChain: .openChain
        }
    }
}

/// One step of a source chain. Its canonical bytes are what is hashed and signed.
public struct Action: Hashable, Sendable, Packable {
    /// Who, when and where in the chain.
    public var header: ActionHeader
    /// What.
    public var data: ActionData

    /// An action from its parts.
    public init(header: ActionHeader, data: ActionData) {
        self.header = header
        self.data = data
    }

    /// The address: BLAKE2b-256 of the canonical bytes. Computed at every use; keep it where it is needed twice.
    public var hash: ActionHash {
        var writer = MessagePackWriter()
        pack(into: &writer)
        return writer.withUnsafeBytes { ActionHash(hashing: $0) }
    }

    /// The author.
    public var author: AgentPubKey { header.author }
    /// The author's clock.
    public var timestamp: Timestamp { header.timestamp }
    /// The place in the chain.
    public var actionSeq: UInt32 { header.actionSeq }
    /// The action before this one.
    public var prevAction: ActionHash? { header.prevAction }
    /// The kind of action.
    public var type: ActionType { data.type }

    /// The kind of entry that a Create or Update adds; nil for the others.
    public var entryType: EntryType? {
        switch data {
        case .create(let type, _), .update(_, _, let type, _): type
        default: nil
        }
    }

    /// The entry that a Create or Update adds; nil for the others.
    public var entryHash: EntryHash? {
        switch data {
        case .create(_, let hash), .update(_, _, _, let hash): hash
        default: nil
        }
    }

    /// Whose signature an action must carry: the author's, but the new key's where a chain closes towards another key.
    public var signer: AgentPubKey {
        if case .closeChain(.agent(let key)?) = data { return key }
        return header.author
    }

    /// True for the first three actions of a chain.
    public var isGenesis: Bool { header.actionSeq < 3 }

    /// Writes a map of `header` and `data`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("header")
        header.pack(into: &w)
        w.writeString("data")
        data.pack(into: &w)
    }

    /// Reads a map of `header` and `data`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var header: ActionHeader?
        var data: ActionData?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "header": try r.read(into: &header)
            case "data": try r.read(into: &data)
            default: try r.skip()
            }
        }
        self.header = try r.require(header, "header", of: "Action")
        self.data = try r.require(data, "data", of: "Action")
    }
}

/// The newest action of a chain, as far as is known.
public struct ChainHead: Hashable, Sendable, Packable {
    /// Its address.
    public var hash: ActionHash
    /// Its place in the chain.
    public var seq: UInt32
    /// Its time.
    public var timestamp: Timestamp

    /// A head from its parts.
    public init(hash: ActionHash, seq: UInt32, timestamp: Timestamp) {
        self.hash = hash
        self.seq = seq
        self.timestamp = timestamp
    }

    /// Writes an array of three values.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(3)
        hash.pack(into: &w)
        w.writeUInt(seq)
        timestamp.pack(into: &w)
    }

    /// Reads an array of three values.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(3, "A chain head")
        self.init(hash: try r.read(), seq: try r.readUInt32(), timestamp: try r.read())
    }
}
