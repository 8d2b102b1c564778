import ArgumentParser
import Foundation
import Integrity
import Manifests

/// In which form faults of files are told.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    /// `file:line:column: error: …`, as compilers do.
    case text
    /// One JSON object for each file.
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
    let facts: MessagePackValue
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
            for diagnosis in found { try Output.json(diagnosis.object) }
        case .sarif:
            try Output.json(sarif(found), indented: true)
        }
        guard found.allSatisfy(\.isValid) else { throw Failure.told }
    }

    /// The last words about a file.
    var summary: String {
        let errors = diagnostics.count { $0.severity == .error }
        if errors > 0 { return "\(path): \(errors) \(errors == 1 ? "fault" : "faults")" }
        return ([path + ": valid"] + lines.map { "  " + $0 }).joined(separator: "\n")
    }

    var object: MessagePackValue {
        .object([
            "file": .string(path), "valid": .bool(isValid), "facts": isValid ? facts : .null,
            "diagnostics": .array(diagnostics.map(Diagnosis.object)),
        ])
    }

    private static func object(_ diagnostic: Diagnostic) -> MessagePackValue {
        .object([
            "file": .string(diagnostic.file), "line": .int(Int64(diagnostic.line)),
            "column": .int(Int64(diagnostic.column)), "severity": .string(diagnostic.severity.rawValue),
            "code": .string(diagnostic.code.rawValue), "message": .string(diagnostic.message),
            "hint": .optional(diagnostic.hint),
        ])
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
