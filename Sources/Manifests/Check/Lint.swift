import Integrity

/// What a valid DNA allows and its author seldom means.
struct Lint {
    let manifest: DnaManifest
    private(set) var diagnostics: [Diagnostic] = []

    /// Everything worth saying about a DNA.
    static func dna(_ manifest: DnaManifest) -> [Diagnostic] {
        var lint = Lint(manifest: manifest)
        let definition = manifest.definition()
        lint.space(definition)
        let sources = definition.coordinator.map { ZomeSources.find($0.module, of: manifest) }
        for (zome, sources) in zip(definition.coordinator, sources) { lint.access(zome, sources) }
        let validators = definition.integrity.zomes.map { ZomeSources.find($0, of: manifest) }
        lint.undeclared(definition, sources + validators)
        lint.unused(definition, sources, validators)
        return lint.diagnostics
    }

    private mutating func add(
        _ code: DiagnosticCode, _ severity: Diagnostic.Severity, at place: Position, _ message: String,
        hint: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(
                file: manifest.path, line: place.line, column: place.column, severity: severity, code: code,
                message: message, hint: hint))
    }

    private mutating func space(_ dna: DnaDefinition) {
        if dna.integrity.networkSeed.isEmpty {
            add(
                .publicSpace, .note, at: manifest.places[.networkSeed],
                "this space is public: its network seed is empty, so whoever has the file can find it",
                hint: "set network_seed here or in the hApp's modifiers to make a network of your own")
        }
        if dna.integrity.messaging != .direct {
            add(
                .floorUnmet, .warning, at: manifest.places[.floor],
                "no message is sent at level \"\(dna.integrity.messaging.rawValue)\" yet: this version delivers directly only",
                hint: "the floor enters the DNA hash; keep it if the network shall have it later")
        }
    }

    // MARK: - Dangerous access

    /// First words of names that say that something is written.
    private static let writingWords: Set<String> = [
        "add", "append", "archive", "assign", "change", "clear", "commit", "create", "delete", "edit", "erase", "grant",
        "import", "insert", "make", "move", "post", "publish", "put", "register", "remove", "rename", "replace",
        "reset",
        "revoke", "save", "set", "store", "submit", "update", "upload", "withdraw", "write",
    ]

    private mutating func access(_ zome: CoordinatorZomeDef, _ sources: ZomeSources?) {
        for function in zome.functions where function.access == .public {
            let place = manifest.places[.function(zome: zome.name, name: function.name)]
            if let write = sources?.write(by: function.name) {
                let way = ([function.name] + write.path).joined(separator: " → ")
                add(
                    .publicFunctionWrites, .warning, at: place,
                    "everyone may call \"\(function.name)\", and by its sources it writes: \(way) → host.\(write.method)",
                    hint: "at \(write.file):\(write.position.line); access: author keeps it to the cell's own agent, "
                        + "granted to whom she names")
            } else if sources == nil, Self.soundsLikeWriting(function.name) {
                add(
                    .publicFunctionName, .note, at: place,
                    "everyone may call \"\(function.name)\", whose name says that it writes",
                    hint: "the zome's sources were not found to look; access: author keeps it to the cell's own agent")
            }
        }
    }

    /// Whether the first word of a name is one of writing: `write_note`, `deleteAll`.
    static func soundsLikeWriting(_ name: String) -> Bool {
        let start = name.drop { $0 == "_" }
        let first = start.prefix { $0.isLowercase || $0 == start.first }
        return writingWords.contains(first.lowercased())
    }

    // MARK: - What nobody uses

    /// Types that the sources declare and the DNA does not have, told where they stand in the sources. Without a declared
    /// type of a close name it is a note: a module may serve several DNAs, each with some of its types.
    private mutating func undeclared(_ dna: DnaDefinition, _ sources: [ZomeSources?]) {
        let (entries, links) = (dna.integrity.entryTypes.map(\.name), dna.integrity.linkTypes.map(\.name))
        for type in sources.compactMap({ $0 }).flatMap(\.typeNames) where Spelling.isIdentifier(type.name) {
            let (declared, what) = type.isLink ? (links, "link type") : (entries, "entry type")
            guard !declared.contains(type.name) else { continue }
            let near = Spelling.nearest(to: type.name, among: declared).map { "did you mean \"\($0)\"?" }
            diagnostics.append(
                Diagnostic(
                    file: type.file, line: type.position.line, column: type.position.column,
                    severity: near == nil ? .note : .warning, code: .undeclaredType,
                    message: "the DNA \"\(manifest.name)\" has no \(what) \"\(Spelling.shown(type.name))\"",
                    hint: near
                        ?? (declared.isEmpty ? "it has none" : "it has \(declared.prefix(30).joined(separator: ", "))")
                        + "; writing one of it is refused"))
        }
    }

    /// Types that no zome's sources name. Says nothing where one of the sources is not at hand or leads elsewhere.
    private mutating func unused(_ dna: DnaDefinition, _ sources: [ZomeSources?], _ validators: [ZomeSources?]) {
        let all = sources + validators
        guard !sources.isEmpty, all.allSatisfy({ $0?.isComplete == true }) else { return }
        let texts = all.reduce(into: Set<String>()) { $0.formUnion($1?.texts ?? []) }
        let declared = Set(dna.integrity.entryTypes.map(\.name) + dna.integrity.linkTypes.map(\.name))
        let strange = Set(all.flatMap { $0?.typeNames ?? [] }.map(\.name)).subtracting(declared).sorted()
        // Removing is bad advice for a type that is only misspelt in the sources.
        func hint(_ name: String) -> String {
            Spelling.nearest(to: name, among: strange).map { "the sources name \"\($0)\": write the same in both" }
                ?? "remove it before the network starts: later it is part of the DNA hash"
        }
        for type in dna.integrity.entryTypes where !texts.contains(type.name) {
            let links = dna.integrity.linkTypes.filter {
                $0.base == .entry(type.name) || $0.target == .entry(type.name)
            }
            guard links.isEmpty else { continue }
            add(
                .unusedType, .warning, at: manifest.places[.entryType(type.name)],
                "no zome's sources name the entry type \"\(type.name)\"", hint: hint(type.name))
        }
        for type in dna.integrity.linkTypes where !texts.contains(type.name) {
            add(
                .unusedType, .warning, at: manifest.places[.linkType(type.name)],
                "no zome's sources name the link type \"\(type.name)\"", hint: hint(type.name))
        }
    }
}

