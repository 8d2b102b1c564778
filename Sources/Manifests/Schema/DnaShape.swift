import Integrity

/// The keys of a DNA file. The reader takes its keys from here.
enum DnaShape {
    static let dna = MapShape(
        keys: [
            .required("manifest_version", .version, "The version of this form: \"1\"."),
            .required("name", .label, "For people; not hashed."),
            .required("integrity", .map(integrity), "What makes the network. All of it enters the DNA hash."),
            .optional("coordinator", .map(coordinator), "What acts in the network; free to change."),
        ],
        conditions: [["anyOf": [hasZomes("integrity"), hasZomes("coordinator")]]])

    private static func hasZomes(_ section: String) -> JSON {
        [
            "required": [.text(section)],
            "properties": .map([
                .init(
                    key: section,
                    value: [
                        "type": "object", "required": ["zomes"],
                        "properties": ["zomes": ["type": "array", "minItems": 1]],
                    ])
            ]),
        ]
    }

    static let integrity = MapShape(keys: [
        .optional(
            "network_seed", .text(most: 1_000), "Tells networks of the same rules apart. Empty: the space is public."),
        .optional("properties", .anyMap, "Any values, for the zomes."),
        .optional("messaging", .map(messaging), "How private messages must be."),
        .optional("entry_types", .list(of: .map(entryType), most: Limits.entryTypes), "Their order numbers them."),
        .optional("link_types", .list(of: .map(linkType), most: Limits.linkTypes), "Their order numbers them."),
        .optional("zomes", .list(of: .map(integrityZome), most: DnaReader.maxZomes), "Validators."),
    ])

    static let messaging = MapShape(keys: [
        .optional("floor", .words(of: MessagingFloor.self), "The lowest privacy level of private messages.")
    ])

    /// Words that mean something else where an entry type is named.
    static let reservedTypes = ["agent", "any", "external"]

    static let entryType = MapShape(keys: [
        .required(
            "name",
            .text(pattern: "^[A-Za-z_][A-Za-z0-9_]*$", most: Spelling.maxNameBytes, except: reservedTypes), "Unique."),
        .optional("visibility", .words(visibilities.map(\.0)), "Private entries never leave their author's device."),
        .optional("max_bytes", .whole(1...Limits.entryBytes), "The largest entry of the type."),
        .optional("required_validations", .whole(1...255), "How many receipts an author waits for."),
        .optional("publishing", .other(["const": ["signed"]]), "Only [signed] yet."),
        .optional("rules", .map(RulesShape.rules), "What the conductor itself holds entries of the type to."),
        .optional("zome", .identifier, "The integrity zome that owns the type; the first when left out."),
    ])

    static let visibilities: [(String, Visibility)] = [("public", .public), ("private", .private)]

    static let linkType = MapShape(keys: [
        .required("name", .identifier, "Unique."),
        .optional("base", .text(most: Spelling.maxNameBytes), "agent, external, any or an entry type."),
        .optional("target", .text(most: Spelling.maxNameBytes), "agent, external, any or an entry type."),
        .optional("create", .words(WhoMay.creators.map(\.rawValue)), "Who may make one."),
        .optional("delete", .words(WhoMay.deleters.map(\.rawValue)), "Who may take one back."),
        .optional("zome", .identifier, "The integrity zome that owns the type; the first when left out."),
    ])

    static let integrityZome = MapShape(keys: [
        .required("name", .identifier, "Unique among all zomes of the DNA."),
        .required("module", .identifier, "The library product, without lib and .so."),
        .required("sources", .path(mayGoUp: false), "The folder of its sources; their digest is part of the DNA hash."),
        .optional("digest", .hash("uhCEk"), "The digest that the sources must have."),
    ])

    static let coordinator = MapShape(keys: [
        .optional("zomes", .list(of: .map(coordinatorZome), most: DnaReader.maxZomes), "Functions and callbacks.")
    ])

    static let coordinatorZome = MapShape(keys: [
        .required("name", .identifier, "Unique among all zomes of the DNA."),
        .required("module", .identifier, "The library product, without lib and .so."),
        .optional("functions", .list(of: .map(function), most: DnaReader.maxFunctions), "What can be called."),
        .optional(
            "callbacks", .list(of: .words(of: Callback.self), most: 16, isSet: true), "What the conductor calls."),
    ])

    static let function = MapShape(keys: [
        .required("name", .identifier, "Unique in the zome."),
        .optional("access", .words(of: FunctionAccess.self), "Who may call it: author when left out."),
    ])
}
