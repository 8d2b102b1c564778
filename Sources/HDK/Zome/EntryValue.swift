import Integrity

/// The name of an entry type, as the DNA manifest has it.
public struct EntryTypeName: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name itself.
    public let rawValue: String
    /// A name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A name.
    public init(stringLiteral value: String) { self.init(rawValue: value) }
    /// The name itself.
    public var description: String { rawValue }
}

/// The name of a link type, as the DNA manifest has it.
public struct LinkTypeName: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name itself.
    public let rawValue: String
    /// A name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A name.
    public init(stringLiteral value: String) { self.init(rawValue: value) }
    /// The name itself.
    public var description: String { rawValue }
}

/// Something that is kept as an entry: a `Codable` type that knows the name of its entry type.
///
/// ```swift
/// struct Note: EntryValue {
///     static let type: EntryTypeName = "note"
///     var text: String
/// }
/// ```
/// Its bytes are the MessagePack map of its properties in the order of their declaration.
public protocol EntryValue: Codable, Sendable {
    /// The entry type's name in the DNA manifest.
    static var type: EntryTypeName { get }
}

/// The public key that names an agent.
public typealias AgentKey = AgentPubKey
