import Foundation
import Testing

@testable import plasmid

@Suite("SARIF, held against its schema")
struct SarifTests {
    private static var hasPython: Bool {
        ["/usr/bin/python3", "/usr/local/bin/python3"].contains { FileManager.default.isExecutableFile(atPath: $0) }
            || (try? Spoken(["/usr/bin/env", "python3", "-c", ""], in: "/").end()) == 0
    }

    private static let schema = ProcessInfo.processInfo.environment["PLASMID_SARIF_SCHEMA"] ?? ""

    /// Everything that can go wrong with places and names, in one folder.
    private static func fill(_ folder: String) throws {
        try writeFile("import HDK\n  import Foundation\n", to: folder + "/Plugins/V/Überprüfung.swift")
        try writeFile(
            "manifest_version: \"1\"\nname: \"ü\"\nintegrity:\n  zomes: [ { name: v, module: V, sources: Plugins/V } ]\n"
                + "  \"schlüssel ä\": 1\n  größe: 2\n", to: folder + "/dnä ordner/a#b%20?.dna.yaml")
        try writeFile("\u{FEFF}manifest_version: \"1\"\r\nname: x\r\nnme: y\r\n", to: folder + "/crlf.dna.yaml")
        try writeFile("", to: folder + "/empty.dna.yaml")
        try writeFile("a: [\n", to: folder + "/cut.dna.yaml")
        try Data([0x61, 0x3A, 0x20, 0x0A, 0x62, 0xFF]).write(to: URL(fileURLWithPath: folder + "/latin.dna.yaml"))
        try FileManager.default.copyItem(
            atPath: Spoken.root + "/Tests/ManifestsTests/Faulty", toPath: folder + "/Faulty")
        try writeFile("// swift-tools-version: 6.2\n", to: folder + "/Package.swift")
    }

    @Test(
        "every fault has a rule with its help, a place in its file, and a relative URI",
        .enabled(if: hasPython, "needs python3"))
    func structure() async throws {
        try await Spoken.alone { folder in
            try Self.fill(folder)
            let script = Spoken.root + "/Tests/Interop/sarif.py"
            for (kind, words) in [("dna", ["."]), ("happ", ["Faulty", "--strict"]), ("dna", [folder + "/Faulty"])] {
                let check = try Spoken(
                    [Spoken.plasmid, kind, "check", "--format", "sarif", "--no-modules"] + words, in: folder)
                #expect(check.end() == 1)
                let log = folder + "/log.sarif"
                try writeFile(check.words, to: log)
                let held = try Spoken(["/usr/bin/env", "python3", script, log, folder], in: folder)
                #expect(held.end() == 0, "\(held.words)")
                #expect(
                    !check.words.contains("\"uri\": \"file://\(folder)/Faulty"), "paths below the folder are relative")
                if kind == "dna", words == ["."] {
                    let path = "Plugins/V/%C3%9Cberpr%C3%BCfung.swift"
                    #expect(
                        check.words.contains("\"uri\": \"\(path)\""), "a validator's source is told from the folder")
                    #expect(check.words.contains("\"uri\": \"dn%C3%A4%20ordner/a%23b%2520%3F.dna.yaml\""))
                }
            }
        }
    }

    @Test(
        "the whole schema takes the log",
        .enabled(if: hasPython && !schema.isEmpty, "PLASMID_SARIF_SCHEMA names no copy of sarif-schema-2.1.0.json"))
    func whole() async throws {
        try await Spoken.alone { folder in
            try Self.fill(folder)
            let check = try Spoken(
                [Spoken.plasmid, "dna", "check", "--format", "sarif", "--no-modules", "."], in: folder)
            #expect(check.end() == 1)
            try writeFile(check.words, to: folder + "/log.sarif")
            let held = try Spoken(
                ["/usr/bin/env", "python3", Spoken.root + "/Tests/Interop/sarif.py", folder + "/log.sarif", folder],
                in: folder)
            #expect(held.end() == 0 && held.words.contains("held against the whole schema"), "\(held.words)")
        }
    }
}
