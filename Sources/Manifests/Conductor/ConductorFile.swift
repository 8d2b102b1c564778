/// Reads conductor.yaml.
public enum ConductorFile {
    private static let keys = ConductorShape.conductor.names
    /// Keys of the full configuration whose parts this version does not have yet.
    private static let later = ["privacy": "no private messages"]

    /// The configuration that a text describes; nil when a fault refuses it. All faults are returned at once.
    /// - Parameter file: the path to name in diagnostics.
    public static func read(text: String, file: String) -> (config: ConductorConfig?, diagnostics: [Diagnostic]) {
        var report = Report(file: file)
        // A file of comments only is a configuration with every default; the YAML reader wants a value.
        if isEmpty(text) { return (ConductorConfig(), []) }
        guard let root = ManifestFile.root(text, report: &report),
            !ManifestKind.conductor.refuses(root, report: &report)
        else { return (nil, report.sorted) }
        let config = read(root, report: &report)
        return (report.hasErrors ? nil : config, report.sorted)
    }

    private static func isEmpty(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).allSatisfy { line in
            let first = line.first { $0 != " " }
            return first == nil || first == "#"
        }
    }

    private static func read(_ root: YamlNode, report: inout Report) -> ConductorConfig {
        var config = ConductorConfig()
        let root = withoutLaterKeys(root, report: &report)
        guard let fields = Fields(root, "the configuration", keys: keys, report: &report) else { return config }
        if let data = fields.value("data") {
            config.data = Fields.text(data, "\"data\" of the configuration", maxBytes: 4_000, report: &report) ?? ""
        }
        if let node = fields.value("interfaces") { readInterfaces(node, into: &config, report: &report) }
        if let node = fields.value("zomes") { readZomes(node, into: &config.zomes, report: &report) }
        if let node = fields.value("network") { readNetwork(node, into: &config.network, report: &report) }
        if let node = fields.value("keystore"),
            let keystore = Fields(node, "keystore", keys: ConductorShape.keystore.names, report: &report)
        {
            config.passphrase = passphrase(keystore, report: &report) ?? config.passphrase
        }
        if let node = fields.value("signals"),
            let signals = Fields(node, "signals", keys: ConductorShape.signals.names, report: &report)
        {
            config.signals.trace = signals.flag("trace", default: false, report: &report)
            config.signals.consistency = signals.flag("consistency", default: false, report: &report)
            config.signals.statistics = signals.flag("stats", default: false, report: &report)
        }
        let levels = ConductorConfig.LogLevel.allCases.map { ($0.rawValue, $0) }
        config.log = fields.word("log", levels, report: &report) ?? config.log
        let formats = ConductorConfig.LogFormat.allCases.map { ($0.rawValue, $0) }
        config.logFormat = fields.word("log_format", formats, report: &report) ?? config.logFormat
        return config
    }

    /// Refuses the keys of parts that are not there yet in words of their own, and reads on without them.
    private static func withoutLaterKeys(_ root: YamlNode, report: inout Report) -> YamlNode {
        guard case .map(let pairs) = root.content else { return root }
        for pair in pairs {
            guard let reason = later[pair.key] else { continue }
            report.add(
                .unknownKey, pair.keyPosition, "\"\(pair.key)\" is not read yet: this version has \(reason)",
                hint: "leave the key out")
        }
        return YamlNode(content: .map(pairs.filter { later[$0.key] == nil }), position: root.position)
    }

    private static func readInterfaces(_ node: YamlNode, into config: inout ConductorConfig, report: inout Report) {
        guard let fields = Fields(node, "interfaces", keys: ConductorShape.interfaces.names, report: &report) else {
            return
        }
        if let node = fields.value("admin"),
            let admin = Fields(node, "the admin interface", keys: ConductorShape.admin.names, report: &report)
        {
            config.admin.port = admin.number("port", ConductorConfig.ports, default: config.admin.port, report: &report)
            let auth = ConductorConfig.Auth.allCases.map { ($0.rawValue, $0) }
            config.admin.auth = admin.word("auth", auth, report: &report) ?? config.admin.auth
            config.admin.origins = origins(admin, report: &report)
        }
        for node in fields.list("app", maxCount: 1, report: &report) {
            guard let app = Fields(node, "an app interface", keys: ConductorShape.app.names, report: &report) else {
                continue
            }
            config.app.port = app.number("port", ConductorConfig.ports, default: config.app.port, report: &report)
            config.app.origins = origins(app, report: &report)
        }
        if config.admin.port == config.app.port, config.admin.port != 0 {
            report.add(
                .duplicateName, fields.position, "the admin and the app interface both want port \(config.admin.port)",
                hint: "give each a port of its own, or 0 for any free one")
        }
    }

    private static func origins(_ fields: Fields, report: inout Report) -> [String] {
        fields.list("origins", maxCount: 100, report: &report).compactMap { node in
            guard let text = Fields.text(node, "an origin", maxBytes: 1_000, report: &report) else { return nil }
            let isOrigin = ["http://", "https://"].contains { text.hasPrefix($0) && text.count > $0.count }
            guard isOrigin, !text.hasSuffix("/"), !text.contains("*") else {
                report.add(
                    .unknownWord, node.position, "\"\(Spelling.shown(text))\" is not an origin",
                    hint: "write it as browsers send it: http://localhost:3000, without a path or a star")
                return nil
            }
            return text
        }
    }

    private static func readZomes(_ node: YamlNode, into zomes: inout ConductorConfig.Zomes, report: inout Report) {
        guard let fields = Fields(node, "zomes", keys: ConductorShape.zomes.names, report: &report) else { return }
        let isolation = ConductorConfig.Isolation.allCases.map { ($0.rawValue, $0) }
        zomes.isolation = fields.word("isolation", isolation, report: &report) ?? zomes.isolation
        let sandbox = ConductorConfig.Sandbox.allCases.map { ($0.rawValue, $0) }
        zomes.sandbox = fields.word("sandbox", sandbox, report: &report) ?? zomes.sandbox
        zomes.callTimeoutMilliseconds =
            measure("call_timeout", fields, .time, 1...3_600_000, report: &report) ?? zomes.callTimeoutMilliseconds
        zomes.memoryBytes =
            measure("memory", fields, .size, (16 << 20)...(64 << 30), report: &report) ?? zomes.memoryBytes
        zomes.failures = fields.number(
            "failures", ConductorConfig.Zomes.failuresRange, default: zomes.failures, report: &report)
    }

    private static func readNetwork(
        _ node: YamlNode, into network: inout ConductorConfig.Network, report: inout Report
    ) {
        guard let fields = Fields(node, "network", keys: ConductorShape.network.names, report: &report) else { return }
        if fields.value("listen") != nil { network.listen = addresses("listen", fields, for: .listen, report: &report) }
        network.bootstrap = addresses("bootstrap", fields, for: .dial, report: &report)
        let relays = ConductorConfig.Relay.allCases.map { ($0.rawValue, $0) }
        network.relay = fields.word("relay", relays, report: &report) ?? network.relay
        network.relays = addresses("relays", fields, for: .relay, report: &report)
    }

    private static func addresses(
        _ key: String, _ fields: Fields, for use: NetworkAddress.Use, report: inout Report
    ) -> [String] {
        var addresses: [String] = []
        for node in fields.list(key, maxCount: NetworkAddress.maxCount, report: &report) {
            guard
                let text = Fields.text(node, "an address", maxBytes: NetworkAddress.maxBytes, report: &report)
            else { continue }
            if let fault = NetworkAddress.fault(text, for: use) {
                report.add(
                    .unknownWord, node.position, "the address \"\(Spelling.shown(text))\" \(fault.reason)",
                    hint: fault.hint)
            } else if addresses.contains(text) {
                report.add(.duplicateName, node.position, "the address \"\(Spelling.shown(text))\" stands here twice")
            } else {
                addresses.append(text)
            }
        }
        return addresses
    }

    private static func measure(
        _ key: String, _ fields: Fields, _ unit: Measure, _ range: ClosedRange<Int>, report: inout Report
    ) -> Int? {
        guard let node = fields.value(key) else { return nil }
        let what = "\"\(key)\" of \(fields.what)"
        guard case .scalar(let text, _) = node.content else {
            report.add(.wrongType, node.position, "\(what) must be \(unit.noun), this is \(node.kind)")
            return nil
        }
        guard let value = unit.parse(text) else {
            report.add(
                .wrongType, node.position, "\(what) must be \(unit.noun), \"\(Spelling.shown(text))\" is not",
                hint: "write it as \(unit.examples)")
            return nil
        }
        guard range.contains(value) else {
            report.add(
                .outOfRange, node.position,
                "\(what) must lie between \(unit.text(range.lowerBound)) and \(unit.text(range.upperBound))")
            return nil
        }
        return value
    }

    private static func passphrase(_ fields: Fields, report: inout Report) -> ConductorConfig.PassphraseSource? {
        guard let node = fields.value("passphrase"),
            let text = Fields.text(node, "\"passphrase\" of keystore", maxBytes: 300, report: &report)
        else { return nil }
        if let source = ConductorConfig.PassphraseSource(text) { return source }
        // The text is not repeated: it may be the passphrase itself.
        report.add(
            .unknownWord, node.position, "\"passphrase\" of keystore does not say where the passphrase comes from",
            hint: "it is prompt, fd:N or credential:NAME; the passphrase itself does not belong into a file")
        return nil
    }
}
