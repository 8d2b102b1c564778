/// Reads `conductor-config.toml` of 2019. Parts that have no meaning here are named with their lines, as warnings; what does
/// not fit together is an error.
public enum LegacyConfigFile {
    /// The configuration that a text describes; nil when a fault refuses it. All faults are returned at once, but for broken
    /// TOML, whose first fault ends the reading.
    /// - Parameter file: the path to name in diagnostics.
    public static func read(text: String, file: String) -> (config: LegacyConfig?, faults: [LegacyFault]) {
        var report = LegacyReport(file: file)
        let root: TomlTable
        do throws(TomlFault) {
            root = try TomlReader.read(text)
        } catch {
            report.add(.syntax, error.line, "this is no TOML: \(error.reason)")
            return (nil, report.sorted)
        }
        var reader = LegacyConfigReader(report: report)
        let config = reader.read(root)
        return (reader.report.hasErrors ? nil : config, reader.report.sorted)
    }
}

/// One table whose keys are taken one by one; what is left over is named.
private struct LegacyFields {
    let table: TomlTable
    let what: String

    /// Keys that 2019 had and that mean nothing here, with the reason.
    typealias Ignored = [String: String]

    func check(_ known: [String], ignored: Ignored, report: inout LegacyReport) {
        for (key, value) in table.entries where !known.contains(key) {
            let place = value.line
            if let reason = ignored[key] {
                report.add(
                    .unknownKey, place, "\"\(key)\" of \(what) is not taken over: \(reason)", isWarning: true)
            } else {
                let guess = Spelling.nearest(to: key, among: known)
                report.add(
                    .unknownKey, place, "\(what) has no key \"\(Spelling.shown(key))\"",
                    hint: guess.map { "did you mean \"\($0)\"?" })
            }
        }
    }

    func text(_ key: String, report: inout LegacyReport) -> String? {
        switch table[key] {
        case nil: return nil
        case .text(let text, _)?: return text
        case let value?:
            report.add(
                .wrongType, value.line, "\"\(key)\" of \(what) must be a text, this is \(value.kind)")
            return nil
        }
    }

    func need(_ key: String, report: inout LegacyReport) -> String {
        if table[key] == nil {
            report.add(.missingKey, table.line, "\(what) has no \"\(key)\"")
        }
        return text(key, report: &report) ?? ""
    }

    func flag(_ key: String, default fallback: Bool, report: inout LegacyReport) -> Bool {
        switch table[key] {
        case nil: return fallback
        case .flag(let flag, _)?: return flag
        case let value?:
            report.add(
                .wrongType, value.line,
                "\"\(key)\" of \(what) must be true or false, this is \(value.kind)")
            return fallback
        }
    }

    func port(_ key: String, report: inout LegacyReport) -> Int {
        switch table[key] {
        case .integer(let number, _)? where (0...65_535).contains(number): return Int(number)
        case nil:
            report.add(.missingKey, table.line, "\(what) has no \"\(key)\"")
        case let value?:
            report.add(
                .outOfRange, value.line,
                "\"\(key)\" of \(what) must be a port from 0 to 65535")
        }
        return 0
    }

    func section(_ key: String, report: inout LegacyReport) -> TomlTable? {
        switch table[key] {
        case nil: return nil
        case .table(let table)?: return table
        case let value?:
            report.add(
                .wrongType, value.line, "\"\(key)\" of \(what) must be a table, this is \(value.kind)")
            return nil
        }
    }

    func list(_ key: String, report: inout LegacyReport) -> [TomlTable] {
        switch table[key] {
        case nil: return []
        case .list(let items, let line)?:
            return items.compactMap { item in
                if case .table(let table) = item { return table }
                report.add(
                    .wrongType, line, "\"\(key)\" of \(what) must hold tables only")
                return nil
            }
        case let value?:
            report.add(
                .wrongType, value.line, "\"\(key)\" of \(what) must be a list, this is \(value.kind)")
            return []
        }
    }
}

private struct LegacyConfigReader {
    var report: LegacyReport

    private static let topLevel = [
        "persistence_dir", "agents", "dnas", "instances", "interfaces", "bridges", "ui_bundles", "ui_interfaces",
        "signals",
    ]
    private static let ignoredTopLevel = [
        "signing_service_uri": "this conductor's keystore signs", "encryption_service_uri": "the keystore encrypts",
        "decryption_service_uri": "the keystore decrypts", "logger": "`log` of conductor.yaml sets the level",
        "network": "`network` of conductor.yaml says where to listen and whom to ask",
        "passphrase_service": "`keystore: passphrase` of conductor.yaml says where from",
        "dpki": "keys are made by the keystore", "tracing": "there is no tracing service",
        "metric_publisher": "`/metrics` of the admin port has them", "emit_trace_signals": "see `signals`",
    ]

