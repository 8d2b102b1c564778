import Yams

/// Reads YAML text into nodes with places. The only file that knows Yams.
///
/// Bounded on purpose: the file, the depth and the number of aliases that the parser ever sees. Anchors, aliases and
/// tags are refused, since a manifest needs none of them and an alias bomb grows without end.
enum YamlFile {
    /// Largest manifest, in bytes.
    static let maxBytes = 256 * 1024
    /// Deepest nesting of maps and lists.
    static let maxDepth = 24
    /// How many `*name` the text may hold before it is refused unseen: the parser hashes keys, and a key made of
    /// aliases costs exponential time in their number. Fewer are refused too, but with their places.
    static let maxAliasMarks = 8
    /// How many repeated keys are reported before the reader gives up.
    static let maxDuplicates = 20

    /// The root value of the text, or nil when the text is no usable YAML; faults go into `report`.
    static func read(_ text: String, report: inout Report) -> YamlNode? {
        if let mark = tooManyAliases(text) {
            report.add(
                .yamlAlias, mark, "the file uses YAML aliases",
                hint: "write the value out where it is used; anchors (&) and aliases (*) are not read")
            return nil
        }
        var text = text
        var renamed: [String: String] = [:]
        while true {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                guard let root = try parser.singleRoot() else {
                    report.add(.missingKey, .start, "the file is empty")
                    return nil
                }
                let conversion = Conversion(renamed: renamed)
                // The parser owns the anchors that the nodes only point at.
                return withExtendedLifetime(parser) { conversion.node(root, depth: 0, report: &report) }
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard renamed.count < maxDuplicates,
                    let step = renaming(keys, in: text, at: context.mark, count: renamed.count)
                else {
                    report.add(
                        .duplicateKey, Position(line: context.mark.line, column: context.mark.column),
                        "a key stands twice in this map: \(keys.sorted().joined(separator: ", "))")
                    return nil
                }
                text = step.text
                renamed[step.standIn] = step.key
            } catch {
                add(error, text, to: &report)
                return nil
            }
        }
    }

    /// Where the text exceeds the number of alias marks; nil when it does not. Counts every `*` before a letter, also
    /// inside quotes: it may count too many, never too few.
    private static func tooManyAliases(_ text: String) -> Position? {
        var marks = 0
        var anchors = 0
        var line = 1
        var column = 1
        var first: Position?
        var previous: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            let isWord =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
            if isWord, previous == "*" {
                marks += 1
                first = first ?? Position(line: line, column: column - 1)
            }
            if isWord, previous == "&" { anchors += 1 }
            previous = scalar
            column += 1
            if scalar == "\n" {
                line += 1
                column = 1
            }
        }
        return marks > maxAliasMarks && anchors > 0 ? first : nil
    }

    /// The parser stops at the first map with a repeated key. To find the other faults too, the first of the equal
    /// keys is written over with a stand-in of the same length out of the private use area, and the text is read again.
    private static func renaming(
        _ keys: [String], in text: String, at mark: Mark, count: Int
    ) -> (text: String, standIn: String, key: String)? {
        var scalars = Array(text.unicodeScalars)
        guard var index = offset(of: mark, in: scalars) else { return nil }
        if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        let candidates = keys.filter { key in
            let unicode = Array(key.unicodeScalars)
            return !unicode.isEmpty && index + unicode.count <= scalars.count
                && scalars[index..<(index + unicode.count)].elementsEqual(unicode)
        }
        guard let key = candidates.max(by: { $0.unicodeScalars.count < $1.unicodeScalars.count }),
            let standInScalar = Unicode.Scalar(UInt32(0xE000 + count))
        else { return nil }
        let length = key.unicodeScalars.count
        let standIn = Array(repeating: standInScalar, count: length)
        scalars.replaceSubrange(index..<(index + length), with: standIn)
        return (string(scalars), string(standIn), key)
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func offset(of mark: Mark, in scalars: [Unicode.Scalar]) -> Int? {
        var line = 1
        var index = 0
        while line < mark.line, index < scalars.count {
            let scalar = scalars[index]
            index += 1
            if scalar == "\r", index < scalars.count, scalars[index] == "\n" { index += 1 }
            if scalar == "\n" || scalar == "\r" || scalar == "\u{85}" || scalar == "\u{2028}" || scalar == "\u{2029}" {
                line += 1
            }
        }
        let result = index + mark.column - 1
        return line == mark.line && result < scalars.count ? result : nil
    }

    private static func add(_ error: any Error, _ text: String, to report: inout Report) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _):
            let place = Position(line: mark.line, column: mark.column)
            guard !problem.contains("nesting level") else {
                report.add(.tooDeep, place, "values nest deeper than \(maxDepth) levels")
                return
            }
            report.add(.yamlSyntax, place, "this is not YAML: \(problem)", hint: hint(problem))
        case YamlError.composer(_, let problem, let mark, _):
            let place = Position(line: mark.line, column: mark.column)
            if problem.contains("alias") {
                report.add(.yamlAlias, place, "YAML anchors and aliases are not read", hint: "write the value out")
            } else {
                report.add(
                    .yamlSyntax, place, "the file holds more than one document", hint: "remove the second \"---\"")
            }
        case YamlError.reader(let problem, let offset, _, _):
            report.add(.yamlSyntax, place(of: offset, in: text), "this is not YAML: \(problem)")
        default:
            report.add(.yamlSyntax, .start, "this is not YAML")
        }
    }

    /// What is most often behind the parser's words.
    private static func hint(_ problem: String) -> String? {
        let known = [
            ("tab character", "indent with spaces"),
            ("cannot start any token", "indent with spaces, and put a text with such a sign into quotes"),
            ("expected ',' or", "a bracket is not closed, here or in a line above"),
            ("expected ':'", "a key is followed by a colon and a space"),
            ("expected key", "keys of one map begin in the same column"),
            ("end of stream", "a quote is not closed"),
            ("mapping values are not allowed", "put a text with a colon into quotes, or look for a missing line break"),
        ]
        return known.first { problem.contains($0.0) }?.1
    }

    private static func place(of offset: Int?, in text: String) -> Position {
        guard let offset else { return .start }
        let before = text.prefix(offset).unicodeScalars
        let line = before.count { $0 == "\n" } + 1
        let column = before.reversed().prefix { $0 != "\n" }.count + 1
        return Position(line: line, column: column)
    }
}

