import Integrity
import Sodium
import Validation

/// A chain that is built action by action; what it writes is held by whoever asks for it.
struct TestChain {
    let agent: TestAgent
    private(set) var actions: [(action: Action, entry: Entry?)] = []

    init(_ agent: TestAgent, dna: DnaHash) {
        self.agent = agent
        add(.dna(dna))
        add(.agentValidationPkg(membraneProof: nil))
        add(.create(entryType: .agentPubKey, entryHash: agent.key.entryHash), .agent(agent.key))
    }

    var last: Action { actions[actions.count - 1].action }

    /// The action that would come next.
    func next(_ data: ActionData) -> Action {
        Action(
            header: ActionHeader(
                author: agent.key, timestamp: Timestamp(microseconds: Int64(actions.count)),
                actionSeq: UInt32(actions.count), prevAction: actions.last?.action.hash), data: data)
    }

    @discardableResult
    mutating func add(_ data: ActionData, _ entry: Entry? = nil) -> Action {
        let action = next(data)
        actions.append((action, entry))
        return action
    }
}

/// A DNA with declarative rules, and the data that a test holds.
struct RuledWorld {
    static let dna = DnaDefinition(
        name: "ruled",
        integrity: IntegritySection(entryTypes: [
            EntryTypeDef(
                name: "note",
                rules: EntryRules(
                    fields: FieldSet([
                        FieldRule("text", .string(LengthRange(min: 1, max: 4_000), oneOf: [])),
                        FieldRule("slug", .string(.any, oneOf: []), required: false, unique: true),
                        FieldRule("number", .integer(min: nil, max: nil, oneOf: []), required: false, unique: true),
                        FieldRule("about", .address(.action, mustExist: true, of: "comment"), required: false),
                        FieldRule("source", .address(.entry, mustExist: true, of: nil), required: false),
                        FieldRule("act", .address(.action, mustExist: true, of: nil), required: false),
                        FieldRule("to", .address(.agent, mustExist: true, of: nil), required: false),
                    ]), update: .author, delete: .author)),
            EntryTypeDef(name: "comment"),
            EntryTypeDef(
                name: "law",
                rules: EntryRules(
                    fields: FieldSet([FieldRule("text", .string(.any, oneOf: []))]), update: .nobody, delete: .nobody)),
            EntryTypeDef(
                name: "wiki",
                rules: EntryRules(
                    fields: FieldSet([
                        FieldRule("slug", .string(.any, oneOf: []), required: false, unique: true)
                    ]))),
            EntryTypeDef(
                name: "diary", visibility: .private,
                rules: EntryRules(
                    fields: FieldSet([
                        FieldRule("day", .integer(min: nil, max: nil, oneOf: []), unique: true),
                        FieldRule("entry", .address(.entry, mustExist: true, of: nil), required: false),
                    ]), update: .author)),
        ]))
    static let rules = DeclarativeRules(dna: dna)
    static let dnaHash = dna.hash()

    var alice = TestChain(TestAgent(1), dna: dnaHash)
    var bob = TestChain(TestAgent(2), dna: dnaHash)

    static func type(_ name: String) -> EntryType {
        dna.integrity.appEntryDef(named: name).map(EntryType.app) ?? .agentPubKey
    }

    static func entry(_ fields: KeyValuePairs<String, MessagePackValue>) -> Entry {
        .app(MessagePackValue.map(fields).packed)
    }

    static func create(_ name: String, _ entry: Entry) -> ActionData {
        .create(entryType: type(name), entryHash: entry.hash)
    }

    static func update(_ name: String, _ original: Action, _ entry: Entry) -> ActionData {
        .update(
            originalAction: original.hash, originalEntry: original.entryHash ?? entry.hash, entryType: type(name),
            entryHash: entry.hash)
    }

    static func delete(_ target: Action) -> ActionData {
        .delete(deletesAction: target.hash, deletesEntry: target.entryHash ?? EntryHash(hashing: []))
    }

    /// All that both chains wrote, private entries too.
    var held: HeldData {
        var held = HeldData()
        for (action, entry) in alice.actions + bob.actions { held.hold(action, entry) }
        return held
    }

    /// What anyone may hold of it.
    var shared: HeldData {
        var held = HeldData()
        for (action, entry) in alice.actions + bob.actions {
            held.hold(action, action.entryType?.visibility == .private ? nil : entry)
        }
        return held
    }

    static func record(_ action: Action, _ entry: Entry?) -> Record {
        Record(
            signedAction: SignedAction(action: action, signature: Signature(Bytes64())),
            entry: entry.map(RecordEntry.present) ?? .notApplicable)
    }

    /// What Alice's node says when she writes this next.
    func check(_ data: ActionData, _ entry: Entry? = nil) throws -> Verdict {
        try Self.rules.check([Self.record(alice.next(data), entry)], own: held, shared: shared)
    }

    /// The same in one word: `valid`, `missing`, or the refusal's word.
    func word(_ data: ActionData, _ entry: Entry? = nil) throws -> String { Self.word(try check(data, entry)) }

    static func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .valid: "valid"
        case .missing: "missing"
        case .rejected(let violation): violation.refusal?.word.rawValue ?? "rule \(violation.rule)"
        }
    }

    /// The sentence that Alice reads.
    func sentence(_ data: ActionData, _ entry: Entry? = nil) throws -> String {
        guard case .rejected(let violation) = try check(data, entry) else { return "not rejected" }
        return violation.message
    }

    /// Alice writes it without being asked.
    @discardableResult
    mutating func write(_ data: ActionData, _ entry: Entry? = nil) -> Action { alice.add(data, entry) }
}
