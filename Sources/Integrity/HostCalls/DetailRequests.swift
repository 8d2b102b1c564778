// Answers of `getDetails`, `getHistory` and their kin: what is known of a record, an entry, a version.

/// What validation said of a record.
public enum ValidationStatus: String, Sendable, Hashable, CaseIterable {
    /// It may stand.
    case valid = "Valid"
    /// It may not, and stays only as evidence.
    case rejected = "Rejected"
    /// Nobody can say any more.
    case abandoned = "Abandoned"
}

extension ValidationStatus: Packable {
    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }

    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let text = try r.readString()
        guard let status = Self(rawValue: text) else {
            throw PlasmidError(.malformedMessagePack, "There is no validation status '\(text)'.")
        }
        self = status
    }
}

/// Whether an entry is there for the app.
public enum EntryDhtStatus: String, Sendable, Hashable, CaseIterable {
    /// At least one valid Create or Update of it is not deleted. Being updated ends nothing.
    case live = "Live"
    /// Every one of them is deleted.
    case dead = "Dead"
}

extension EntryDhtStatus: Packable {
    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }

    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let text = try r.readString()
        guard let status = Self(rawValue: text) else {
            throw PlasmidError(.malformedMessagePack, "There is no entry status '\(text)'.")
        }
        self = status
    }
}

/// A record with all that happened to it (reference holochain.md §2.5).
public struct RecordDetails: Packable, Hashable {
    /// The record, deleted or not.
    public var record: Record
    /// What validation said of it.
    public var validationStatus: ValidationStatus
    /// The Deletes of it, oldest first.
    public var deletes: [SignedAction]
    /// The Updates of it, oldest first.
    public var updates: [SignedAction]

    /// A value from its parts.
    public init(
        record: Record, validationStatus: ValidationStatus, deletes: [SignedAction] = [], updates: [SignedAction] = []
    ) {
        self.record = record
        self.validationStatus = validationStatus
        self.deletes = deletes
        self.updates = updates
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("record")
        record.pack(into: &w)
        w.writeString("validation_status")
        validationStatus.pack(into: &w)
        w.writeString("deletes")
        w.write(deletes)
        w.writeString("updates")
        w.write(updates)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var record: Record?
        var validationStatus: ValidationStatus?
        var deletes: [SignedAction]?
        var updates: [SignedAction]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "record": try r.read(into: &record)
            case "validation_status": try r.read(into: &validationStatus)
            case "deletes": deletes = try r.readOptionalArray()
            case "updates": updates = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.record = try r.require(record, "record", of: "RecordDetails")
        self.validationStatus = try r.require(validationStatus, "validation_status", of: "RecordDetails")
        self.deletes = deletes ?? []
        self.updates = updates ?? []
    }
}

/// An entry with all that happened to it, whichever action brought it (reference holochain.md §2.5).
public struct EntryDetails: Packable, Hashable {
    /// The entry.
    public var entry: Entry
    /// The valid Creates and Updates that brought it, oldest first.
    public var actions: [SignedAction]
    /// Those that validation rejected. None before there is a network: what is rejected here is never written.
    public var rejectedActions: [SignedAction]
    /// The Deletes of it, oldest first.
    public var deletes: [SignedAction]
    /// The Updates of it, oldest first.
    public var updates: [SignedAction]
    /// Whether it is live.
    public var status: EntryDhtStatus

    /// A value from its parts.
    public init(
        entry: Entry, actions: [SignedAction] = [], rejectedActions: [SignedAction] = [], deletes: [SignedAction] = [],
        updates: [SignedAction] = [], status: EntryDhtStatus
    ) {
        self.entry = entry
        self.actions = actions
        self.rejectedActions = rejectedActions
        self.deletes = deletes
        self.updates = updates
        self.status = status
    }

    /// Writes a map of 6 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(6)
        w.writeString("entry")
        entry.pack(into: &w)
        w.writeString("actions")
        w.write(actions)
        w.writeString("rejected_actions")
        w.write(rejectedActions)
        w.writeString("deletes")
        w.write(deletes)
        w.writeString("updates")
        w.write(updates)
        w.writeString("entry_dht_status")
        status.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var entry: Entry?
        var actions: [SignedAction]?
        var rejectedActions: [SignedAction]?
        var deletes: [SignedAction]?
        var updates: [SignedAction]?
        var status: EntryDhtStatus?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "entry": try r.read(into: &entry)
            case "actions": actions = try r.readOptionalArray()
            case "rejected_actions": rejectedActions = try r.readOptionalArray()
            case "deletes": deletes = try r.readOptionalArray()
            case "updates": updates = try r.readOptionalArray()
            case "entry_dht_status": try r.read(into: &status)
            default: try r.skip()
            }
        }
        self.entry = try r.require(entry, "entry", of: "EntryDetails")
        self.actions = actions ?? []
        self.rejectedActions = rejectedActions ?? []
        self.deletes = deletes ?? []
        self.updates = updates ?? []
        self.status = try r.require(status, "entry_dht_status", of: "EntryDetails")
    }
}

