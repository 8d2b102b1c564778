/// How an entry reaches the DHT.
public enum Publishing: String, Packable, Sendable, Hashable, CaseIterable {
    /// Under the author's signed action.
    case signed
    /// Without an author.
    case unsigned
    /// Under a key that is used once.
    case throwaway

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("Publishing") }
}

/// The lowest privacy level that a DNA allows its private messages.
public enum MessagingFloor: String, Packable, Sendable, Hashable, CaseIterable {
    /// No mixing.
    case direct
    /// Three mixes, short delays.
    case fast
    /// Three mixes, longer delays, cover traffic.
    case mix
    /// Five mixes.
    case strong

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("MessagingFloor") }
}

/// Who may create or delete a link.
public enum WhoMay: String, Packable, Sendable, Hashable, CaseIterable {
    /// Every agent.
    case anyone
    /// The author of the base (to create), of the link (to delete).
    case author
    /// To create: the author of the target.
    case targetAuthor = "target_author"
    /// To delete: the author of the link, and the author of the base.
    case baseAuthor = "base_author"
    /// To delete: nobody, the link stands for good.
    case nobody

    /// The words that `create` takes.
    public static let creators: [WhoMay] = [.anyone, .author, .targetAuthor]
    /// The words that `delete` takes.
    public static let deleters: [WhoMay] = [.anyone, .author, .baseAuthor, .nobody]

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("WhoMay") }
}

/// Who may call a zome function.
public enum FunctionAccess: String, Packable, Sendable, Hashable, CaseIterable {
    /// The cell's own agent only.
    case author
    /// Everyone.
    case `public`
    /// Who holds a capability.
    case granted

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("FunctionAccess") }
}

/// The callbacks that a coordinator zome can have.
public enum Callback: String, Packable, Sendable, Hashable, CaseIterable {
    /// Once per cell, before its first call.
    case initialize = "init"
    /// A message came in.
    case receive
    /// A commit became durable.
    case postCommit = "post_commit"

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("Callback") }
}

/// What may stand at an end of a link.
public enum LinkEnd: Packable, Sendable, Hashable {
    /// An agent's key.
    case agent
    /// Anything linkable.
    case any
    /// An address outside the DHT.
    case external
    /// An entry of this type, or an action that holds one.
    case entry(String)

    /// The manifest's word: `agent`, `any`, `external`, or the entry type's name.
    public var text: String {
        switch self {
        case .agent: "agent"
        case .any: "any"
        case .external: "external"
        case .entry(let name): name
        }
    }

    /// Reads the manifest's word; every word but the three reserved ones is an entry type's name.
    public init(text: String) {
        switch text {
        case "agent": self = .agent
        case "any": self = .any
        case "external": self = .external
        default: self = .entry(text)
        }
    }

    /// Writes the manifest's word.
    public func pack(into w: inout MessagePackWriter) { w.writeString(text) }
    /// Reads the manifest's word.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self.init(text: try r.readString()) }
}

extension MessagePackReader {
    /// Reads a name of a closed list.
    mutating func readName<Value: RawRepresentable>(
        _ what: StaticString
    ) throws(PlasmidError) -> Value where Value.RawValue == String {
        let key = try readKey()
        guard let value = Value(rawValue: key.text) else { throw unknownCase(key, of: what) }
        return value
    }
}