/// What a valid hApp allows and its author seldom means.
struct HappLint {
    let happ: LoadedHapp
    private(set) var diagnostics: [Diagnostic] = []

    /// Everything worth saying about the hApp itself; its DNAs are spoken of by ``Lint``.
    static func happ(_ happ: LoadedHapp, modules: BuiltModules) -> [Diagnostic] {
        var lint = HappLint(happ: happ)
        lint.roles()
        lint.proofs(modules)
        return lint.diagnostics
    }

    private mutating func add(
        _ code: DiagnosticCode, _ severity: Diagnostic.Severity, at place: Position, _ message: String, hint: String
    ) {
        diagnostics.append(
            Diagnostic(
                file: happ.path, line: place.line, column: place.column, severity: severity, code: code,
                message: message, hint: hint))
    }

    /// Roles in which nothing can ever happen.
    private mutating func roles() {
        for (role, manifest, definition) in happ.roles {
            if definition.integrity.networkSeed.isEmpty, !manifest.definition().integrity.networkSeed.isEmpty {
                add(
                    .publicSpace, .note, at: happ.places[.role(role.name)],
                    "the space of role \"\(role.name)\" is public: its modifiers set an empty network seed",
                    hint: "leave network_seed out of the modifiers to keep the DNA's own")
            }
            let isReachable = definition.coordinator.contains {
                !$0.functions.isEmpty || $0.callbacks.contains(.receive)
            }
            if !isReachable {
                add(
                    .unreachableRole, .warning, at: happ.places[.role(role.name)],
                    "nothing can be called in role \"\(role.name)\": the zomes of \(manifest.path) declare no function",
                    hint: "declare functions: in a coordinator zome, or remove the role")
            }
        }
    }

    /// Cells that may wait for proofs which no DNA asks for. Says nothing unless every validator could be asked.
    private mutating func proofs(_ modules: BuiltModules) {
        guard happ.manifest.allowDeferredMembraneProofs else { return }
        let validators = happ.roles.flatMap { $0.definition.integrity.zomes.map(\.module) }
        let described = validators.compactMap { modules.found[$0]?.description }
        guard described.count == validators.count,
            !described.contains(where: { $0.callbacks.contains("genesis_self_check") })
        else { return }
        add(
            .proofUnasked, .warning, at: happ.places[.deferredProofs],
            "cells may wait for a membrane proof, and no DNA of this hApp asks for one",
            hint: "leave allow_deferred_memproofs out, or write a GenesisSelfCheck")
    }
}