/// Answer of ``HostOperation/getDetails``.
public enum Details: Packable, Hashable {
    /// What was asked about is an action.
    case record(RecordDetails)
    /// What was asked about is an entry.
    case entry(EntryDetails)

    /// Writes `{type, content}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("type")
        switch self {
        case .record(let details):
            w.writeString("Record")
            w.writeString("content")
            details.pack(into: &w)
        case .entry(let details):
            w.writeString("Entry")
            w.writeString("content")
            details.pack(into: &w)
        }
    }

    /// Reads `{type, content}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var type: String?
        var content: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "type": type = try r.readString()
            case "content": content = try r.rawBytes()
            default: try r.skip()
            }
        }
        let bytes = try r.require(content, "content", of: "Details")
        switch type {
        case "Record": self = .record(try RecordDetails(packed: bytes))
        case "Entry": self = .entry(try EntryDetails(packed: bytes))
        default: throw PlasmidError(.malformedMessagePack, "Details are of a record or an entry.")
        }
    }
}

/// What became of a version of an entry.
public enum VersionStatus: String, Sendable, Hashable, CaseIterable {
    /// It is the newest where it stands.
    case live
    /// Another version follows it.
    case modified
    /// It was deleted.
    case deleted
}

extension VersionStatus: Packable {
    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }

    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let text = try r.readString()
        guard let status = Self(rawValue: text) else {
            throw PlasmidError(.malformedMessagePack, "There is no version status '\(text)'.")
        }
        self = status
    }
}

/// One version of an entry.
public struct EntryVersion: Packable, Hashable {
    /// The record that brought it.
    public var record: Record
    /// What became of it.
    public var status: VersionStatus

    /// A value from its parts.
    public init(record: Record, status: VersionStatus) {
        self.record = record
        self.status = status
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("record")
        record.pack(into: &w)
        w.writeString("status")
        status.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var record: Record?
        var status: VersionStatus?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "record": try r.read(into: &record)
            case "status": try r.read(into: &status)
            default: try r.skip()
            }
        }
        self.record = try r.require(record, "record", of: "EntryVersion")
        self.status = try r.require(status, "status", of: "EntryVersion")
    }
}

/// Which version replaced which.
public struct VersionLink: Packable, Hashable {
    /// The version that was replaced.
    public var from: ActionHash
    /// The one that replaced it.
    public var to: ActionHash

    /// A value from its parts.
    public init(from: ActionHash, to: ActionHash) {
        self.from = from
        self.to = to
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("from")
        from.pack(into: &w)
        w.writeString("to")
        to.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var from: ActionHash?
        var to: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "from": try r.read(into: &from)
            case "to": try r.read(into: &to)
            default: try r.skip()
            }
        }
        self.from = try r.require(from, "from", of: "VersionLink")
        self.to = try r.require(to, "to", of: "VersionLink")
    }
}

/// Answer of ``HostOperation/getHistory``: all versions from an address on.
public struct EntryHistory: Packable, Hashable {
    /// The versions by time, the earliest first; the address that was asked for comes first.
    public var items: [EntryVersion]
    /// Which replaced which. More than one may replace the same: then the authors did not know of each other.
    public var links: [VersionLink]

    /// A value from its parts.
    public init(items: [EntryVersion] = [], links: [VersionLink] = []) {
        self.items = items
        self.links = links
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("items")
        w.write(items)
        w.writeString("links")
        w.write(links)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var items: [EntryVersion]?
        var links: [VersionLink]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "items": items = try r.readOptionalArray()
            case "links": links = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.items = items ?? []
        self.links = links ?? []
    }
}

/// Input of ``HostOperation/getLatest`` and ``HostOperation/getHistory``.
public struct VersionRequest: Packable, Hashable {
    /// Any version: its action, or its entry.
    public var hash: AnyDhtHash
    /// Only later versions of this agent count; those of everyone when nil.
    public var author: AgentPubKey?

    /// A value from its parts.
    public init(hash: AnyDhtHash, author: AgentPubKey? = nil) {
        self.hash = hash
        self.author = author
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("hash")
        hash.pack(into: &w)
        w.writeString("author")
        w.write(author)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var hash: AnyDhtHash?
        var author: AgentPubKey?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hash": try r.read(into: &hash)
            case "author": author = try r.readOptional()
            default: try r.skip()
            }
        }
        self.hash = try r.require(hash, "hash", of: "VersionRequest")
        self.author = author
    }
}
