import Integrity

/// The keys of a hApp file. The reader takes its keys from here.
enum HappShape {
    static let happ = MapShape(keys: [
        .required("manifest_version", .version, "The version of this form: \"1\"."),
        .required("name", .label, "The app's id, unless the installation gives another."),
        .optional("description", .text(most: 4_000), "For people."),
        .required("roles", .list(of: .map(role), most: HappReader.maxRoles, least: 1), "The cells of every agent."),
        .optional("bridges", .list(of: .map(bridge), most: BridgeReader.maxBridges), "Which role may call which."),
        .optional("allow_deferred_memproofs", .flag, "Whether cells may wait for their membrane proof."),
    ])

    static let role = MapShape(
        keys: [
            .required("name", .label, "Unique; the cell is app/role."),
            .optional("provisioning", .map(provisioning), "When the cell is made."),
            .required("dna", .map(dna), "Which DNA it runs."),
        ],
        conditions: [
            [
                "if": [
                    "required": ["provisioning"],
                    "properties": [
                        "provisioning": [
                            "type": "object", "required": ["strategy"],
                            "properties": ["strategy": ["const": "clone_only"]],
                        ]
                    ],
                ],
                "then": [
                    "properties": [
                        "provisioning": ["properties": ["deferred": ["type": "null"]]],
                        "dna": [
                            "required": ["clone_limit"],
                            "properties": ["clone_limit": ["type": "integer", "minimum": 1]],
                        ],
                    ]
                ],
            ]
        ])

    static let strategies: [(String, Bool)] = [("create", true), ("clone_only", false)]

    static let provisioning = MapShape(keys: [
        .optional("strategy", .words(strategies.map(\.0)), "create: at the installation; clone_only: by cloning."),
        .optional("deferred", .flag, "Whether create waits until the app is first enabled."),
    ])

    static let dna = MapShape(keys: [
        .required("path", .path(mayGoUp: true), "The DNA file, from this file's folder."),
        .optional("modifiers", .map(modifiers), "What replaces the DNA's own."),
        .optional("installed_hash", .hash("uhC0k"), "The hash that the DNA must have after the modifiers."),
        .optional("clone_limit", .whole(0...HappReader.maxClones), "How many clones an agent may make."),
    ])

    static let modifiers = MapShape(keys: [
        .optional("network_seed", .text(most: 1_000)), .optional("properties", .anyMap),
    ])

    static let bridge = MapShape(keys: [
        .required("caller", .label, "The role that calls."), .required("callee", .label, "The role that is called."),
        .required("handle", .label, "How the caller's zomes name it."),
    ])
}