    /// Position of each id, by section, to name both of two that clash.
    private var lines: [String: [String: Int]] = [:]

    init(report: LegacyReport) { self.report = report }

    mutating func read(_ root: TomlTable) -> LegacyConfig {
        var config = LegacyConfig()
        let top = LegacyFields(table: root, what: "the configuration")
        top.check(Self.topLevel, ignored: Self.ignoredTopLevel, report: &report)
        if root["agents"] == nil {
            report.add(.missingKey, 1, "the configuration has no \"agents\"")
        }
        config.folder = top.text("persistence_dir", report: &report)
        config.agents = top.list("agents", report: &report).map { agent($0) }
        config.dnas = top.list("dnas", report: &report).map { dna($0) }
        config.instances = top.list("instances", report: &report).map { instance($0, config) }
        checkPaths(config, root)
        config.interfaces = top.list("interfaces", report: &report).map { interface($0) }
        config.bridges = top.list("bridges", report: &report).map { bridge($0) }
        config.bundles = top.list("ui_bundles", report: &report).map { bundle($0) }
        config.pages = top.list("ui_interfaces", report: &report).map { pages($0) }
        if let table = top.section("signals", report: &report) {
            let fields = LegacyFields(table: table, what: "signals")
            fields.check(["trace", "consistency"], ignored: [:], report: &report)
            config.signals = LegacyConfig.Signals(
                trace: fields.flag("trace", default: false, report: &report),
                consistency: fields.flag("consistency", default: false, report: &report))
        }
        return config
    }

    /// Takes note of an id; a second of its kind is a fault.
    private mutating func id(_ fields: LegacyFields, _ section: String) -> String {
        let id = fields.need("id", report: &report)
        let line = fields.table.line
        if let first = lines[section]?[id], !id.isEmpty {
            report.add(
                .duplicateName, line,
                "\(section) has the id \"\(Spelling.shown(id))\" twice; the first is in line \(first)")
        } else {
            lines[section, default: [:]][id] = line
        }
        return id
    }

    /// Names what is referred to and is not there.
    private mutating func known(_ id: String, in section: String, _ line: Int, by what: String) {
        guard !id.isEmpty, lines[section]?[id] == nil else { return }
        report.add(
            .unknownName, line,
            "\(what) names \"\(Spelling.shown(id))\", which is not in \(section)",
            hint: lines[section].map { "there is \($0.keys.sorted().joined(separator: ", "))" })
    }

    private func title(_ kind: String, _ table: TomlTable) -> String {
        if case .text(let id, _)? = table["id"] { return "\(kind) \"\(Spelling.shown(id))\"" }
        return "\(kind) in line \(table.line)"
    }

    private mutating func agent(_ table: TomlTable) -> LegacyConfig.Agent {
        let fields = LegacyFields(table: table, what: title("agent", table))
        fields.check(
            ["id", "name", "public_address", "keystore_file", "test_agent"],
            ignored: ["holo_remote_key": "keys that lie elsewhere are not used"], report: &report)
        return LegacyConfig.Agent(
            id: id(fields, "agents"), name: fields.need("name", report: &report),
            publicAddress: fields.need("public_address", report: &report),
            keystoreFile: fields.need("keystore_file", report: &report),
            isTest: fields.flag("test_agent", default: false, report: &report))
    }

    private mutating func dna(_ table: TomlTable) -> LegacyConfig.Dna {
        let fields = LegacyFields(table: table, what: title("DNA", table))
        fields.check(["id", "file", "hash", "uuid"], ignored: [:], report: &report)
        return LegacyConfig.Dna(
            id: id(fields, "dnas"), file: fields.need("file", report: &report),
            hash: fields.text("hash", report: &report), uuid: fields.text("uuid", report: &report))
    }

    private mutating func instance(_ table: TomlTable, _ config: LegacyConfig) -> LegacyConfig.Instance {
        let fields = LegacyFields(table: table, what: title("instance", table))
        fields.check(["id", "dna", "agent", "storage"], ignored: [:], report: &report)
        var instance = LegacyConfig.Instance(
            id: id(fields, "instances"), dna: fields.need("dna", report: &report),
            agent: fields.need("agent", report: &report), storage: "lmdb", path: nil)
        known(instance.dna, in: "dnas", table.line, by: fields.what)
        known(instance.agent, in: "agents", table.line, by: fields.what)
        guard let storage = fields.section("storage", report: &report) else { return instance }
        let inner = LegacyFields(table: storage, what: "storage of \(fields.what)")
        inner.check(
            ["type", "path"], ignored: ["initial_mmap_bytes": "the database grows by itself"], report: &report)
        instance.storage = inner.need("type", report: &report)
        if !["memory", "file", "pickle", "lmdb"].contains(instance.storage) {
            report.add(
                .unknownWord, storage.line,
                "\(inner.what) has the type \"\(Spelling.shown(instance.storage))\"",
                hint: "memory, file, pickle or lmdb")
        }
        instance.path = inner.text("path", report: &report)
        return instance
    }

