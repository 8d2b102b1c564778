// Inputs and answers of the host operations that read chain and DHT.

/// Input of ``HostOperation/get``: an entry's address gives the oldest live create, an action's that record.
public struct GetRequest: Packable, Hashable {
    /// What is looked for.
    public var hash: AnyDhtHash
    /// Only what is held here counts: no holder is asked.
    public var local: Bool

    /// A value from its parts.
    public init(hash: AnyDhtHash, local: Bool = false) {
        self.hash = hash
        self.local = local
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("hash")
        hash.pack(into: &w)
        w.writeString("local")
        w.writeBool(local)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var hash: AnyDhtHash?
        var local = false
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hash": try r.read(into: &hash)
            case "local": local = try r.readBool()
            default: try r.skip()
            }
        }
        self.hash = try r.require(hash, "hash", of: "GetRequest")
        self.local = local
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

/// A part of a source chain between two of its actions, both included (ActionHashRange of Holochain).
public struct HashRange: Packable, Hashable {
    /// The earlier action.
    public var first: ActionHash
    /// The later one.
    public var last: ActionHash

    /// A value from its parts.
    public init(first: ActionHash, last: ActionHash) {
        self.first = first
        self.last = last
    }

    /// Writes an array of two values.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        first.pack(into: &w)
        last.pack(into: &w)
    }

    /// Reads an array of two values.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A range of actions")
        self.init(first: try r.read(), last: try r.read())
    }
}

/// A part of a source chain that ends with an action (ActionHashTerminated of Holochain).
public struct HashTerminated: Packable, Hashable {
    /// The action, which is included.
    public var last: ActionHash
    /// How many before it.
    public var preceding: UInt32

    /// A value from its parts.
    public init(last: ActionHash, preceding: UInt32) {
        self.last = last
        self.preceding = preceding
    }

    /// Writes an array of two values.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        last.pack(into: &w)
        w.writeUInt(preceding)
    }

    /// Reads an array of two values.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A range of actions")
        self.init(last: try r.read(), preceding: try r.readUInt32())
    }
}

/// Input of ``HostOperation/query``: which records of the own chain.
public struct ChainQuery: Packable, Hashable {
    /// Which places; all when nil.
    public var range: SequenceRange?
    /// From one action to another, both included; none when either is not on the chain.
    public var hashRange: HashRange?
    /// Up to an action, itself included; none when it is not on the chain.
    public var until: HashTerminated?
    /// Names of entry types and patterns of 2019's `query`, of which one must fit; any when nil, empty, or one is empty.
    public var names: [String]?
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
    /// How many of the records that fit are left out first; none when nil.
    public var start: UInt32?
    /// At most so many records.
    public var limit: UInt32?

    /// A value from its parts.
    public init(
        range: SequenceRange? = nil, hashRange: HashRange? = nil, until: HashTerminated? = nil,
        names: [String]? = nil, entryTypes: [String]? = nil, actionTypes: [String]? = nil,
        entryHashes: [EntryHash]? = nil, includeEntries: Bool = false, descending: Bool = false, start: UInt32? = nil,
        limit: UInt32? = nil
    ) {
        self.range = range
        self.hashRange = hashRange
        self.until = until
        self.names = names
        self.entryTypes = entryTypes
        self.actionTypes = actionTypes
        self.entryHashes = entryHashes
        self.includeEntries = includeEntries
        self.descending = descending
        self.start = start
        self.limit = limit
    }

    /// Writes a map of 11 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(11)
        w.writeString("range")
        w.write(range)
        w.writeString("hash_range")
        w.write(hashRange)
        w.writeString("until")
        w.write(until)
        w.writeString("names")
        w.write(names)
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
        w.writeString("start")
        w.write(start)
        w.writeString("limit")
        w.write(limit)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var range: SequenceRange?
        var hashRange: HashRange?
        var until: HashTerminated?
        var names: [String]?
        var start: UInt32?
        var entryTypes: [String]?
        var actionTypes: [String]?
        var entryHashes: [EntryHash]?
        var includeEntries: Bool?
        var descending: Bool?
        var limit: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "range": range = try r.readOptional()
            case "hash_range": hashRange = try r.readOptional()
            case "until": until = try r.readOptional()
            case "names": names = try r.readOptionalArray()
            case "start": start = try r.readOptional()
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
        self.hashRange = hashRange
        self.until = until
        self.names = names
        self.start = start
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
