/// Who may use a capability.
public enum CapAccess: Hashable, Sendable {
    /// Anyone, without a secret.
    case unrestricted
    /// Anyone who has the secret.
    case transferable(secret: CapSecret)
    /// These agents, if they have the secret.
    case assigned(secret: CapSecret, assignees: [AgentPubKey])

    /// The secret that opens it, if it takes one.
    public var secret: CapSecret? {
        switch self {
        case .unrestricted: nil
        case .transferable(let secret), .assigned(let secret, _): secret
        }
    }

    /// The number of the kind in stored rows: 0, 1, 2.
    public var storedCode: UInt8 {
        switch self {
        case .unrestricted: 0
        case .transferable: 1
        case .assigned: 2
        }
    }
}

extension CapAccess: Packable {
    /// Writes `{type}` or `{type, value: {…}}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(secret == nil ? 1 : 2)
        w.writeString("type")
        switch self {
        case .unrestricted: w.writeString("unrestricted")
        case .transferable(let secret):
            w.writeString("transferable")
            w.writeString("value")
            w.writeMapHeader(1)
            w.writeString("secret")
            secret.pack(into: &w)
        case .assigned(let secret, let assignees):
            w.writeString("assigned")
            w.writeString("value")
            w.writeMapHeader(2)
            w.writeString("secret")
            secret.pack(into: &w)
            w.writeString("assignees")
            w.write(assignees)
        }
    }

    /// Reads `{type, value}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let (type, content) = try r.readAdjacent("CapAccess")
        var secret: CapSecret?
        var assignees: [AgentPubKey]?
        if var content, !content.readNil() {
            for _ in 0..<(try content.readMapHeader()) {
                switch try content.readKey() {
                case "secret": try content.read(into: &secret)
                case "assignees": try content.read(into: &assignees)
                default: try content.skip()
                }
            }
        }
        switch type {
        case "unrestricted": self = .unrestricted
        case "transferable": self = .transferable(secret: try r.require(secret, "secret", of: "CapAccess"))
        case "assigned":
            self = .assigned(
                secret: try r.require(secret, "secret", of: "CapAccess"),
                assignees: try r.require(assignees, "assignees", of: "CapAccess"))
        default: throw r.unknownCase(type, of: "CapAccess")
        }
    }
}

/// A function of a zome, as a grant lists it.
public struct ZomeFunction: Hashable, Sendable, Packable {
    /// The zome's name.
    public var zome: String
    /// The function's name.
    public var function: String

    /// A function by its names.
    public init(zome: String, function: String) {
        self.zome = zome
        self.function = function
    }

    /// Writes `[zome, function]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeString(zome)
        w.writeString(function)
    }

    /// Reads `[zome, function]`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A granted function")
        self.init(zome: try r.readString(), function: try r.readString())
    }
}

/// Which functions a capability opens.
public enum GrantedFunctions: Hashable, Sendable {
    /// Every function of every zome of the cell.
    case all
    /// These.
    case listed([ZomeFunction])

    /// True when the function is among them.
    public func contains(zome: String, function: String) -> Bool {
        switch self {
        case .all: true
        case .listed(let functions): functions.contains { $0.zome == zome && $0.function == function }
        }
    }
}

extension GrantedFunctions: Packable {
    /// Writes `{type: "all"}` or `{type: "listed", value: […]}`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .all:
            w.writeMapHeader(1)
            w.writeString("type")
            w.writeString("all")
        case .listed(let functions):
            w.writeMapHeader(2)
            w.writeString("type")
            w.writeString("listed")
            w.writeString("value")
            w.write(functions)
        }
    }

    /// Reads `{type, value}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let (type, content) = try r.readAdjacent("GrantedFunctions")
        switch type {
        case "all": self = .all
        case "listed":
            var content = try r.require(content, "value", of: "GrantedFunctions")
            self = .listed(try content.readArray())
        default: throw r.unknownCase(type, of: "GrantedFunctions")
        }
    }
}

/// A capability on the granter's chain: a private entry, in effect until it is updated or deleted.
public struct ZomeCallCapGrant: Hashable, Sendable, Packable {
    /// A name for people.
    public var tag: String
    /// Who may use it.
    public var access: CapAccess
    /// What it opens.
    public var functions: GrantedFunctions

    /// A grant from its parts.
    public init(tag: String, access: CapAccess, functions: GrantedFunctions) {
        self.tag = tag
        self.access = access
        self.functions = functions
    }

    /// True when this grant lets `caller`, who showed `secret`, call the function. With a secret only transferable and
    /// assigned grants count, without one only unrestricted ones. The author needs no grant and is not asked about here.
    public func allows(caller: AgentPubKey, secret shown: CapSecret?, zome: String, function: String) -> Bool {
        let opened: Bool
        switch (access, shown) {
        case (.unrestricted, nil): opened = true
        case (.transferable(let secret), let shown?): opened = secret == shown
        case (.assigned(let secret, let assignees), let shown?):
            opened = secret == shown && assignees.contains(caller)
        default: opened = false
        }
        return opened && functions.contains(zome: zome, function: function)
    }

    /// Writes a map of three fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("tag")
        w.writeString(tag)
        w.writeString("access")
        access.pack(into: &w)
        w.writeString("functions")
        functions.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var tag: String?
        var access: CapAccess?
        var functions: GrantedFunctions?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "tag": try r.read(into: &tag)
            case "access": try r.read(into: &access)
            case "functions": try r.read(into: &functions)
            default: try r.skip()
            }
        }
        self.tag = try r.require(tag, "tag", of: "ZomeCallCapGrant")
        self.access = try r.require(access, "access", of: "ZomeCallCapGrant")
        self.functions = try r.require(functions, "functions", of: "ZomeCallCapGrant")
    }
}

/// A capability that another agent granted, kept on the own chain as a private entry.
public struct CapClaim: Hashable, Sendable, Packable {
    /// A name for people.
    public var tag: String
    /// Who granted it.
    public var grantor: AgentPubKey
    /// The secret that came with it.
    public var secret: CapSecret

    /// A claim from its parts.
    public init(tag: String, grantor: AgentPubKey, secret: CapSecret) {
        self.tag = tag
        self.grantor = grantor
        self.secret = secret
    }

    /// Writes a map of three fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("tag")
        w.writeString(tag)
        w.writeString("grantor")
        grantor.pack(into: &w)
        w.writeString("secret")
        secret.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var tag: String?
        var grantor: AgentPubKey?
        var secret: CapSecret?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "tag": try r.read(into: &tag)
            case "grantor": try r.read(into: &grantor)
            case "secret": try r.read(into: &secret)
            default: try r.skip()
            }
        }
        self.tag = try r.require(tag, "tag", of: "CapClaim")
        self.grantor = try r.require(grantor, "grantor", of: "CapClaim")
        self.secret = try r.require(secret, "secret", of: "CapClaim")
    }
}

extension MessagePackReader {
    /// Reads an adjacently tagged enum `{type, value}`: the name, and a reader of the value if there is one.
    mutating func readAdjacent(
        _ what: StaticString
    ) throws(PlasmidError) -> (type: MessagePackKey, value: MessagePackReader?) {
        var type: MessagePackKey?
        var content: MessagePackReader?
        for _ in 0..<(try readMapHeader()) {
            switch try readKey() {
            case "type":
                if type != nil { throw duplicate() }
                type = try readKey()
            case "value":
                if content != nil { throw duplicate() }
                content = MessagePackReader(try rawValue())
            default: try skip()
            }
        }
        return (try require(type, "type", of: what), content)
    }
}
