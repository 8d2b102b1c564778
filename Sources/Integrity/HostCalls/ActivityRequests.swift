// Inputs and answers of the host operations about the chains of agents.

/// An action's place and address.
public struct ActivityPlace: Packable, Hashable {
    /// The place in the chain.
    public var seq: UInt32
    /// The address.
    public var hash: ActionHash

    /// A value from its parts.
    public init(seq: UInt32, hash: ActionHash) {
        self.seq = seq
        self.hash = hash
    }

    /// Writes an array of two values.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeUInt(seq)
        hash.pack(into: &w)
    }

    /// Reads an array of two values.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "An action's place")
        self.init(seq: try r.readUInt32(), hash: try r.read())
    }
}

/// How a chain stands, as far as this node knows.
public enum ChainStatus: Packable, Hashable {
    /// Nothing of it is held here.
    case empty
    /// All of it is valid; this is its newest action.
    case valid(ActivityPlace)
    /// Two different actions claim the same place.
    case forked(seq: UInt32, first: ActionHash, second: ActionHash)
    /// This action was rejected.
    case invalid(ActivityPlace)
    /// It is valid and ends with this CloseChain.
    case closed(ActivityPlace)

    /// Writes `"Empty"`, or the case's name before its fields: `{action_seq, hash}`, of a fork `{fork_seq, first_action,
    /// second_action}`.
    public func pack(into w: inout MessagePackWriter) {
        func place(_ name: StaticString, _ place: ActivityPlace) {
            w.writeMapHeader(1)
            w.writeString(name)
            w.writeMapHeader(2)
            w.writeString("action_seq")
            w.writeUInt(place.seq)
            w.writeString("hash")
            place.hash.pack(into: &w)
        }
        switch self {
        case .empty: w.writeString("Empty")
        case .valid(let head): place("Valid", head)
        case .invalid(let action): place("Invalid", action)
        case .closed(let head): place("Closed", head)
        case .forked(let seq, let first, let second):
            w.writeMapHeader(1)
            w.writeString("Forked")
            w.writeMapHeader(3)
            w.writeString("fork_seq")
            w.writeUInt(seq)
            w.writeString("first_action")
            first.pack(into: &w)
            w.writeString("second_action")
            second.pack(into: &w)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .string {
            let key = try r.readKey()
            guard "Empty" ~= key else { throw r.unknownCase(key, of: "ChainStatus") }
            self = .empty
            return
        }
        let key = try r.expectVariant("ChainStatus")
        var seq: UInt32?
        var hash: ActionHash?
        var second: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "action_seq", "fork_seq": seq = try r.readUInt32()
            case "hash", "first_action": try r.read(into: &hash)
            case "second_action": try r.read(into: &second)
            default: try r.skip()
            }
        }
        let place = ActivityPlace(
            seq: try r.require(seq, "action_seq", of: "ChainStatus"),
            hash: try r.require(hash, "hash", of: "ChainStatus"))
        switch key {
        case "Valid": self = .valid(place)
        case "Invalid": self = .invalid(place)
        case "Closed": self = .closed(place)
        case "Forked":
            self = .forked(
                seq: place.seq, first: place.hash, second: try r.require(second, "second_action", of: "ChainStatus"))
        default: throw r.unknownCase(key, of: "ChainStatus")
        }
    }
}

/// The highest place of a chain that this node has seen, valid or not.
public struct HighestObserved: Packable, Hashable {
    /// The place.
    public var seq: UInt32
    /// Every action that claims it.
    public var hashes: [ActionHash]

    /// A value from its parts.
    public init(seq: UInt32, hashes: [ActionHash] = []) {
        self.seq = seq
        self.hashes = hashes
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("action_seq")
        seq.pack(into: &w)
        w.writeString("hash")
        w.write(hashes)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var seq: UInt32?
        var hashes: [ActionHash]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "action_seq": try r.read(into: &seq)
            case "hash": hashes = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.seq = try r.require(seq, "action_seq", of: "HighestObserved")
        self.hashes = hashes ?? []
    }
}

