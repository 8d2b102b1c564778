import ArgumentParser
import Foundation
import Integrity
import Manifests

/// In which form faults of files are told.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    /// `file:line:column: error: …` with the line itself, as compilers do.
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

    @Flag(name: .long, help: "Warnings refuse a file too.")
    var strict = false

    @Flag(name: .shortAndLong, help: "Tell errors and warnings only: no notes, and nothing about valid files.")
    var quiet = false

    @Flag(name: .long, help: "Check again whenever a file changes that the check reads; Ctrl-C ends it.")
    var watch = false

    @Option(
        name: .long,
        help: ArgumentHelp("Tell what a code means, with an example and how to mend it.", valueName: "code"))
    var explain: String?

    @Option(
        name: .customLong("modules"),
        help: ArgumentHelp(
            "Look for the built modules in this folder (may be given again), and refuse a file whose module is not there.",
            valueName: "dir"),
        completion: .directory)
    var moduleFolders: [String] = []

    @Flag(name: .long, help: "Do not compare with the built modules: nothing is loaded.")
    var noModules = false

    var chosen: ReportFormat { format ?? (json ? .json : .text) }

    /// Who asks the built modules; nil when nobody shall.
    var describer: ModuleDescriber? {
        noModules ? nil : ModuleDescriber(given: moduleFolders.map(DataFolder.absolute))
    }

    func validate() throws {
        if noModules, !moduleFolders.isEmpty {
            throw ValidationError("--modules and --no-modules contradict each other.")
        }
        if watch, format == .sarif {
            throw ValidationError(
                "--watch tells faults again and again, --format sarif is one document: use text or json.")
        }
        if json, let format, format != .json {
            throw ValidationError("--json and --format \(format) contradict each other.")
        }
    }
}

/// `--explain CODE`.
enum Explain {
    static func tell(_ word: String, asJSON: Bool) throws {
        guard let code = DiagnosticCode(rawValue: word) else {
            let near = Spelling.nearest(to: word, among: DiagnosticCode.allCases.map(\.rawValue))
            throw Failure.usage(
                "there is no code '\(Words.harmless(word))' of a manifest's fault",
                hint: near.map { "did you mean '\($0)'?" }
                    ?? "docs/manifests.md lists them; docs/errors.md has those of other errors")
        }
        let what = code.explanation
        if asJSON {
            return try Output.json(
                .object([
                    "code": .string(code.rawValue), "cause": .string(what.cause), "example": .string(what.example),
                    "mend": .string(what.mend),
                ]))
        }
        Output.line("\(code.rawValue)\n")
        Output.line(wrapped(what.cause) + "\n")
        Output.line("For example:\n")
        Output.line(what.example.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n") + "\n")
        Output.line("What to do:\n")
        Output.line(wrapped(what.mend))
    }

    /// Lines of at most 80 characters.
    static func wrapped(_ text: String) -> String {
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 > 80 { lines.append("") }
            lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? String(word) : " " + word
        }
        return lines.joined(separator: "\n")
    }
}

/// What both commands that check say of themselves.
enum CheckHelp {
    static let discussion = """
        Faults of the file are compared with the validators' sources and with the built modules too: what is declared \
        must exist, and what exists should be declared. Modules run in a sandbox and only tell what they have.

        Exit status: 0 when every file is valid, 1 when one is not, 2 when the command line is wrong.
        """
}
