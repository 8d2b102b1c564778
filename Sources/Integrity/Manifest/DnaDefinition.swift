import Sodium

/// A type of entry that a DNA defines.
public struct EntryTypeDef: Sendable, Hashable {
    /// Its name, unique in the DNA.
    public var name: String
    /// Whether its entries are published.
    public var visibility: Visibility
    /// The most bytes that an entry of the type may have.
    public var maxBytes: Int
    /// How many validation receipts an entry's author waits for.
    public var requiredValidations: UInt8
    /// The ways in which entries may be published; the first is the default.
    public var publishing: [Publishing]
    /// What the conductor itself holds its entries to.
    public var rules: EntryRules
    /// The integrity zome that owns the type; the first when nil.
    public var zome: String?

    /// A type from its parts; the defaults are those of the manifest.
    public init(
        name: String, visibility: Visibility = .public, maxBytes: Int = Limits.entryBytes,
        requiredValidations: UInt8 = 5, publishing: [Publishing] = [.signed], rules: EntryRules = .none,
        zome: String? = nil
    ) {
        self.name = name
        self.visibility = visibility
        self.maxBytes = maxBytes
        self.requiredValidations = requiredValidations
        self.publishing = publishing
        self.rules = rules
        self.zome = zome
    }
}

/// A type of link that a DNA defines.
public struct LinkTypeDef: Sendable, Hashable {
    /// Its name, unique in the DNA.
    public var name: String
    /// What it may start from.
    public var base: LinkEnd
    /// What it may lead to.
    public var target: LinkEnd
    /// Who may make one.
    public var create: WhoMay
    /// Who may take one back.
    public var delete: WhoMay
    /// The integrity zome that owns the type; the first when nil.
    public var zome: String?

    /// A type from its parts; the defaults are those of the manifest.
    public init(
        name: String, base: LinkEnd = .any, target: LinkEnd = .any, create: WhoMay = .anyone,
        delete: WhoMay = .author, zome: String? = nil
    ) {
        self.name = name
        self.base = base
        self.target = target
        self.create = create
        self.delete = delete
        self.zome = zome
    }
}

/// A library of validators.
public struct IntegrityZomeDef: Sendable, Hashable {
    /// The zome's name.
    public var name: String
    /// The built product's name; not hashed.
    public var module: String
    /// The folder of its sources, relative to the package; not hashed.
    public var sources: String
    /// The digest of its sources; hashed.
    public var digest: Bytes32

    /// A zome from its parts.
    public init(name: String, module: String, sources: String, digest: Bytes32) {
        self.name = name
        self.module = module
        self.sources = sources
        self.digest = digest
    }
}

/// A function that a coordinator zome offers.
public struct FunctionDef: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Who may call it.
    public var access: FunctionAccess

    /// A function from its parts.
    public init(name: String, access: FunctionAccess = .author) {
        self.name = name
        self.access = access
    }
}

/// A zome that acts for an agent; free to change without leaving the network.
public struct CoordinatorZomeDef: Sendable, Hashable {
    /// The zome's name.
    public var name: String
    /// The built product's name.
    public var module: String
    /// What can be called.
    public var functions: [FunctionDef]
    /// What the conductor calls.
    public var callbacks: [Callback]

    /// A zome from its parts.
    public init(name: String, module: String, functions: [FunctionDef], callbacks: [Callback] = []) {
        self.name = name
        self.module = module
        self.functions = functions
        self.callbacks = callbacks
    }

    /// The function with this name.
    public func function(named name: String) -> FunctionDef? { functions.first { $0.name == name } }
}

/// The part of a DNA that makes a network: all of it enters the DNA hash, except where sources and products lie.
public struct IntegritySection: Sendable, Hashable {
    /// Tells networks of the same rules apart.
    public var networkSeed: String
    /// Readable by the zomes; a map.
    public var properties: MessagePackValue
    /// The lowest privacy level of private messages.
    public var messaging: MessagingFloor
    /// In file order.
    public var entryTypes: [EntryTypeDef]
    /// In file order.
    public var linkTypes: [LinkTypeDef]
    /// In file order.
    public var zomes: [IntegrityZomeDef]

    /// A section from its parts; the defaults are those of the manifest.
    public init(
        networkSeed: String = "", properties: MessagePackValue = .emptyMap, messaging: MessagingFloor = .direct,
        entryTypes: [EntryTypeDef] = [], linkTypes: [LinkTypeDef] = [], zomes: [IntegrityZomeDef] = []
    ) {
        self.networkSeed = networkSeed
        self.properties = properties
        self.messaging = messaging
        self.entryTypes = entryTypes
        self.linkTypes = linkTypes
        self.zomes = zomes
    }
}

/// A DNA: the rules of a network, and the zomes that act in it.
public struct DnaDefinition: Sendable, Hashable {
    /// The version of rule and HDK semantics; part of the hash.
    public static let engine: UInt64 = 1

    /// A name for people; not hashed.
    public var name: String
    /// What makes the network.
    public var integrity: IntegritySection
    /// What acts in it; not hashed.
    public var coordinator: [CoordinatorZomeDef]

    /// A DNA from its parts.
    public init(name: String, integrity: IntegritySection, coordinator: [CoordinatorZomeDef] = []) {
        self.name = name
        self.integrity = integrity
        self.coordinator = coordinator
    }

    /// The coordinator zome with this name.
    public func coordinatorZome(named name: String) -> CoordinatorZomeDef? { coordinator.first { $0.name == name } }

    /// The DNA's address: BLAKE2b-256 of ``canonicalBytes``.
    public func hash() -> DnaHash { DnaHash(hashing: canonicalBytes) }

    /// The bytes that are hashed: `{engine, integrity: {network_seed, properties, messaging: {floor}, entry_types, link_types,
    /// zomes}}`, defaults filled in, lists in file order, maps of properties and rules sorted by the bytes of their packed
    /// keys. With more than one integrity zome every entry and link type also names its zome, as its last field.
    public var canonicalBytes: [UInt8] {
        var w = MessagePackWriter(reserving: 1_024)
        w.writeMapHeader(2)
        w.writeString("engine")
        w.writeUInt(DnaDefinition.engine)
        w.writeString("integrity")
        integrity.pack(into: &w, form: .hashed)
        return w.bytes
    }
}
