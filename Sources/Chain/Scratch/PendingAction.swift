import Integrity

/// One action of a running call, with everything that was computed when it was written.
public struct PendingAction: Sendable {
    /// The action itself.
    public let action: Action
    /// The action's canonical bytes: what is hashed, signed and stored.
    public let actionBytes: [UInt8]
    /// The hash of `actionBytes`, as the zome was told it.
    public let hash: ActionHash
    /// The entry, if the action has one.
    public let entry: Entry?
    /// The entry's canonical bytes, if the action has one.
    public let entryBytes: [UInt8]?
    /// The author's signature over `actionBytes`; nil until ``Scratch/sign(_:)``.
    public internal(set) var signature: Signature?

    /// The action with its signature; nil before it is signed.
    public var signedAction: SignedAction? {
        signature.map { SignedAction(action: action, hash: hash, signature: $0) }
    }

    /// The record as its author sees it, private entries included; nil before it is signed.
    ///
    /// Only a chain that is brought back without its private entries has them hidden from the author too.
    public var record: Record? {
        let absent: RecordEntry = action.entryType?.visibility == .private ? .hidden : .notApplicable
        return signedAction.map { Record(signedAction: $0, entry: entry.map(RecordEntry.present) ?? absent) }
    }

    /// The link that the action makes, if it is a CreateLink.
    public var link: Link? {
        guard case .createLink(let base, let target, let zomeIndex, let linkType, let tag) = action.data else {
            return nil
        }
        return Link(
            author: action.author, base: base, target: target, timestamp: action.timestamp, zomeIndex: zomeIndex,
            linkType: linkType, tag: tag, createLinkHash: hash)
    }
}

extension Entry {
    /// The hash of this entry, whose canonical bytes are `bytes`: spares packing it a second time.
    func hash(ofPacked bytes: [UInt8]) -> EntryHash {
        if case .agent(let key) = self { key.entryHash } else { EntryHash(hashing: bytes) }
    }
}
