/// What a HoloHash names: a phantom type with the three bytes that open every hash of that kind.
public protocol HashKind: Sendable {
    /// The first three of the 39 bytes.
    static var prefix: (UInt8, UInt8, UInt8) { get }
    /// The type's name in messages, such as `ActionHash`.
    static var name: StaticString { get }
}

/// Names an agent: the core is its Ed25519 public key.
public enum AgentKind: HashKind {
    /// `84 20 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x20, 0x24) }
    /// AgentPubKey
    public static var name: StaticString { "AgentPubKey" }
}

/// Names an entry by its content.
public enum EntryKind: HashKind {
    /// `84 21 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x21, 0x24) }
    /// EntryHash
    public static var name: StaticString { "EntryHash" }
}

/// Names a DHT op.
public enum DhtOpKind: HashKind {
    /// `84 24 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x24, 0x24) }
    /// DhtOpHash
    public static var name: StaticString { "DhtOpHash" }
}

/// Names an action of a source chain.
public enum ActionKind: HashKind {
    /// `84 29 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x29, 0x24) }
    /// ActionHash
    public static var name: StaticString { "ActionHash" }
}

/// Names a WebAssembly module (only met in data of other conductors).
public enum WasmKind: HashKind {
    /// `84 2a 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x2A, 0x24) }
    /// WasmHash
    public static var name: StaticString { "WasmHash" }
}

/// Names a warrant.
public enum WarrantKind: HashKind {
    /// `84 2c 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x2C, 0x24) }
    /// WarrantHash
    public static var name: StaticString { "WarrantHash" }
}

/// Names a DNA, and with it a network.
public enum DnaKind: HashKind {
    /// `84 2d 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x2D, 0x24) }
    /// DnaHash
    public static var name: StaticString { "DnaHash" }
}

/// Names something outside the DHT; apps choose its core.
public enum ExternalKind: HashKind {
    /// `84 2f 24`
    @inlinable public static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x2F, 0x24) }
    /// ExternalHash
    public static var name: StaticString { "ExternalHash" }
}

/// An agent's public key.
public typealias AgentPubKey = HoloHash<AgentKind>
/// The address of an entry.
public typealias EntryHash = HoloHash<EntryKind>
/// The address of a DHT op.
public typealias DhtOpHash = HoloHash<DhtOpKind>
/// The address of an action, and so of a record.
public typealias ActionHash = HoloHash<ActionKind>
/// The address of a WebAssembly module.
public typealias WasmHash = HoloHash<WasmKind>
/// The address of a warrant.
public typealias WarrantHash = HoloHash<WarrantKind>
/// The address of a DNA.
public typealias DnaHash = HoloHash<DnaKind>
/// An address outside the DHT.
public typealias ExternalHash = HoloHash<ExternalKind>
