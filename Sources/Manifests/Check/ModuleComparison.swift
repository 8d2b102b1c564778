import Integrity

/// Compares a DNA with what its built modules say of themselves: what is declared must exist, and what exists should be
/// declared.
struct ModuleComparison {
    let manifest: DnaManifest
    let modules: BuiltModules
    private(set) var diagnostics: [Diagnostic] = []

    private init(_ manifest: DnaManifest, _ modules: BuiltModules) {
        self.manifest = manifest
        self.modules = modules
    }

    /// Every difference.
    static func diagnostics(_ manifest: DnaManifest, _ modules: BuiltModules) -> [Diagnostic] {
        var comparison = ModuleComparison(manifest, modules)
        let definition = manifest.definition()
        for (index, zome) in definition.integrity.zomes.enumerated() {
            comparison.integrity(zome, isFirst: index == 0, definition)
        }
        for zome in definition.coordinator { comparison.coordinator(zome) }
        return comparison.diagnostics
    }

    private mutating func add(
        _ code: DiagnosticCode, _ severity: Diagnostic.Severity, at subjects: Subject..., message: String,
        hint: String?
    ) {
        // The first that somebody wrote.
        let place = subjects.map { manifest.places[$0] }.first { $0 != .start } ?? .start
        diagnostics.append(
            Diagnostic(
                file: manifest.path, line: place.line, column: place.column, severity: severity, code: code,
                message: message, hint: hint))
    }

    /// What the module of a zome says, if it is of the right kind; else why there is nothing to compare.
    private mutating func description(
        _ module: String, of zome: String, _ kind: ModuleDescription.Kind
    ) -> ModuleDescription? {
        switch modules.found[module] {
        case nil: return nil
        case .notBuilt(let searched):
            let near = ModuleLocator(folders: searched).nearest(to: module, except: manifest.modules)
            add(
                .unknownModule, modules.areRequired ? .error : .note, at: .module(zome), .zome(zome),
                message: "the module \(module) is not built"
                    + (modules.areRequired ? "" : ": zome \"\(zome)\" was not compared with it"),
                hint: (near.map { "did you mean \"\($0)\"? " } ?? "")
                    + "searched for lib\(module).so in \(searched.joined(separator: ", ")); swift build makes it")
            return nil
        case .refused(_, let reason, let hint):
            add(
                .moduleUnreadable, .error, at: .module(zome), .zome(zome),
                message: "the module \(module) cannot be used: \(reason)", hint: hint)
            return nil
        case .described(let description, _):
            guard description.kind == kind else {
                let (is_, place) =
                    description.kind == .integrity
                    ? ("validators", "integrity: zomes:") : ("functions and callbacks", "coordinator: zomes:")
                add(
                    .moduleWrongKind, .error, at: .module(zome), .zome(zome),
                    message: "the module \(module) of zome \"\(zome)\" holds \(is_)", hint: "it belongs under \(place)")
                return nil
            }
            if description.zome != zome {
                add(
                    .moduleNameDiffers, .warning, at: .zome(zome),
                    message:
                        "the module \(module) calls its zome \"\(Spelling.shown(description.zome))\", not \"\(zome)\"",
                    hint: "the manifest's name is the one that counts; write the same in both")
            }
            return description
        }
    }

    // MARK: - Coordinators

    private mutating func coordinator(_ zome: CoordinatorZomeDef) {
        guard let module = description(zome.module, of: zome.name, .coordinator) else { return }
        let declared = zome.functions.map(\.name)
        for name in declared where !module.functions.contains(name) {
            add(
                .functionMissing, .error, at: .function(zome: zome.name, name: name),
                message: "the module \(zome.module) has no function \"\(name)\"",
                hint: Self.meant(name, module.functions.filter { !declared.contains($0) }, all: module.functions))
        }
        let idle = module.functions.filter { !declared.contains($0) }.sorted()
        if !idle.isEmpty {
            add(
                .functionUndeclared, .warning, at: .functions(zome.name), .zome(zome.name),
                message: "the module \(zome.module) has \(Self.listed("function", idle)) that nobody can call",
                hint:
                    "declare what is meant under functions: of zome \"\(zome.name)\", with its access; remove the rest")
        }
        let callbacks = zome.callbacks.map(\.rawValue)
        for name in callbacks where !module.callbacks.contains(name) {
            add(
                .callbackMissing, .error, at: .callback(zome: zome.name, name: name),
                message: "the module \(zome.module) has no callback \"\(name)\"",
                hint: Self.meant(name, module.callbacks, all: module.callbacks))
        }
        let unheard = module.callbacks.filter { !callbacks.contains($0) && Callback(rawValue: $0) != nil }.sorted()
        if !unheard.isEmpty {
            add(
                .callbackUndeclared, .warning, at: .callbacks(zome.name), .zome(zome.name),
                message: "the module \(zome.module) has \(Self.listed("callback", unheard)) that nothing calls",
                hint: "declare what is meant under callbacks: of zome \"\(zome.name)\"; remove the rest")
        }
    }

    /// `a function "a"`, `2 functions (a, b)`.
    private static func listed(_ what: String, _ names: [String]) -> String {
        let shown = names.prefix(20).map { Spelling.shown($0) }
        if let only = shown.first, names.count == 1 { return "a \(what) \"\(only)\"" }
        return "\(names.count) \(what)s (\(shown.joined(separator: ", "))\(names.count > 20 ? ", …" : ""))"
    }

    // MARK: - Validators

    private mutating func integrity(_ zome: IntegrityZomeDef, isFirst: Bool, _ dna: DnaDefinition) {
        guard let module = description(zome.module, of: zome.name, .integrity) else { return }
        func isOwn(_ owner: String?) -> Bool { owner.map { $0 == zome.name } ?? isFirst }
        let entries = dna.integrity.entryTypes
        let links = dna.integrity.linkTypes
        judges(
            "entry type", module.validates, zome, own: entries.filter { isOwn($0.zome) }.map(\.name),
            all: entries.map(\.name))
        judges(
            "link type", module.validatesLinks, zome, own: links.filter { isOwn($0.zome) }.map(\.name),
            all: links.map(\.name))
        guard !module.validatesActivity else { return }
        for type in entries where isOwn(type.zome) && type.visibility == .public {
            guard !module.validates.contains(type.name), type.rules == EntryRules.none else { continue }
            add(
                .typeUnvalidated, .note, at: .entryType(type.name),
                message: "nothing judges entries of type \"\(type.name)\": any bytes up to max_bytes are accepted",
                hint: "write a Validate rule in \(zome.module), or rules: here")
        }
    }

    private mutating func judges(
        _ what: String, _ judged: [String], _ zome: IntegrityZomeDef, own: [String], all: [String]
    ) {
        for name in judged.sorted() where !own.contains(name) {
            let isForeign = all.contains(name)
            add(
                .validatesUnknownType, .error, at: .module(zome.name), .zome(zome.name),
                message: "the module \(zome.module) judges the \(what) \"\(Spelling.shown(name))\", which is "
                    + (isForeign ? "another zome's" : "not declared") + ": its rule would never be asked",
                hint: isForeign
                    ? "set zome: \(zome.name) at the \(what)" : Self.meant(name, own, all: all))
        }
    }

    private static func meant(_ name: String, _ likely: [String], all: [String]) -> String {
        if let near = Spelling.nearest(to: name, among: likely) ?? Spelling.nearest(to: name, among: all) {
            return "did you mean \"\(near)\"?"
        }
        return all.isEmpty ? "there is none" : "it has \(all.prefix(30).joined(separator: ", "))"
    }
}
