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
