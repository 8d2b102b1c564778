import Integrity

/// Reads one DNA manifest. Every method goes on after a fault with a value that does no harm, so that all faults are found.
struct DnaReader {
    static let keys = DnaShape.dna.names
    /// Most zomes of each kind; the index of a zome is a byte.
    static let maxZomes = 255
    /// Most functions of one zome.
    static let maxFunctions = 1_000

    var report: Report
    /// The folder that `sources` starts from.
    let sourceBase: String

    private var entryTypes = Names("entry type", .identifier, reserved: DnaShape.reservedTypes)
    private var linkTypes = Names("link type", .identifier)
    private var rules = RulesReader()
    private var zomes = Names("zome", .identifier)
    private var integrityZomes: [String] = []
    private var modules = Names("module", .identifier)

    init(report: Report, sourceBase: String) {
        self.report = report
        self.sourceBase = sourceBase
    }

    /// The definition, which means nothing when the report has errors afterwards.
    mutating func read(_ root: YamlNode) -> DnaDefinition? {
        guard !ManifestKind.dna.refuses(root, report: &report) else { return nil }
        guard let fields = Fields(root, "the DNA", keys: Self.keys, report: &report) else { return nil }
        ManifestVersion.check(fields, report: &report)
        var labels = Names("DNA", .label)
        let name = labels.take(of: fields, report: &report) ?? ""
        let integrity = fields.required("integrity", report: &report).flatMap { readIntegrity($0) }
        let coordinator = fields.value("coordinator").map { readCoordinator($0) } ?? []
        if !hasZomes(fields.value("integrity")), !hasZomes(fields.value("coordinator")) {
            report.add(.noZome, root.position, "the DNA has no zome", hint: "add one under coordinator: zomes:")
        }
        guard let integrity else { return nil }
        return DnaDefinition(name: name, integrity: integrity, coordinator: coordinator)
    }

    /// Whether a section tries to have zomes: a faulty one is reported as such, not as missing.
    private func hasZomes(_ section: YamlNode?) -> Bool {
        guard let section else { return false }
        guard case .map = section.content else { return true }
        guard let zomes = section["zomes"] else { return false }
        if case .list(let items) = zomes.content { return !items.isEmpty }
        return true
    }

    // MARK: - Integrity

    private mutating func readIntegrity(_ node: YamlNode) -> IntegritySection? {
        guard let fields = Fields(node, "integrity", keys: DnaShape.integrity.names, report: &report) else {
            return nil
        }
        report.places[.networkSeed] = fields.value("network_seed")?.position ?? fields.position
        // Zomes first: the types name them.
        let zomes = fields.list("zomes", maxCount: Self.maxZomes, report: &report).compactMap { integrityZome($0) }
        let entries = fields.list("entry_types", maxCount: Limits.entryTypes, report: &report)
            .compactMap { entryType($0) }
        rules.checkReferences(entryTypes, report: &report)
        let links = fields.list("link_types", maxCount: Limits.linkTypes, report: &report).compactMap { linkType($0) }
        return IntegritySection(
            networkSeed: fields.text("network_seed", report: &report) ?? "",
            properties: PropertyValue.field(fields, report: &report) ?? .emptyMap,
            messaging: messaging(fields),
            entryTypes: entries, linkTypes: links, zomes: zomes)
    }

    private mutating func messaging(_ fields: Fields) -> MessagingFloor {
        guard let node = fields.value("messaging"),
            let messaging = Fields(node, "messaging", keys: DnaShape.messaging.names, report: &report)
        else { return .direct }
        let words = MessagingFloor.allCases.map { ($0.rawValue, $0) }
        report.places[.floor] = messaging.value("floor")?.position ?? messaging.position
        return messaging.word("floor", words, report: &report) ?? .direct
    }