    private mutating func checkPaths(_ config: LegacyConfig, _ root: TomlTable) {
        var users: [String: String] = [:]
        for instance in config.instances {
            guard let path = instance.path else { continue }
            if let other = users.updateValue(instance.id, forKey: path) {
                report.add(
                    .duplicateName, lines["instances"]?[instance.id] ?? 1,
                    "the instances \"\(Spelling.shown(other))\" and \"\(Spelling.shown(instance.id))\" share the path "
                        + Spelling.shown(path), hint: "give each a folder of its own")
            }
        }
    }

    private mutating func interface(_ table: TomlTable) -> LegacyConfig.Interface {
        let fields = LegacyFields(table: table, what: title("interface", table))
        fields.check(["id", "admin", "choose_free_port", "driver", "instances"], ignored: [:], report: &report)
        var interface = LegacyConfig.Interface(
            id: id(fields, "interfaces"), isAdmin: fields.flag("admin", default: false, report: &report),
            choosesFreePort: fields.flag("choose_free_port", default: false, report: &report), type: "websocket",
            port: 0, instances: [])
        if let driver = fields.section("driver", report: &report) {
            let inner = LegacyFields(table: driver, what: "driver of \(fields.what)")
            inner.check(["type", "port"], ignored: [:], report: &report)
            interface.type = inner.need("type", report: &report)
            if !["websocket", "http"].contains(interface.type) {
                report.add(
                    .unknownWord, driver.line,
                    "\(inner.what) has the type \"\(Spelling.shown(interface.type))\"", hint: "websocket or http")
            }
            interface.port = inner.port("port", report: &report)
        } else if table["driver"] == nil {
            report.add(.missingKey, table.line, "\(fields.what) has no \"driver\"")
        }
        for mounted in fields.list("instances", report: &report) {
            let inner = LegacyFields(table: mounted, what: "an instance of \(fields.what)")
            inner.check(["id", "alias"], ignored: [:], report: &report)
            let id = inner.need("id", report: &report)
            known(id, in: "instances", mounted.line, by: fields.what)
            interface.instances.append(LegacyConfig.Mounted(id: id, alias: inner.text("alias", report: &report)))
        }
        return interface
    }

    private mutating func bridge(_ table: TomlTable) -> LegacyConfig.Bridge {
        let fields = LegacyFields(table: table, what: "the bridge in line \(table.line)")
        fields.check(["caller_id", "callee_id", "handle"], ignored: [:], report: &report)
        let bridge = LegacyConfig.Bridge(
            caller: fields.need("caller_id", report: &report), callee: fields.need("callee_id", report: &report),
            handle: fields.need("handle", report: &report))
        known(bridge.caller, in: "instances", table.line, by: fields.what)
        known(bridge.callee, in: "instances", table.line, by: fields.what)
        return bridge
    }

    private mutating func bundle(_ table: TomlTable) -> LegacyConfig.Bundle {
        let fields = LegacyFields(table: table, what: title("UI bundle", table))
        fields.check(
            ["id", "root_dir"], ignored: ["hash": "a folder that is served may change"], report: &report)
        return LegacyConfig.Bundle(
            id: id(fields, "ui_bundles"), folder: fields.need("root_dir", report: &report))
    }

    private mutating func pages(_ table: TomlTable) -> LegacyConfig.Pages {
        let fields = LegacyFields(table: table, what: title("UI interface", table))
        fields.check(
            ["id", "bundle", "port", "dna_interface"],
            ignored: [
                "reroute_to_root": "what is not there is answered with index.html, always",
                "bind_address": "pages are served to this machine only",
            ], report: &report)
        let pages = LegacyConfig.Pages(
            id: id(fields, "ui_interfaces"), bundle: fields.need("bundle", report: &report),
            port: fields.port("port", report: &report), interface: fields.text("dna_interface", report: &report))
        known(pages.bundle, in: "ui_bundles", table.line, by: fields.what)
        if let interface = pages.interface { known(interface, in: "interfaces", table.line, by: fields.what) }
        return pages
    }
}
