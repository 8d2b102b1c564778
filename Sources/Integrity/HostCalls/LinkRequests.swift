// Inputs and answers of the host operations that read links.

/// Which links are wanted, as far as their deletion goes.
public enum LinkStatus: String, Sendable, Hashable, CaseIterable {
    /// Those that nobody deleted.
    case live
    /// Those that somebody deleted.
    case deleted
    /// Both.
    case all

    /// Whether a link that is deleted, or is not, is wanted.
    @inlinable
    public func admits(deleted: Bool) -> Bool {
        switch self {
        case .live: !deleted
        case .deleted: deleted
        case .all: true
        }
    }
}

/// In which order links are given.
public enum LinkOrder: String, Sendable, Hashable, CaseIterable {
    /// As they are kept: by zome, type and tag (its first 400 bytes), then as they came to this node.
    case byTag = "tag"
    /// By the time that their authors gave them, earliest first; by the address of their CreateLink where that is the same.
    case oldestFirst = "oldest"
    /// The other way round.
    case newestFirst = "newest"
}

/// Input of ``HostOperation/getLinks``, ``HostOperation/getLinksDetails`` and ``HostOperation/countLinks``. Links are filtered,
/// then sorted, then paged; pages follow `cursor`.
public struct GetLinksRequest: Packable, Hashable {
    /// Where the links start.
    public var base: AnyLinkableHash
    /// Names of link types; any when nil.
    public var types: [String]?
    /// What tags start with.
    public var tagPrefix: [UInt8]?
    /// The whole tag, byte for byte.
    public var tag: [UInt8]?
    /// Made at or after this time.
    public var after: Timestamp?
    /// Made at or before this time.
    public var before: Timestamp?
    /// Made by this agent.
    public var author: AgentPubKey?
    /// Live ones, deleted ones or all.
    public var status: LinkStatus
    /// The order of the links, and of the pages. A cursor belongs to its order.
    public var order: LinkOrder
    /// Where the page before ended.
    public var cursor: [UInt8]?
    /// At most so many links; ``Limits/linkPageDefault`` when nil.
    public var limit: UInt32?
    /// Only what is held here counts: no holder is asked.
    public var local: Bool

    /// A value from its parts.
    public init(
        base: AnyLinkableHash, types: [String]? = nil, tagPrefix: [UInt8]? = nil, tag: [UInt8]? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil, author: AgentPubKey? = nil, status: LinkStatus = .live,
        order: LinkOrder = .byTag, cursor: [UInt8]? = nil, limit: UInt32? = nil, local: Bool = false
    ) {
        self.base = base
        self.types = types
        self.tagPrefix = tagPrefix
        self.tag = tag
        self.after = after
        self.before = before
        self.author = author
        self.status = status
        self.order = order
        self.cursor = cursor
        self.limit = limit
        self.local = local
    }

