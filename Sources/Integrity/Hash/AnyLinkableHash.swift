import Sodium

/// Anything a link can join: an entry, an action or an external address.
public struct AnyLinkableHash: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Which of the allowed kinds it is.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// The address of an entry.
        case entry
        /// The address of an action.
        case action
        /// An address outside the DHT.
        case external
    }

    /// Which of the allowed kinds it is.
    public let kind: Kind
    /// The 32 bytes that say which one.
    public let core: Bytes32
    /// Where on the ring it lives, as in ``HoloHash/location``.
    public let location: UInt32

    @usableFromInline
    init(_ kind: Kind, _ core: Bytes32, _ location: UInt32) {
        self.kind = kind
        self.core = core
        self.location = location
    }

    /// The address of an entry.
    public init(_ hash: EntryHash) { self.init(.entry, hash.core, hash.location) }

    /// The address of an action.
    public init(_ hash: ActionHash) { self.init(.action, hash.core, hash.location) }

    /// An address outside the DHT.
    public init(_ hash: ExternalHash) { self.init(.external, hash.core, hash.location) }

    /// An agent, as the address of its entry.
    public init(_ agent: AgentPubKey) { self.init(.entry, agent.core, agent.location) }

    /// Any address of the DHT can be linked.
    public init(_ hash: AnyDhtHash) {
        self.init(hash.kind == .entry ? .entry : .action, hash.core, hash.location)
    }

    /// The address of an entry.
    public static func entry(_ hash: EntryHash) -> AnyLinkableHash { AnyLinkableHash(hash) }

    /// The address of an action.
    public static func action(_ hash: ActionHash) -> AnyLinkableHash { AnyLinkableHash(hash) }

    /// An address outside the DHT.
    public static func external(_ hash: ExternalHash) -> AnyLinkableHash { AnyLinkableHash(hash) }

    /// The EntryHash, if it is one.
    public var entry: EntryHash? { kind == .entry ? EntryHash(core: core, location: location) : nil }

    /// The ActionHash, if it is one.
    public var action: ActionHash? { kind == .action ? ActionHash(core: core, location: location) : nil }

    /// The ExternalHash, if it is one.
    public var external: ExternalHash? { kind == .external ? ExternalHash(core: core, location: location) : nil }

    /// Reads the byte form.
    /// - Throws: `malformedHash` when the length or kind is not one of those allowed (an agent's key must be retyped first).
    public init(bytes39 bytes: UnsafeRawBufferPointer) throws(PlasmidError) {
        guard bytes.count == 39, bytes[0] == 0x84, bytes[2] == 0x24 else {
            throw HashError.notThisKind(bytes, "AnyLinkableHash")
        }
        switch bytes[1] {
        case EntryKind.prefix.1: kind = .entry
        case ActionKind.prefix.1: kind = .action
        case ExternalKind.prefix.1: kind = .external
        default: throw HashError.notThisKind(bytes, "AnyLinkableHash")
        }
        core = Bytes32(UnsafeRawBufferPointer(rebasing: bytes[3..<35]))
        location = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 35, as: UInt32.self))
    }

    /// Reads the byte form.
    /// - Throws: `malformedHash`.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        self = try bytes.withBytes { (raw: UnsafeRawBufferPointer) throws(PlasmidError) -> Self in
            try Self(bytes39: raw)
        }
    }

    /// Reads the text form; the location is checked.
    /// - Throws: `malformedHash`.
    public init(_ text: String) throws(PlasmidError) {
        self = try Self(bytes: try HashText.bytes(of: text, wanted: "AnyLinkableHash"))
    }

    /// True when the location is the one that belongs to the core.
    public var hasDerivedLocation: Bool { location == Blake2b.location(of: core) }

    /// The three bytes that the address starts with.
    public var prefix: (UInt8, UInt8, UInt8) {
        switch kind {
        case .entry: EntryKind.prefix
        case .action: ActionKind.prefix
        case .external: ExternalKind.prefix
        }
    }

    /// The 39 bytes.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 39) { buffer, count in
            HashText.write(prefix, core, location, to: UnsafeMutableRawBufferPointer(buffer))
            count = 39
        }
    }

    /// The text form, 53 characters.
    public var text: String { HashText.text(prefix, core, location) }

    /// The text form.
    public var description: String { text }

    /// Byte order of the 39-byte form.
    public static func < (left: Self, right: Self) -> Bool {
        if left.kind != right.kind { return left.prefix.1 < right.prefix.1 }
        return left.core != right.core
            ? left.core < right.core : left.location.byteSwapped < right.location.byteSwapped
    }
}

extension AnyLinkableHash: Packable {
    /// Writes `bin` of 39 bytes.
    public func pack(into w: inout MessagePackWriter) { w.writeHash(prefix, core, location) }

    /// Reads `bin` or an array of 39 bytes, or the text form.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if let bytes = r.peekBinary39() {
            self = try Self(bytes39: bytes)
            r.skipBinary39()
        } else {
            self = try Self(bytes: try r.readHashBytes(wanted: "AnyLinkableHash"))
        }
    }
}