    private mutating func entryType(_ node: YamlNode) -> EntryTypeDef? {
        let keys = DnaShape.entryType.names
        guard let fields = Fields(node, Names.title("entry type", node), keys: keys, report: &report) else {
            return nil
        }
        let name = entryTypes.take(of: fields, report: &report)
        mark(fields) { .entryType($0) }
        let visibility: Visibility =
            fields.word("visibility", DnaShape.visibilities, report: &report) ?? .public
        let maxBytes = fields.number(
            "max_bytes", 1...Limits.entryBytes, default: Limits.entryBytes, report: &report)
        let validations = fields.number("required_validations", 1...255, default: 5, report: &report)
        let publishing = publishing(fields)
        let rules = self.rules.read(fields, report: &report)
        RulesReader.checkAuthors(rules, publishing, fields, report: &report)
        let zome = zomeOfType(fields)
        guard let name else { return nil }
        return EntryTypeDef(
            name: name, visibility: visibility, maxBytes: maxBytes, requiredValidations: UInt8(validations),
            publishing: [.signed], rules: rules, zome: zome)
    }

    private mutating func publishing(_ fields: Fields) -> [Publishing] {
        guard fields.value("publishing") != nil else { return [.signed] }
        let words = Publishing.allCases.map { ($0.rawValue, $0) }
        let items = fields.list("publishing", maxCount: 3, report: &report)
        let values = items.map { Fields.word($0, "\"publishing\" of \(fields.what)", words, report: &report) }
        guard !values.contains(nil), values != [.signed] else { return [.signed] }
        report.add(
            .publishingUnsupported, fields.place("publishing"),
            "\(fields.what): publishing other than [signed] is not supported yet",
            hint: "remove \"publishing\" until a later version")
        return values.compactMap { $0 }
    }

    /// The integrity zome that a type belongs to: the one named, else the first.
    private mutating func zomeOfType(_ fields: Fields) -> String? {
        guard let node = fields.value("zome"),
            let name = Fields.text(node, "\"zome\" of \(fields.what)", maxBytes: Spelling.maxNameBytes, report: &report)
        else { return nil }
        guard integrityZomes.contains(name) else {
            report.add(
                .unknownZome, node.position, "\(fields.what) belongs to \"\(Spelling.shown(name))\", no integrity zome",
                hint: Self.meant(name, integrityZomes))
            return nil
        }
        return name
    }

    private mutating func linkType(_ node: YamlNode) -> LinkTypeDef? {
        let keys = DnaShape.linkType.names
        guard let fields = Fields(node, Names.title("link type", node), keys: keys, report: &report) else { return nil }
        let name = linkTypes.take(of: fields, report: &report)
        mark(fields) { .linkType($0) }
        let base = linkEnd("base", fields)
        let target = linkEnd("target", fields)
        let create = fields.word("create", WhoMay.creators.map { ($0.rawValue, $0) }, report: &report) ?? .anyone
        let delete = fields.word("delete", WhoMay.deleters.map { ($0.rawValue, $0) }, report: &report) ?? .author
        let zome = zomeOfType(fields)
        guard let name else { return nil }
        return LinkTypeDef(name: name, base: base, target: target, create: create, delete: delete, zome: zome)
    }

    private mutating func linkEnd(_ key: String, _ fields: Fields) -> LinkEnd {
        guard let name = fields.text(key, maxBytes: Spelling.maxNameBytes, report: &report) else { return .any }
        let end = LinkEnd(text: name)
        if case .entry = end, !entryTypes.contains(name) {
            report.add(
                .unknownEntryType, fields.value(key)?.position ?? fields.position,
                "\"\(key)\" of \(fields.what) names \"\(Spelling.shown(name))\", no entry type of this DNA",
                hint: Self.meant(name, DnaShape.reservedTypes + entryTypes.all))
        }
        return end
    }

    /// Notes where a thing bears its name.
    private mutating func mark(_ fields: Fields, _ subject: (String) -> Subject) {
        guard let node = fields.value("name"), case .scalar(let name, _) = node.content else { return }
        report.places[subject(name)] = node.position
    }

    private static func meant(_ name: String, _ known: [String]) -> String {
        if let near = Spelling.nearest(to: name, among: known) { return "did you mean \"\(near)\"?" }
        return known.isEmpty ? "there is none" : "it is one of \(known.joined(separator: ", "))"
    }

    // MARK: - Zomes

