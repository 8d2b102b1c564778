// Inputs and answers of the host operations that make and unmake clones of the own app's roles.

/// Input of ``HostOperation/createClone``.
public struct CreateCloneRequest: Packable, Hashable {
    /// The role that is cloned.
    public var role: String
    /// A name for people; the clone id when nil.
    public var name: String?
    /// Replaces the network seed of the role's DNA.
    public var networkSeed: String?
    /// Replaces the properties of the role's DNA: one MessagePack value, a map.
    public var properties: [UInt8]?
    /// The proof of membership in the clone's network.
    public var membraneProof: [UInt8]?

    /// A request from its parts. The network seed or the properties have to make the clone's DNA another.
    public init(
        role: String, name: String? = nil, networkSeed: String? = nil, properties: [UInt8]? = nil,
        membraneProof: [UInt8]? = nil
    ) {
        self.role = role
        self.name = name
        self.networkSeed = networkSeed
        self.properties = properties
        self.membraneProof = membraneProof
    }

    /// Writes a map of 5 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(5)
        w.writeString("role")
        w.writeString(role)
        w.writeString("name")
        w.write(name)
        w.writeString("network_seed")
        w.write(networkSeed)
        w.writeString("properties")
        if let properties { w.writeRaw(properties) } else { w.writeNil() }
        w.writeString("membrane_proof")
        if let membraneProof { w.writeBinary(membraneProof) } else { w.writeNil() }
    }

    /// Reads a map; everything but the role may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var role: String?
        var name: String?
        var networkSeed: String?
        var properties: [UInt8]?
        var membraneProof: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "role": try r.read(into: &role)
            case "name": name = try r.readOptional()
            case "network_seed": networkSeed = try r.readOptional()
            case "properties":
                properties = r.peekType() == .null ? nil : try r.rawBytes()
                if properties == nil { try r.skip() }
            case "membrane_proof": membraneProof = try r.readOptionalBytes()
            default: try r.skip()
            }
        }
        self.init(
            role: try r.require(role, "role", of: "CreateCloneRequest"), name: name, networkSeed: networkSeed,
            properties: properties, membraneProof: membraneProof)
    }
}

/// Input of ``HostOperation/enableClone``, ``HostOperation/disableClone`` and ``HostOperation/deleteClone``.
public struct CloneIDRequest: Packable, Hashable {
    /// The clone's id, for example `room.0`.
    public var clone: String

    /// A request from its part.
    public init(clone: String) {
        self.clone = clone
    }

    /// Writes a map of 1 field.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("clone")
        w.writeString(clone)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var clone: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "clone": try r.read(into: &clone)
            default: try r.skip()
            }
        }
        self.clone = try r.require(clone, "clone", of: "CloneIDRequest")
    }
}

/// A clone of a role: a cell of its own, in a network of its own.
public struct ClonedCell: Packable, Hashable {
    /// `role.n`; never used again, even when the clone is deleted.
    public var clone: String
    /// The role that it was made of.
    public var role: String
    /// A name for people.
    public var name: String
    /// The clone's cell.
    public var cell: CellAddress
    /// Its network seed.
    public var networkSeed: String
    /// Whether it takes calls.
    public var isEnabled: Bool

    /// A clone from its parts.
    public init(
        clone: String, role: String, name: String, cell: CellAddress, networkSeed: String, isEnabled: Bool
    ) {
        self.clone = clone
        self.role = role
        self.name = name
        self.cell = cell
        self.networkSeed = networkSeed
        self.isEnabled = isEnabled
    }

    /// Writes a map of 6 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(6)
        w.writeString("clone")
        w.writeString(clone)
        w.writeString("role")
        w.writeString(role)
        w.writeString("name")
        w.writeString(name)
        w.writeString("cell")
        cell.pack(into: &w)
        w.writeString("network_seed")
        w.writeString(networkSeed)
        w.writeString("enabled")
        w.writeBool(isEnabled)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var texts: [String: String] = [:]
        var cell: CellAddress?
        var isEnabled: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            let key = try r.readKey()
            switch key {
            case "clone", "role", "name", "network_seed": texts[key.text] = try r.readString()
            case "cell": try r.read(into: &cell)
            case "enabled": try r.read(into: &isEnabled)
            default: try r.skip()
            }
        }
        clone = try r.require(texts["clone"], "clone", of: "ClonedCell")
        role = try r.require(texts["role"], "role", of: "ClonedCell")
        name = try r.require(texts["name"], "name", of: "ClonedCell")
        self.cell = try r.require(cell, "cell", of: "ClonedCell")
        networkSeed = try r.require(texts["network_seed"], "network_seed", of: "ClonedCell")
        self.isEnabled = try r.require(isEnabled, "enabled", of: "ClonedCell")
    }
}
