import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("faulty manifests")
struct FaultyTests {
    @Test("docs/manifests.md explains every code")
    func documented() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
        let root = folder.deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/manifests.md"), encoding: .utf8)
        for code in DiagnosticCode.allCases { #expect(text.contains("`\(code.rawValue)`"), "\(code.rawValue)") }
        let keys =
            DnaReader.keys + HappReader.keys + ["network_seed", "max_bytes", "required_validations", "clone_limit"]
        for key in keys { #expect(text.contains("`\(key)`"), "\(key)") }
    }

    @Test("no file, a folder, a file that is too large, bytes that are no text")
    func unreadable() throws {
        let samples = try Samples("Good")
        #expect(samples.diagnostics("nowhere.yaml").map(\.code) == [.fileMissing])
        #expect(samples.diagnostics("Plugins").map(\.code) == [.notAFile])
        #expect(samples.diagnostics("nowhere.happ.yaml").map(\.code) == [.fileMissing])
        try samples.write("large.yaml", String(repeating: "#", count: YamlFile.maxBytes + 1))
        #expect(samples.diagnostics("large.yaml").map(\.code) == [.fileTooLarge])
        try Data([0x61, 0x3A, 0x20, 0xFF]).write(to: URL(fileURLWithPath: samples.file("latin.yaml")))
        #expect(samples.diagnostics("latin.yaml").map(\.code) == [.notUTF8])
    }

    @Test("a validator's sources may not hold or lead through symbolic links")
    func links() throws {
        let samples = try Samples("Good")
        let manager = FileManager.default
        let inside = samples.file("Plugins/NotesIntegrity/link.swift")
        try manager.createSymbolicLink(atPath: inside, withDestinationPath: "Notes.swift")
        #expect(samples.diagnostics("notes.yaml").map(\.code) == [.symbolicLink])
        try manager.removeItem(atPath: inside)
        #expect(samples.diagnostics("notes.yaml").isEmpty)
        try manager.moveItem(atPath: samples.file("Plugins"), toPath: samples.file("Elsewhere"))
        try manager.createSymbolicLink(atPath: samples.file("Plugins"), withDestinationPath: "Elsewhere")
        let found = samples.diagnostics("notes.yaml")
        #expect(found.map(\.code) == [.symbolicLink])
        #expect(found.first?.message.hasSuffix("at Plugins") == true)
    }

    @Test("a role's DNA may not be reached through a symbolic link")
    func linkedDna() throws {
        let samples = try Samples("Good")
        try FileManager.default.createSymbolicLink(atPath: samples.file("linked"), withDestinationPath: ".")
        let happ = heading + "roles: [ { name: a, dna: { path: linked/notes.yaml } } ]\n"
        try samples.write("linked.happ.yaml", happ)
        let found = samples.diagnostics("linked.happ.yaml")
        #expect(found.map(\.code) == [.symbolicLink])
        #expect(found.first?.message.hasSuffix("at linked") == true && found.first?.line == 3)
    }

    @Test("a file of somebody else is there and cannot be read", .enabled(if: geteuid() != 0, "root reads everything"))
    func unreadableFile() throws {
        let samples = try Samples("Good")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: samples.file("minimal.yaml"))
        #expect(samples.diagnostics("minimal.yaml").map(\.code) == [.fileUnreadable])
    }

    @Test("sources of too many files are refused")
    func tooMany() throws {
        let samples = try Samples("Good")
        for index in 0...SourceTree.maxFiles { try samples.write("Plugins/NotesIntegrity/f\(index).txt", "") }
        #expect(samples.diagnostics("notes.yaml").map(\.code).contains(.sourcesTooLarge))
        let other = try Samples("Good")
        try other.write(
            "Plugins/NotesIntegrity/big.txt", String(repeating: "x", count: SourceTree.maxFileBytes + 1))
        #expect(other.diagnostics("notes.yaml").map(\.code) == [.sourcesTooLarge])
    }

    @Test("text and JSON lines of a diagnostic")
    func rendering() {
        let full = Diagnostic(
            file: "a.yaml", line: 3, column: 7, code: .unknownKey, message: "no \"x\"\u{1}", hint: "say\ty")
        #expect(full.text == "a.yaml:3:7: error: no \"x\"\u{1} [unknownKey]\n    hint: say\ty")
        #expect(
            full.json
                == #"{"file":"a.yaml","line":3,"column":7,"severity":"error","code":"unknownKey","#
                + #""message":"no \"x\"\u0001","hint":"say\ty"}"#)
        let bare = Diagnostic(
            file: "a.yaml", line: 1, column: 1, severity: .warning, code: .badName, message: "m")
        #expect(bare.text == "a.yaml:1:1: warning: m [badName]")
        #expect(![bare].hasErrors && [bare, full].hasErrors)
        #expect([bare, full].text == bare.text + "\n" + full.text)
        #expect([bare, full].jsonLines.split(separator: "\n").count == 2)
        #expect([full, bare].sorted() == [bare, full])
    }

    @Test("faults as one error for callers that need a manifest")
    func asError() throws {
        let samples = try Samples("Faulty")
        let error = ManifestReader.error(samples.file("rules.yaml"), samples.diagnostics("rules.yaml"))
        #expect(error.code == .manifestInvalid)
        #expect(error.message.contains("faults") && error.message.contains("[unknownWord] at 8:"))
        // A fault in another file is told with that file; more than one, with the command that lists them.
        let happ = samples.file("faulty-dna.happ.yaml")
        let inside = ManifestReader.error(happ, samples.diagnostics("faulty-dna.happ.yaml"), kind: "happ")
        #expect(inside.message.contains("at \(samples.file("dna/faulty.yaml")):3:14"))
        #expect(inside.hint == "plasmid happ check \(happ) lists all of them")
        let missing = ManifestReader.error(samples.file("none.yaml"), samples.diagnostics("none.yaml"))
        #expect(missing.code == .manifestUnreadable && missing.hint != nil)
    }
}
