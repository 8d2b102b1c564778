import ArgumentParser
import Foundation
import Integrity
import Manifests

/// In which form faults of files are told.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    /// `file:line:column: error: …`, as compilers do.
    case text
    /// One line of JSON for each fault, then one for each file.
    case json
    /// SARIF 2.1.0, which code hosts and editors show beside the lines.
    case sarif
}

/// Options of the commands that check files.
struct CheckOptions: ParsableArguments {
    @Option(name: .long, help: "How to tell the faults: text, json or sarif.")
    var format: ReportFormat?

    @Flag(name: .long, help: "The same as --format json.")
    var json = false

    @Option(
        name: .customLong("modules"),
        help: ArgumentHelp(
            "Also check that the built modules are in this folder (may be given again).", valueName: "dir"),
        completion: .directory)
    var moduleFolders: [String] = []

    var chosen: ReportFormat { format ?? (json ? .json : .text) }

    /// Where built modules must be; nil when nobody asked.
    var locator: ModuleLocator? {
        moduleFolders.isEmpty ? nil : ModuleLocator(folders: moduleFolders.map(DataFolder.absolute))
    }
}

/// What checking one file found.
struct Diagnosis {
    let path: String
    let diagnostics: [Diagnostic]
    /// What a valid file amounts to, for programs.
    let facts: [MessagePackValue.Pair]
    /// The same for people, a line each.
    let lines: [String]

    var isValid: Bool { !diagnostics.hasErrors }

    /// Prints what was found.
    /// - Throws: `Failure.told` when a file is faulty, so that the status says so.
    static func tell(_ found: [Diagnosis], _ format: ReportFormat) throws {
        switch format {
        case .text:
            for diagnosis in found {
                if !diagnosis.diagnostics.isEmpty {
                    Output.line(Words.harmless(diagnosis.diagnostics.text, keepingLines: true))
                }
                Output.line(diagnosis.summary)
            }
        case .json:
            for line in try found.flatMap({ try $0.jsonLines() }) { Output.line(line) }
        case .sarif:
            try Output.json(sarif(found), indented: true)
        }
        try throwIfFaulty(found)
    }

    static func throwIfFaulty(_ found: [Diagnosis]) throws {
        guard found.allSatisfy(\.isValid) else { throw Failure.told }
    }

    /// The last words about a file.
    var summary: String {
        let errors = diagnostics.count { $0.severity == .error }
        if errors > 0 { return "\(path): \(errors) \(errors == 1 ? "fault" : "faults")" }
        return ([path + ": valid"] + lines.map { "  " + $0 }).joined(separator: "\n")
    }

    /// A line for each fault, then one that says what the file is.
    func jsonLines() throws -> [String] {
        let errors = diagnostics.count { $0.severity == .error }
        let last: [MessagePackValue.Pair] = [
            .init("file", .string(path)), .init("valid", .bool(isValid)), .init("faults", .int(Int64(errors))),
        ]
        return diagnostics.map(\.json) + [try JSONLines.text(.map(last + (isValid ? facts : [])), indented: false)]
    }

    /// The faults of all files as one SARIF log.
    static func sarif(_ found: [Diagnosis]) -> MessagePackValue {
        let diagnostics = found.flatMap(\.diagnostics)
        let rules = Set(diagnostics.map(\.code.rawValue)).sorted().map { MessagePackValue.object(["id": .string($0)]) }
        let driver = MessagePackValue.object(["name": .string("plasmid"), "rules": .array(rules)])
        return .object([
            "$schema": .string("https://json.schemastore.org/sarif-2.1.0.json"), "version": .string("2.1.0"),
            "runs": .array([
                .object(["tool": .object(["driver": driver]), "results": .array(diagnostics.map(sarifResult))])
            ]),
        ])
    }

    private static func sarifResult(_ diagnostic: Diagnostic) -> MessagePackValue {
        let text = [diagnostic.message, diagnostic.hint.map { "hint: \($0)" }].compactMap { $0 }.joined(separator: "\n")
        let place = MessagePackValue.object([
            "artifactLocation": .object(["uri": .string(diagnostic.file)]),
            "region": .object([
                "startLine": .int(Int64(diagnostic.line)), "startColumn": .int(Int64(diagnostic.column)),
            ]),
        ])
        return .object([
            "ruleId": .string(diagnostic.code.rawValue), "level": .string(diagnostic.severity.rawValue),
            "message": .object(["text": .string(text)]),
            "locations": .array([.object(["physicalLocation": place])]),
        ])
    }
}
