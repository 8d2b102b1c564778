// Inputs and answers of the host operations that write to the chain.

/// Input of ``HostOperation/create``.
public struct CreateRequest: Packable, Hashable {
    /// The entry type's name.
    public var entryType: String
    /// The app's value as MessagePack.
    public var entry: [UInt8]
    /// How it is published; the type's first way when nil.
    public var publishing: Publishing?

    /// A value from its parts.
    public init(entryType: String, entry: [UInt8], publishing: Publishing? = nil) {
        self.entryType = entryType
        self.entry = entry
        self.publishing = publishing
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("entry_type")
        w.writeString(entryType)
        w.writeString("entry")
        w.writeBinary(entry)
        w.writeString("publishing")
        w.write(publishing)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var entryType: String?
        var entry: [UInt8]?
        var publishing: Publishing?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "entry_type": try r.read(into: &entryType)
            case "entry": entry = try r.readBytes()
            case "publishing": publishing = try r.readOptional()
            default: try r.skip()
            }
        }
        self.entryType = try r.require(entryType, "entry_type", of: "CreateRequest")
        self.entry = try r.require(entry, "entry", of: "CreateRequest")
        self.publishing = publishing
    }
}

/// Input of ``HostOperation/update``.
public struct UpdateRequest: Packable, Hashable {
    /// The create or update that is replaced.
    public var original: ActionHash
    /// The new value as MessagePack.
    public var entry: [UInt8]

    /// A value from its parts.
    public init(original: ActionHash, entry: [UInt8]) {
        self.original = original
        self.entry = entry
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("original")
        original.pack(into: &w)
        w.writeString("entry")
        w.writeBinary(entry)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var original: ActionHash?
        var entry: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "original": try r.read(into: &original)
            case "entry": entry = try r.readBytes()
            default: try r.skip()
            }
        }
        self.original = try r.require(original, "original", of: "UpdateRequest")
        self.entry = try r.require(entry, "entry", of: "UpdateRequest")
    }
}

/// Input of ``HostOperation/delete``.
public struct DeleteRequest: Packable, Hashable {
    /// The create or update that is taken back.
    public var address: ActionHash

    /// A value from its parts.
    public init(address: ActionHash) {
        self.address = address
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("address")
        address.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            default: try r.skip()
            }
        }
        self.address = try r.require(address, "address", of: "DeleteRequest")
    }
}

/// Input of ``HostOperation/createLink``.
public struct CreateLinkRequest: Packable, Hashable {
    /// Where the link starts.
    public var base: AnyLinkableHash
    /// Where it leads.
    public var target: AnyLinkableHash
    /// The link type's name.
    public var type: String
    /// The app's own bytes, at most ``Limits/linkTagBytes``.
    public var tag: [UInt8]

    /// A value from its parts.
    public init(base: AnyLinkableHash, target: AnyLinkableHash, type: String, tag: [UInt8] = []) {
        self.base = base
        self.target = target
        self.type = type
        self.tag = tag
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("base")
        base.pack(into: &w)
        w.writeString("target")
        target.pack(into: &w)
        w.writeString("type")
        w.writeString(type)
        w.writeString("tag")
        w.writeBinary(tag)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var base: AnyLinkableHash?
        var target: AnyLinkableHash?
        var type: String?
        var tag: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "base": try r.read(into: &base)
            case "target": try r.read(into: &target)
            case "type": try r.read(into: &type)
            case "tag": tag = try r.readOptionalBytes()
            default: try r.skip()
            }
        }
        self.base = try r.require(base, "base", of: "CreateLinkRequest")
        self.target = try r.require(target, "target", of: "CreateLinkRequest")
        self.type = try r.require(type, "type", of: "CreateLinkRequest")
        self.tag = tag ?? []
    }
}

/// Input of ``HostOperation/deleteLink``.
public struct DeleteLinkRequest: Packable, Hashable {
    /// The action that made the link.
    public var address: ActionHash

    /// A value from its parts.
    public init(address: ActionHash) {
        self.address = address
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("address")
        address.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            default: try r.skip()
            }
        }
        self.address = try r.require(address, "address", of: "DeleteLinkRequest")
    }
}

/// Input of ``HostOperation/commitCapabilityGrant``.
public struct GrantRequest: Packable, Hashable {
    /// A name for people.
    public var tag: String
    /// Who may use it.
    public var access: GrantAccess
    /// The agents of an assigned grant.
    public var assignees: [AgentPubKey]
    /// What it opens.
    public var functions: GrantedFunctions
    /// What ends it by itself.
    public var limits: GrantLimits

