/// The configuration key by key, for operators who look at it or change it while a conductor runs.
extension ConductorConfig {
    /// One key, as its path in the file (`zomes.call_timeout`), and its value as YAML.
    public struct Setting: Hashable, Sendable {
        /// The path, with points between the names.
        public let key: String
        /// The value, on one line.
        public let value: String

        /// Whether a running conductor can take a new value up; the others wait for its next start.
        public var isLive: Bool { ConductorConfig.liveKeys.contains(key) }
    }

    static let liveKeys: Set<String> = [
        "interfaces.admin.origins", "interfaces.app.origins", "zomes.call_timeout", "zomes.failures",
        "signals.trace", "signals.consistency", "signals.stats", "log",
    ]

    /// Every key with its value, in the order of the file.
    public var settings: [Setting] {
        [
            Setting(key: "data", value: Self.quoted(data)),
            Setting(key: "interfaces.admin.port", value: String(admin.port)),
            Setting(key: "interfaces.admin.auth", value: admin.auth.rawValue),
            Setting(key: "interfaces.admin.origins", value: Self.list(admin.origins)),
            Setting(key: "interfaces.app.port", value: String(app.port)),
            Setting(key: "interfaces.app.origins", value: Self.list(app.origins)),
            Setting(key: "zomes.isolation", value: zomes.isolation.rawValue),
            Setting(key: "zomes.sandbox", value: zomes.sandbox.rawValue),
            Setting(key: "zomes.call_timeout", value: Measure.time.text(zomes.callTimeoutMilliseconds)),
            Setting(key: "zomes.memory", value: Measure.size.text(zomes.memoryBytes)),
            Setting(key: "zomes.failures", value: String(zomes.failures)),
            Setting(key: "network.listen", value: Self.list(network.listen)),
            Setting(key: "network.bootstrap", value: Self.list(network.bootstrap)),
            Setting(key: "network.relay", value: network.relay.rawValue),
            Setting(key: "network.relays", value: Self.list(network.relays)),
            Setting(key: "keystore.passphrase", value: Self.quoted(passphrase.text)),
            Setting(key: "signals.trace", value: String(signals.trace)),
            Setting(key: "signals.consistency", value: String(signals.consistency)),
            Setting(key: "signals.stats", value: String(signals.statistics)),
            Setting(key: "log", value: log.rawValue),
            Setting(key: "log_format", value: logFormat.rawValue),
        ]
    }

    /// The keys whose values differ, in the order of the file.
    public func changes(to other: ConductorConfig) -> [Setting] {
        zip(settings, other.settings).filter { $0 != $1 }.map { $1 }
    }

    /// A text as YAML reads it back, whatever is in it.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16)
                result += "\\x" + (hex.count < 2 ? "0" : "") + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }
}

extension ConductorConfig.PassphraseSource {
    /// As the file has it.
    var text: String {
        switch self {
        case .prompt: "prompt"
        case .descriptor(let number): "fd:\(number)"
        case .credential(let name): "credential:\(name)"
        }
    }
}

extension ConductorFile {
    /// A file with every key: what it reads back is the same configuration.
    public static func text(_ config: ConductorConfig) -> String { text(config.settings) }

    /// The text of a configuration in which one key has another value, given as people type it: a word, a number, a text, or
    /// texts with commas between them for a list.
    /// - Returns: nil where there is no such key. Whether the value makes sense is for ``read(text:file:)`` to say.
    public static func text(_ config: ConductorConfig, setting key: String, to value: String) -> String? {
        var settings = config.settings
        guard let index = settings.firstIndex(where: { $0.key == key }) else { return nil }
        settings[index] = ConductorConfig.Setting(key: key, value: yaml(value, isList: listKeys.contains(key)))
        return text(settings)
    }

    private static let listKeys: Set<String> = [
        "interfaces.admin.origins", "interfaces.app.origins", "network.listen", "network.bootstrap",
        "network.relays",
    ]

    private static func yaml(_ value: String, isList: Bool) -> String {
        if isList {
            let inner = value.hasPrefix("[") && value.hasSuffix("]") ? String(value.dropFirst().dropLast()) : value
            let parts = inner.split(separator: ",").map { part in
                var text = part.drop { $0 == " " }
                while text.last == " " { text.removeLast() }
                if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
                return String(text)
            }
            return "[" + parts.filter { !$0.isEmpty }.map(ConductorConfig.quoted).joined(separator: ", ") + "]"
        }
        // A word or a number stands as it is; anything else as a text, so that no value can add keys.
        let isPlain =
            !value.isEmpty
            && value.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2e || byte == 0x5f
            }
        return isPlain ? value : ConductorConfig.quoted(value)
    }

    private static func text(_ settings: [ConductorConfig.Setting]) -> String {
        var lines = ["# Written by 'plasmid admin config set'. docs/conductor.md explains every key."]
        var open: [String] = []
        for setting in settings {
            let parts = setting.key.split(separator: ".").map(String.init)
            let parents = Array(parts.dropLast())
            for depth in parents.indices where depth >= open.count || open[depth] != parents[depth] {
                lines.append(String(repeating: "  ", count: depth) + parents[depth] + ":")
                open = Array(parents[...depth])
            }
            if parents.count < open.count { open = parents }
            // The app interfaces are a list; there is one.
            let isApp = parents == ["interfaces", "app"]
            let dash = isApp ? (parts.last == "port" ? "  - " : "    ") : ""
            let indent = String(repeating: "  ", count: isApp ? 1 : parents.count)
            lines.append(indent + dash + (parts.last ?? "") + ": " + setting.value)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