    private mutating func integrityZome(_ node: YamlNode) -> IntegrityZomeDef? {
        let title = Names.title("integrity zome", node)
        guard let fields = Fields(node, title, keys: DnaShape.integrityZome.names, report: &report) else {
            return nil
        }
        let name = zomes.take(of: fields, report: &report)
        if let name { integrityZomes.append(name) }
        let module = module(fields)
        let sources = ValidatorSources.read(fields, base: sourceBase, report: &report)
        guard let name, let module, let sources else { return nil }
        return IntegrityZomeDef(name: name, module: module, sources: sources.path, digest: sources.hash.core)
    }

    private mutating func module(_ fields: Fields) -> String? {
        guard let node = fields.required("module", report: &report),
            let name = Fields.text(
                node, "\"module\" of \(fields.what)", maxBytes: Spelling.maxNameBytes, report: &report)
        else { return nil }
        guard Spelling.isIdentifier(name) else {
            report.add(
                .badModule, node.position, "\"module\" of \(fields.what) cannot be \"\(Spelling.shown(name))\"",
                hint: "it is the name of a library product, without path, lib and .so")
            return nil
        }
        modules.add(name, node.position, report: &report)
        mark(fields) { .zome($0) }
        if case .scalar(let zome, _)? = fields.value("name")?.content { report.places[.module(zome)] = node.position }
        return name
    }

    private mutating func readCoordinator(_ node: YamlNode) -> [CoordinatorZomeDef] {
        guard let fields = Fields(node, "coordinator", keys: DnaShape.coordinator.names, report: &report) else {
            return []
        }
        return fields.list("zomes", maxCount: Self.maxZomes, report: &report).compactMap { coordinatorZome($0) }
    }

    private mutating func coordinatorZome(_ node: YamlNode) -> CoordinatorZomeDef? {
        let title = Names.title("zome", node)
        guard let fields = Fields(node, title, keys: DnaShape.coordinatorZome.names, report: &report) else {
            return nil
        }
        let name = zomes.take(of: fields, report: &report)
        let module = module(fields)
        if let name {
            report.places[.functions(name)] = fields.place("functions")
            report.places[.callbacks(name)] = fields.place("callbacks")
        }
        var names = Names("function of \(title)", .identifier)
        let functions = fields.list("functions", maxCount: Self.maxFunctions, report: &report)
            .compactMap { function($0, of: name, &names) }
        let callbacks = callbacks(fields, of: name)
        guard let name, let module else { return nil }
        return CoordinatorZomeDef(name: name, module: module, functions: functions, callbacks: callbacks)
    }

    private mutating func function(_ node: YamlNode, of zome: String?, _ names: inout Names) -> FunctionDef? {
        let title = Names.title("function", node)
        guard let fields = Fields(node, title, keys: DnaShape.function.names, report: &report) else { return nil }
        let name = names.take(of: fields, report: &report)
        if let zome { mark(fields) { .function(zome: zome, name: $0) } }
        let words = FunctionAccess.allCases.map { ($0.rawValue, $0) }
        let access = fields.word("access", words, report: &report) ?? .author
        return name.map { FunctionDef(name: $0, access: access) }
    }

    private mutating func callbacks(_ fields: Fields, of zome: String?) -> [Callback] {
        let words = Callback.allCases.map { ($0.rawValue, $0) }
        var names = Names("callback of \(fields.what)", .identifier)
        return fields.list("callbacks", maxCount: 16, report: &report).compactMap { node in
            let what = "a callback of \(fields.what)"
            guard let callback = Fields.word(node, what, words, report: &report) else { return nil }
            names.add(callback.rawValue, node.position, report: &report)
            if let zome { report.places[.callback(zome: zome, name: callback.rawValue)] = node.position }
            return callback
        }
    }
}

/// The version that every manifest names, so that a later shape is never misread.
enum ManifestVersion {
    static func check(_ fields: Fields, report: inout Report) {
        guard let node = fields.required("manifest_version", report: &report) else { return }
        guard case .scalar("1", _) = node.content else {
            let version =
                if case .scalar(let text, _) = node.content { "\"\(Spelling.shown(text))\"" } else { node.kind }
            report.add(
                .unsupportedVersion, node.position, "manifest_version is \(version), this program reads \"1\"",
                hint: "write manifest_version: \"1\"")
            return
        }
    }
}
