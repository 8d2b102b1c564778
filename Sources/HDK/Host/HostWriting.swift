import Integrity

extension Host {
    /// Adds an entry to the chain.
    ///
    /// The entry is judged when the call returns, by the rules that every node uses; a refusal reaches the caller of
    /// the function as `validationFailed` with the rule's own words.
    /// - Parameter publishing: one of the ways that the manifest allows for the type; nil means its first.
    /// - Throws: `unknownEntryType` when the manifest has no such type, `entryTooLarge`.
    @discardableResult
    public func create<Value: EntryValue>(
        _ value: Value, publishing: Publishing? = nil
    ) async throws -> ActionHash {
        try await live.ask(
            .create,
            CreateRequest(
                entryType: Value.type.rawValue, entry: try ValueCodec.output(value), publishing: publishing))
    }

    /// Adds an entry that replaces the one of an earlier action, of the same entry type.
    /// - Throws: `notFound` when there is no such action.
    @discardableResult
    public func update<Value: EntryValue>(_ original: ActionHash, with value: Value) async throws -> ActionHash {
        try await live.ask(.update, UpdateRequest(original: original, entry: try ValueCodec.output(value)))
    }

    /// Marks what an earlier action created as deleted: it is not found any more, but stays where it was.
    /// - Throws: `notFound` when there is no such action.
    @discardableResult
    public func delete(_ address: ActionHash) async throws -> ActionHash {
        try await live.ask(.delete, DeleteRequest(address: address))
    }

    /// Adds a link from a base to a target. The tag has at most 1,000 bytes.
    /// - Throws: `unknownLinkType` when the manifest has no such type, `linkTagTooLarge`.
    @discardableResult
    public func createLink(
        _ type: LinkTypeName, from base: some Linkable, to target: some Linkable, tag: [UInt8] = []
    ) async throws -> ActionHash {
        try await live.ask(
            .createLink,
            CreateLinkRequest(base: base.linkable, target: target.linkable, type: type.rawValue, tag: tag))
    }

    /// Takes a link back. `address` is the action that made it (`Link.createLinkHash`).
    @discardableResult
    public func deleteLink(_ address: ActionHash) async throws -> ActionHash {
        try await live.ask(.deleteLink, DeleteLinkRequest(address: address))
    }
}

/// What a link can start from or lead to: an agent, an entry, an action or something outside.
public protocol Linkable: Sendable {
    /// The same as a link has it.
    var linkable: AnyLinkableHash { get }
}

extension AnyLinkableHash: Linkable {
    /// Itself.
    public var linkable: AnyLinkableHash { self }
}

extension AnyDhtHash: Linkable {
    /// The same address.
    public var linkable: AnyLinkableHash { AnyLinkableHash(self) }
}

/// The kinds of hashes that links can join.
public protocol LinkableKind: HashKind {
    /// A hash of this kind, as a link has it.
    static func linkable(_ hash: HoloHash<Self>) -> AnyLinkableHash
}

extension AgentKind: LinkableKind {
    /// The agent's entry.
    public static func linkable(_ hash: AgentPubKey) -> AnyLinkableHash { AnyLinkableHash(hash) }
}

extension EntryKind: LinkableKind {
    /// The entry.
    public static func linkable(_ hash: EntryHash) -> AnyLinkableHash { AnyLinkableHash(hash) }
}

extension ActionKind: LinkableKind {
    /// The action.
    public static func linkable(_ hash: ActionHash) -> AnyLinkableHash { AnyLinkableHash(hash) }
}

extension ExternalKind: LinkableKind {
    /// The address outside.
    public static func linkable(_ hash: ExternalHash) -> AnyLinkableHash { AnyLinkableHash(hash) }
}

extension HoloHash: Linkable where Kind: LinkableKind {
    /// The same address, as a link has it.
    public var linkable: AnyLinkableHash { Kind.linkable(self) }
}
