import Integrity

/// What a rule for entries is told beside the value.
public struct EntryOp: Sendable {
    /// How the entry came to be.
    public enum Change: Sendable, Hashable {
        /// A new entry.
        case create
        /// An entry that replaces the one of an earlier action.
        case update(original: ActionHash, originalEntry: EntryHash)
    }

    /// How the entry came to be.
    public let change: Change
    /// The signed action that carries the entry.
    public let action: SignedAction
    /// What the rule may ask the node.
    public let host: ValidationHost

    /// Who wrote the entry.
    public var author: AgentKey { action.action.header.author }
    /// When the author says to have written it.
    public var timestamp: Timestamp { action.action.header.timestamp }
}

/// What a rule for deletions is told.
public struct DeleteOp: Sendable {
    /// The signed action that deletes.
    public let action: SignedAction
    /// The signed action whose entry is deleted.
    public let original: SignedAction
    /// What the rule may ask the node.
    public let host: ValidationHost

    /// Who deletes.
    public var author: AgentKey { action.action.header.author }
    /// Who wrote what is deleted.
    public var originalAuthor: AgentKey { original.action.header.author }
}

/// A link that is to be judged.
public struct ProposedLink: Sendable, Hashable {
    /// From where.
    public let base: AnyLinkableHash
    /// To where.
    public let target: AnyLinkableHash
    /// At most 1,000 bytes of the app's own.
    public let tag: [UInt8]
    /// Who made the link.
    public let author: AgentKey
    /// When its author says to have made it.
    public let timestamp: Timestamp
}

/// What a rule for links is told beside the link.
public struct LinkOp: Sendable {
    /// What happens to the link.
    public enum Change: Sendable, Hashable {
        /// It is made.
        case create
        /// It is taken back.
        case delete
    }

    /// What happens to the link.
    public let change: Change
    /// The signed action that makes the link or takes it back.
    public let action: SignedAction
    /// What the rule may ask the node.
    public let host: ValidationHost

    /// Who makes the link or takes it back.
    public var author: AgentKey { action.action.header.author }
}
