import Integrity

/// Reads one hApp manifest and the DNA of each role.
struct HappReader {
    static let keys = HappShape.happ.names
    /// Most roles of one app.
    static let maxRoles = 64
    /// Most clones that a role may allow.
    static let maxClones = 10_000

    var report: Report
    /// DNA file → what reading it gave; a file that two roles name is read once.
    private var dnas: [String: DnaManifest?] = [:]
    private var roleNames = Names("role", .label)
    /// DNA hash → the role that has it.
    private var roleOfDna: [DnaHash: String] = [:]
    private var loaded: [DnaManifest] = []
    /// The folder that no path may lead out of.
    private let boundary: String?

    init(report: Report, boundary: String? = nil) {
        self.report = report
        self.boundary = boundary
    }

    /// The app, which means nothing when the report has errors afterwards.
    mutating func read(_ root: YamlNode) -> LoadedHapp? {
        guard !ManifestKind.happ.refuses(root, report: &report) else { return nil }
        guard let fields = Fields(root, "the hApp", keys: Self.keys, report: &report) else { return nil }
        ManifestVersion.check(fields, report: &report)
        var labels = Names("hApp", .label)
        let name = labels.take(of: fields, report: &report) ?? ""
        let description = fields.text("description", maxBytes: 4_000, report: &report)
        report.places[.deferredProofs] = fields.place("allow_deferred_memproofs")
        let deferred = fields.flag("allow_deferred_memproofs", default: false, report: &report)
        let items =
            fields.required("roles", report: &report) == nil
            ? nil : fields.list("roles", maxCount: Self.maxRoles, report: &report)
        let roles = (items ?? []).compactMap { role($0) }
        if case .list(let written)? = fields.value("roles")?.content, written.isEmpty {
            report.add(.noRole, fields.place("roles"), "the hApp has no role", hint: "a role names a DNA file")
        }
        let bridges = BridgeReader(roles: (items ?? []).compactMap { Self.roleName($0) }).read(fields, report: &report)
        guard !report.hasErrors else { return nil }
        let manifest = HappManifest(
            name: name, description: description ?? "", roles: roles, allowDeferredMembraneProofs: deferred,
            bridges: bridges)
        return LoadedHapp(path: report.file, manifest: manifest, dnas: loaded, places: report.places)
    }

    /// The name of a role whose other keys may be faulty: a bridge to it is not at fault.
    private static func roleName(_ node: YamlNode) -> String? {
        guard case .scalar(let name, _)? = node["name"]?.content else { return nil }
        return name
    }

    private mutating func role(_ node: YamlNode) -> RoleDef? {
        let title = Names.title("role", node)
        guard let fields = Fields(node, title, keys: HappShape.role.names, report: &report) else {
            return nil
        }
        let name = roleNames.take(of: fields, report: &report)
        if let name { report.places[.role(name)] = fields.value("name")?.position ?? fields.position }
        let provisioning = provisioning(fields)
        guard let dnaNode = fields.required("dna", report: &report),
            let dna = Fields(
                dnaNode, "dna of \(title)", keys: HappShape.dna.names,
                report: &report)
        else { return nil }
        let limit = dna.number("clone_limit", 0...Self.maxClones, default: 0, report: &report)
        if case .cloneOnly = provisioning, limit == 0 {
            report.add(
                .outOfRange, dna.place("clone_limit"), "\(title) is made by cloning only, and clone_limit is 0",
                hint: "set clone_limit to at least 1")
        }
        let modifiers = modifiers(dna)
        let pinned = installedHash(dna)
        guard let path = dnaPath(dna), let manifest = load(path, at: dna), let name else { return nil }
        let role = RoleDef(
            name: name, provisioning: provisioning, dnaPath: path, modifiers: modifiers, installedHash: pinned,
            cloneLimit: UInt32(limit))
        check(role, manifest, dna)
        loaded.append(manifest)
        return role
    }

    private mutating func provisioning(_ fields: Fields) -> Provisioning {
        guard let node = fields.value("provisioning"),
            let inner = Fields(
                node, "provisioning of \(fields.what)", keys: HappShape.provisioning.names, report: &report)
        else { return .create(deferred: false) }
        let isCreate = inner.word("strategy", HappShape.strategies, report: &report) ?? true
        let deferred = inner.flag("deferred", default: false, report: &report)
        if !isCreate, let node = inner.value("deferred") {
            report.add(
                .unknownKey, node.position, "provisioning of \(fields.what) is clone_only and takes no \"deferred\"")
        }
        return isCreate ? .create(deferred: deferred) : .cloneOnly
    }

