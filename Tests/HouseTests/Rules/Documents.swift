import Foundation

/// What the documents promise must exist: the files they link to, the make targets and the commands they name.
enum Documents {
    /// Relative links of a Markdown file that lead nowhere.
    static func checkLinks(_ file: RepositoryFile, exists: (String) -> Bool) -> [Finding] {
        let folder = file.path.split(separator: "/").dropLast().map(String.init)
        return prose(file).flatMap { number, line in
            links(line).compactMap { link -> Finding? in
                let target = link.split(separator: "#", omittingEmptySubsequences: false).first.map(String.init) ?? ""
                if target.isEmpty || target.contains("://") || target.hasPrefix("mailto:") { return nil }
                guard let path = resolve(target, in: folder), exists(path) else {
                    return Finding(path: file.path, line: number, message: "the link \(link) leads nowhere")
                }
                return nil
            }
        }
    }

    /// The lines outside code blocks, numbered from 1.
    private static func prose(_ file: RepositoryFile) -> [(Int, Substring)] {
        var fenced = false
        return file.lines.enumerated().compactMap { index, line in
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                fenced.toggle()
                return nil
            }
            return fenced ? nil : (index + 1, line)
        }
    }

    /// The targets of `[…](target)`.
    private static func links(_ line: Substring) -> [String] {
        var found: [String] = []
        var rest = line
        while let range = rest.range(ofText: "](") {
            rest = rest[range.upperBound...]
            found.append(String(rest.prefix { $0 != ")" && $0 != " " }))
        }
        return found
    }

    private static func resolve(_ target: String, in folder: [String]) -> String? {
        var parts = target.hasPrefix("/") ? [] : folder
        for part in target.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(String(part))
            }
        }
        return parts.isEmpty ? "README.md" : parts.joined(separator: "/")
    }

    /// Pages that a source file sends its reader to (`docs/….md`, in comments and messages) and that are not there.
    static func checkMentions(_ file: RepositoryFile, exists: (String) -> Bool) -> [Finding] {
        file.lines.enumerated().flatMap { index, line -> [Finding] in
            var found: [Finding] = []
            var rest = line
            while let range = rest.range(ofText: "docs/") {
                rest = rest[range.upperBound...]
                let name = rest.prefix { $0.isLetter || $0.isNumber || "-_./".contains($0) }
                guard let end = Substring(name).range(ofText: ".md") else { continue }
                let path = "docs/" + name[..<end.upperBound]
                if !exists(path) {
                    found.append(Finding(path: file.path, line: index + 1, message: "\(path) is not there"))
                }
            }
            return found
        }
    }

    /// Targets of a Makefile.
    static func targets(makefile: RepositoryFile) -> Set<String> {
        Set(
            makefile.lines.compactMap { line in
                let name = line.prefix { $0.isLetter || $0 == "-" }
                return !name.isEmpty && line.dropFirst(name.count).hasPrefix(":") ? String(name) : nil
            })
    }

    /// Names of commands that Sources/plasmid declares (`commandName: "…"`).
    static func commands(sources: [RepositoryFile]) -> Set<String> {
        Set(
            sources.filter { $0.target == "plasmid" }.flatMap(\.uncommentedLines).compactMap { line in
                guard let range = line.range(ofText: "commandName: \"") else { return nil }
                return String(line[range.upperBound...].prefix { $0 != "\"" })
            })
    }

    /// Commands that group others, so that a second word must be a command too.
    static let groups: Set<String> = ["admin", "bench", "db", "dna", "happ", "keys", "new", "sim"]

    /// `make …` and `plasmid …` in code blocks and code spans whose words no Makefile and no command has.
    static func checkCommands(_ file: RepositoryFile, targets: Set<String>, commands: Set<String>) -> [Finding] {
        var findings: [Finding] = []
        for (number, words) in codeCommands(file) {
            if words[0] == "make", words.count > 1, isName(words[1]), !targets.contains(words[1]) {
                findings.append(
                    Finding(path: file.path, line: number, message: "there is no make target '\(words[1])'"))
            }
            guard words[0] == "plasmid" || words[0].hasSuffix("/plasmid"), words.count > 1, isName(words[1]) else {
                continue
            }
            if !commands.contains(words[1]) {
                findings.append(
                    Finding(path: file.path, line: number, message: "there is no command 'plasmid \(words[1])'"))
            } else if groups.contains(words[1]), words.count > 2, isName(words[2]), !commands.contains(words[2]) {
                let message = "there is no command 'plasmid \(words[1]) \(words[2])'"
                findings.append(Finding(path: file.path, line: number, message: message))
            }
        }
        return findings
    }

    private static func isName(_ word: String) -> Bool {
        !word.isEmpty && word.allSatisfy { ($0.isLetter && $0.isLowercase && $0.isASCII) || $0 == "-" }
            && !word.hasPrefix("-")
    }

    /// Command lines of the document: lines of shell blocks (after an optional `$`) and code spans.
    private static func codeCommands(_ file: RepositoryFile) -> [(Int, [String])] {
        var found: [(Int, [String])] = []
        var block: Substring?
        for (index, line) in file.lines.enumerated() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("```") {
                block = block == nil ? text.dropFirst(3) : nil
            } else if let language = block {
                guard ["sh", "bash", "console", "shell"].contains(language) else { continue }
                found.append((index + 1, words(text.hasPrefix("$ ") ? text.dropFirst(2) : text)))
            } else {
                let spans = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                // Bytes that are shown with escapes are no command.
                for (offset, span) in spans where offset % 2 == 1 && !span.contains("\\") {
                    found.append((index + 1, words(span)))
                }
            }
        }
        return found.filter { !$0.1.isEmpty }
    }

    private static func words(_ line: Substring) -> [String] { line.split(separator: " ").map(String.init) }
}
