import Integrity

/// Which links of a base are wanted.
public struct LinkFilter: Sendable {
    /// One link type of one integrity zome.
    public struct LinkType: Hashable, Sendable {
        /// Which integrity zome, in the DNA's order.
        public var zomeIndex: UInt8
        /// Which link type within that zome.
        public var linkType: UInt8

        /// Names a link type by its indexes.
        public init(zomeIndex: UInt8, linkType: UInt8) {
            self.zomeIndex = zomeIndex
            self.linkType = linkType
        }
    }

    /// Where the links start.
    public var base: AnyLinkableHash
    /// The types wanted; nil takes all.
    public var types: Set<LinkType>?
    /// The first bytes of the tag; empty takes all.
    public var tagPrefix: [UInt8]
    /// Who made the link; nil takes all.
    public var author: AgentPubKey?
    /// The earliest creation time, inclusive.
    public var after: Timestamp?
    /// The latest creation time, inclusive.
    public var before: Timestamp?

    /// All links on `base`, narrowed by what is given.
    public init(
        base: AnyLinkableHash, types: Set<LinkType>? = nil, tagPrefix: [UInt8] = [], author: AgentPubKey? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil
    ) {
        self.base = base
        self.types = types
        self.tagPrefix = tagPrefix
        self.author = author
        self.after = after
        self.before = before
    }

    /// Whether the link is one of those wanted.
    public func admits(_ link: Link) -> Bool {
        if let types, !types.contains(LinkType(zomeIndex: link.zomeIndex, linkType: link.linkType)) { return false }
        if let author, link.author != author { return false }
        if let after, link.timestamp < after { return false }
        if let before, link.timestamp > before { return false }
        return link.base == base && link.tag.starts(with: tagPrefix)
    }
}

/// A link's place in the order of all links: by time, then by the hash of its CreateLink.
public struct LinkPosition: Hashable, Comparable, Sendable {
    /// When the link was made.
    public let timestamp: Timestamp
    /// The hash of its CreateLink.
    public let hash: ActionHash

    /// The place of a link.
    public init(_ link: Link) {
        timestamp = link.timestamp
        hash = link.createLinkHash
    }

    /// The place that a cursor names.
    /// - Throws: `badInput` for bytes that are no cursor of this conductor.
    public init(cursor: [UInt8]) throws(PlasmidError) {
        let malformed = PlasmidError(
            .badInput, "The cursor of a link query cannot be read.", hint: "pass `next` of the page before, unchanged")
        guard cursor.count == 47 else { throw malformed }
        let bits = cursor[..<8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        timestamp = Timestamp(microseconds: Int64(bitPattern: bits))
        guard let hash = try? ActionHash(bytes: Array(cursor[8...])) else { throw malformed }
        self.hash = hash
    }

    /// The opaque form given to callers: 8 bytes of time, big-endian, then the 39 of the hash.
    public var cursor: [UInt8] {
        let bits = UInt64(bitPattern: timestamp.microseconds)
        return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) } + hash.bytes
    }

    /// Earlier, or at the same time with the lower hash.
    public static func < (left: Self, right: Self) -> Bool {
        left.timestamp == right.timestamp ? left.hash < right.hash : left.timestamp < right.timestamp
    }
}
