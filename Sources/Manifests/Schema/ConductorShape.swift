/// The keys of a conductor's configuration. The reader takes its keys from here.
enum ConductorShape {
    static let conductor = MapShape(keys: [
        .optional("data", .text(most: 4_000), "Folder of everything that the conductor keeps."),
        .optional("interfaces", .map(interfaces), "The ports, bound to loopback."),
        .optional("zomes", .map(zomes), "How modules run."),
        .optional("network", .map(network), "How other conductors are met."),
        .optional("keystore", .map(keystore), "Where the passphrase comes from."),
        .optional("signals", .map(signals), "The conductor's own signals, on admin sockets."),
        .optional("log", .words(of: ConductorConfig.LogLevel.self), "What is logged."),
        .optional("log_format", .words(of: ConductorConfig.LogFormat.self), "Lines for people, or for programs."),
    ])

    static let signals = MapShape(keys: [
        .optional("trace", .flag), .optional("consistency", .flag), .optional("stats", .flag),
    ])

    static let interfaces = MapShape(keys: [
        .optional("admin", .map(admin), "For operators."),
        .optional("app", .list(of: .map(app), most: 1), "For apps."),
    ])

    static let admin = MapShape(keys: [
        .optional("port", .whole(ConductorConfig.ports), "0 for any free one."),
        .optional("auth", .words(of: ConductorConfig.Auth.self), "Whether admin.token must be shown."),
        .optional("origins", origins, "Pages that may ask."),
    ])

    static let app = MapShape(keys: [
        .optional("port", .whole(ConductorConfig.ports), "0 for any free one."),
        .optional("origins", origins, "Pages that may ask."),
    ])

    private static let origins = Shape.list(of: .text(pattern: "^https?://[^*]*[^*/]$", most: 1_000), most: 100)

    static let zomes = MapShape(keys: [
        .optional("isolation", .words(of: ConductorConfig.Isolation.self), "process, or none for development."),
        .optional("sandbox", .words(of: ConductorConfig.Sandbox.self), "required refuses a degraded kernel."),
        .optional("call_timeout", .text(pattern: "^[0-9]+(ms|s|m|h)$", most: 40), "Longest time of one call: 30s."),
        .optional(
            "memory", .text(pattern: "^[0-9]+(B|KiB|MiB|GiB)$", most: 40), "Memory of a module's process: 128MiB."),
        .optional(
            "failures", .whole(ConductorConfig.Zomes.failuresRange),
            "Bad ends of an app's modules within a minute that disable it; 0 for never."),
    ])

    static let network = MapShape(keys: [
        .optional(
            "listen",
            .list(
                of: .text(pattern: "^/(ip4/[0-9.]+|ip6/[0-9A-Fa-f:.]+)/tcp/[0-9]{1,5}(/ws)?$", most: 500),
                most: NetworkAddress.maxCount, isSet: true),
            "Where others may reach this conductor; loopback until an operator opens it."),
        .optional(
            "bootstrap",
            .list(
                of: .text(
                    pattern: "^/(ip4/[0-9.]+|ip6/[0-9A-Fa-f:.]+|dns[46]?/[A-Za-z0-9._-]+)/tcp/[0-9]{1,5}"
                        + "(/ws)?(/(p2p|ipfs)/[A-Za-z0-9]{40,80})?$",
                    most: 500),
                most: NetworkAddress.maxCount, isSet: true),
            "Who is asked first for the members of a space."),
        .optional("relay", .words(of: ConductorConfig.Relay.self), "Relays where nobody can dial this machine."),
        .optional(
            "relays",
            .list(
                of: .text(
                    pattern: "^/(ip4/[0-9.]+|ip6/[0-9A-Fa-f:.]+|dns[46]?/[A-Za-z0-9._-]+)/tcp/[0-9]{1,5}"
                        + "(/ws)?/(p2p|ipfs)/[A-Za-z0-9]{40,80}$",
                    most: 500),
                most: NetworkAddress.maxCount, isSet: true),
            "Relays besides those that stand at bootstrap addresses; each with its key."),
    ])

    static let keystore = MapShape(keys: [
        .optional(
            "passphrase", .text(pattern: "^(prompt|fd:[0-9]+|credential:[^/]+)$", most: 300), "Never the passphrase.")
    ])
}
