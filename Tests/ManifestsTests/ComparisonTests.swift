import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("manifests against built modules")
struct ComparisonTests {
    private func notes(_ change: (inout ModuleDescription) -> Void = { _ in }) -> ModuleDescription {
        var module = ModuleDescription(
            abi: 1, hdk: "1", zome: "notes", kind: .coordinator, functions: ["write", "say", "list", "erase"],
            callbacks: ["init", "receive", "post_commit"])
        change(&module)
        return module
    }

    private func rules(_ change: (inout ModuleDescription) -> Void = { _ in }) -> ModuleDescription {
        var module = ModuleDescription(
            abi: 1, hdk: "1", zome: "notes_integrity", kind: .integrity, callbacks: ["validate"],
            validates: ["note"], validatesLinks: ["inbox"])
        change(&module)
        return module
    }

    /// What is said of Good/notes.yaml with these modules: `code line:column`, and all words.
    private func compare(
        _ coordinator: BuiltModule, _ validator: BuiltModule, required: Bool = false
    ) throws -> [Diagnostic] {
        let samples = try Samples("Good")
        let manifest = try #require(ManifestReader.dna(at: samples.file("notes.yaml")).manifest)
        let modules = BuiltModules(found: ["Notes": coordinator, "NotesIntegrity": validator], areRequired: required)
        return ModuleComparison.diagnostics(manifest, modules).sorted()
    }

    private func compare(_ coordinator: ModuleDescription, _ validator: ModuleDescription) throws -> [Diagnostic] {
        try compare(.described(coordinator, path: "a"), .described(validator, path: "b"))
    }

    @Test("modules that have what is declared, and no more, leave nothing to say")
    func equal() throws {
        #expect(try compare(notes(), rules()).isEmpty)
    }

    @Test("a declared function that the module lacks is told at its name, with the one that was meant")
    func missing() throws {
        let found = try compare(notes { $0.functions = ["write", "say", "lits", "erase"] }, rules())
        #expect(found.map(\.code) == [.functionUndeclared, .functionMissing])
        #expect(found[0].severity == .warning && found[0].line == 24)
        #expect(found[1].severity == .error && found[1].line == 27 && found[1].column == 19)
        #expect(found[1].hint == "did you mean \"lits\"?")
    }

    @Test("functions and callbacks that nothing declares are one warning each")
    func undeclared() throws {
        let found = try compare(
            notes {
                $0.functions += ["zap", "add"]
                $0.callbacks = ["init", "receive", "post_commit", "validate"]
            }, rules())
        #expect(found.map(\.message) == ["the module Notes has 2 functions (add, zap) that nobody can call"])
        let callbacks = try compare(notes { $0.callbacks = ["init", "receive"] }, rules())
        #expect(callbacks.map(\.code) == [.callbackMissing])
        #expect(callbacks[0].line == 29 && callbacks[0].column == 34)
    }

    @Test("a validator for a type that is not declared would never be asked")
    func unknownTypes() throws {
        let found = try compare(notes(), rules { ($0.validates, $0.validatesLinks) = (["note", "nots"], ["outbox"]) })
        #expect(found.map(\.code) == [.validatesUnknownType, .validatesUnknownType])
        #expect(found.allSatisfy { $0.severity == .error && $0.line == 19 })
        #expect(found.contains { $0.hint == "did you mean \"note\"?" })
    }

    @Test("a public type that nothing judges is worth a note; a private one is not")
    func unjudged() throws {
        let found = try compare(notes(), rules { $0.validates = [] })
        #expect(found.map(\.code) == [.typeUnvalidated] && found[0].severity == .note && found[0].line == 8)
        #expect(try compare(notes(), rules { ($0.validates, $0.validatesActivity) = ([], true) }).isEmpty)
    }

    @Test("modules of the other kind, of another name, unusable or not built")
    func others() throws {
        let swapped = try compare(rules(), notes())
        #expect(swapped.map(\.code) == [.moduleWrongKind, .moduleWrongKind])
        let renamed = try compare(notes { $0.zome = "note" }, rules())
        #expect(renamed.map(\.code) == [.moduleNameDiffers] && renamed[0].severity == .warning)
        let refused = try compare(
            .refused(path: "x", reason: "it trapped", hint: nil), .described(rules(), path: "b"))
        #expect(refused.map(\.message) == ["the module Notes cannot be used: it trapped"])
        let absent = try compare(.notBuilt(searched: ["out"]), .described(rules(), path: "b"))
        #expect(absent.map(\.code) == [.unknownModule] && absent[0].severity == .note)
        let required = try compare(.notBuilt(searched: ["out"]), .described(rules(), path: "b"), required: true)
        #expect(required.map(\.severity) == [.error])
        #expect(required[0].hint?.contains("libNotes.so in out") == true)
    }
}