    /// A value from its parts.
    public init(
        tag: String, access: GrantAccess, assignees: [AgentPubKey] = [], functions: GrantedFunctions,
        limits: GrantLimits = .none
    ) {
        self.tag = tag
        self.access = access
        self.assignees = assignees
        self.functions = functions
        self.limits = limits
    }

    /// Writes a map of 6 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(6)
        w.writeString("tag")
        w.writeString(tag)
        w.writeString("access")
        access.pack(into: &w)
        w.writeString("assignees")
        w.write(assignees)
        w.writeString("functions")
        functions.pack(into: &w)
        w.writeString("expires_at")
        w.write(limits.expiresAt)
        w.writeString("uses")
        w.write(limits.uses)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var tag: String?
        var access: GrantAccess?
        var assignees: [AgentPubKey]?
        var functions: GrantedFunctions?
        var limits = GrantLimits.none
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "tag": try r.read(into: &tag)
            case "access": try r.read(into: &access)
            case "assignees": assignees = try r.readOptionalArray()
            case "functions": try r.read(into: &functions)
            case "expires_at": limits.expiresAt = try r.readOptional()
            case "uses": limits.uses = try r.readOptional()
            default: try r.skip()
            }
        }
        self.tag = try r.require(tag, "tag", of: "GrantRequest")
        self.access = try r.require(access, "access", of: "GrantRequest")
        self.assignees = assignees ?? []
        self.functions = try r.require(functions, "functions", of: "GrantRequest")
        self.limits = limits
    }
}

/// Answer of ``HostOperation/commitCapabilityGrant``.
public struct GrantReceipt: Packable, Hashable {
    /// The grant's address; what revoking takes.
    public var address: ActionHash
    /// What opens it; nil for public grants.
    public var secret: CapSecret?

    /// A value from its parts.
    public init(address: ActionHash, secret: CapSecret? = nil) {
        self.address = address
        self.secret = secret
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("address")
        address.pack(into: &w)
        w.writeString("secret")
        w.write(secret)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        var secret: CapSecret?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            case "secret": secret = try r.readOptional()
            default: try r.skip()
            }
        }
        self.address = try r.require(address, "address", of: "GrantReceipt")
        self.secret = secret
    }
}

/// Input of ``HostOperation/commitCapabilityClaim``.
public struct ClaimRequest: Packable, Hashable {
    /// A name for people.
    public var tag: String
    /// Who granted it.
    public var grantor: AgentPubKey
    /// The secret that came with it.
    public var secret: CapSecret
    /// How it was passed on to this agent; empty where the grantor gave it.
    public var certificates: [Delegation]

    /// A value from its parts.
    public init(tag: String, grantor: AgentPubKey, secret: CapSecret, certificates: [Delegation] = []) {
        self.tag = tag
        self.grantor = grantor
        self.secret = secret
        self.certificates = certificates
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("tag")
        w.writeString(tag)
        w.writeString("grantor")
        grantor.pack(into: &w)
        w.writeString("secret")
        secret.pack(into: &w)
        w.writeString("certificates")
        w.write(certificates)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var tag: String?
        var grantor: AgentPubKey?
        var secret: CapSecret?
        var certificates: [Delegation]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "tag": try r.read(into: &tag)
            case "grantor": try r.read(into: &grantor)
            case "secret": try r.read(into: &secret)
            case "certificates": certificates = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.tag = try r.require(tag, "tag", of: "ClaimRequest")
        self.grantor = try r.require(grantor, "grantor", of: "ClaimRequest")
        self.secret = try r.require(secret, "secret", of: "ClaimRequest")
        self.certificates = certificates ?? []
    }
}

/// Input of ``HostOperation/revokeCapability``.
public struct RevokeRequest: Packable, Hashable {
    /// The grant's address.
    public var address: ActionHash

    /// A value from its parts.
    public init(address: ActionHash) {
        self.address = address
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("address")
        address.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            default: try r.skip()
            }
        }
        self.address = try r.require(address, "address", of: "RevokeRequest")
    }
}

/// Who may use a capability that is granted; the host draws the secret.
public enum GrantAccess: String, Packable, Sendable, CaseIterable {
    /// Anyone, without a secret.
    case `public`
    /// Anyone who has the secret.
    case transferable
    /// The assignees, with the secret.
    case assigned

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }

    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let key = try r.readKey()
        guard let value = GrantAccess(rawValue: key.text) else { throw r.unknownCase(key, of: "GrantAccess") }
        self = value
    }
}
