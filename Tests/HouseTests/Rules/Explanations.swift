/// Rules about words that must stand beside code: reasons for unchecked promises, names and expectations of tests.
enum Explanations {
    private static let promises = ["@unchecked" + " Sendable", "nonisolated" + "(unsafe)"]

    /// Unchecked promises to the compiler without a comment on the same line or right above.
    static func checkPromises(_ file: RepositoryFile) -> [Finding] {
        let lines = file.lines
        return file.codeLines.enumerated().compactMap { index, code in
            guard let promise = promises.first(where: { code.contains($0) }) else { return nil }
            if lines[index].contains("//") || isExplained(lines, above: index) { return nil }
            return Finding(
                path: file.path, line: index + 1,
                message: "`\(promise)` without a comment above it: state the invariant that makes it safe, in words")
        }
    }

    /// Attributes may stand between the comment and its declaration.
    private static func isExplained(_ lines: [Substring], above index: Int) -> Bool {
        for line in lines[..<index].reversed() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("//") || text.hasPrefix("*/") { return true }
            if !text.hasPrefix("@") { return false }
        }
        return false
    }

    /// Files named for tests that hold none, and tests that expect nothing.
    static func checkTests(_ file: RepositoryFile) -> [Finding] {
        guard file.path.hasPrefix("Tests/"), file.path.hasSuffix("Tests.swift") else { return [] }
        let code = file.codeLines.joined(separator: "\n")
        guard code.contains("@Test") else {
            let message = "the file is named for tests and holds none; name it for what it holds"
            return [Finding(path: file.path, line: 1, message: message)]
        }
        let expectations = ["#expect", "#require", "Issue.record"]
        guard expectations.contains(where: { code.contains($0) }) else {
            return [Finding(path: file.path, line: 1, message: "its tests expect nothing: use #expect or #require")]
        }
        return []
    }

    /// Paths that exist on one machine only.
    static func checkMachinePaths(_ file: RepositoryFile) -> [Finding] {
        let roots = ["tmp", "root", "home", "opt"]
        return file.lines.enumerated().compactMap { index, line in
            let hit = roots.contains { root in
                var rest = line
                while let range = rest.range(ofText: "/\(root)/") {
                    let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
                    let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
                    if !(before.isLetter || before.isNumber || "_.$})".contains(before)), after.isLetter { return true }
                    rest = rest[range.upperBound...]
                }
                return false
            }
            guard hit else { return nil }
            return Finding(
                path: file.path, line: index + 1,
                message: "a path of one machine; ask the environment or use a temporary folder")
        }
    }

    /// Tracked files that are too large to be source.
    static func checkSize(_ path: String, bytes: Int) -> [Finding] {
        guard bytes > Lengths.blobBytes else { return [] }
        let message = "\(bytes / 1024) KiB, at most \(Lengths.blobBytes / 1024): make it when it is needed, from a seed"
        return [Finding(path: path, line: 1, message: message)]
    }
}
