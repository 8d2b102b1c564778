/// How a role's cell comes to be.
public enum Provisioning: Sendable, Hashable {
    /// A cell is made at install; `deferred` makes it when it is first enabled.
    case create(deferred: Bool)
    /// No cell at install: clones only.
    case cloneOnly
}

/// What an app or an install changes in a DNA; each field replaces the DNA's whole field.
public struct DnaModifiers: Sendable, Hashable {
    /// Replaces the network seed.
    public var networkSeed: String?
    /// Replaces the properties.
    public var properties: MessagePackValue?

    /// Modifiers from their parts.
    public init(networkSeed: String? = nil, properties: MessagePackValue? = nil) {
        self.networkSeed = networkSeed
        self.properties = properties
    }
}

extension DnaDefinition {
    /// The DNA with the modifiers' fields in place of its own: another network, if they differ.
    public func modified(by modifiers: DnaModifiers) -> DnaDefinition {
        var copy = self
        if let seed = modifiers.networkSeed { copy.integrity.networkSeed = seed }
        if let properties = modifiers.properties { copy.integrity.properties = properties }
        return copy
    }
}

/// A part that an app plays in one network.
public struct RoleDef: Sendable, Hashable {
    /// The role's name, unique in the app.
    public var name: String
    /// How its cell comes to be.
    public var provisioning: Provisioning
    /// The DNA's file, relative to the app's.
    public var dnaPath: String
    /// What the app changes in the DNA.
    public var modifiers: DnaModifiers
    /// The hash that the DNA must have, if the app says one.
    public var installedHash: DnaHash?
    /// How many clones may be made.
    public var cloneLimit: UInt32

    /// A role from its parts; the defaults are those of the manifest.
    public init(
        name: String, provisioning: Provisioning = .create(deferred: false), dnaPath: String,
        modifiers: DnaModifiers = DnaModifiers(), installedHash: DnaHash? = nil, cloneLimit: UInt32 = 0
    ) {
        self.name = name
        self.provisioning = provisioning
        self.dnaPath = dnaPath
        self.modifiers = modifiers
        self.installedHash = installedHash
        self.cloneLimit = cloneLimit
    }
}

/// A way from one role's zomes to another role's functions, under a name of its own.
public struct BridgeDef: Sendable, Hashable {
    /// The role whose zomes call.
    public var caller: String
    /// The role that is called.
    public var callee: String
    /// What the caller's zomes call it.
    public var handle: String

    /// A bridge from its parts.
    public init(caller: String, callee: String, handle: String) {
        self.caller = caller
        self.callee = callee
        self.handle = handle
    }
}

/// An app: its roles, each with a DNA.
public struct HappManifest: Sendable, Hashable {
    /// The app's name; the default of its id.
    public var name: String
    /// A description for people.
    public var description: String
    /// In file order.
    public var roles: [RoleDef]
    /// Whether a cell may wait for its membrane proof.
    public var allowDeferredMembraneProofs: Bool
    /// In file order.
    public var bridges: [BridgeDef]

    /// An app from its parts.
    public init(
        name: String, description: String = "", roles: [RoleDef], allowDeferredMembraneProofs: Bool = false,
        bridges: [BridgeDef] = []
    ) {
        self.name = name
        self.description = description
        self.roles = roles
        self.allowDeferredMembraneProofs = allowDeferredMembraneProofs
        self.bridges = bridges
    }
}
