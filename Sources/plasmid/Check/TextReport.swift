import Foundation
import Manifests

/// Faults for people: each with the line it stands in and a mark under the place.
struct TextReport {
    var isColored = false
    var isQuiet = false
    /// Most columns of a line that are shown.
    static let width = 110

    /// Whether standard output is a terminal that wants colours (https://no-color.org).
    static var isColored: Bool {
        let environment = ProcessInfo.processInfo.environment
        return Output.isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Everything about one file.
    func text(_ diagnosis: Diagnosis) -> String {
        let told = diagnosis.diagnostics.filter { !isQuiet || $0.severity != .note }
        var files = Lines(standardInput: diagnosis.text, texts: diagnosis.texts)
        var parts = told.map { self.text($0, &files) }
        if !(isQuiet && diagnosis.isValid) {
            let summary = Words.harmless(diagnosis.summary, keepingLines: true)
            parts.append(colored(summary, diagnosis.isValid ? nil : .bold))
        }
        return parts.joined(separator: "\n")
    }

    /// The last line where more than one file was checked.
    func total(_ found: [Diagnosis]) -> String {
        guard found.count > 1, !isQuiet else { return "" }
        let faulty = found.count { !$0.isValid }
        return faulty == 0
            ? "\(found.count) files, all valid"
            : "\(found.count) files, \(faulty == found.count ? "all" : "\(faulty)") faulty"
    }

    private func text(_ diagnostic: Diagnostic, _ files: inout Lines) -> String {
        let place = "\(Words.harmless(diagnostic.file)):\(diagnostic.line):\(diagnostic.column): "
        let head =
            colored(place, .bold) + colored("\(diagnostic.severity.rawValue): ", color(diagnostic.severity))
            + colored("\(Words.harmless(diagnostic.message)) [\(diagnostic.code.rawValue)]", .bold)
        var lines = [head]
        if let line = files.line(diagnostic.line, of: diagnostic.file) {
            lines += excerpt(line, diagnostic)
        }
        if let hint = diagnostic.hint { lines.append("    hint: \(Words.harmless(hint))") }
        return lines.joined(separator: "\n")
    }

    /// The line with its number, and a mark under the word at the column.
    private func excerpt(_ line: [Unicode.Scalar], _ diagnostic: Diagnostic) -> [String] {
        let column = min(max(diagnostic.column - 1, 0), line.count)
        let length = TextReport.length(of: line, from: column)
        // A long line is shown around the place.
        let start = column + length > TextReport.width ? max(0, column - 30) : 0
        let end = min(line.count, start + TextReport.width)
        let number = String(diagnostic.line)
        let margin = String(repeating: " ", count: max(5 - number.count, 1))
        func shown(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars.map { $0 == "\t" ? " " : $0 })
            return Words.harmless(String(view))
        }
        let cut = (start > 0 ? "…" : "", end < line.count ? "…" : "")
        let indent = String(repeating: " ", count: column - start + cut.0.count)
        let mark = "^" + String(repeating: "~", count: max(min(length, end - column) - 1, 0))
        return [
            "\(margin)\(number) | \(cut.0)\(shown(line[start..<max(end, start)]))\(cut.1)",
            "\(margin)\(String(repeating: " ", count: number.count)) | \(indent)\(colored(mark, .green))",
        ]
    }

    /// How long the word at a column is: up to its closing quote, or to what ends a plain word of YAML.
    static func length(of line: [Unicode.Scalar], from column: Int) -> Int {
        guard column < line.count else { return 1 }
        let first = line[column]
        if first == "\"" || first == "'" {
            let end = line[(column + 1)...].firstIndex(of: first) ?? line.count - 1
            return end - column + 1
        }
        let ends: Set<Unicode.Scalar> = [" ", "\t", ",", "}", "]", "{", "[", "(", ")"]
        if ends.contains(first) { return 1 }
        let rest = line[column...]
        let end = rest.firstIndex { ends.contains($0) } ?? line.count
        return end - column - (line[end - 1] == ":" && end - column > 1 ? 1 : 0)
    }

    // MARK: Colours

    private enum Color: String {
        case bold = "1"
        case red = "1;31"
        case yellow = "1;33"
        case cyan = "1;36"
        case green = "32"
    }

    private func color(_ severity: Diagnostic.Severity) -> Color {
        switch severity {
        case .error: .red
        case .warning: .yellow
        case .note: .cyan
        }
    }

    private func colored(_ text: String, _ color: Color?) -> String {
        guard isColored, let color else { return text }
        return "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m"
    }
}

/// Lines of files, each file read once.
struct Lines {
    private var known: [String: [[Unicode.Scalar]]] = [:]

    init(standardInput: String? = nil, texts: [String: String] = [:]) {
        known = texts.mapValues(Lines.split)
        if let standardInput { known[ManifestSearch.stdinName] = Lines.split(standardInput) }
    }

    /// A line, counted from 1; nil where the file cannot be shown.
    mutating func line(_ number: Int, of file: String) -> [Unicode.Scalar]? {
        if known[file] == nil {
            let handle = FileHandle(forReadingAtPath: file)
            let data = handle?.readData(ofLength: 1 << 20) ?? Data()
            known[file] = String(validating: data, as: UTF8.self).map(Lines.split) ?? []
        }
        guard let lines = known[file], number >= 1, number <= lines.count, !lines[number - 1].isEmpty else {
            return nil
        }
        return lines[number - 1]
    }

    private static func split(_ text: String) -> [[Unicode.Scalar]] {
        let bare = text.unicodeScalars.first == "\u{FEFF}" ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
        return bare.split(separator: "\n", omittingEmptySubsequences: false).map {
            Array($0.last == "\r" ? $0.dropLast() : $0)
        }
    }
}