/// Turns the parser's nodes into ours and refuses what a manifest may not hold; what is refused reads as nothing.
private struct Conversion {
    /// Stand-in → the key that was written there.
    let renamed: [String: String]

    func node(_ source: Node, depth: Int, report: inout Report) -> YamlNode {
        let place = source.mark.map { Position(line: $0.line, column: $0.column) } ?? .start
        let nothing = YamlNode(content: .scalar("", isPlain: true), position: place)
        guard depth <= YamlFile.maxDepth else {
            report.add(.tooDeep, place, "values nest deeper than \(YamlFile.maxDepth) levels")
            return nothing
        }
        guard source.anchor == nil else {
            report.add(.yamlAlias, place, "YAML anchors and aliases are not read", hint: "write the value out")
            return nothing
        }
        checkTag(source, place, report: &report)
        switch source {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain && !scalar.tag.description.hasSuffix(":str")
            return YamlNode(content: .scalar(scalar.string, isPlain: isPlain), position: place)
        case .sequence(let items):
            return YamlNode(
                content: .list(items.map { node($0, depth: depth + 1, report: &report) }), position: place)
        case .mapping(let pairs):
            return YamlNode(content: .map(map(pairs, depth: depth, report: &report)), position: place)
        case .alias:
            report.add(.yamlAlias, place, "YAML anchors and aliases are not read", hint: "write the value out")
            return nothing
        }
    }

    private func map(_ source: Node.Mapping, depth: Int, report: inout Report) -> [YamlNode.Pair] {
        var pairs: [YamlNode.Pair] = []
        var firstLines: [String: Int] = [:]
        for (key, value) in source {
            // A key that is no scalar was hashed by the parser and has lost its tag and sense already.
            guard case .scalar = key else {
                let place = key.mark.map { Position(line: $0.line, column: $0.column) } ?? .start
                report.add(.keyNotText, place, "a key must be a text, not a list or a map")
                continue
            }
            let converted = node(key, depth: depth + 1, report: &report)
            guard case .scalar(let text, _) = converted.content else { continue }
            // A stand-in is not the value that counts, but what it holds must still be well-formed.
            let key = renamed[text] ?? text
            if let line = firstLines[key] {
                report.add(
                    .duplicateKey, converted.position, "the key \"\(Spelling.shown(key))\" stands twice in this map",
                    hint: "the first is at line \(line); keep one")
            } else if renamed[text] != nil {
                firstLines[key] = converted.position.line
            }
            guard renamed[text] == nil else {
                _ = node(value, depth: depth + 1, report: &report)
                continue
            }
            pairs.append(
                .init(
                    key: text, keyPosition: converted.position, value: node(value, depth: depth + 1, report: &report)))
        }
        return pairs
    }

    private func checkTag(_ source: Node, _ place: Position, report: inout Report) {
        // Not the node's own `tag`, which resolves what nobody wrote.
        let tag =
            switch source {
            case .scalar(let scalar): scalar.tag.description
            case .mapping(let pairs): pairs.tag.description
            case .sequence(let items): items.tag.description
            case .alias: ""
            }
        guard !tag.isEmpty, tag != "tag:yaml.org,2002:str", tag != "!" else { return }
        report.add(.yamlTag, place, "YAML tags are not read: \(tag)", hint: "remove the tag")
    }
}
