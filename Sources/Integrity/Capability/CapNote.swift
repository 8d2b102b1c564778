/// What Holochain's capability entries have no field for. It stands in a private entry of its own, in the action right after
/// the one that brought the grant or claim, in the same commit; the entry type is ``EntryType/capNote``.
public enum CapNote: Hashable, Sendable {
    /// The limits of the grant that the action before brought.
    case limits(grant: ActionHash, GrantLimits)
    /// How the claim that the action before brought came to this agent: who passed it on, and what was left out.
    case delegation(claim: ActionHash, [Delegation])

    /// The action that brought what the note is about: it must be the one before.
    public var about: ActionHash {
        switch self {
        case .limits(let grant, _): grant
        case .delegation(let claim, _): claim
        }
    }

    /// The entry that keeps the note.
    public var entry: Entry { .app(packed) }

    /// The note that an entry keeps.
    /// - Throws: `malformedMessagePack` where it is none.
    public init(_ entry: Entry) throws(PlasmidError) {
        guard case .app(let bytes) = entry else {
            throw PlasmidError(.badCapability, "The entry beside a capability is of another kind than a note.")
        }
        self = try CapNote(packed: bytes)
    }
}

extension CapNote: Packable {
    /// Writes `{type, value}`: `limits` with `{grant, expires_at, uses}`, or `delegation` with `{claim, certificates}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("type")
        switch self {
        case .limits(let grant, let limits):
            w.writeString("limits")
            w.writeString("value")
            w.writeMapHeader(3)
            w.writeString("grant")
            grant.pack(into: &w)
            w.writeString("expires_at")
            w.write(limits.expiresAt)
            w.writeString("uses")
            w.write(limits.uses)
        case .delegation(let claim, let certificates):
            w.writeString("delegation")
            w.writeString("value")
            w.writeMapHeader(2)
            w.writeString("claim")
            claim.pack(into: &w)
            w.writeString("certificates")
            w.write(certificates)
        }
    }

    /// Reads `{type, value}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let (type, content) = try r.readAdjacent("CapNote")
        var inner = try r.require(content, "value", of: "CapNote")
        switch type {
        case "limits":
            var grant: ActionHash?
            var limits = GrantLimits()
            for _ in 0..<(try inner.readMapHeader()) {
                switch try inner.readKey() {
                case "grant": try inner.read(into: &grant)
                case "expires_at": limits.expiresAt = try inner.readOptional()
                case "uses": limits.uses = try inner.readOptional()
                default: try inner.skip()
                }
            }
            self = .limits(grant: try inner.require(grant, "grant", of: "CapNote"), limits)
        case "delegation":
            var claim: ActionHash?
            var certificates: [Delegation]?
            for _ in 0..<(try inner.readMapHeader()) {
                switch try inner.readKey() {
                case "claim": try inner.read(into: &claim)
                case "certificates": certificates = try inner.readArray()
                default: try inner.skip()
                }
            }
            self = .delegation(
                claim: try inner.require(claim, "claim", of: "CapNote"),
                try inner.require(certificates, "certificates", of: "CapNote"))
        default: throw r.unknownCase(type, of: "CapNote")
        }
    }
}

extension EntryType {
    /// The type of ``CapNote`` entries: the last private type of the last integrity zome, which no DNA's manifest can
    /// reach, so that every reader of Holochain's actions reads this one too.
    public static let capNote = EntryType.app(
        AppEntryDef(entryIndex: .max, zomeIndex: .max, visibility: .private))
}
