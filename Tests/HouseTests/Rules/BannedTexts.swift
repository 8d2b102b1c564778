/// Texts that the house does not want, each with what to use instead.
///
/// The patterns are written in pieces (`"try" + "!"`), so that a plain search for the text does not end here.
struct BannedText: Sendable {
    /// What is looked for, as a whole word where it begins or ends with a letter.
    let pattern: String
    /// What to use instead.
    let instead: String
    /// Which files the rule covers.
    var covers: @Sendable (RepositoryFile) -> Bool = { _ in true }
    /// Texts on the same line that make the use right.
    var unless: [String] = []
    /// True when the text is looked for in comments too.
    var inComments = false

    /// Modules whose results may depend on nothing but their arguments.
    static let pureTargets: Set<String> = ["Integrity", "Chain", "Validation", "Gossip", "Mixnet", "Messaging"]

    @Sendable private static func pure(_ file: RepositoryFile) -> Bool {
        file.target.map(pureTargets.contains) ?? false
    }
    @Sendable private static func shipped(_ file: RepositoryFile) -> Bool {
        file.path.hasPrefix("Sources/") || file.path.hasPrefix("Plugins/")
    }

    static let all: [BannedText] = [
        BannedText(pattern: "try" + "!", instead: "a thrown error, or `try #require` in a test"),
        BannedText(pattern: "as" + "!", instead: "`as?` with an error that names both types"),
        BannedText(
            pattern: "fatal" + "Error(", instead: "a thrown PlasmidError; `precondition` for a broken invariant"),
        BannedText(
            pattern: "print(", instead: "a Logger; output is for Sources/plasmid",
            covers: { shipped($0) && $0.target != "plasmid" }),
        BannedText(pattern: "Task" + ".detached", instead: "a child task, or a callback on the conductor's loop"),
        BannedText(pattern: "Task" + ".sleep", instead: "a timer of the loop, or an awaited condition in a test"),
        BannedText(pattern: "Thread" + ".sleep", instead: "a timer of the loop, or an awaited condition in a test"),
        BannedText(pattern: "u" + "sleep(", instead: "a timer of the loop, or an awaited condition in a test"),
        BannedText(pattern: "Date()", instead: "a clock that was passed in", covers: shipped),
        BannedText(
            pattern: ".random(in:", instead: "`.random(in:using:)` with a generator that was passed in",
            unless: ["using:", "seed"]),
        BannedText(pattern: ".shuffled()", instead: "`.shuffled(using:)` with a generator that was passed in"),
        BannedText(pattern: ".shuffle()", instead: "`.shuffle(using:)` with a generator that was passed in"),
        BannedText(
            pattern: ".randomElement()", instead: "`.randomElement(using:)` with a generator that was passed in"),
        BannedText(
            pattern: "SystemRandomNumberGenerator", instead: "a generator that was passed in; the module is pure",
            covers: pure),
        BannedText(pattern: "ContinuousClock", instead: "`now` as an argument; the module is pure", covers: pure),
        BannedText(pattern: "clock_gettime", instead: "`now` as an argument; the module is pure", covers: pure),
        BannedText(
            pattern: "AsyncStream", instead: "a buffering policy, and a sentence on what a drop means",
            unless: ["bufferingPolicy", "bufferingOldest", "bufferingNewest", "-> AsyncStream", ": AsyncStream"]),
        BannedText(pattern: "TO" + "DO", instead: "the work, or an issue", inComments: true),
        BannedText(pattern: "FIX" + "ME", instead: "the work, or an issue", inComments: true),
        BannedText(pattern: "XX" + "X", instead: "the work, or an issue", inComments: true),
    ]

    /// What of a file breaks the rules.
    static func check(_ file: RepositoryFile, rules: [BannedText] = all) -> [Finding] {
        let code = file.codeLines
        let plain = file.lines
        return rules.filter { $0.covers(file) }.flatMap { rule in
            (rule.inComments ? plain : code).enumerated().compactMap { index, line in
                guard contains(line, rule.pattern), !rule.unless.contains(where: { line.contains($0) }) else {
                    return nil
                }
                return Finding(path: file.path, line: index + 1, message: "`\(rule.pattern)`: use \(rule.instead)")
            }
        }
    }

    /// Whether the line holds the text on its own and not as a part of a longer name.
    static func contains(_ line: Substring, _ text: String) -> Bool {
        var rest = line
        while let range = rest.range(ofText: text) {
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
            let whole =
                !(isNamePart(text.first) && isNamePart(before)) && !(isNamePart(text.last) && isNamePart(after))
            if whole { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    private static func isNamePart(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber || character == "_"
    }
}

extension Substring {
    /// The first place where the text stands.
    func range(ofText text: String) -> Range<Index>? {
        let wanted = Array(text.utf8)
        guard let first = wanted.first else { return nil }
        var start = utf8.startIndex
        while let hit = utf8[start...].firstIndex(of: first) {
            if utf8[hit...].starts(with: wanted) { return hit..<utf8.index(hit, offsetBy: wanted.count) }
            start = utf8.index(after: hit)
        }
        return nil
    }
}
