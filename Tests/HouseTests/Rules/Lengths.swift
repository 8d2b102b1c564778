/// How long files and functions may be. Both are ratchets: what is longer today stands in a list with its length and
/// may only shrink; the lists start empty.
enum Lengths {
    static let fileLines = 500
    static let functionLines = 60
    static let blobBytes = 256 * 1024

    /// `path` → lines that the file is known to have.
    static let knownLongFiles: [String: Int] = [:]
    /// `path:function` → lines that the function is known to have.
    static let knownLongFunctions: [String: Int] = [:]

    static func checkFile(_ file: RepositoryFile, known: [String: Int] = knownLongFiles) -> [Finding] {
        let count = file.text.hasSuffix("\n") ? file.lines.count - 1 : file.lines.count
        let message = verdict(count, limit: fileLines, known: known[file.path], what: "the file")
        return message.map { [Finding(path: file.path, line: 1, message: $0)] } ?? []
    }

    static func checkFunctions(_ file: RepositoryFile, known: [String: Int] = knownLongFunctions) -> [Finding] {
        functions(in: file).compactMap { function in
            verdict(
                function.lines, limit: functionLines, known: known["\(file.path):\(function.name)"],
                what: "\(function.name)"
            ).map { Finding(path: file.path, line: function.line, message: $0) }
        }
    }

    private static func verdict(_ count: Int, limit: Int, known: Int?, what: String) -> String? {
        guard let known else {
            return count > limit ? "\(what) has \(count) lines, at most \(limit); split it along one idea" : nil
        }
        if count > known {
            return "\(what) grew from \(known) to \(count) lines; it is over \(limit) and may only shrink"
        }
        if count < known { return "\(what) shrank to \(count) lines: write that into Lengths.swift (or strike it out)" }
        return nil
    }

    struct Function: Equatable {
        let name: String
        let line: Int
        let lines: Int
    }

    /// Every function with a body, from its keyword to its closing brace.
    static func functions(in file: RepositoryFile) -> [Function] {
        var scanner = FunctionScanner(code: Array(file.codeLines.joined(separator: "\n").utf8))
        return scanner.all()
    }
}

/// Finds functions by counting braces in blanked source: no parser, so that the rule costs milliseconds.
private struct FunctionScanner {
    let code: [UInt8]

    private static let keywords = ["func", "init", "deinit", "subscript"]
    private static let firstLetters = keywords.compactMap(\.utf8.first)
    /// A declaration's head goes on after a line break when the next word is one of these.
    private static let continuations = ["->", "throws", "async", "rethrows", "where", "{", "(", ")", "&", ":", ","]

    mutating func all() -> [Lengths.Function] {
        var found: [Lengths.Function] = []
        var line = 1
        for index in code.indices {
            if code[index] == UInt8(ascii: "\n") { line += 1 }
            guard FunctionScanner.firstLetters.contains(code[index]) else { continue }
            guard let keyword = FunctionScanner.keywords.first(where: { isWord($0, at: index) }),
                let body = bodyStart(after: index + keyword.utf8.count), let end = bodyEnd(from: body)
            else { continue }
            let lines = code[index...end].count { $0 == UInt8(ascii: "\n") } + 1
            found.append(.init(name: name(keyword, at: index), line: line, lines: lines))
        }
        return found
    }

    private func isWord(_ word: String, at index: Int) -> Bool {
        let bytes = Array(word.utf8)
        guard index + bytes.count < code.count, code[index..<(index + bytes.count)].elementsEqual(bytes) else {
            return false
        }
        if index > 0, isNamePart(code[index - 1]) || code[index - 1] == UInt8(ascii: ".") { return false }
        let next = code[index + bytes.count]
        if isNamePart(next) { return false }
        // `init` the declaration is followed by its parameters; `subscript` too.
        return word == "func" || word == "deinit"
            || [UInt8(ascii: "("), UInt8(ascii: "<"), UInt8(ascii: "?")].contains(next)
    }

    private func isNamePart(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte >= 0x80 || (byte >= 0x30 && byte <= 0x39)
            || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A)
    }

    private func name(_ keyword: String, at index: Int) -> String {
        guard keyword == "func" else { return keyword }
        let rest = code[(index + keyword.utf8.count)...].drop { $0 == UInt8(ascii: " ") }
        let name = rest.prefix { $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: " ") }
        return String(decoding: name, as: UTF8.self)
    }

    /// The opening brace of the body, nil for a requirement of a protocol.
    private func bodyStart(after start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < code.count {
            switch code[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0 && !continues(after: index): return nil
            default: break
            }
            index += 1
        }
        return nil
    }

    private func continues(after index: Int) -> Bool {
        let rest = code[(index + 1)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return FunctionScanner.continuations.contains { rest.starts(with: $0.utf8) }
    }

    private func bodyEnd(from start: Int) -> Int? {
        var depth = 0
        for index in start..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }
}
