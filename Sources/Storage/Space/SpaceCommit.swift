import Integrity

/// One action of a commit, with its entry in the form that is stored.
public struct CommittedRecord: Sendable {
    /// The action with its hash and signature.
    public let signedAction: SignedAction
    /// The action's canonical bytes: those that were hashed and signed.
    public let actionBytes: [UInt8]
    /// The canonical bytes of a public entry (a packed `Entry`).
    public let entryBytes: [UInt8]?
    /// A private entry, sealed with a key of the keystore. Stands in a table of its own.
    public let sealedEntry: [UInt8]?

    /// A record to commit; an action without an entry has neither `entryBytes` nor `sealedEntry`.
    public init(
        signedAction: SignedAction, actionBytes: [UInt8], entryBytes: [UInt8]? = nil, sealedEntry: [UInt8]? = nil
    ) {
        self.signedAction = signedAction
        self.actionBytes = actionBytes
        self.entryBytes = entryBytes
        self.sealedEntry = sealedEntry
    }
}

/// Everything that one call writes into a space: all of it becomes visible and durable, or nothing.
public struct SpaceCommit: Sendable {
    /// The author of every record.
    public let author: AgentPubKey
    /// The records, in the order of the chain.
    public let records: [CommittedRecord]

    /// A commit.
    public init(author: AgentPubKey, records: [CommittedRecord]) {
        self.author = author
        self.records = records
    }
}

/// A stored action with its entry, as far as it is held.
public struct StoredRecord: Sendable, Equatable {
    /// The action with its hash and signature.
    public let signedAction: SignedAction
    /// The entry; `.hidden` for a private one (ask `sealedEntry`), `.notStored` where it is not held.
    public let entry: RecordEntry

    /// A stored record.
    public init(signedAction: SignedAction, entry: RecordEntry) {
        self.signedAction = signedAction
        self.entry = entry
    }

    /// The same as a `Record`.
    public var record: Record { Record(signedAction: signedAction, entry: entry) }
}

/// One link type of a DNA.
public struct LinkTypeNumber: Hashable, Sendable, Comparable {
    /// The integrity zome's number.
    public let zomeIndex: UInt8
    /// The type's number inside its zome.
    public let linkType: UInt8

    /// A link type.
    public init(zomeIndex: UInt8, linkType: UInt8) {
        self.zomeIndex = zomeIndex
        self.linkType = linkType
    }

    /// By zome, then by type.
    public static func < (left: LinkTypeNumber, right: LinkTypeNumber) -> Bool {
        (left.zomeIndex, left.linkType) < (right.zomeIndex, right.linkType)
    }
}

/// Which links to give: those of a base, filtered, then sorted, then paged.
public struct LinkRequest: Sendable {
    /// Where the links start.
    public var base: AnyLinkableHash
    /// Only these types; nil for all.
    public var types: [LinkTypeNumber]?
    /// Only tags that start so.
    public var tagPrefix: [UInt8]
    /// Only this tag; nil for all.
    public var tag: [UInt8]?
    /// Only links made at this time or after it.
    public var after: Timestamp?
    /// Only links made at this time or before it.
    public var before: Timestamp?
    /// Only links of this author.
    public var author: AgentPubKey?
    /// The `next` of the page before; nil for the first page.
    public var cursor: [UInt8]?
    /// How many at most, at least 1.
    public var limit: Int
    /// Live links, deleted ones or all.
    public var status: LinkStatus
    /// The order of links and pages; a cursor belongs to its order.
    public var order: LinkOrder

    /// A request, for live links unless told.
    public init(
        base: AnyLinkableHash, types: [LinkTypeNumber]? = nil, tagPrefix: [UInt8] = [], tag: [UInt8]? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil, author: AgentPubKey? = nil, cursor: [UInt8]? = nil,
        limit: Int = 1000, status: LinkStatus = .live, order: LinkOrder = .byTag
    ) {
        self.base = base
        self.types = types
        self.tagPrefix = tagPrefix
        self.tag = tag
        self.after = after
        self.before = before
        self.author = author
        self.cursor = cursor
        self.limit = limit
        self.status = status
        self.order = order
    }
}

/// A page of links.
public struct LinkPage: Sendable, Equatable {
    /// The links, in the order of ``LinkRequest``.
    public var links: [Link]
    /// Where the next page starts; nil after the last one.
    public var next: [UInt8]?

    /// A page.
    public init(links: [Link], next: [UInt8]?) {
        self.links = links
        self.next = next
    }
}

/// An op of a stored action: where on the ring it lives, and of what kind it is.
public struct StoredOp: Sendable, Equatable {
    /// The location of its basis.
    public let location: UInt32
    /// The action's time.
    public let time: Timestamp
    /// The code of the op's type (1…9).
    public let type: UInt8
    /// The action.
    public let action: ActionHash
}
