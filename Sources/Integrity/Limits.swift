/// Every size, count and depth limit that several parts share. Bytes unless said otherwise.
public enum Limits {
    /// An app entry's bytes, inclusive; Holochain's value, and the default of `max_bytes` in a manifest.
    public static let entryBytes = 4_000_000
    /// A link's tag, inclusive; Holochain's value.
    public static let linkTagBytes = 1_000
    /// A direct message or a remote call's payload, inclusive.
    public static let directMessageBytes = 1_048_576
    /// How deep arrays and maps may nest in MessagePack and JSON; the outermost counts as 1.
    public static let messagePackDepth = 64
    /// A frame between conductor and zome process, header included.
    public static let moduleFrameBytes = 16 * 1_048_576
    /// A signal's payload.
    public static let signalBytes = 1_048_576
    /// The name of a signal for other agents.
    public static let signalNameBytes = 1_024
    /// Agents that one remote signal may go to.
    public static let signalRecipients = 1_000
    /// A warrant's reason, cut at a character boundary; Holochain's value.
    public static let warrantReasonBytes = 512
    /// What one `randomBytes` host call may ask for.
    public static let randomBytes = 65_536
    /// Links in one page of `getLinks` when the caller names no limit.
    public static let linkPageDefault = 1_000
    /// Links in one page of `getLinks`, at most.
    public static let linkPageMaximum = 10_000
    /// Links in one page of `getLinksDetails`, at most.
    public static let linkDetailsPageMaximum = 1_000
    /// Bytes of one answer of a read that gives many records, at most: less than a frame, whatever is around them.
    public static let answerBytes = 15 * 1_048_576
    /// Names, patterns or types in one question of a zome, at most.
    public static let namesPerQuestion = 256
    /// Patterns of names in one `query`, at most.
    public static let patternsPerQuery = 32
    /// Messages that one `signOneTime` signs, at most.
    public static let oneTimeSignatures = 1_000
    /// Records in one answer of `query`, at most.
    public static let queryPageMaximum = 10_000
    /// Versions of one entry that are followed, at most.
    public static let versionsMaximum = 10_000
    /// Actions in one answer of `mustGetAgentActivity`, at most.
    public static let activityMaximum = 10_000
    /// Actions that one zome call may commit.
    public static let actionsPerCall = 10_000
    /// Bytes of actions and entries that one zome call may commit.
    public static let bytesPerCall = 64_000_000
    /// A WebSocket message.
    public static let webSocketMessageBytes = 64 * 1_048_576
    /// A WebSocket frame.
    public static let webSocketFrameBytes = 16 * 1_048_576
    /// An HTTP request body.
    public static let httpBodyBytes = 16 * 1_048_576
    /// A log line of a zome.
    public static let logMessageBytes = 8_192
    /// Names of zomes, functions, entry types, link types, apps and roles.
    public static let nameBytes = 128
    /// A capability's tag.
    public static let capTagBytes = 1_000
    /// Assignees of one capability grant.
    public static let capAssignees = 10_000
    /// Functions listed by one capability grant.
    public static let capFunctions = 1_000
    /// How deep calls may call calls, within a cell and from cell to cell of one conductor; the first is 0.
    public static let callDepth = 32
    /// Calls of other functions that one call may cause, those that they cause included.
    public static let callsPerCall = 4_096
    /// Certificates that one delegated capability may have: how often it was passed on.
    public static let delegationDepth = 8
    /// How far ahead a signed call's expiry may lie, in microseconds: 50 minutes, Holochain's value.
    public static let callExpiryMicroseconds: Int64 = 50 * 60 * 1_000_000
    /// A DNA's properties, as MessagePack.
    public static let propertiesBytes = 65_536
    /// The rules of one entry type, as MessagePack.
    public static let rulesBytes = 65_536
    /// How deep the rules of fields may nest; those at the top of an entry count as 1.
    public static let ruleDepth = 8
    /// Fields with a rule in one map, forbidden fields, and values of an `enum`.
    public static let ruleFields = 256
    /// Addresses in one entry that must exist.
    public static let ruleReferences = 1_000
    /// Entry types of one DNA: an index is a byte.
    public static let entryTypes = 256
    /// Link types of one DNA: an index is a byte.
    public static let linkTypes = 256
}
