// Inputs and answers of the host operations that change capabilities, 63 to 65.

/// One grant: by its address, or the only one in effect with a label.
public enum GrantName: Packable, Hashable {
    /// The action that made it.
    case address(ActionHash)
    /// Its label.
    case label(String)

    /// Writes `{type, value}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("type")
        switch self {
        case .address(let address):
            w.writeString("address")
            w.writeString("value")
            address.pack(into: &w)
        case .label(let label):
            w.writeString("label")
            w.writeString("value")
            w.writeString(label)
        }
    }

    /// Reads `{type, value}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let (type, content) = try r.readAdjacent("GrantName")
        var inner = try r.require(content, "value", of: "GrantName")
        switch type {
        case "address": self = .address(try inner.read())
        case "label": self = .label(try inner.readString())
        default: throw r.unknownCase(type, of: "GrantName")
        }
    }
}

/// Input of ``HostOperation/updateCapabilityGrant``; the answer is a ``GrantReceipt``. What is nil stays as it was.
public struct GrantUpdate: Packable, Hashable {
    /// The grant that is replaced.
    public var original: GrantName
    /// The new label.
    public var label: String?
    /// Who may use it from now on.
    public var access: GrantAccess?
    /// The agents of an assigned grant.
    public var assignees: [AgentPubKey]?
    /// What it opens from now on.
    public var functions: GrantedFunctions?
    /// Both limits anew; nil: the end stays, and so do the uses that are left.
    public var limits: GrantLimits?
    /// Whether the secret stays. Otherwise the old one opens nothing from the next call on.
    public var keepsSecret: Bool

    /// A value from its parts.
    public init(
        original: GrantName, label: String? = nil, access: GrantAccess? = nil, assignees: [AgentPubKey]? = nil,
        functions: GrantedFunctions? = nil, limits: GrantLimits? = nil, keepsSecret: Bool = false
    ) {
        self.original = original
        self.label = label
        self.access = access
        self.assignees = assignees
        self.functions = functions
        self.limits = limits
        self.keepsSecret = keepsSecret
    }

    /// Writes a map of 7 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(7)
        w.writeString("original")
        original.pack(into: &w)
        w.writeString("label")
        w.write(label)
        w.writeString("access")
        w.write(access)
        w.writeString("assignees")
        w.write(assignees)
        w.writeString("functions")
        w.write(functions)
        w.writeString("limits")
        w.write(limits)
        w.writeString("keep_secret")
        w.writeBool(keepsSecret)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var original: GrantName?
        var label: String?
        var access: GrantAccess?
        var assignees: [AgentPubKey]?
        var functions: GrantedFunctions?
        var limits: GrantLimits?
        var keepsSecret = false
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "original": try r.read(into: &original)
            case "label": label = try r.readOptional()
            case "access": access = try r.readOptional()
            case "assignees": assignees = try r.readOptionalArray()
            case "functions": functions = try r.readOptional()
            case "limits": limits = try r.readOptional()
            case "keep_secret": keepsSecret = try r.readBool()
            default: try r.skip()
            }
        }
        self.init(
            original: try r.require(original, "original", of: "GrantUpdate"), label: label, access: access,
            assignees: assignees, functions: functions, limits: limits, keepsSecret: keepsSecret)
    }
}

/// Input of ``HostOperation/revokeCapabilities``; the answer is an array of the addresses of what was revoked.
public struct RevokeLabelRequest: Packable, Hashable {
    /// Every grant in effect with this label is revoked.
    public var label: String

    /// A value from its parts.
    public init(label: String) { self.label = label }

    /// Writes a map of 1 field.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("label")
        w.writeString(label)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var label: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "label": try r.read(into: &label)
            default: try r.skip()
            }
        }
        self.label = try r.require(label, "label", of: "RevokeLabelRequest")
    }
}

/// Input of ``HostOperation/delegate``; the answer is a ``DelegatedClaim``.
public struct DelegateRequest: Packable, Hashable {
    /// The claim that is passed on: one on this agent's chain, by its secret.
    public var secret: CapSecret
    /// Who may use what is passed on.
    public var to: AgentPubKey
    /// Only these functions; nil: all that the claim opens.
    public var functions: [ZomeFunction]?
    /// When it ends and how many calls it opens, beside what the claim itself allows.
    public var limits: GrantLimits

    /// A value from its parts.
    public init(secret: CapSecret, to: AgentPubKey, functions: [ZomeFunction]? = nil, limits: GrantLimits = .none) {
        self.secret = secret
        self.to = to
        self.functions = functions
        self.limits = limits
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("secret")
        secret.pack(into: &w)
        w.writeString("to")
        to.pack(into: &w)
        w.writeString("functions")
        w.write(functions)
        w.writeString("limits")
        limits.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var secret: CapSecret?
        var to: AgentPubKey?
        var functions: [ZomeFunction]?
        var limits: GrantLimits?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "secret": try r.read(into: &secret)
            case "to": try r.read(into: &to)
            case "functions": functions = try r.readOptionalArray()
            case "limits": try r.read(into: &limits)
            default: try r.skip()
            }
        }
        self.init(
            secret: try r.require(secret, "secret", of: "DelegateRequest"),
            to: try r.require(to, "to", of: "DelegateRequest"), functions: functions, limits: limits ?? .none)
    }
}

/// A capability that was passed on: to be sent to the agent it names, who keeps it as a claim. It is as secret as a claim.
public struct DelegatedClaim: Packable, Hashable {
    /// Who granted it at first.
    public var grantor: AgentPubKey
    /// What opens it, with the certificates and for the last one's agent only.
    public var secret: CapSecret
    /// How it was passed on, the first holder's first.
    public var certificates: [Delegation]

    /// A value from its parts.
    public init(grantor: AgentPubKey, secret: CapSecret, certificates: [Delegation]) {
        self.grantor = grantor
        self.secret = secret
        self.certificates = certificates
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("grantor")
        grantor.pack(into: &w)
        w.writeString("secret")
        secret.pack(into: &w)
        w.writeString("certificates")
        w.write(certificates)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var grantor: AgentPubKey?
        var secret: CapSecret?
        var certificates: [Delegation]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "grantor": try r.read(into: &grantor)
            case "secret": try r.read(into: &secret)
            case "certificates": certificates = try r.readArray()
            default: try r.skip()
            }
        }
        self.init(
            grantor: try r.require(grantor, "grantor", of: "DelegatedClaim"),
            secret: try r.require(secret, "secret", of: "DelegatedClaim"),
            certificates: try r.require(certificates, "certificates", of: "DelegatedClaim"))
    }
}
