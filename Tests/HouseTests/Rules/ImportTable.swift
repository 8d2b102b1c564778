/// Which target may import which module: the table of CONTRIBUTING.md, read from there so that there is only one.
struct ImportTable {
    /// Target or folder → the modules it may import.
    let allowed: [String: Set<String>]

    /// The platform under every target: no entry of the table needs to name these.
    static let platform: Set<String> = ["Swift", "Glibc", "Musl", "Synchronization"]

    /// Reads the rows ``| `Target` | … | `Module`, `Module` |`` below the heading "What may import what".
    init(markdown: String) {
        var allowed: [String: Set<String>] = [:]
        var inside = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") { inside = line.contains("What may import what") }
            guard inside, line.hasPrefix("|") else { continue }
            let cells = line.split(separator: "|").map(ImportTable.codeWords)
            guard cells.count == 3 else { continue }
            for target in cells[0] { allowed[target] = Set(cells[2]) }
        }
        self.allowed = allowed
    }

    /// The words between back-ticks.
    private static func codeWords(_ cell: Substring) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// The imports of a file under Sources or Plugins that the table does not allow.
    func check(_ file: RepositoryFile) -> [Finding] {
        let parts = file.path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Plugins" else { return [] }
        let owner = parts[0] == "Plugins" ? "Plugins/*" : String(parts[1])
        guard let allowed = allowed[owner] else {
            let message = "\(owner) is not in the table \"What may import what\" of CONTRIBUTING.md; add it there"
            return [Finding(path: file.path, line: 1, message: message)]
        }
        return file.codeLines.enumerated().compactMap { index, line in
            guard let module = ImportTable.imported(line), module != owner else { return nil }
            if allowed.contains(module) || ImportTable.platform.contains(module) { return nil }
            let list = allowed.isEmpty ? "nothing" : allowed.sorted().joined(separator: ", ")
            return Finding(
                path: file.path, line: index + 1, message: "\(owner) may not import \(module); it may import \(list)")
        }
    }

    /// The module that a line of code imports: `@preconcurrency public import struct A.B` imports A.
    static func imported(_ line: Substring) -> String? {
        var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })[...]
        let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        while let first = words.first, first.hasPrefix("@") || modifiers.contains(first) { words.removeFirst() }
        guard words.popFirst() == "import", var name = words.popFirst() else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        if kinds.contains(name), let next = words.popFirst() { name = next }
        return name.split(separator: ".").first.map(String.init)
    }
}
