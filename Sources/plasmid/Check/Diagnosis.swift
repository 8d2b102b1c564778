import Integrity
import Manifests

/// What checking one file found.
struct Diagnosis {
    let path: String
    var diagnostics: [Diagnostic]
    /// What a valid file amounts to, for programs.
    let facts: [MessagePackValue.Pair]
    /// The same for people, a line each.
    let lines: [String]
    /// The file's text, where it came by standard input.
    var text: String?
    /// Texts of files that are in a bundle, by the path under which they are told.
    var texts: [String: String] = [:]

    var isValid: Bool { !diagnostics.hasErrors }

    func count(_ severity: Diagnostic.Severity) -> Int { diagnostics.count { $0.severity == severity } }

    static func throwIfFaulty(_ found: [Diagnosis]) throws {
        guard found.allSatisfy(\.isValid) else { throw Failure.told }
    }

    /// The last words about a file.
    var summary: String {
        let warnings = count(.warning) == 0 ? "" : ", " + Words.count(count(.warning), "warning")
        if !isValid { return "\(path): \(Words.count(count(.error), "error"))\(warnings)" }
        return (["\(path): valid\(warnings)"] + lines.map { "  " + $0 }).joined(separator: "\n")
    }

    /// A line for each fault, then one that says what the file is.
    func jsonLines(isQuiet: Bool = false) throws -> [String] {
        let last: [MessagePackValue.Pair] = [
            .init("file", .string(path)), .init("valid", .bool(isValid)), .init("faults", .int(Int64(count(.error)))),
            .init("warnings", .int(Int64(count(.warning)))),
        ]
        let told = diagnostics.filter { !isQuiet || $0.severity != .note }
        let end = isQuiet && isValid ? [] : [try JSONLines.text(.map(last + (isValid ? facts : [])), indented: false)]
        return told.map(\.json) + end
    }
}
