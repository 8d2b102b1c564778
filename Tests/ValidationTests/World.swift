import Chain
import Integrity
import Sodium
import Validation

/// Held data in dictionaries.
struct HeldData: ValidationReads {
    var actions: [ActionHash: Action] = [:]
    var entries: [EntryHash: Entry] = [:]

    func action(_ hash: ActionHash) -> Action? { actions[hash] }
    func entry(_ hash: EntryHash) -> Entry? { entries[hash] }

    mutating func hold(_ scratch: Scratch) {
        for pending in scratch.actions { hold(pending.action, pending.entry) }
    }

    mutating func hold(_ action: Action, _ entry: Entry? = nil) {
        actions[action.hash] = action
        if let entry { entries[entry.hash] = entry }
    }
}

/// An agent whose key is at hand.
struct TestAgent {
    let key: AgentPubKey
    private let seed: [UInt8]

    init(_ n: UInt8) {
        seed = Array(repeating: n, count: 32)
        key = AgentPubKey(core: Self.withKey(seed) { $0.publicKey })
    }

    func sign(_ bytes: [UInt8]) -> Signature {
        Signature(Self.withKey(seed) { $0.sign(bytes) })
    }

    private static func withKey<R>(_ seed: [UInt8], _ body: (borrowing SecretKey) -> R) -> R {
        var bytes = seed
        let secret = SecretBytes(moving: &bytes)
        guard let key = SecretKey(seed: secret) else { preconditionFailure("32 bytes are a seed") }
        return body(key)
    }
}

/// An app with a type of each kind, and two agents with a chain of genesis and one note each.
struct World {
    static let dna = DnaDefinition(
        name: "test",
        integrity: IntegritySection(
            entryTypes: [
                EntryTypeDef(name: "note", maxBytes: 100),
                EntryTypeDef(name: "diary", visibility: .private),
                EntryTypeDef(name: "tip", publishing: [.unsigned]),
            ],
            linkTypes: [
                LinkTypeDef(name: "inbox", base: .agent, target: .entry("note")),
                LinkTypeDef(name: "mine", create: .author),
                LinkTypeDef(name: "out", target: .external, delete: .anyone),
                LinkTypeDef(name: "about", base: .entry("diary")),
            ],
            zomes: [IntegrityZomeDef(name: "rules", module: "Rules", sources: "Rules", digest: Bytes32())]),
        coordinator: [
            CoordinatorZomeDef(
                name: "blog", module: "Blog",
                functions: [
                    FunctionDef(name: "post", access: .granted), FunctionDef(name: "list", access: .public),
                    FunctionDef(name: "secret", access: .author),
                ])
        ])
    static let rules = SystemRules(dna: dna)

    let alice = TestAgent(1)
    let bob = TestAgent(2)
    var held = HeldData()
    /// Alice's and Bob's note.
    let note: Action
    let bobsNote: Action
    let head: ChainHead

    init() throws {
        let mine = try Self.chain(alice)
        let his = try Self.chain(bob)
        held.hold(mine)
        held.hold(his)
        note = mine.actions[3].action
        bobsNote = his.actions[3].action
        head = ChainHead(hash: note.hash, seq: 3, timestamp: note.timestamp)
    }

    private static func chain(_ agent: TestAgent) throws -> Scratch {
        let now = Timestamp(microseconds: 1_000)
        var scratch = try Genesis.scratch(dna: rules.dnaHash, agent: agent.key, membraneProof: nil, now: now)
        try scratch.create(type("note"), text("\(agent.key)"), now: now)
        return scratch
    }

    static func type(_ name: String) -> EntryType {
        dna.integrity.appEntryDef(named: name).map(EntryType.app) ?? .agentPubKey
    }

    static func text(_ text: String) -> Entry { .app(text.packed) }

    /// The next action on Alice's chain.
    func next(_ data: ActionData) -> Action {
        Action(
            header: ActionHeader(
                author: alice.key, timestamp: head.timestamp.advanced(byMicroseconds: 5), actionSeq: head.seq + 1,
                prevAction: head.hash), data: data)
    }

    /// The next action, which brings `entry`.
    func create(_ type: String, _ entry: Entry) -> Action {
        next(.create(entryType: Self.type(type), entryHash: entry.hash))
    }

    func link(
        _ type: String, _ base: AnyLinkableHash, _ target: AnyLinkableHash, tag: [UInt8] = []
    ) -> Action {
        let indexes = Self.dna.integrity.linkIndexes(named: type) ?? (0, 99)
        return next(
            .createLink(
                base: base, target: target, zomeIndex: indexes.zomeIndex, linkType: indexes.linkType, tag: tag))
    }

    /// The record as its author has it, signed.
    func record(_ action: Action, _ entry: Entry? = nil) -> Record {
        Record(
            signedAction: SignedAction(action: action, signature: alice.sign(action.packed)),
            entry: entry.map(RecordEntry.present) ?? .notApplicable)
    }

    func check(_ action: Action, _ entry: Entry? = nil) throws -> Verdict {
        try Self.rules.check(record(action, entry), reads: held)
    }

    /// The number of the rule that the action breaks; nil if it is valid.
    func broken(_ action: Action, _ entry: Entry? = nil) throws -> Int? {
        if case .rejected(let violation) = try check(action, entry) { return violation.rule }
        return nil
    }

    /// The sentence that the author of the action reads.
    func words(_ action: Action, _ entry: Entry? = nil) throws -> String {
        switch try check(action, entry) {
        case .rejected(let violation): violation.message
        case .valid: "valid"
        case .missing: "missing"
        }
    }
}

extension Action {
    /// The same action with something changed.
    func changed(_ change: (inout Action) -> Void) -> Action {
        var copy = self
        change(&copy)
        return copy
    }
}