@Suite("misspelt modules")
struct MisspeltModuleTests {
    @Test("where a module is not built, the built one that was meant is told, but none that the DNA names itself")
    func nearest() throws {
        let samples = try Samples("Good")
        try samples.write("built/libNotees.so", "")
        let manifest = try #require(ManifestReader.dna(at: samples.file("notes.yaml")).manifest)
        let modules = BuiltModules(found: ["Notes": .notBuilt(searched: [samples.file("built"), "nowhere"])])
        let found = ModuleComparison.diagnostics(manifest, modules)
        #expect(found.map(\.code) == [.unknownModule])
        #expect(found.first?.hint?.hasPrefix("did you mean \"Notees\"? searched for libNotes.so in ") == true)
        let locator = ModuleLocator(folders: [samples.file("built")])
        #expect(locator.nearest(to: "Notes", except: ["Notees"]) == nil)
        let error = #expect(throws: PlasmidError.self) { try locator.locate("Notes", zome: "notes") }
        #expect(error?.hint?.hasPrefix("did you mean Notees? ") == true)
    }
}

@Suite("what is seldom meant")
struct LintTests {
    private let manifest = """
        manifest_version: "1"
        name: x
        integrity:
          network_seed: secret
          entry_types: [ { name: note }, { name: draft, visibility: private } ]
          link_types: [ { name: inbox, target: note } ]
        coordinator:
          zomes:
            - name: notes
              module: Notes
              functions:
                - { name: add, access: public }
                - { name: list, access: public }
                - { name: chain, access: public }
                - { name: own }
        """

    /// `code line` of everything that is said.
    private func lint(_ source: String?, _ manifest: String? = nil) throws -> [String] {
        let samples = try Samples("Good")
        if let source { try samples.write("Sources/Notes/Notes.swift", source) }
        let path = try samples.write("lint.yaml", manifest ?? self.manifest)
        let (dna, found) = ManifestCheck.dna(at: path)
        #expect(dna != nil, "\(found.text)")
        return found.map { "\($0.code.rawValue) \($0.line)" }
    }

    private let source = """
        import HDK
        struct Note: EntryValue { static let type: EntryTypeName = "note" }
        let inbox = "inbox", draft = "draft"
        func remember(_ note: Note, _ h: Host) async throws -> ActionHash { try await h.create(note) }
        func twice(_ h: Host) async throws { _ = try await remember(Note(), h) }
        let notes = Zome("notes") {
            Function("add") { (note: Note, host: Host) in try await host.create(note) }
            Function("list") { (host: Host) in
                // host.create(x) is only talked about, and so is "host.delete(y)".
                list.create(host.get(x), "host.delete(y)")
            }
            Function("chain") { (host: Host) in try await twice(host) }
            Function("own") { (note: Note, host: Host) in try await host.delete(note) }
        }
        """

    @Test("a public function that writes, itself or through others of the same sources, is told with the way")
    func publicWriter() throws {
        #expect(try lint(source) == ["publicFunctionWrites 12", "publicFunctionWrites 14"])
        let samples = try Samples("Good")
        try samples.write("Sources/Notes/Notes.swift", source)
        let found = ManifestCheck.dna(at: try samples.write("lint.yaml", manifest)).diagnostics
        #expect(found.last?.message.hasSuffix("chain → twice → remember → host.create") == true)
        #expect(found.last?.hint?.contains("Notes.swift:4;") == true)
    }

