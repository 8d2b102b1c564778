import Sodium

/// The content that a Create or Update adds.
public enum Entry: Hashable, Sendable {
    /// An agent's key.
    case agent(AgentPubKey)
    /// An app's value as the app's own MessagePack; opaque here.
    case app([UInt8])
    /// A countersigned app value: the session as its own MessagePack value, and the app's bytes.
    case counterSign(session: [UInt8], bytes: [UInt8])
    /// A capability that someone else granted.
    case capClaim(CapClaim)
    /// A capability that this chain's owner grants.
    case capGrant(ZomeCallCapGrant)

    /// The address: an agent's key retyped, else BLAKE2b-256 of the whole `{entry_type, entry}` map.
    public var hash: EntryHash {
        if case .agent(let key) = self { return key.entryHash }
        var writer = MessagePackWriter(reserving: appBytes.map { $0.count + 64 } ?? 384)
        pack(into: &writer)
        return writer.withUnsafeBytes { EntryHash(hashing: $0) }
    }

    /// The app's bytes, if it is an app entry (countersigned or not).
    public var appBytes: [UInt8]? {
        switch self {
        case .app(let bytes), .counterSign(_, let bytes): bytes
        default: nil
        }
    }

    /// True when an entry of this shape may stand behind an action with `type` (system rule 9).
    public func matches(_ type: EntryType) -> Bool {
        switch (self, type) {
        case (.agent, .agentPubKey), (.app, .app), (.counterSign, .app), (.capClaim, .capClaim),
            (.capGrant, .capGrant):
            true
        default: false
        }
    }
}

extension Entry: Packable {
    /// Writes `{entry_type, entry}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("entry_type")
        switch self {
        case .agent(let key):
            w.writeString("Agent")
            w.writeString("entry")
            key.pack(into: &w)
        case .app(let bytes):
            w.writeString("App")
            w.writeString("entry")
            w.writeBinary(bytes)
        case .counterSign(let session, let bytes):
            w.writeString("CounterSign")
            w.writeString("entry")
            w.writeArrayHeader(2)
            w.writeRaw(session)
            w.writeBinary(bytes)
        case .capClaim(let claim):
            w.writeString("CapClaim")
            w.writeString("entry")
            claim.pack(into: &w)
        case .capGrant(let grant):
            w.writeString("CapGrant")
            w.writeString("entry")
            grant.pack(into: &w)
        }
    }

    /// Reads `{entry_type, entry}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var type: MessagePackKey?
        var content: MessagePackReader?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "entry_type":
                if type != nil { throw r.duplicate() }
                type = try r.readKey()
            case "entry":
                if content != nil { throw r.duplicate() }
                content = MessagePackReader(try r.rawValue())
            default: try r.skip()
            }
        }
        let name = try r.require(type, "entry_type", of: "Entry")
        var inner = try r.require(content, "entry", of: "Entry")
        switch name {
        case "Agent": self = .agent(try inner.read())
        case "App": self = .app(try inner.readBytes())
        case "CounterSign":
            try inner.expectArray(2, "A countersigned entry")
            self = .counterSign(session: try inner.rawBytes(), bytes: try inner.readBytes())
        case "CapClaim": self = .capClaim(try inner.read())
        case "CapGrant": self = .capGrant(try inner.read())
        default: throw r.unknownCase(name, of: "Entry")
        }
    }
}