/// Answer of ``HostOperation/getAgentActivity``.
public struct AgentActivity: Packable, Hashable {
    /// The valid actions that the query admits, in its order; none when only the status was asked for.
    public var valid: [ActivityPlace]
    /// Those that validation rejected. None before there is a network.
    public var rejected: [ActivityPlace]
    /// How the chain stands.
    public var status: ChainStatus
    /// The highest place seen; nil where the chain is empty.
    public var highestObserved: HighestObserved?

    /// A value from its parts.
    public init(
        valid: [ActivityPlace] = [], rejected: [ActivityPlace] = [], status: ChainStatus,
        highestObserved: HighestObserved? = nil
    ) {
        self.valid = valid
        self.rejected = rejected
        self.status = status
        self.highestObserved = highestObserved
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("valid_activity")
        w.write(valid)
        w.writeString("rejected_activity")
        w.write(rejected)
        w.writeString("status")
        status.pack(into: &w)
        w.writeString("highest_observed")
        w.write(highestObserved)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var valid: [ActivityPlace]?
        var rejected: [ActivityPlace]?
        var status: ChainStatus?
        var highestObserved: HighestObserved?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "valid_activity": valid = try r.readOptionalArray()
            case "rejected_activity": rejected = try r.readOptionalArray()
            case "status": try r.read(into: &status)
            case "highest_observed": highestObserved = try r.readOptional()
            default: try r.skip()
            }
        }
        self.valid = valid ?? []
        self.rejected = rejected ?? []
        self.status = try r.require(status, "status", of: "AgentActivity")
        self.highestObserved = highestObserved
    }
}

/// Input of ``HostOperation/getAgentActivity``.
public struct AgentActivityRequest: Packable, Hashable {
    /// Whose chain.
    public var agent: AgentPubKey
    /// Which actions of it are listed.
    public var query: ChainQuery
    /// Whether actions are listed at all, or the status alone is given.
    public var full: Bool

    /// A value from its parts.
    public init(agent: AgentPubKey, query: ChainQuery, full: Bool = true) {
        self.agent = agent
        self.query = query
        self.full = full
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("agent")
        agent.pack(into: &w)
        w.writeString("query")
        query.pack(into: &w)
        w.writeString("full")
        w.writeBool(full)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var agent: AgentPubKey?
        var query: ChainQuery?
        var full: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "agent": try r.read(into: &agent)
            case "query": try r.read(into: &query)
            case "full": full = try r.readOptional()
            default: try r.skip()
            }
        }
        self.agent = try r.require(agent, "agent", of: "AgentActivityRequest")
        self.query = try r.require(query, "query", of: "AgentActivityRequest")
        self.full = full ?? true
    }
}

/// How far `mustGetAgentActivity` goes back from the top, which is always part of the answer.
public enum ActivityLimit: Packable, Hashable {
    /// To the first action of the chain.
    case toGenesis
    /// So many actions, or all if there are fewer. 0 is an error.
    case take(UInt32)
    /// To the earliest action that is not older than this: known only with one that is older, or with the first.
    case untilTimestamp(Timestamp)
    /// To this action, included.
    case untilHash(ActionHash)

    /// Writes `"ToGenesis"` or the case's name before its value.
    public func pack(into w: inout MessagePackWriter) {
        if case .toGenesis = self { return w.writeString("ToGenesis") }
        w.writeMapHeader(1)
        switch self {
        case .toGenesis: break
        case .take(let count):
            w.writeString("Take")
            w.writeUInt(count)
        case .untilTimestamp(let time):
            w.writeString("UntilTimestamp")
            time.pack(into: &w)
        case .untilHash(let hash):
            w.writeString("UntilHash")
            hash.pack(into: &w)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .string {
            let key = try r.readKey()
            guard "ToGenesis" ~= key else { throw r.unknownCase(key, of: "ActivityLimit") }
            self = .toGenesis
            return
        }
        let key = try r.expectVariant("ActivityLimit")
        switch key {
        case "Take": self = .take(try r.readUInt32())
        case "UntilTimestamp": self = .untilTimestamp(try r.read())
        case "UntilHash": self = .untilHash(try r.read())
        default: throw r.unknownCase(key, of: "ActivityLimit")
        }
    }
}

/// Which part of a chain: from an action back to a limit (ChainFilter of Holochain).
public struct ActivityFilter: Packable, Hashable {
    /// The newest action of the answer.
    public var top: ActionHash
    /// How far back.
    public var limit: ActivityLimit
    /// Whether public entries come with their actions.
    public var includeEntries: Bool

