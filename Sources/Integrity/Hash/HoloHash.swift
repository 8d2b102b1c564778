import Sodium

/// A typed 39-byte address: 3 bytes that name its kind, 32 bytes of core, 4 bytes of DHT location.
///
/// The location is derived from the core, but the byte form may carry any (clients make keys with location 0), and equality
/// compares all of it; the text form is refused when the location does not fit.
public struct HoloHash<Kind: HashKind>: Sendable, Comparable, CustomStringConvertible {
    /// The 32 bytes that say which one: a digest or a public key.
    public let core: Bytes32
    /// Where on the 32-bit ring it lives: the 4 location bytes, read as a little-endian number.
    public let location: UInt32

    /// The hash with this core; computes the location.
    public init(core: Bytes32) {
        self.core = core
        location = Blake2b.location(of: core)
    }

    /// The hash with a core of these 32 bytes; nil for another count.
    public init?(coreBytes: [UInt8]) {
        guard let core = Bytes32(coreBytes) else { return nil }
        self.init(core: core)
    }

    /// The hash with this core and a location that is known already, or that came with it.
    @inlinable
    public init(core: Bytes32, location: UInt32) {
        self.core = core
        self.location = location
    }

    /// The hash of content: its core is BLAKE2b-256 of `bytes`.
    public init(hashing bytes: [UInt8]) { self.init(core: Blake2b.hash256(bytes)) }

    /// The hash of content: its core is BLAKE2b-256 of `bytes`.
    public init(hashing bytes: UnsafeRawBufferPointer) { self.init(core: Blake2b.hash256(bytes)) }

    /// Reads the byte form; the location is taken as it is.
    /// - Throws: `malformedHash` when the length or the kind is another.
    @inlinable
    public init(bytes39 bytes: UnsafeRawBufferPointer) throws(PlasmidError) {
        let prefix = Kind.prefix
        guard bytes.count == 39, bytes[0] == prefix.0, bytes[1] == prefix.1, bytes[2] == prefix.2 else {
            throw HashError.notThisKind(bytes, Kind.name)
        }
        core = Bytes32(UnsafeRawBufferPointer(rebasing: bytes[3..<35]))
        location = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 35, as: UInt32.self))
    }

    /// Reads the byte form; the location is taken as it is.
    /// - Throws: `malformedHash` when the length or the kind is another.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        self = try bytes.withBytes { (raw: UnsafeRawBufferPointer) throws(PlasmidError) -> Self in
            try Self(bytes39: raw)
        }
    }

    /// Reads the 53-character text form.
    /// - Throws: `malformedHash` for another form or kind, or when the location does not belong to the core.
    public init(_ text: String) throws(PlasmidError) {
        let raw = try HashText.bytes(of: text, wanted: Kind.name)
        self = try Self(bytes: raw)
    }

    /// The 39 bytes.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 39) { buffer, count in
            HashText.write(Kind.prefix, core, location, to: UnsafeMutableRawBufferPointer(buffer))
            count = 39
        }
    }

    /// The text form: `u` and base64url without padding of the 39 bytes, 53 characters.
    public var text: String { HashText.text(Kind.prefix, core, location) }

    /// The text form.
    public var description: String { text }

    /// The same core and location as another kind of address (an agent's key as the address of its entry).
    @inlinable
    public func retyped<Other: HashKind>(_: Other.Type = Other.self) -> HoloHash<Other> {
        HoloHash<Other>(core: core, location: location)
    }

    /// True when the location is the one that belongs to the core.
    public var hasDerivedLocation: Bool { location == Blake2b.location(of: core) }

    /// Byte order of the 39-byte form.
    @inlinable
    public static func < (left: Self, right: Self) -> Bool {
        left.core != right.core ? left.core < right.core : left.location.byteSwapped < right.location.byteSwapped
    }
}

extension HoloHash: Hashable {
    /// All 39 bytes are the same.
    @inlinable
    public static func == (left: Self, right: Self) -> Bool {
        left.location == right.location && left.core == right.core
    }

    /// Feeds the core alone: equal hashes have equal cores, and the location adds nothing.
    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(core) }
}

extension HoloHash: Packable {
    /// Writes `bin` of 39 bytes.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeHash(Kind.prefix, core, location) }

    /// Reads `bin` or an array of 39 bytes, or the text form.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if let bytes = r.peekBinary39() {
            self = try Self(bytes39: bytes)
            r.skipBinary39()
        } else {
            self = try Self(bytes: try r.readHashBytes(wanted: Kind.name))
        }
    }
}

extension HoloHash where Kind == AgentKind {
    /// The address of the entry that announces this agent: the key itself, retyped.
    @inlinable public var entryHash: EntryHash { retyped() }
}

extension HoloHash where Kind == EntryKind {
    /// The agent whose key this entry hash is, if it is one.
    @inlinable public var agent: AgentPubKey { retyped() }
}

extension MessagePackWriter {
    /// Writes `bin` of 39 bytes in one step.
    @inlinable
    mutating func writeHash(_ prefix: (UInt8, UInt8, UInt8), _ core: Bytes32, _ location: UInt32) {
        let target = UnsafeMutableRawPointer(room(41))
        target.storeBytes(of: 0xC4, as: UInt8.self)
        target.storeBytes(of: 39, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: prefix.0, toByteOffset: 2, as: UInt8.self)
        target.storeBytes(of: prefix.1, toByteOffset: 3, as: UInt8.self)
        target.storeBytes(of: prefix.2, toByteOffset: 4, as: UInt8.self)
        target.storeBytes(of: core, toByteOffset: 5, as: Bytes32.self)
        target.storeBytes(of: location.littleEndian, toByteOffset: 37, as: UInt32.self)
        used &+= 41
    }
}

extension MessagePackReader {
    /// The next value's 39 bytes when it is `bin` 8 of that length; reads nothing.
    @inlinable
    @inline(__always)
    func peekBinary39() -> UnsafeRawBufferPointer? {
        guard end &- position >= 41, base.load(fromByteOffset: position, as: UInt8.self) == 0xC4,
            base.load(fromByteOffset: position &+ 1, as: UInt8.self) == 39
        else { return nil }
        return UnsafeRawBufferPointer(start: base + position + 2, count: 39)
    }

    @inlinable
    @inline(__always)
    mutating func skipBinary39() { position &+= 41 }

    /// A hash in any accepted form (bytes, array of numbers, text with a fitting location) as its bytes.
    @usableFromInline
    @inline(never)
    mutating func readHashBytes(wanted: StaticString) throws(PlasmidError) -> [UInt8] {
        switch peekType() {
        case .string: try HashText.bytes(of: try readString(), wanted: wanted)
        case .array, .binary: try readBytes()
        default: throw mismatch(wanted, consumed: false)
        }
    }
}
