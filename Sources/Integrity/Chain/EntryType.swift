/// Whether an entry's content is published to the DHT.
public enum Visibility: UInt8, Sendable, Hashable, CaseIterable {
    /// Published with its action.
    case `public` = 0
    /// Kept by the author; only the action is published.
    case `private` = 1
}

extension Visibility: Packable {
    /// Writes `"Public"` or `"Private"`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .public: w.writeString("Public")
        case .private: w.writeString("Private")
        }
    }

    /// Reads `"Public"` or `"Private"`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let key = try r.readKey()
        switch key {
        case "Public": self = .public
        case "Private": self = .private
        default: throw r.unknownCase(key, of: "EntryVisibility")
        }
    }
}

/// Which of a DNA's entry types an app entry has.
public struct AppEntryDef: Hashable, Sendable, Packable {
    /// The type's place among those of its integrity zome.
    public var entryIndex: UInt8
    /// The integrity zome's place in the DNA.
    public var zomeIndex: UInt8
    /// Whether the entry is published; must be what the DNA says of the type.
    public var visibility: Visibility

    /// A definition from its parts.
    public init(entryIndex: UInt8, zomeIndex: UInt8, visibility: Visibility) {
        self.entryIndex = entryIndex
        self.zomeIndex = zomeIndex
        self.visibility = visibility
    }

    /// Writes a map of three fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("entry_index")
        w.writeUInt(entryIndex)
        w.writeString("zome_index")
        w.writeUInt(zomeIndex)
        w.writeString("visibility")
        visibility.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var entry: UInt8?
        var zome: UInt8?
        var visibility: Visibility?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "entry_index": entry = try r.readUInt8()
            case "zome_index": zome = try r.readUInt8()
            case "visibility": try r.read(into: &visibility)
            default: try r.skip()
            }
        }
        entryIndex = try r.require(entry, "entry_index", of: "AppEntryDef")
        zomeIndex = try r.require(zome, "zome_index", of: "AppEntryDef")
        self.visibility = try r.require(visibility, "visibility", of: "AppEntryDef")
    }
}

/// What kind of entry a Create or Update adds.
public enum EntryType: Hashable, Sendable {
    /// An agent's key; public.
    case agentPubKey
    /// An app's entry.
    case app(AppEntryDef)
    /// A capability claim; private.
    case capClaim
    /// A capability grant; private.
    case capGrant

    /// Whether entries of the type are published.
    public var visibility: Visibility {
        switch self {
        case .agentPubKey: .public
        case .app(let definition): definition.visibility
        case .capClaim, .capGrant: .private
        }
    }
}

extension EntryType: Packable {
    /// Writes a name, or `{"App": …}`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .agentPubKey: w.writeString("AgentPubKey")
        case .capClaim: w.writeString("CapClaim")
        case .capGrant: w.writeString("CapGrant")
        case .app(let definition):
            w.writeMapHeader(1)
            w.writeString("App")
            definition.pack(into: &w)
        }
    }

    /// Reads a name, or `{"App": …}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .map {
            let key = try r.expectVariant("EntryType")
            guard "App" ~= key else { throw r.unknownCase(key, of: "EntryType") }
            self = .app(try r.read())
            return
        }
        let key = try r.readKey()
        switch key {
        case "AgentPubKey": self = .agentPubKey
        case "CapClaim": self = .capClaim
        case "CapGrant": self = .capGrant
        default: throw r.unknownCase(key, of: "EntryType")
        }
    }
}
