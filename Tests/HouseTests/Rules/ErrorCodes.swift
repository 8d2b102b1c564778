/// Every error code stands in docs/errors.md with a sentence and a hint, and nothing else does.
enum ErrorCodes {
    static let document = "docs/errors.md"

    /// How a code may be written out: where it is declared, and where an error is made with one that has no name.
    private static let openings = [
        "Code(\"", "Code(rawValue: \"", ": Code = \"", ": PlasmidError.Code = \"", "PlasmidError(\"", "Error(code: \"",
        ", code: \"",
        ".parse, \"", ".invalidRequest, \"", ".methodNotFound, \"", ".invalidParams, \"", ".internalFault, \"",
    ]

    /// The codes that a source file declares.
    static func declared(in file: RepositoryFile) -> [(code: String, line: Int)] {
        // Inside an extension of the code type, `Self` is that type.
        let extends =
            file.text.contains("extension PlasmidError.Code") || file.text.contains("extension ZomeError.Code")
        let openings = extends ? openings + ["Self(rawValue: \""] : openings
        return file.uncommentedLines.enumerated().flatMap { index, line in
            openings.flatMap { opening -> [(String, Int)] in
                var found: [(String, Int)] = []
                var rest = line
                while let range = rest.range(ofText: opening) {
                    rest = rest[range.upperBound...]
                    let code = rest.prefix { $0 != "\"" }
                    if !code.isEmpty, !code.contains("\\") { found.append((String(code), index + 1)) }
                }
                return found
            }
        }
    }

    struct Row: Equatable {
        let code: String
        let sentence: String
        let hint: String
        let line: Int
    }

    /// The rows ``| `code` | what happened | what to do |`` of the document.
    static func documented(_ file: RepositoryFile) -> [Row] {
        file.lines.enumerated().compactMap { index, line in
            guard line.hasPrefix("| `") else { return nil }
            let cells = line.split(separator: "|").map { $0.trimmed }
            guard cells.count == 3 else { return nil }
            return Row(code: String(cells[0].filter { $0 != "`" }), sentence: cells[1], hint: cells[2], line: index + 1)
        }
    }

    static func check(sources: [RepositoryFile], document: RepositoryFile) -> [Finding] {
        let rows = documented(document)
        let known = Set(rows.map(\.code))
        var used: Set<String> = []
        var findings: [Finding] = []
        for file in sources {
            for (code, line) in declared(in: file) where used.insert(code).inserted && !known.contains(code) {
                let message = "error code \(code) is not in \(document.path): give it a sentence and a hint there"
                findings.append(Finding(path: file.path, line: line, message: message))
            }
        }
        for row in rows {
            if !used.contains(row.code) {
                findings.append(
                    Finding(path: document.path, line: row.line, message: "no source declares the code \(row.code)"))
            }
            if row.sentence.count < 10 || row.hint.count < 5 {
                findings.append(
                    Finding(path: document.path, line: row.line, message: "\(row.code) lacks a sentence or a hint"))
            }
        }
        for (code, count) in Dictionary(grouping: rows, by: \.code).mapValues(\.count) where count > 1 {
            findings.append(Finding(path: document.path, line: 1, message: "\(code) stands there \(count) times"))
        }
        return findings
    }
}

extension Substring {
    /// Without spaces at both ends.
    var trimmed: String {
        let head = drop { $0 == " " || $0 == "\t" }
        return String(head.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
