import ArgumentParser
import Foundation
import Integrity
import Manifests
import Testing

@testable import plasmid

@Suite("checking files")
struct CheckTests {
    private let fault = Diagnostic(
        file: "dna.yaml", line: 7, column: 21, code: .unknownKey, message: "the DNA has no key \"nam\"",
        hint: "did you mean \"name\"?")
    private let warning = Diagnostic(
        file: "dna.yaml", line: 2, column: 1, severity: .warning, code: .unusedType, message: "unused")
    private let note = Diagnostic(
        file: "dna.yaml", line: 1, column: 1, severity: .note, code: .publicSpace, message: "public")

    private func diagnosis(_ diagnostics: [Diagnostic], lines: [String] = [], text: String? = nil) -> Diagnosis {
        Diagnosis(path: "dna.yaml", diagnostics: diagnostics, facts: [], lines: lines, text: text)
    }

    @Test("a faulty file is told by its faults, a valid one by what it is")
    func summary() {
        let bad = diagnosis([fault, warning])
        #expect(!bad.isValid && bad.summary == "dna.yaml: 1 error, 1 warning")
        let good = diagnosis([note], lines: ["name  notes"])
        #expect(good.isValid && good.summary == "dna.yaml: valid\n  name  notes")
        #expect(diagnosis([warning]).summary == "dna.yaml: valid, 1 warning")
        #expect(throws: Failure.self) { try Diagnosis.throwIfFaulty([good, bad]) }
        #expect(throws: Never.self) { try Diagnosis.throwIfFaulty([good]) }
        #expect(diagnosis([warning, note].strict).count(.error) == 1, "notes refuse nothing, however strict")
    }

    @Test("JSON: a line for each fault, then one for the file")
    func json() throws {
        let lines = try diagnosis([fault]).jsonLines().map(JSONLines.value)
        #expect(lines.count == 2)
        #expect(lines[0]["line"]?.number == 7 && lines[0]["code"]?.text == "unknownKey")
        #expect(lines[1]["valid"] == .bool(false) && lines[1]["faults"]?.number == 1)
        let good = Diagnosis(path: "a", diagnostics: [], facts: [.init("dna", .string("uhC0k"))], lines: [])
        #expect(try good.jsonLines() == [#"{"file":"a","valid":true,"faults":0,"warnings":0,"dna":"uhC0k"}"#])
        #expect(try good.jsonLines(isQuiet: true).isEmpty)
    }

    // MARK: Text