    @Test("without sources the name alone is worth a note, and types are not said to be unused")
    func byName() throws {
        #expect(try lint(nil) == ["publicFunctionName 12"])
        for name in ["write", "delete_all", "createNote", "addTo", "SetName"] { #expect(Lint.soundsLikeWriting(name)) }
        for name in ["settings", "address", "creator", "list", "postings", "read_writes"] {
            #expect(!Lint.soundsLikeWriting(name), "\(name)")
        }
    }

    @Test("types that no source names are unused, unless sources lead elsewhere")
    func unused() throws {
        let bare = "import HDK\nlet n = \"note\"\n"
        #expect(try lint(bare) == ["unusedType 5", "unusedType 6"])
        #expect(try lint("import HDK\nimport Shared\nlet n = \"note\"\n").isEmpty)
    }

    @Test(
        "a type that the DNA does not have is told where the sources name it; one that only a validator names is used")
    func undeclared() throws {
        let samples = try Samples("Good")
        try samples.write(
            "Sources/Notes/Notes.swift",
            """
            import HDK
            struct Note: EntryValue { static let type: EntryTypeName = "notte" }
            let away: LinkTypeName = "away"
            let whatever: EntryTypeName = "%a\\(1)"
            """)
        try samples.write(
            "Sources/Rules/Rules.swift",
            "import HDK\nstruct Draft: EntryValue { static let type: EntryTypeName = \"draft\" }\n")
        let path = try samples.write(
            "lint.yaml",
            """
            manifest_version: "1"
            name: x
            integrity:
              network_seed: secret
              entry_types: [ { name: note }, { name: draft } ]
              zomes: [ { name: rules, module: Rules, sources: Sources/Rules } ]
            coordinator: { zomes: [ { name: notes, module: Notes } ] }
            """)
        let (dna, found) = ManifestCheck.dna(at: path)
        #expect(dna != nil, "\(found.text)")
        #expect(
            found.map { "\($0.code.rawValue) \($0.line)" } == ["undeclaredType 2", "undeclaredType 3", "unusedType 5"])
        let sources = samples.file("Sources/Notes/Notes.swift")
        #expect(found.map(\.file) == [sources, sources, path])
        #expect(found.map(\.severity) == [.warning, .note, .warning], "a module may serve several DNAs")
        #expect(
            found.map { $0.hint ?? "" } == [
                "did you mean \"note\"?", "it has none; writing one of it is refused",
                "the sources name \"notte\": write the same in both",
            ])
    }

    @Test("proofs that may come later and that no validator asks for are told once every validator was asked")
    func proofs() throws {
        let samples = try Samples("Good")
        func codes(_ callbacks: [String]?) -> [DiagnosticCode] {
            ManifestCheck.happ(at: samples.file("notes.happ.yaml")) { modules, _ in
                var built = BuiltModules()
                guard let callbacks else { return built }
                for module in modules where module == "NotesIntegrity" {
                    let description = ModuleDescription(
                        abi: 1, hdk: "1", zome: "notes_integrity", kind: .integrity, callbacks: callbacks,
                        validates: ["note"])
                    built.found[module] = .described(description, path: module)
                }
                return built
            }.diagnostics.map(\.code)
        }
        #expect(codes(["validate"]).contains(.proofUnasked))
        #expect(!codes(["validate", "genesis_self_check"]).contains(.proofUnasked))
        #expect(!codes(nil).contains(.proofUnasked), "nobody knows")
    }

    @Test("an empty seed and a floor above direct are told")
    func space() throws {
        let open = manifest.replacingOccurrences(
            of: "  network_seed: secret\n", with: "  messaging: { floor: mix }\n")
        #expect(try lint(source, open).prefix(2) == ["publicSpace 4", "floorUnmet 4"])
    }

    @Test("tokens: comments are left out, texts are whole, whatever they hold")
    func tokens() {
        let source = ##"a.b /* "x" /* y */ */ "t\"\(f("q)"))z" #"r"s"# // end"## + "\n\"\"\"\nlong \"\n\"\"\" é9"
        let tokens = SwiftTokens.read(Array(source.utf8))
        #expect(tokens.filter { $0.kind == .word }.map(\.string) == ["a", "b", "é9"])
        #expect(tokens.filter { $0.kind == .text }.map(\.string) == [#"t\"\(f("q)"))z"#, #"r"s"#, "\nlong \"\n"])
        #expect(SwiftTokens.read(Array("\"open".utf8)).count == 1 && SwiftTokens.read(Array("/* open".utf8)).isEmpty)
    }

    @Test("every code has an explanation: cause, example and what to do")
    func explanations() {
        for code in DiagnosticCode.allCases {
            let what = DiagnosticCode.table[code]
            #expect(
                what?.cause.isEmpty == false && what?.example.isEmpty == false && what?.mend.isEmpty == false, "\(code)"
            )
        }
    }
}
