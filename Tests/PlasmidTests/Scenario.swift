import Foundation
import Testing

/// A recorded session at the command line: what was typed, what was shown, how each command ended.
///
///     # A word about what follows.
///     > start                              something that the player does; see ``ScenarioPlayer``
///     $ plasmid admin apps                 a command
///     < text                               a line of its standard input
///     | no app is installed                a line of its standard output
///     ! error[usage]: …                    a line of its standard error
///     ...                                  any number of lines of the stream that was shown last
///     = 2                                  its exit status, where it is not 0
///     > keep SECRET secret                 the value of a key of its JSON output, for `$SECRET` in what is typed later
///
/// What differs from run to run is masked, in what is shown and never in what is typed; see ``ScenarioMask``.
struct Scenario: Sendable, CustomTestStringConvertible {
    enum Line: Equatable, Sendable {
        case comment(String)
        case act([String])
        case command(String)
        case input(String)
        case output(String)
        case error(String)
        case gap
        case status(Int32)
    }

    /// The file's name without its ending.
    let name: String
    let lines: [Line]

    var testDescription: String { name }

    init(name: String, text: String) throws {
        self.name = name
        lines = try text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            try Scenario.line(String(line), in: name)
        }
    }

    private static func line(_ text: String, in name: String) throws -> Line {
        let rest = String(text.dropFirst(2))
        switch text.prefix(2) {
        case "", "# ", "#": return .comment(text)
        case "> ": return .act(rest.split(separator: " ").map(String.init))
        case "$ ": return .command(rest)
        case "< ": return .input(rest)
        case "| ", "|": return .output(rest)
        case "! ", "!": return .error(rest)
        case "..": return .gap
        case "= ":
            if let status = Int32(rest) { return .status(status) }
        default: break
        }
        throw ScenarioFault(words: "\(name): a line begins with none of the marks: \(text)")
    }

    /// The words of a command line as a shell would see them: `'…'` and `"…"` hold spaces, `$NAME` is replaced outside of `'…'`.
    static func words(_ line: String, _ values: [String: String]) throws -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = Substring(line)
        while let character = rest.popFirst() {
            if character == "$", quote != "'" {
                let name = rest.prefix { $0.isUppercase || $0 == "_" }
                rest = rest.dropFirst(name.count)
                guard let value = values[String(name)] else {
                    throw ScenarioFault(words: "nothing was kept as $\(name): \(line)")
                }
                word = (word ?? "") + value
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character == " " {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + [word].compactMap { $0 }
    }

    /// Whether shown lines are the expected ones, where nil stands for any number of lines.
    static func fits(_ shown: ArraySlice<String>, _ expected: ArraySlice<String?>) -> Bool {
        guard let first = expected.first else { return shown.isEmpty }
        guard let line = first else {
            return (shown.startIndex...shown.endIndex).contains { fits(shown[$0...], expected.dropFirst()) }
        }
        return shown.first == line && fits(shown.dropFirst(), expected.dropFirst())
    }
}

/// What of an output is not the same in the next run.
struct ScenarioMask: Sendable {
    /// Folders and their names, the longest first.
    let folders: [(path: String, name: String)]

    private static var patterns: [(Regex<Substring>, String)] {
        [
            (/uhC0k[A-Za-z0-9_-]{48}|uhC0k[A-Za-z0-9_-]{6}….{4}/, "<dna>"),
            (/uhCAk[A-Za-z0-9_-]{48}|uhCAk[A-Za-z0-9_-]{6}….{4}/, "<agent>"),
            (/uhCkk[A-Za-z0-9_-]{48}|uhCkk[A-Za-z0-9_-]{6}….{4}/, "<action>"),
            (/uhCEk[A-Za-z0-9_-]{48}|uhCEk[A-Za-z0-9_-]{6}….{4}/, "<entry>"),
            (/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/, "<time>"),
            (/\b[0-9]{16}\b/, "<µs>"),
            (/[A-Za-z0-9+\/]{86}==/, "<64 bytes>"),
            (/\b[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/, "<token>"),
            (/\bport [0-9]+/, "port <port>"),
            (/127\.0\.0\.1:[0-9]+/, "127.0.0.1:<port>"),
            // How much is on disk already and how much in the journal alone is a matter of moments.
            (/spaces [0-9]+, [a-z0-9, ]+/, "<counts>"),
            (/"spaces":[0-9]+,[a-z0-9,_:"]+/, "<counts>"),
            // Columns are as wide as what was in them.
            (/[ ]{2,}/, "  "),
        ]
    }

    func lines(_ text: String) -> [String] {
        var masked = text
        for folder in folders { masked = masked.replacingOccurrences(of: folder.path, with: folder.name) }
        for (pattern, name) in Self.patterns { masked = masked.replacing(pattern, with: name) }
        var lines = masked.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}

/// A transcript that cannot be played as it is written.
struct ScenarioFault: Error, CustomStringConvertible {
    let words: String

    var description: String { words }
}
