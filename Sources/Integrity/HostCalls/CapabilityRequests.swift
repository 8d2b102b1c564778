// Inputs and answers of the host operations on capabilities, 60 to 69.

/// Whether a grant opens anything.
public enum GrantState: String, Packable, Sendable, CaseIterable {
    /// It does.
    case inEffect = "in_effect"
    /// Its time has ended.
    case expired
    /// All its uses were made.
    case spent
    /// It was revoked, or replaced by an update.
    case revoked

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }

    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let key = try r.readKey()
        guard let value = GrantState(rawValue: key.text) else { throw r.unknownCase(key, of: "GrantState") }
        self = value
    }
}

/// Input of ``HostOperation/capabilityGrants``; the answer is an array of ``CapabilityGrant``.
public struct GrantsQuery: Packable, Hashable {
    /// Only grants with this label; nil: all.
    public var label: String?
    /// Those that were revoked or replaced too.
    public var includesRevoked: Bool

    /// A value from its parts.
    public init(label: String? = nil, includesRevoked: Bool = false) {
        self.label = label
        self.includesRevoked = includesRevoked
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("label")
        w.write(label)
        w.writeString("include_revoked")
        w.writeBool(includesRevoked)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        self.init()
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "label": label = try r.readOptional()
            case "include_revoked": includesRevoked = try r.readBool()
            default: try r.skip()
            }
        }
    }
}

/// A grant on this agent's chain, as ``HostOperation/capabilityGrants`` gives it.
public struct CapabilityGrant: Packable, Hashable {
    /// By what it is updated and revoked.
    public var address: ActionHash
    /// What it says, with its secret.
    public var grant: ZomeCallCapGrant
    /// What ends it by itself.
    public var limits: GrantLimits
    /// Calls that it has opened; 0 where they are not counted.
    public var used: UInt32
    /// Whether it opens anything.
    public var state: GrantState

    /// The name by which the app finds it.
    public var label: String { grant.tag }

    /// A value from its parts.
    public init(
        address: ActionHash, grant: ZomeCallCapGrant, limits: GrantLimits = .none, used: UInt32 = 0,
        state: GrantState = .inEffect
    ) {
        self.address = address
        self.grant = grant
        self.limits = limits
        self.used = used
        self.state = state
    }

    /// Writes a map of 5 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(5)
        w.writeString("address")
        address.pack(into: &w)
        w.writeString("grant")
        grant.pack(into: &w)
        w.writeString("limits")
        limits.pack(into: &w)
        w.writeString("used")
        w.writeUInt(used)
        w.writeString("state")
        state.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        var grant: ZomeCallCapGrant?
        var limits: GrantLimits?
        var used: UInt32?
        var state: GrantState?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            case "grant": try r.read(into: &grant)
            case "limits": try r.read(into: &limits)
            case "used": try r.read(into: &used)
            case "state": try r.read(into: &state)
            default: try r.skip()
            }
        }
        self.init(
            address: try r.require(address, "address", of: "CapabilityGrant"),
            grant: try r.require(grant, "grant", of: "CapabilityGrant"), limits: limits ?? .none, used: used ?? 0,
            state: state ?? .inEffect)
    }
}

/// Input of ``HostOperation/capabilityClaims``; the answer is an array of ``CapabilityClaim``.
public struct ClaimsQuery: Packable, Hashable {
    /// Only what this agent granted; nil: anyone.
    public var grantor: AgentPubKey?
    /// Only claims with this label; nil: all.
    public var label: String?

    /// A value from its parts.
    public init(grantor: AgentPubKey? = nil, label: String? = nil) {
        self.grantor = grantor
        self.label = label
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("grantor")
        w.write(grantor)
        w.writeString("label")
        w.write(label)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        self.init()
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "grantor": grantor = try r.readOptional()
            case "label": label = try r.readOptional()
            default: try r.skip()
            }
        }
    }
}

/// A claim on this agent's chain, as ``HostOperation/capabilityClaims`` gives it.
public struct CapabilityClaim: Packable, Hashable {
    /// The action that keeps it.
    public var address: ActionHash
    /// What it says, with its secret.
    public var claim: CapClaim
    /// How it was passed on to this agent; empty where the grantor gave it.
    public var certificates: [Delegation]

    /// The name by which the app finds it.
    public var label: String { claim.tag }
    /// Who granted it.
    public var grantor: AgentPubKey { claim.grantor }

    /// A value from its parts.
    public init(address: ActionHash, claim: CapClaim, certificates: [Delegation] = []) {
        self.address = address
        self.claim = claim
        self.certificates = certificates
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("address")
        address.pack(into: &w)
        w.writeString("claim")
        claim.pack(into: &w)
        w.writeString("certificates")
        w.write(certificates)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var address: ActionHash?
        var claim: CapClaim?
        var certificates: [Delegation]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "address": try r.read(into: &address)
            case "claim": try r.read(into: &claim)
            case "certificates": certificates = try r.readArray()
            default: try r.skip()
            }
        }
        self.init(
            address: try r.require(address, "address", of: "CapabilityClaim"),
            claim: try r.require(claim, "claim", of: "CapabilityClaim"), certificates: certificates ?? [])
    }
}

/// Answer of ``HostOperation/capabilityInfo``: the grant that let the running call run; nil for the author, and for
/// functions that are open to everyone.
public struct CapabilityInfo: Packable, Hashable {
    /// The grant.
    public var grant: ActionHash
    /// Its label.
    public var label: String
    /// When it ends, and how many calls it opens in all.
    public var limits: GrantLimits
    /// Calls that it has opened, this one included; 0 where they are not counted.
    public var used: UInt32
    /// Who passed it on, the first holder first; empty where the caller has it from the author.
    public var passedOnBy: [AgentPubKey]

    /// A value from its parts.
    public init(grant: ActionHash, label: String, limits: GrantLimits, used: UInt32, passedOnBy: [AgentPubKey]) {
        self.grant = grant
        self.label = label
        self.limits = limits
        self.used = used
        self.passedOnBy = passedOnBy
    }

    /// Writes a map of 5 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(5)
        w.writeString("grant")
        grant.pack(into: &w)
        w.writeString("label")
        w.writeString(label)
        w.writeString("limits")
        limits.pack(into: &w)
        w.writeString("used")
        w.writeUInt(used)
        w.writeString("passed_on_by")
        w.write(passedOnBy)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var grant: ActionHash?
        var label: String?
        var limits: GrantLimits?
        var used: UInt32?
        var passedOnBy: [AgentPubKey]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "grant": try r.read(into: &grant)
            case "label": try r.read(into: &label)
            case "limits": try r.read(into: &limits)
            case "used": try r.read(into: &used)
            case "passed_on_by": passedOnBy = try r.readArray()
            default: try r.skip()
            }
        }
        self.init(
            grant: try r.require(grant, "grant", of: "CapabilityInfo"),
            label: try r.require(label, "label", of: "CapabilityInfo"), limits: limits ?? .none, used: used ?? 0,
            passedOnBy: passedOnBy ?? [])
    }
}