    @Test("the line stands under its fault, with a mark under the word")
    func excerpt() {
        let text = "name: x\n\tkey: \"two words\", last: 1\n\u{1B}[31mred: no\n"
        func told(_ line: Int, _ column: Int, _ report: TextReport = TextReport()) -> [String] {
            let fault = Diagnostic(file: "<stdin>", line: line, column: column, code: .unknownKey, message: "m")
            let all = report.text(Diagnosis(path: "<stdin>", diagnostics: [fault], facts: [], lines: [], text: text))
            return all.split(separator: "\n").map(String.init)
        }
        #expect(
            told(1, 1) == [
                "<stdin>:1:1: error: m [unknownKey]", "    1 | name: x", "      | ^~~~", "<stdin>: 1 error",
            ])
        #expect(told(2, 7)[2] == "      |       ^~~~~~~~~~~", "a text in quotes is marked whole")
        #expect(told(2, 20)[1...2] == ["    2 |  key: \"two words\", last: 1", "      |                    ^~~~"])
        #expect(told(3, 1)[1] == "    3 | \u{FFFD}[31mred: no", "the file does not steer the terminal")
        #expect(told(1, 900)[2] == "      |        ^", "a place past the end of the line")
        #expect(told(9, 1) == ["<stdin>:9:1: error: m [unknownKey]", "<stdin>: 1 error"])
        #expect(told(1, 1, TextReport(isColored: true))[0].contains("\u{1B}[1;31merror: \u{1B}[0m"))
    }

    @Test("a long line is shown around the place")
    func longLine() throws {
        let text = String(repeating: "x", count: 400) + " here: 1 " + String(repeating: "y", count: 400)
        let fault = Diagnostic(file: "<stdin>", line: 1, column: 402, code: .unknownKey, message: "m")
        let all = TextReport().text(diagnosis([fault], text: text)).split(separator: "\n").map(String.init)
        #expect(all[1].count < 130 && all[1].contains("…") && all[1].contains("here: 1"))
        let mark = try #require(all[2].firstIndex(of: "^"))
        let place = try #require(all[1].range(of: "here"))
        #expect(
            all[2].distance(from: all[2].startIndex, to: mark)
                == all[1].distance(from: all[1].startIndex, to: place.lowerBound))
    }

    @Test("quiet: no notes, nothing about valid files")
    func quiet() {
        let report = TextReport(isQuiet: true)
        #expect(report.text(diagnosis([note], lines: ["name  x"])).isEmpty)
        #expect(report.text(diagnosis([warning])) == "dna.yaml:2:1: warning: unused [unusedType]")
        #expect(report.total([diagnosis([fault]), diagnosis([])]).isEmpty)
        #expect(TextReport().total([diagnosis([fault]), diagnosis([])]) == "2 files, 1 faulty")
        #expect(TextReport().total([diagnosis([])]).isEmpty)
    }

    // MARK: SARIF

    @Test("SARIF has what its schema requires, and what code hosts need")
    func sarif() throws {
        let found = [diagnosis([fault, warning, note]), diagnosis([fault])]
        let log = SarifLog.log(found, folder: "/a b")
        #expect(log["version"]?.text == "2.1.0" && log["$schema"]?.text?.hasSuffix("sarif-2.1.0.json") == true)
        let run = try #require(log["runs"]?.items.first)
        let driver = try #require(run["tool"]?["driver"])
        #expect(driver["name"]?.text == "plasmid")
        let rules = driver["rules"]?.items ?? []
        #expect(rules.compactMap { $0["id"]?.text } == ["publicSpace", "unknownKey", "unusedType"])
        #expect(rules.allSatisfy { $0["fullDescription"]?["text"]?.text?.isEmpty == false && $0["help"] != nil })
        #expect(run["originalUriBaseIds"]?["SRCROOT"]?["uri"]?.text == "file:///a%20b/")
        #expect(run["invocations"]?.items.first?["executionSuccessful"] == .bool(true))
        let results = run["results"]?.items ?? []
        #expect(results.count == 3, "what two files share is told once")
        for result in results {
            let index = try #require(result["ruleIndex"]?.number)
            #expect(rules[Int(index)]["id"] == result["ruleId"])
            #expect(["error", "warning", "note"].contains(result["level"]?.text))
            #expect(result["message"]?["text"]?.text?.isEmpty == false)
            let place = try #require(result["locations"]?.items.first?["physicalLocation"])
            #expect(place["artifactLocation"]?["uri"]?.text == "dna.yaml")
            #expect(place["artifactLocation"]?["uriBaseId"]?.text == "SRCROOT")
            #expect(
                (place["region"]?["startLine"]?.number ?? 0) >= 1 && (place["region"]?["startColumn"]?.number ?? 0) >= 1
            )
            #expect(result["partialFingerprints"]?["plasmid/v1"]?.text != nil)
        }
        #expect(
            SarifLog.log([diagnosis([note])], isQuiet: true)["runs"]?.items.first?["results"]?.items.isEmpty == true)
        #expect(SarifLog.uri("/tä/a#b", isAbsolute: true) == "file:///t%C3%A4/a%23b")
    }

    // MARK: What is checked

    @Test("a folder stands for the one manifest in it")
    func oneFile() throws {
        let folder = try Folder()
        #expect(throws: Failure.self) { try ManifestPath.find(folder.path, kind: "dna") }
        folder.write("dna.yaml", "")
        folder.write("happ.yaml", "")
        #expect(try ManifestPath.find(folder.path, kind: "dna") == folder.path + "/dna.yaml")
        #expect(try ManifestPath.find(folder.path + "/", kind: "happ") == folder.path + "/happ.yaml")
        folder.write("two.dna.yaml", "")
        #expect(throws: Failure.self) { try ManifestPath.find(folder.path, kind: "dna") }
        #expect(try ManifestPath.find(folder.path + "/none.yaml", kind: "dna") == folder.path + "/none.yaml")
    }

    @Test("a folder is searched to its depth, by names and by content")
    func search() throws {
        let folder = try Folder()
        folder.write("a/dna.yaml", "nothing yet")
        folder.write("a/b/notes.yaml", "manifest_version: \"1\"\nname: n\nintegrity: {}\n")
        folder.write("a/b/app.yml", "manifest_version: \"1\"\n'roles': []\n")
        folder.write("a/other.yaml", "services: {}\nroles: []\n")
        folder.write(".build/dna.yaml", "")
        folder.write("node_modules/x/dna.yaml", "")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/loop", withDestinationPath: "a")
        let dnas = try ManifestSearch.inputs([folder.path + "/"], .dna).map(\.path)
        #expect(dnas == ["a/b/notes.yaml", "a/dna.yaml"].map { folder.path + "/" + $0 })
        let happs = try ManifestSearch.inputs([folder.path, folder.path + "/a"], .happ).map(\.path)
        #expect(happs == [folder.path + "/a/b/app.yml"], "each once")
    }

    @Test("a folder without a manifest of the kind says what it has instead")
    func nothing() throws {
        let folder = try Folder()
        folder.write("app/happ.yaml", "")
        let failure = #expect(throws: Failure.self) { try ManifestSearch.inputs([folder.path], .dna) }
        #expect(failure?.status == .usage)
        #expect(failure?.error?.hint == "\(folder.path)/app/happ.yaml is a hApp file: use plasmid happ check")
    }

    // MARK: --explain

    @Test("explanations are wrapped and whole; a code that is none is a mistake of the command line")
    func explain() {
        for code in DiagnosticCode.allCases {
            #expect(
                Explain.wrapped(code.explanation.cause).split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(code)")
        }
        let failure = #expect(throws: Failure.self) { try Explain.tell("unknownKeys", asJSON: false) }
        #expect(failure?.status == .usage && failure?.error?.hint == "did you mean 'unknownKey'?")
    }

    @Test("options that contradict each other are refused")
    func options() {
        for words in [
            ["--modules", "x", "--no-modules"], ["--json", "--format", "sarif"], ["--watch", "--format", "sarif"],
        ] {
            #expect(throws: (any Error).self) { try Plasmid.parseAsRoot(["dna", "check", "a"] + words) }
        }
        // Without a path it is the folder that one stands in.
        #expect(throws: Never.self) { try Plasmid.parseAsRoot(["dna", "check"]) }
        #expect(throws: Never.self) { try Plasmid.parseAsRoot(["dna", "check", "--explain", "badName"]) }
    }
}

/// A folder of a test that goes away with it.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().appendingPathComponent(
        "plasmid-\(UUID().uuidString)"
    ).path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) {
        let file = URL(fileURLWithPath: path + "/" + name)
        try? FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? Data(text.utf8).write(to: file)
    }
}
