/// What a zome module says of itself when it is loaded; the conductor compares it with the manifest.
public struct ModuleDescription: Packable, Equatable {
    /// Which side of the zome boundary the module serves.
    public enum Kind: String, Sendable {
        /// Functions and callbacks that act for an agent.
        case coordinator
        /// Validators.
        case integrity
    }

    /// The boundary's number; both sides must have the same.
    public var abi: UInt32
    /// The HDK's version, for messages.
    public var hdk: String
    /// The zome's name.
    public var zome: String
    /// Which side of the zome boundary the module serves.
    public var kind: Kind
    /// The names of its functions.
    public var functions: [String]
    /// The callbacks it has: `init`, `receive`, `post_commit`, `validate`.
    public var callbacks: [String]
    /// The names of the functions that it lets run by themselves.
    public var scheduled: [String]
    /// Entry type names that it validates.
    public var validates: [String]
    /// Link type names that it validates.
    public var validatesLinks: [String]
    /// Whether it validates agent activity.
    public var validatesActivity: Bool

    /// A description from its parts.
    public init(
        abi: UInt32, hdk: String, zome: String, kind: Kind, functions: [String] = [], callbacks: [String] = [],
        scheduled: [String] = [],
        validates: [String] = [], validatesLinks: [String] = [], validatesActivity: Bool = false
    ) {
        self.abi = abi
        self.hdk = hdk
        self.zome = zome
        self.kind = kind
        self.functions = functions
        self.callbacks = callbacks
        self.scheduled = scheduled
        self.validates = validates
        self.validatesLinks = validatesLinks
        self.validatesActivity = validatesActivity
    }

    /// Writes a map of ten fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(10)
        w.writeString("abi")
        w.writeUInt(abi)
        w.writeString("hdk")
        w.writeString(hdk)
        w.writeString("zome")
        w.writeString(zome)
        w.writeString("kind")
        w.writeString(kind.rawValue)
        w.writeString("functions")
        w.write(functions)
        w.writeString("callbacks")
        w.write(callbacks)
        w.writeString("scheduled")
        w.write(scheduled)
        w.writeString("validates")
        w.write(validates)
        w.writeString("validates_links")
        w.write(validatesLinks)
        w.writeString("validates_activity")
        w.writeBool(validatesActivity)
    }

    /// Reads a map; the lists may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var abi: UInt32?
        var hdk: String?
        var zome: String?
        var kind: Kind?
        var lists: [String: [String]] = [:]
        var activity: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            let key = try r.readKey()
            switch key {
            case "abi": try r.read(into: &abi)
            case "hdk": try r.read(into: &hdk)
            case "zome": try r.read(into: &zome)
            case "kind":
                let name = try r.readString()
                kind = Kind(rawValue: name)
                if kind == nil { throw PlasmidError(.malformedMessagePack, "`\(name)` is no kind of zome module.") }
            case "functions", "callbacks", "scheduled", "validates", "validates_links":
                try r.read(into: &lists[key.text])
            case "validates_activity": try r.read(into: &activity)
            default: try r.skip()
            }
        }
        self.init(
            abi: try r.require(abi, "abi", of: "ModuleDescription"),
            hdk: try r.require(hdk, "hdk", of: "ModuleDescription"),
            zome: try r.require(zome, "zome", of: "ModuleDescription"),
            kind: try r.require(kind, "kind", of: "ModuleDescription"), functions: lists["functions"] ?? [],
            callbacks: lists["callbacks"] ?? [], scheduled: lists["scheduled"] ?? [],
            validates: lists["validates"] ?? [],
            validatesLinks: lists["validates_links"] ?? [], validatesActivity: activity ?? false)
    }
}
