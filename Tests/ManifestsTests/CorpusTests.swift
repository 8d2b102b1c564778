import Foundation
import Integrity
import Testing

@testable import Manifests

/// Every file of Good/ and Faulty/ has a listing beside it: what a JSON Schema says of it, then everything that is said
/// when it is checked. `PLASMID_UPDATE_GOLDEN=1` writes the listings anew; review the difference.
@Suite("corpus of manifests")
struct CorpusTests {
    /// `schema: accepts`, `schema: rejects`, or `schema: unread` for what no YAML reader gets to a schema.
    private static let marks = ["schema: accepts", "schema: rejects", "schema: unread"]

    struct File: Sendable, CustomTestStringConvertible {
        let folder: String
        let name: String
        var testDescription: String { "\(folder)/\(name)" }

        var expected: String {
            Samples.original(folder) + "/" + name.replacingOccurrences(of: ".yaml", with: ".expected")
        }
    }

    static let files: [File] = ["Faulty", "Good"].flatMap { folder in
        let all = (try? FileManager.default.contentsOfDirectory(atPath: Samples.original(folder))) ?? []
        return all.filter { $0.hasSuffix(".yaml") }.sorted().map { File(folder: folder, name: $0) }
    }

    /// One copy of each folder for all files, which nothing here changes.
    private static let copies: [String: Samples] = ["Faulty", "Good"].reduce(into: [:]) { copies, folder in
        copies[folder] = try? Samples(folder)
    }

    @Test("everything that is said of the file, exactly", arguments: files)
    func golden(_ file: File) throws {
        let samples = try #require(Self.copies[file.folder])
        let known = (try? String(contentsOfFile: file.expected, encoding: .utf8)) ?? "schema: ?\n"
        let mark = String(known.prefix { $0 != "\n" })
        let diagnostics = samples.diagnostics(file.name)
        let listing =
            ([mark] + (diagnostics.isEmpty ? [] : [samples.listing(file.name)])).joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["PLASMID_UPDATE_GOLDEN"] != nil {
            try listing.write(toFile: file.expected, atomically: false, encoding: .utf8)
        }
        #expect(listing == known)
        #expect(Self.marks.contains(mark))
        #expect(diagnostics.hasErrors == (file.folder == "Faulty"))
        #expect(diagnostics == diagnostics.sorted(), "in order of place")
        if mark == "schema: unread" {
            let unread: Set<DiagnosticCode> = [
                .yamlSyntax, .yamlAlias, .yamlTag, .tooDeep, .duplicateKey, .keyNotText, .missingKey,
            ]
            #expect(diagnostics.contains { unread.contains($0.code) })
        }
    }

    @Test("there are at least 120 files of three kinds, and every kind of fault has one or a test of its own")
    func coverage() throws {
        let count = Self.files.count
        print("corpus: \(count) manifests, \(Self.files.count { $0.folder == "Good" }) of them good")
        #expect(count >= 120)
        for ending in [".happ.yaml", ".conductor.yaml"] {
            for folder in ["Good", "Faulty"] {
                #expect(
                    Self.files.count { $0.folder == folder && $0.name.hasSuffix(ending) } >= 5, "\(folder) \(ending)")
            }
        }
        let listings = try Self.files.map { try String(contentsOfFile: $0.expected, encoding: .utf8) }
        // FaultyTests, ComparisonTests and BundleTests have the others.
        let elsewhere: Set<DiagnosticCode> = [
            .fileMissing, .fileUnreadable, .fileTooLarge, .notUTF8, .symbolicLink, .sourcesTooLarge, .unknownModule,
            .moduleUnreadable, .moduleWrongKind, .moduleNameDiffers, .functionMissing, .functionUndeclared,
            .callbackMissing, .callbackUndeclared, .validatesUnknownType, .typeUnvalidated, .publicFunctionWrites,
            .unusedType, .undeclaredType, .proofUnasked, .badBundle,
        ]
        for code in DiagnosticCode.allCases where !elsewhere.contains(code) {
            #expect(listings.contains { $0.contains("[\(code.rawValue)]") }, "\(code.rawValue)")
        }
    }

    // MARK: Schemas

    private static let script = URL(fileURLWithPath: Samples.original("")).deletingLastPathComponent()
        .appendingPathComponent("Interop/schemas.py").path

    private static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    private static var hasPython: Bool {
        (try? python(["-c", "import yaml, jsonschema; jsonschema.Draft202012Validator"]))?.status == 0
    }

    @Test(
        "a validator that nobody here wrote accepts and rejects by the schemas what the listings say",
        .enabled(if: hasPython, "needs Python's jsonschema and yaml: pip install jsonschema pyyaml"))
    func schemas() throws {
        let samples = try Samples("Good")
        for kind in ManifestKind.allCases {
            try samples.write("schemas/\(kind.rawValue).json", ManifestSchema.text(kind))
        }
        let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let (status, output) = try Self.python(
            [Self.script, samples.file("schemas"), Samples.original("Good"), Samples.original("Faulty"), root + "/dna"])
        #expect(status == 0, "\(output)")
        #expect(output.contains("\(Self.files.count) manifests of the corpus"))
    }

    @Test("a schema refuses unknown keys everywhere and names itself")
    func schemaShape() {
        for kind in ManifestKind.allCases {
            let text = ManifestSchema.text(kind)
            #expect(text.contains("https://json-schema.org/draft/2020-12/schema"))
            #expect(text.contains("\"additionalProperties\": false"))
        }
        #expect(ManifestSchema.text(.dna).contains("\"field_rule\""))
    }
}
