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
    /// The whole tag; nil takes all.
    public var tag: [UInt8]?
    /// Who made the link; nil takes all.
    public var author: AgentPubKey?
    /// The earliest creation time, inclusive.
    public var after: Timestamp?
    /// The latest creation time, inclusive.
    public var before: Timestamp?
    /// Live ones, deleted ones or all. ``admits(_:)`` does not look at it: a link does not say.
    public var status: LinkStatus

    /// All links on `base`, narrowed by what is given.
    public init(
        base: AnyLinkableHash, types: Set<LinkType>? = nil, tagPrefix: [UInt8] = [], tag: [UInt8]? = nil,
        author: AgentPubKey? = nil, after: Timestamp? = nil, before: Timestamp? = nil, status: LinkStatus = .live
    ) {
        self.base = base
        self.types = types
        self.tagPrefix = tagPrefix
        self.tag = tag
        self.author = author
        self.after = after
        self.before = before
        self.status = status
    }

    /// Whether the link is one of those wanted.
    public func admits(_ link: Link) -> Bool {
        if let types, !types.contains(LinkType(zomeIndex: link.zomeIndex, linkType: link.linkType)) { return false }
        if let author, link.author != author { return false }
        if let after, link.timestamp < after { return false }
        if let before, link.timestamp > before { return false }
        if let tag, link.tag != tag { return false }
        return link.base == base && link.tag.starts(with: tagPrefix)
    }
}