    /// A value from its parts.
    public init(top: ActionHash, limit: ActivityLimit, includeEntries: Bool = false) {
        self.top = top
        self.limit = limit
        self.includeEntries = includeEntries
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("chain_top")
        top.pack(into: &w)
        w.writeString("limit_conditions")
        limit.pack(into: &w)
        w.writeString("include_cached_entries")
        w.writeBool(includeEntries)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var top: ActionHash?
        var limit: ActivityLimit?
        var includeEntries: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "chain_top": try r.read(into: &top)
            case "limit_conditions": try r.read(into: &limit)
            case "include_cached_entries": includeEntries = try r.readOptional()
            default: try r.skip()
            }
        }
        self.top = try r.require(top, "chain_top", of: "ActivityFilter")
        self.limit = try r.require(limit, "limit_conditions", of: "ActivityFilter")
        self.includeEntries = includeEntries ?? false
    }
}

/// Input of ``HostOperation/mustGetAgentActivity``.
public struct MustGetAgentActivityRequest: Packable, Hashable {
    /// Whose chain.
    public var author: AgentPubKey
    /// Which part of it.
    public var filter: ActivityFilter

    /// A value from its parts.
    public init(author: AgentPubKey, filter: ActivityFilter) {
        self.author = author
        self.filter = filter
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("author")
        author.pack(into: &w)
        w.writeString("chain_filter")
        filter.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var author: AgentPubKey?
        var filter: ActivityFilter?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "author": try r.read(into: &author)
            case "chain_filter": try r.read(into: &filter)
            default: try r.skip()
            }
        }
        self.author = try r.require(author, "author", of: "MustGetAgentActivityRequest")
        self.filter = try r.require(filter, "chain_filter", of: "MustGetAgentActivityRequest")
    }
}

/// One action of ``MustGetAgentActivityAnswer`` (the AgentActivity of `must_get_agent_activity`).
public struct ActivityItem: Packable, Hashable {
    /// The action.
    public var action: SignedAction
    /// Its entry, where it is public, held and was asked for.
    public var entry: Entry?

    /// A value from its parts.
    public init(action: SignedAction, entry: Entry? = nil) {
        self.action = action
        self.entry = entry
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("action")
        action.pack(into: &w)
        w.writeString("cached_entry")
        w.write(entry)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var action: SignedAction?
        var entry: Entry?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "action": try r.read(into: &action)
            case "cached_entry": entry = try r.readOptional()
            default: try r.skip()
            }
        }
        self.action = try r.require(action, "action", of: "ActivityItem")
        self.entry = entry
    }
}

/// Answer of ``HostOperation/mustGetAgentActivity``.
public struct MustGetAgentActivityAnswer: Packable, Hashable {
    /// The actions, newest first, without a gap; none where something is missing.
    public var activity: [ActivityItem]
    /// The action that this node does not hold yet: nothing is decided before it is here.
    public var missing: ActionHash?

    /// A value from its parts.
    public init(activity: [ActivityItem] = [], missing: ActionHash? = nil) {
        self.activity = activity
        self.missing = missing
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("activity")
        w.write(activity)
        w.writeString("missing")
        w.write(missing)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var activity: [ActivityItem]?
        var missing: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "activity": activity = try r.readOptionalArray()
            case "missing": missing = try r.readOptional()
            default: try r.skip()
            }
        }
        self.activity = activity ?? []
        self.missing = missing
    }
}