    /// Writes a map of 12 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(12)
        w.writeString("base")
        base.pack(into: &w)
        w.writeString("types")
        w.write(types)
        w.writeString("tag_prefix")
        if let tagPrefix { w.writeBinary(tagPrefix) } else { w.writeNil() }
        w.writeString("tag")
        if let tag { w.writeBinary(tag) } else { w.writeNil() }
        w.writeString("after")
        w.write(after)
        w.writeString("before")
        w.write(before)
        w.writeString("author")
        w.write(author)
        w.writeString("status")
        w.writeString(status.rawValue)
        w.writeString("order")
        w.writeString(order.rawValue)
        w.writeString("cursor")
        if let cursor { w.writeBinary(cursor) } else { w.writeNil() }
        w.writeString("limit")
        w.write(limit)
        w.writeString("local")
        w.writeBool(local)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var base: AnyLinkableHash?
        var types: [String]?
        var tagPrefix: [UInt8]?
        var tag: [UInt8]?
        var after: Timestamp?
        var before: Timestamp?
        var author: AgentPubKey?
        var status: String?
        var order: String?
        var cursor: [UInt8]?
        var limit: UInt32?
        var local = false
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "base": try r.read(into: &base)
            case "types": types = try r.readOptionalArray()
            case "tag_prefix": tagPrefix = try r.readOptionalBytes()
            case "tag": tag = try r.readOptionalBytes()
            case "after": after = try r.readOptional()
            case "before": before = try r.readOptional()
            case "author": author = try r.readOptional()
            case "status": status = try r.readOptional()
            case "order": order = try r.readOptional()
            case "cursor": cursor = try r.readOptionalBytes()
            case "limit": limit = try r.readOptional()
            case "local": local = try r.readBool()
            default: try r.skip()
            }
        }
        self.base = try r.require(base, "base", of: "GetLinksRequest")
        self.types = types
        self.tagPrefix = tagPrefix
        self.tag = tag
        self.after = after
        self.before = before
        self.author = author
        self.status = try Self.word(status, "status", or: .live)
        self.order = try Self.word(order, "order", or: .byTag)
        self.cursor = cursor
        self.limit = limit
        self.local = local
    }

    private static func word<Word: RawRepresentable & CaseIterable>(
        _ text: String?, _ field: StaticString, or standard: Word
    ) throws(PlasmidError) -> Word where Word.RawValue == String {
        guard let text else { return standard }
        guard let word = Word(rawValue: text) else {
            throw PlasmidError(
                .badInput, "`\(text)` is no \(field) of links",
                hint: "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }
}

/// Answer of ``HostOperation/getLinks``.
public struct LinkPage: Packable, Hashable {
    /// The links of this page.
    public var links: [Link]
    /// The cursor of the next page; nil on the last.
    public var next: [UInt8]?

    /// A value from its parts.
    public init(links: [Link], next: [UInt8]? = nil) {
        self.links = links
        self.next = next
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("links")
        w.write(links)
        w.writeString("next")
        if let next { w.writeBinary(next) } else { w.writeNil() }
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var links: [Link]?
        var next: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "links": try r.read(into: &links)
            case "next": next = try r.readOptionalBytes()
            default: try r.skip()
            }
        }
        self.links = try r.require(links, "links", of: "LinkPage")
        self.next = next
    }
}

/// A link with everything that is known of its deletion.
public struct LinkDetails: Packable, Hashable {
    /// The action that made it.
    public var create: SignedAction
    /// The actions that deleted it, oldest first; none where it is live.
    public var deletes: [SignedAction]

    /// A value from its parts.
    public init(create: SignedAction, deletes: [SignedAction]) {
        self.create = create
        self.deletes = deletes
    }

    /// Writes an array of two values.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        create.pack(into: &w)
        w.write(deletes)
    }

    /// Reads an array of two values.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A link's details")
        self.init(create: try r.read(), deletes: try r.readArray())
    }
}

/// Answer of ``HostOperation/getLinksDetails``.
public struct LinkDetailsPage: Packable, Hashable {
    /// The links of this page.
    public var links: [LinkDetails]
    /// The cursor of the next page; nil on the last.
    public var next: [UInt8]?

    /// A value from its parts.
    public init(links: [LinkDetails], next: [UInt8]? = nil) {
        self.links = links
        self.next = next
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("links")
        w.write(links)
        w.writeString("next")
        if let next { w.writeBinary(next) } else { w.writeNil() }
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var links: [LinkDetails]?
        var next: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "links": try r.read(into: &links)
            case "next": next = try r.readOptionalBytes()
            default: try r.skip()
            }
        }
        self.links = try r.require(links, "links", of: "LinkDetailsPage")
        self.next = next
    }
}

/// Input of ``HostOperation/createLinks``: all of them are added, in this order, or none.
public struct CreateLinksRequest: Packable, Hashable {
    /// The links.
    public var links: [CreateLinkRequest]

    /// A value from its parts.
    public init(links: [CreateLinkRequest]) {
        self.links = links
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("links")
        w.write(links)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var links: [CreateLinkRequest]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "links": try r.read(into: &links)
            default: try r.skip()
            }
        }
        self.links = try r.require(links, "links", of: "CreateLinksRequest")
    }
}
