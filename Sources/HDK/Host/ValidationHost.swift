import Integrity

/// What a validation rule may ask the node: things that every node answers alike, and nothing that writes or could
/// differ.
///
/// A `mustGet…` of something that this node does not hold yet throws, and makes the operation wait until it came; a
/// rule lets that error pass. Catching it changes nothing: the operation waits all the same.
public struct ValidationHost: Sendable {
    let live: LiveCall
    private let gaps: Gaps

    init(_ live: LiveCall, _ gaps: Gaps) {
        self.live = live
        self.gaps = gaps
    }

    /// An entry by its address. Says nothing about who wrote it and whether that was valid.
    public func mustGetEntry(_ hash: EntryHash) async throws -> Entry {
        try await must(.entry(hash)) { () throws(ZomeError) in try await live.mustGetEntry(hash) }
    }

    /// An entry by its address, read as a value. An entry that is not one is a verdict: `Invalid`.
    public func mustGetEntry<Value: EntryValue>(_ hash: EntryHash, as type: Value.Type) async throws -> Value {
        guard let bytes = try await mustGetEntry(hash).appBytes else {
            throw Invalid("\(hash) is not a `\(Value.type)`")
        }
        do throws(ZomeError) {
            return try ValueCodec.input(Value.self, bytes)
        } catch {
            throw Invalid("\(hash) is not a `\(Value.type)`: \(error.message)")
        }
    }

    /// An action by its address. Says nothing about whether it is valid.
    public func mustGetAction(_ hash: ActionHash) async throws -> SignedAction {
        try await must(.action(hash)) { () throws(ZomeError) in try await live.mustGetAction(hash) }
    }

    /// A record that was judged valid. One that was judged invalid makes what is judged here invalid as well.
    public func mustGetValidRecord(_ hash: ActionHash) async throws -> Record {
        try await must(.action(hash)) { () throws(ZomeError) in try await live.mustGetValidRecord(hash) }
    }

    /// A part of an agent's chain, without a gap: from `top` back to the limit, newest first. Says nothing about whether its
    /// actions are valid.
    /// - Throws: `badInput` for a limit that this chain cannot meet, `tooLarge` for more than 10,000 actions.
    public func mustGetAgentActivity(
        _ author: AgentKey, from top: ActionHash, _ limit: ActivityLimit, includeEntries: Bool = false
    ) async throws -> [ActivityItem] {
        let answer = try await live.mustGetAgentActivity(author, top, limit, includeEntries)
        if let missing = answer.missing {
            gaps.missed(.action(missing))
            throw LiveCall.gap(missing)
        }
        return answer.activity
    }

    /// The name of the entry type that an action creates; nil when it creates none, or one of another zome.
    public func entryType(of action: SignedAction) async throws -> EntryTypeName? {
        try await entryTypeName(action.action.entryType).map(EntryTypeName.init(rawValue:))
    }

    /// What the DNA manifest says.
    public func dnaInfo() async throws -> DnaInfo { try await live.dnaInfo() }

    /// The DNA's properties, read as a value.
    public func properties<Value: Decodable>(as type: Value.Type) async throws -> Value {
        try await live.properties(as: type)
    }

    /// Whether an agent of an app signed these bytes with `Host.sign`.
    public func verify(
        _ signature: Signature, of data: [UInt8], by agent: AgentKey, zome: String? = nil
    ) async throws -> Bool {
        try await live.verify(signature, of: data, by: agent, zome: zome)
    }

    /// BLAKE2b-256 of some bytes.
    public func hash(_ data: [UInt8]) async throws -> [UInt8] { try await live.hash(data) }

    /// Writes a line into the conductor's log. Not for secrets.
    public func log(_ level: LogLevel, _ message: String) async throws { try await live.log(level, message) }

    func entryTypeName(_ type: EntryType?) async throws -> String? {
        guard case .app(let definition) = type else { return nil }
        let names = try await live.typeNames().entries
        return names.indices.contains(Int(definition.entryIndex)) ? names[Int(definition.entryIndex)] : nil
    }

    func linkTypeName(_ index: UInt8) async throws -> String? {
        let names = try await live.typeNames().links
        return names.indices.contains(Int(index)) ? names[Int(index)] : nil
    }

    private func must<Answer>(
        _ hash: AnyDhtHash, _ get: () async throws(ZomeError) -> Answer
    ) async throws(ZomeError) -> Answer {
        do {
            return try await get()
        } catch {
            switch error.code {
            case .missingDependency, .notFound: gaps.missed(hash)
            case .validationFailed: gaps.rejected("it needs \(hash), which is invalid: \(error.message)")
            default: break
            }
            throw error
        }
    }
}

/// What `GenesisSelfCheck` may ask: nothing of the network, for there is none yet.
public struct GenesisHost: Sendable {
    private let live: LiveCall

    init(_ live: LiveCall) {
        self.live = live
    }

    /// What the DNA manifest says.
    public func dnaInfo() async throws -> DnaInfo { try await live.dnaInfo() }

    /// The DNA's properties, read as a value.
    public func properties<Value: Decodable>(as type: Value.Type) async throws -> Value {
        try await live.properties(as: type)
    }

    /// Whether an agent of an app signed these bytes with `Host.sign`.
    public func verify(
        _ signature: Signature, of data: [UInt8], by agent: AgentKey, zome: String? = nil
    ) async throws -> Bool {
        try await live.verify(signature, of: data, by: agent, zome: zome)
    }

    /// BLAKE2b-256 of some bytes.
    public func hash(_ data: [UInt8]) async throws -> [UInt8] { try await live.hash(data) }

    /// Writes a line into the conductor's log. Not for secrets.
    public func log(_ level: LogLevel, _ message: String) async throws { try await live.log(level, message) }
}

/// What a rule asked for and did not get: it decides over whatever the rule made of that.
///
/// `@unchecked Sendable`: everything mutable is touched under `lock` only.
final class Gaps: @unchecked Sendable {
    private let lock = Lock()
    private var missing: [AnyDhtHash] = []
    private var rejection: String?

    var found: (missing: [AnyDhtHash], rejected: String?) {
        lock.locked { (missing, rejection) }
    }

    func missed(_ hash: AnyDhtHash) {
        lock.locked { if !missing.contains(hash) { missing.append(hash) } }
    }

    func rejected(_ reason: String) {
        lock.locked { if rejection == nil { rejection = reason } }
    }
}