    private mutating func modifiers(_ dna: Fields) -> DnaModifiers {
        guard let node = dna.value("modifiers"),
            let fields = Fields(
                node, "modifiers of \(dna.what)", keys: HappShape.modifiers.names, report: &report)
        else { return DnaModifiers(networkSeed: nil, properties: nil) }
        return DnaModifiers(
            networkSeed: fields.text("network_seed", report: &report),
            properties: PropertyValue.field(fields, report: &report))
    }

    private mutating func installedHash(_ dna: Fields) -> DnaHash? {
        guard let node = dna.value("installed_hash"),
            let text = Fields.text(node, "\"installed_hash\" of \(dna.what)", maxBytes: 200, report: &report)
        else { return nil }
        do throws(PlasmidError) {
            return try DnaHash(text)
        } catch {
            report.add(
                .badHash, node.position, "\"installed_hash\" of \(dna.what) is no DNA hash",
                hint: "it is a text of 53 characters that begins with uhC0k; plasmid dna hash prints it")
            return nil
        }
    }

    private mutating func dnaPath(_ dna: Fields) -> String? {
        guard let node = dna.required("path", report: &report),
            let path = Fields.text(node, "\"path\" of \(dna.what)", maxBytes: 1_000, report: &report)
        else { return nil }
        guard ManifestFile.isRelative(path, mayGoUp: true) else {
            report.add(
                .badPath, node.position, "\"path\" of \(dna.what) cannot be \"\(Spelling.shown(path))\"",
                hint: "a path from the folder of the hApp file, for example dna.yaml or ../messenger/dna.yaml")
            return nil
        }
        return path
    }

    /// The DNA at a path; its faults join the report.
    private mutating func load(_ path: String, at dna: Fields) -> DnaManifest? {
        let base = ManifestFile.folder(of: report.file)
        let full = ManifestFile.join(base, path)
        let place = dna.value("path")?.position ?? dna.position
        if let boundary, BundlePath.below(boundary, BundlePacker.absolute(full)) == nil {
            report.add(.badPath, place, "\"path\" of \(dna.what) leads out of the bundle")
            return nil
        }
        if let link = ManifestFile.symbolicLink(in: path, base: base) {
            report.add(
                .symbolicLink, place,
                "\"path\" of \(dna.what) leads through a symbolic link at \(Spelling.shown(link))",
                hint: "name the file itself: a link may lead elsewhere on another machine")
            return nil
        }
        if let known = dnas[full] { return known }
        let result = ManifestReader.dna(at: full)
        for diagnostic in result.diagnostics {
            let isMissing = [.fileMissing, .fileUnreadable, .notAFile].contains(diagnostic.code)
            guard isMissing, diagnostic.file == full else {
                report.add(diagnostic)
                continue
            }
            guard diagnostic.code == .fileMissing else {
                report.add(diagnostic.code, place, diagnostic.message, hint: diagnostic.hint)
                continue
            }
            report.add(
                .dnaMissing, place, "there is no DNA file \(Spelling.shown(full, most: 200))",
                hint: ManifestFile.neighbour(of: full).map { "did you mean \"\($0)\"?" }
                    ?? "\"path\" starts at the hApp file's folder")
        }
        dnas[full] = .some(result.manifest)
        return result.manifest
    }

    private mutating func check(_ role: RoleDef, _ manifest: DnaManifest, _ dna: Fields) {
        let hash = manifest.definition(role.modifiers).hash()
        if let pinned = role.installedHash, pinned != hash {
            report.add(
                .installedHashMismatch, dna.place("installed_hash"),
                "the DNA of role \"\(role.name)\" has the hash \(hash), pinned is \(pinned)",
                hint: "its integrity part, its validators' sources or the modifiers differ from those that were pinned")
        }
        if let other = roleOfDna[hash] {
            report.add(
                .duplicateDna, dna.position, "the roles \"\(other)\" and \"\(role.name)\" are one and the same DNA",
                hint: "give one of them a network_seed of its own, or clone it")
        } else {
            roleOfDna[hash] = role.name
        }
    }
}
