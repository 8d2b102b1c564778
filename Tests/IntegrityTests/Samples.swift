import Integrity
import Sodium

/// Fixed values that golden files, the Python script and the tests share. Tests/Interop/data_model.py writes the same by hand.
enum Samples {
    static let author = AgentPubKey(core: Bytes32(repeating: 1))
    static let dnaHash = DnaHash(core: Bytes32(repeating: 2))
    static let time = Timestamp(microseconds: 1_700_000_000_000_000)

    static func action(_ seq: UInt32, _ data: ActionData) -> Action {
        Action(
            header: ActionHeader(
                author: author, timestamp: time.advanced(byMicroseconds: Int64(seq)), actionSeq: seq,
                prevAction: seq == 0 ? nil : ActionHash(core: Bytes32(repeating: 3))),
            data: data)
    }

    static let appType = EntryType.app(AppEntryDef(entryIndex: 1, zomeIndex: 0, visibility: .public))
    static let privateType = EntryType.app(AppEntryDef(entryIndex: 2, zomeIndex: 0, visibility: .private))
    static let bar = Entry.app([0xA3, 0x62, 0x61, 0x72])
    static let entry4 = EntryHash(core: Bytes32(repeating: 4))
    static let action5 = ActionHash(core: Bytes32(repeating: 5))
    static let external6 = ExternalHash(core: Bytes32(repeating: 6))

    /// One action of every kind, by its name.
    static let actions: [(name: String, action: Action)] = [
        ("Dna", action(0, .dna(dnaHash))),
        ("AgentValidationPkg", action(1, .agentValidationPkg(membraneProof: nil))),
        ("AgentValidationPkgProof", action(1, .agentValidationPkg(membraneProof: [1, 2, 3]))),
        ("CreateAgent", action(2, .create(entryType: .agentPubKey, entryHash: author.entryHash))),
        ("InitZomesComplete", action(3, .initZomesComplete)),
        ("Create", action(4, .create(entryType: appType, entryHash: bar.hash))),
        ("CreatePrivate", action(5, .create(entryType: privateType, entryHash: bar.hash))),
        (
            "Update",
            action(
                6, .update(originalAction: action5, originalEntry: entry4, entryType: appType, entryHash: bar.hash))
        ),
        ("Delete", action(7, .delete(deletesAction: action5, deletesEntry: entry4))),
        (
            "CreateLink",
            action(
                8,
                .createLink(
                    base: .entry(entry4), target: .external(external6), zomeIndex: 0, linkType: 200, tag: [0, 255]))
        ),
        ("DeleteLink", action(300, .deleteLink(base: .entry(entry4), linkAdd: action5))),
        ("CloseChain", action(70_000, .closeChain(.agent(AgentPubKey(core: Bytes32(repeating: 7)))))),
        ("OpenChain", action(3, .openChain(.dna(dnaHash), action5))),
    ]

    static let grant = ZomeCallCapGrant(
        tag: "friends", access: .assigned(secret: CapSecret(sequence64), assignees: [author]),
        functions: .listed([ZomeFunction(zome: "messenger", function: "say")]))
    static let claim = CapClaim(tag: "from a friend", grantor: author, secret: CapSecret(sequence64))
    static let sequence64 = Bytes64((0..<64).map { UInt8($0) }) ?? Bytes64()

    static func signed(_ action: Action) -> SignedAction {
        SignedAction(action: action, signature: Signature(sequence64))
    }

    /// The sample DNA, in the shape of DESIGN's messenger.
    static func dna(properties: MessagePackValue = Samples.properties, zomes: Int = 1) -> DnaDefinition {
        let libraries = [
            IntegrityZomeDef(
                name: "messenger_integrity", module: "MessengerIntegrity", sources: "Plugins/MessengerIntegrity",
                digest: Bytes32(repeating: 8)),
            IntegrityZomeDef(name: "extra", module: "Extra", sources: "Plugins/Extra", digest: Bytes32(repeating: 9)),
        ]
        return DnaDefinition(
            name: "messenger",
            integrity: IntegritySection(
                networkSeed: "seed", properties: properties, messaging: .fast,
                entryTypes: [
                    EntryTypeDef(name: "note", maxBytes: 65_536),
                    EntryTypeDef(name: "diary", visibility: .private, zome: zomes > 1 ? "extra" : nil),
                    EntryTypeDef(name: "comment", requiredValidations: 3, publishing: [.signed, .unsigned]),
                ],
                linkTypes: [LinkTypeDef(name: "inbox", base: .agent, target: .entry("note"))],
                zomes: Array(libraries.prefix(zomes))),
            coordinator: [
                CoordinatorZomeDef(
                    name: "messenger", module: "Messenger",
                    functions: [FunctionDef(name: "write"), FunctionDef(name: "list", access: .public)],
                    callbacks: [.initialize, .receive])
            ])
    }

    static let properties = MessagePackValue.map([
        "title": "Post", "limit": 300, "nested": .map(["b": true, "a": .null, "aa": 1.5]),
    ])

    /// Declarative rules of every type, in an order that their bytes do not have.
    static let rules = EntryRules(
        fields: FieldSet(
            [
                FieldRule("text", .string(LengthRange(min: 1, max: 4_000), oneOf: [])),
                FieldRule("state", .string(.any, oneOf: ["open", "closed"]), required: false),
                FieldRule("slug", .string(.any, oneOf: []), required: false, unique: true),
                FieldRule("stars", .integer(min: -1, max: Int128(UInt64.max), oneOf: []), required: false),
                FieldRule("level", .integer(min: nil, max: nil, oneOf: [3, -200]), required: false),
                FieldRule("price", .number(min: 0, max: 99.5), required: false),
                FieldRule("done", .boolean, required: false),
                FieldRule("seal", .bytes(LengthRange(min: 32, max: 32)), required: false),
                FieldRule("to", .address(.agent, mustExist: true, of: nil), required: false),
                FieldRule("about", .address(.action, mustExist: true, of: "comment"), required: false),
                FieldRule("source", .address(.entry, mustExist: false, of: nil), required: false),
                FieldRule("anywhere", .address(.hash, mustExist: false, of: nil), required: false),
                FieldRule(
                    "tags", .list(LengthRange(max: 10), items: .string(LengthRange(max: 40), oneOf: [])),
                    required: false),
                FieldRule(
                    "place", .map(.any, FieldSet([FieldRule("name", .any)], forbidden: ["street"], unknown: .forbid)),
                    required: false),
            ], forbidden: ["zeta", "author"]), update: .author, delete: .nobody)
}
