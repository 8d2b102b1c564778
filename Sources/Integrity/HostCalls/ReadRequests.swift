// Inputs and answers of the host operations that read chain and DHT.

/// Input of ``HostOperation/get``: an entry's address gives the oldest live create, an action's that record.
public struct GetRequest: Packable, Hashable {
    /// What is looked for.
    public var hash: AnyDhtHash

    /// A value from its parts.
    public init(hash: AnyDhtHash) {
        self.hash = hash
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("hash")
        hash.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var hash: AnyDhtHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hash": try r.read(into: &hash)
            default: try r.skip()
            }
        }
        self.hash = try r.require(hash, "hash", of: "GetRequest")
    }
}

/// A part of a source chain, both ends included.
public struct SequenceRange: Packable, Hashable {
    /// The first place; the chain's start when nil.
    public var from: UInt32?
    /// The last place; the chain's end when nil.
    public var to: UInt32?

    /// A value from its parts.
    public init(from: UInt32? = nil, to: UInt32? = nil) {
        self.from = from
        self.to = to
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("from")
        w.write(from)
        w.writeString("to")
        w.write(to)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var from: UInt32?
        var to: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "from": from = try r.readOptional()
            case "to": to = try r.readOptional()
            default: try r.skip()
            }
        }
        self.from = from
        self.to = to
    }
}

/// Input of ``HostOperation/query``: which records of the own chain.
public struct ChainQuery: Packable, Hashable {
    /// Which places; all when nil.
    public var range: SequenceRange?
    /// Names of app entry types; any when nil.
    public var entryTypes: [String]?
    /// Names of action types (`Create`, …); any when nil.
    public var actionTypes: [String]?
    /// Addresses of entries; any when nil.
    public var entryHashes: [EntryHash]?
    /// Whether entries come with their actions (private ones too).
    public var includeEntries: Bool
    /// Newest first.
    public var descending: Bool
    /// At most so many records.
    public var limit: UInt32?

    /// A value from its parts.
    public init(
        range: SequenceRange? = nil, entryTypes: [String]? = nil, actionTypes: [String]? = nil,
        entryHashes: [EntryHash]? = nil, includeEntries: Bool = false, descending: Bool = false, limit: UInt32? = nil
    ) {
        self.range = range
        self.entryTypes = entryTypes
        self.actionTypes = actionTypes
        self.entryHashes = entryHashes
        self.includeEntries = includeEntries
        self.descending = descending
        self.limit = limit
    }

    /// Writes a map of 7 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(7)
        w.writeString("range")
        w.write(range)
        w.writeString("entry_types")
        w.write(entryTypes)
        w.writeString("action_types")
        w.write(actionTypes)
        w.writeString("entry_hashes")
        w.write(entryHashes)
        w.writeString("include_entries")
        w.writeBool(includeEntries)
        w.writeString("descending")
        w.writeBool(descending)
        w.writeString("limit")
        w.write(limit)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var range: SequenceRange?
        var entryTypes: [String]?
        var actionTypes: [String]?
        var entryHashes: [EntryHash]?
        var includeEntries: Bool?
        var descending: Bool?
        var limit: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "range": range = try r.readOptional()
            case "entry_types": entryTypes = try r.readOptionalArray()
            case "action_types": actionTypes = try r.readOptionalArray()
            case "entry_hashes": entryHashes = try r.readOptionalArray()
            case "include_entries": includeEntries = try r.readOptional()
            case "descending": descending = try r.readOptional()
            case "limit": limit = try r.readOptional()
            default: try r.skip()
            }
        }
        self.range = range
        self.entryTypes = entryTypes
        self.actionTypes = actionTypes
        self.entryHashes = entryHashes
        self.includeEntries = includeEntries ?? false
        self.descending = descending ?? false
        self.limit = limit
    }
}

/// Input of ``HostOperation/getLinks``; pages follow `cursor`.
public struct GetLinksRequest: Packable, Hashable {
    /// Where the links start.
    public var base: AnyLinkableHash
    /// Names of link types; any when nil.
    public var types: [String]?
    /// What tags start with.
    public var tagPrefix: [UInt8]?
    /// Made at or after this time.
    public var after: Timestamp?
    /// Made at or before this time.
    public var before: Timestamp?
    /// Made by this agent.
    public var author: AgentPubKey?
    /// Where the page before ended.
    public var cursor: [UInt8]?
    /// At most so many links; ``Limits/linkPageDefault`` when nil.
    public var limit: UInt32?

    /// A value from its parts.
    public init(
        base: AnyLinkableHash, types: [String]? = nil, tagPrefix: [UInt8]? = nil, after: Timestamp? = nil,
        before: Timestamp? = nil, author: AgentPubKey? = nil, cursor: [UInt8]? = nil, limit: UInt32? = nil
    ) {
        self.base = base
        self.types = types
        self.tagPrefix = tagPrefix
        self.after = after
        self.before = before
        self.author = author
        self.cursor = cursor
        self.limit = limit
    }

    /// Writes a map of 8 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(8)
        w.writeString("base")
        base.pack(into: &w)
        w.writeString("types")
        w.write(types)
        w.writeString("tag_prefix")
        if let tagPrefix { w.writeBinary(tagPrefix) } else { w.writeNil() }
        w.writeString("after")
        w.write(after)
        w.writeString("before")
        w.write(before)
        w.writeString("author")
        w.write(author)
        w.writeString("cursor")
        if let cursor { w.writeBinary(cursor) } else { w.writeNil() }
        w.writeString("limit")
        w.write(limit)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var base: AnyLinkableHash?
        var types: [String]?
        var tagPrefix: [UInt8]?
        var after: Timestamp?
        var before: Timestamp?
        var author: AgentPubKey?
        var cursor: [UInt8]?
        var limit: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "base": try r.read(into: &base)
            case "types": types = try r.readOptionalArray()
            case "tag_prefix": tagPrefix = try r.readOptionalBytes()
            case "after": after = try r.readOptional()
            case "before": before = try r.readOptional()
            case "author": author = try r.readOptional()
            case "cursor": cursor = try r.readOptionalBytes()
            case "limit": limit = try r.readOptional()
            default: try r.skip()
            }
        }
        self.base = try r.require(base, "base", of: "GetLinksRequest")
        self.types = types
        self.tagPrefix = tagPrefix
        self.after = after
        self.before = before
        self.author = author
        self.cursor = cursor
        self.limit = limit
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

/// Input of ``HostOperation/mustGetEntry``.
public struct MustGetEntryRequest: Packable, Hashable {
    /// The entry's address.
    public var hash: EntryHash

    /// A value from its parts.
    public init(hash: EntryHash) {
        self.hash = hash
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("hash")
        hash.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var hash: EntryHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hash": try r.read(into: &hash)
            default: try r.skip()
            }
        }
        self.hash = try r.require(hash, "hash", of: "MustGetEntryRequest")
    }
}

/// Input of ``HostOperation/mustGetAction`` and ``HostOperation/mustGetValidRecord``.
public struct MustGetActionRequest: Packable, Hashable {
    /// The action's address.
    public var hash: ActionHash

    /// A value from its parts.
    public init(hash: ActionHash) {
        self.hash = hash
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("hash")
        hash.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var hash: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hash": try r.read(into: &hash)
            default: try r.skip()
            }
        }
        self.hash = try r.require(hash, "hash", of: "MustGetActionRequest")
    }
}
