// Inputs and answers of the host operations that say who and where a zome is.

/// Answer of ``HostOperation/agentInfo``.
public struct AgentInfo: Packable, Hashable {
    /// The cell's agent.
    public var agent: AgentPubKey
    /// The newest action that this call sees, its own writes included.
    public var chainHead: ChainHead

    /// A value from its parts.
    public init(agent: AgentPubKey, chainHead: ChainHead) {
        self.agent = agent
        self.chainHead = chainHead
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("agent")
        agent.pack(into: &w)
        w.writeString("chain_head")
        chainHead.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var agent: AgentPubKey?
        var chainHead: ChainHead?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "agent": try r.read(into: &agent)
            case "chain_head": try r.read(into: &chainHead)
            default: try r.skip()
            }
        }
        self.agent = try r.require(agent, "agent", of: "AgentInfo")
        self.chainHead = try r.require(chainHead, "chain_head", of: "AgentInfo")
    }
}

/// Answer of ``HostOperation/dnaInfo``.
public struct DnaInfo: Packable, Hashable {
    /// The DNA's name.
    public var name: String
    /// The DNA's address.
    public var hash: DnaHash
    /// What tells networks of the same rules apart.
    public var networkSeed: String
    /// The properties: one MessagePack value.
    public var properties: [UInt8]
    /// Names of all zomes: integrity, then coordinator.
    public var zomes: [String]
    /// Names of the entry types, in the order of their index.
    public var entryTypes: [String]
    /// Names of the link types, in the order of their index.
    public var linkTypes: [String]

    /// A value from its parts.
    public init(
        name: String, hash: DnaHash, networkSeed: String, properties: [UInt8], zomes: [String], entryTypes: [String],
        linkTypes: [String]
    ) {
        self.name = name
        self.hash = hash
        self.networkSeed = networkSeed
        self.properties = properties
        self.zomes = zomes
        self.entryTypes = entryTypes
        self.linkTypes = linkTypes
    }

    /// Writes a map of 7 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(7)
        w.writeString("name")
        w.writeString(name)
        w.writeString("hash")
        hash.pack(into: &w)
        w.writeString("network_seed")
        w.writeString(networkSeed)
        w.writeString("properties")
        w.writeRaw(properties)
        w.writeString("zomes")
        w.write(zomes)
        w.writeString("entry_types")
        w.write(entryTypes)
        w.writeString("link_types")
        w.write(linkTypes)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var hash: DnaHash?
        var networkSeed: String?
        var properties: [UInt8]?
        var zomes: [String]?
        var entryTypes: [String]?
        var linkTypes: [String]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "hash": try r.read(into: &hash)
            case "network_seed": try r.read(into: &networkSeed)
            case "properties": properties = try r.rawBytes()
            case "zomes": try r.read(into: &zomes)
            case "entry_types": try r.read(into: &entryTypes)
            case "link_types": try r.read(into: &linkTypes)
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "DnaInfo")
        self.hash = try r.require(hash, "hash", of: "DnaInfo")
        self.networkSeed = try r.require(networkSeed, "network_seed", of: "DnaInfo")
        self.properties = try r.require(properties, "properties", of: "DnaInfo")
        self.zomes = try r.require(zomes, "zomes", of: "DnaInfo")
        self.entryTypes = try r.require(entryTypes, "entry_types", of: "DnaInfo")
        self.linkTypes = try r.require(linkTypes, "link_types", of: "DnaInfo")
    }
}

/// Input of ``HostOperation/keystoreGetPublicKey``.
public struct KeystoreGetPublicKeyRequest: Packable, Hashable {
    /// The key's name.
    public var id: String

    /// A value from its parts.
    public init(id: String) {
        self.id = id
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("id")
        w.writeString(id)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var id: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "id": try r.read(into: &id)
            default: try r.skip()
            }
        }
        self.id = try r.require(id, "id", of: "KeystoreGetPublicKeyRequest")
    }
}

/// Input of the host operations that take none: an empty map (nil is read too).
public struct NoInput: Packable, Hashable {
    /// Nothing.
    public init() {}

    /// Writes an empty map.
    public func pack(into w: inout MessagePackWriter) { w.writeMapHeader(0) }

    /// Reads nil or any map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.readNil() { return }
        for _ in 0..<(try r.readMapHeader()) {
            try r.skip()
            try r.skip()
        }
    }
}
