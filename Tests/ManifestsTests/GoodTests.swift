import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("manifests: good files")
struct GoodTests {
    @Test("every field of a DNA arrives")
    func dna() throws {
        let samples = try Samples("Good")
        let (manifest, diagnostics) = ManifestReader.dna(at: samples.file("notes.yaml"))
        #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        let dna = try #require(manifest).definition()
        #expect(dna.name == "notes")
        #expect(dna.integrity.networkSeed == "seed")
        #expect(dna.integrity.messaging == .direct)
        #expect(dna.integrity.properties["limit"] == .int(10))
        #expect(dna.integrity.properties["admins"] == .array([.string("ada"), .string("grace")]))
        #expect(dna.integrity.properties["flags"]?["b"] == .bool(true))
        #expect(dna.integrity.properties["flags"]?["a"] == .null)
        #expect(dna.integrity.properties["ratio"] == .double(0.5))
        #expect(
            dna.integrity.entryTypes == [
                EntryTypeDef(name: "note", maxBytes: 65_536), EntryTypeDef(name: "diary", visibility: .private),
            ])
        #expect(dna.integrity.entryTypes.last?.maxBytes == Limits.entryBytes)
        #expect(
            dna.integrity.linkTypes == [
                LinkTypeDef(name: "inbox", base: .agent, target: .entry("note")),
                LinkTypeDef(name: "refers", base: .entry("note"), target: .external, create: .author),
            ])
        #expect(dna.integrity.zomes.map(\.name) == ["notes_integrity"])
        #expect(dna.integrity.zomes.map(\.sources) == ["Plugins/NotesIntegrity"])
        let zome = try #require(dna.coordinatorZome(named: "notes"))
        #expect(zome.module == "Notes")
        #expect(zome.functions.map(\.name) == ["write", "say", "list", "erase"])
        #expect(zome.functions.map(\.access) == [.author, .granted, .public, .author])
        #expect(zome.callbacks == [.initialize, .receive, .postCommit])
        #expect(try #require(manifest).modules == ["NotesIntegrity", "Notes"])
    }

    @Test("declarative rules arrive, each with what it says and the rest by default")
    func rules() throws {
        let samples = try Samples("Good")
        let (manifest, diagnostics) = ManifestReader.dna(at: samples.file("rules.yaml"))
        #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        let integrity = try #require(manifest).definition().integrity
        let rules = integrity.entryTypes[0].rules
        #expect(rules.update == .author && rules.delete == .nobody && rules.fields.unknown == .forbid)
        let short = ValueRule.string(LengthRange(max: 40), oneOf: [])
        let expected: [(String, ValueRule, Bool)] = [
            ("text", .string(LengthRange(min: 1, max: 4_000), oneOf: []), true), ("slug", short, true),
            ("status", .string(.any, oneOf: ["open", "closed"]), false),
            ("stars", .integer(min: 1, max: 5, oneOf: []), false),
            ("level", .integer(min: nil, max: nil, oneOf: [-1, 0, Int128(UInt64.max)]), false),
            ("price", .number(min: 0, max: 99.5), false), ("done", .boolean, false),
            ("seal", .bytes(LengthRange(min: 32, max: 32)), false),
            ("to", .address(.agent, mustExist: true, of: nil), false),
            ("about", .address(.action, mustExist: true, of: "comment"), false),
            ("source", .address(.entry, mustExist: true, of: nil), false),
            ("site", .address(.external, mustExist: false, of: nil), false),
            ("network", .address(.dna, mustExist: false, of: nil), false),
            ("anywhere", .address(.hash, mustExist: false, of: nil), false),
            ("tags", .list(LengthRange(max: 10), items: short), false),
            (
                "place",
                .map(
                    LengthRange(max: 3),
                    FieldSet(
                        [
                            FieldRule("name", .string(.any, oneOf: [])),
                            FieldRule("height", .number(min: nil, max: nil), required: false),
                        ],
                        forbidden: ["street"])), false
            ),
            ("extra", .any, false),
        ]
        #expect(
            rules.fields
                == FieldSet(
                    expected.map { FieldRule($0.0, $0.1, required: $0.2, unique: $0.0 == "slug") }, unknown: .forbid))
        #expect(integrity.entryTypes[1].rules == EntryRules(fields: FieldSet(forbidden: ["author", "to"])))
        #expect(integrity.entryTypes[2].rules == .none, "what is written out and is the default is no rule")
        #expect(integrity.linkTypes.map(\.create) == [.targetAuthor, .anyone])
        #expect(integrity.linkTypes.map(\.delete) == [.nobody, .baseAuthor])
    }

    @Test("limits of rules are where docs/spec/rules.md has them")
    func ruleLimits() throws {
        func type(_ rules: String) throws -> [DiagnosticCode] {
            try codes(heading + "integrity: { entry_types: [ { name: a, rules: \(rules) } ] }\n" + oneZome)
        }
        func fields(_ count: Int) -> String {
            "{ fields: { \((0..<count).map { "f\($0): { type: any }" }.joined(separator: ", ")) } }"
        }
        #expect(try type(fields(256)).isEmpty)
        #expect(try type(fields(257)) == [.tooLong])
        func choices(_ count: Int) -> String {
            "{ fields: { a: { type: integer, enum: [\((0..<count).map(String.init).joined(separator: ", "))] } } }"
        }
        #expect(try type(choices(256)).isEmpty)
        #expect(try type(choices(257)) == [.tooLong])
        func list(_ depth: Int) -> String {
            "{ fields: { a: " + String(repeating: "{ type: list, items: ", count: depth - 1) + "{ type: any }"
                + String(repeating: " }", count: depth - 1) + " } }"
        }
        #expect(try type(list(8)).isEmpty)
        #expect(try type(list(9)) == [.tooDeep])
        let name = String(repeating: "n", count: 128)
        #expect(try type("{ fields: { \(name): { type: any } } }").isEmpty)
        #expect(try type("{ fields: { \(name)n: { type: any } } }") == [.badName])
        let word = String(repeating: "w", count: 1_000)
        let words = (100..<165).map { "\(word.dropLast(3))\($0)" }.joined(separator: ", ")
        #expect(try type("{ fields: { a: { type: string, enum: [\(words)] } } }").isEmpty)
        #expect(try type("{ fields: { a: { type: string, enum: [\(words), \(word)] } } }") == [.tooLong])
    }

    @Test("the smallest DNA has every default")
    func minimal() throws {
        let samples = try Samples("Good")
        let dna = try #require(ManifestReader.dna(at: samples.file("minimal.yaml")).manifest).definition()
        #expect(dna.integrity == IntegritySection())
        #expect(dna.coordinator == [CoordinatorZomeDef(name: "main", module: "Main", functions: [])])
    }

    @Test("a hApp brings its DNAs, and modifiers replace whole fields")
    func happ() throws {
        let samples = try Samples("Good")
        let (loaded, diagnostics) = ManifestReader.happ(at: samples.file("notes.happ.yaml"))
        #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        let app = try #require(loaded)
        #expect(app.manifest.name == "notes-app")
        #expect(app.manifest.allowDeferredMembraneProofs)
        #expect(app.manifest.roles.map(\.name) == ["home", "work", "club"])
        #expect(
            app.manifest.roles.map(\.provisioning) == [
                .create(deferred: false), .create(deferred: false), .cloneOnly,
            ])
        #expect(app.manifest.roles.map(\.cloneLimit) == [3, 0, 10])
        #expect(app.dnas.map(\.name) == ["notes", "notes", "minimal"])
        let roles = app.roles
        #expect(roles.map(\.definition.integrity.networkSeed) == ["seed", "work", ""])
        #expect(roles[1].definition.integrity.properties == .map(["limit": .int(5)]), "replaced, not merged")
        #expect(roles[1].definition.integrity.entryTypes == roles[0].definition.integrity.entryTypes)
        #expect(Set(roles.map { $0.definition.hash() }).count == 3)
    }

    @Test("a pinned hash is the one after the modifiers")
    func pinned() throws {
        let samples = try Samples("Good")
        let text = try samples.text("notes.happ.yaml")
        let app = try #require(ManifestReader.happ(at: samples.file("notes.happ.yaml")).happ)
        let hash = app.roles[1].definition.hash()
        try samples.write(
            "notes.happ.yaml",
            text.replacingOccurrences(of: "modifiers: {", with: "installed_hash: \(hash)\n      modifiers: {"))
        #expect(samples.diagnostics("notes.happ.yaml").hasErrors == false)
        #expect(ManifestReader.happ(at: samples.file("notes.happ.yaml")).happ?.manifest.roles[1].installedHash == hash)
        let other = app.roles[0].definition.hash()
        try samples.write(
            "notes.happ.yaml",
            text.replacingOccurrences(of: "modifiers: {", with: "installed_hash: \(other)\n      modifiers: {"))
        #expect(samples.diagnostics("notes.happ.yaml").map(\.code) == [.installedHashMismatch])
    }

    @Test("two integrity zomes: types name theirs")
    func twoZomes() throws {
        let samples = try Samples("Good")
        try samples.write("Plugins/More/More.swift", "import HDK\n")
        let file = try samples.write(
            "two.yaml",
            heading + """
                integrity:
                  entry_types: [ { name: a }, { name: b, zome: second } ]
                  link_types: [ { name: l, zome: second } ]
                  zomes:
                    - { name: first, module: First, sources: Plugins/NotesIntegrity }
                    - { name: second, module: Second, sources: Plugins/More }
                """)
        let (manifest, diagnostics) = ManifestReader.dna(at: file)
        #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        let integrity = try #require(manifest).definition().integrity
        #expect(integrity.appEntryDef(named: "a")?.zomeIndex == 0)
        #expect(integrity.appEntryDef(named: "b")?.zomeIndex == 1)
        #expect(integrity.appEntryDef(named: "b")?.entryIndex == 0)
    }

    @Test("limits are where the table of limits has them")
    func limits() throws {
        func types(_ count: Int) -> String {
            (0..<count).map { "{ name: t\($0) }" }.joined(separator: ", ")
        }
        #expect(try codes(heading + "integrity: { entry_types: [ \(types(256)) ] }\n" + oneZome).isEmpty)
        #expect(try codes(heading + "integrity: { entry_types: [ \(types(257)) ] }\n" + oneZome) == [.tooLong])
        #expect(try codes(heading + "integrity: { link_types: [ \(types(257)) ] }\n" + oneZome) == [.tooLong])
        let name = String(repeating: "n", count: Limits.nameBytes)
        #expect(try codes(heading + "integrity: { entry_types: [ { name: \(name) } ] }\n" + oneZome).isEmpty)
        #expect(try codes(heading + "integrity: { entry_types: [ { name: \(name)n } ] }\n" + oneZome) == [.tooLong])
        let long = String(repeating: "p", count: Limits.propertiesBytes)
        #expect(try codes(heading + "integrity: { properties: { a: \(long) } }\n" + oneZome) == [.tooLong])
    }

    @Test("modules are found in the first folder that has them, and only by plain names")
    func locator() throws {
        let samples = try Samples("Good")
        try samples.write("one/libNotes.so", "")
        try samples.write("two/libNotes.so", "")
        try samples.write("two/libNotesIntegrity.so", "")
        let locator = ModuleLocator(folders: [samples.file("none"), samples.file("one"), samples.file("two")])
        #expect(locator.path(of: "Notes") == samples.file("one/libNotes.so"))
        #expect(locator.path(of: "NotesIntegrity") == samples.file("two/libNotesIntegrity.so"))
        #expect(locator.path(of: "Other") == nil)
        #expect(locator.path(of: "../one/libNotes") == nil)
        #expect(throws: PlasmidError.self) { try locator.locate("Other", zome: "other") }
    }

    static let samplesOfTheHouse = ["dna/messenger", "dna/ghostwriter"]

    @Test("the DNAs and hApps of this repository are without fault", arguments: samplesOfTheHouse)
    func house(_ folder: String) throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appendingPathComponent(folder).path
        let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".yaml") }
        #expect(!files.isEmpty)
        for file in files.sorted() {
            let name = path + "/" + file
            let diagnostics =
                file.contains("happ")
                ? ManifestReader.happ(at: name).diagnostics : ManifestReader.dna(at: name).diagnostics
            #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        }
    }
}
