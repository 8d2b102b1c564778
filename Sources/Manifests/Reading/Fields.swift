/// The keys of one map of a manifest, read strictly: a key that is not asked for is a fault.
///
/// Every method reports what is wrong and returns nil (or the default), so that reading goes on and finds the rest.
struct Fields {
    /// What the map describes, in the words a message uses: "entry type", "role".
    let what: String
    /// Where the map begins.
    let position: Position
    private let pairs: [YamlNode.Pair]

    /// The fields of a node. Nil, with a fault, when the node is no map.
    /// - Parameter keys: every key that may stand here.
    init?(_ node: YamlNode, _ what: String, keys: [String], report: inout Report) {
        guard case .map(let pairs) = node.content else {
            report.add(.wrongType, node.position, "\(what) must be a map, this is \(node.kind)")
            return nil
        }
        for pair in pairs where !keys.contains(pair.key) {
            let near = Spelling.nearest(to: pair.key, among: keys)
            report.add(
                .unknownKey, pair.keyPosition, "\(what) has no key \"\(Spelling.shown(pair.key))\"",
                hint: near.map { "did you mean \"\($0)\"?" } ?? "it has \(keys.joined(separator: ", "))")
        }
        self.what = what
        self.position = node.position
        self.pairs = pairs
    }

    /// The value of a key; a key whose value is missing (`key:`) counts as left out.
    func value(_ key: String) -> YamlNode? {
        guard let node = pairs.first(where: { $0.key == key })?.value else { return nil }
        if case .scalar(let text, isPlain: true) = node.content, PlainScalar(text) == .null { return nil }
        return node
    }

    /// The place of a key, or of the map when the key is not there.
    func place(_ key: String) -> Position {
        pairs.first { $0.key == key }?.keyPosition ?? position
    }

    /// The value of a key that must be there.
    func required(_ key: String, report: inout Report) -> YamlNode? {
        if let node = value(key) { return node }
        report.add(.missingKey, place(key), "\(what) needs the key \"\(key)\"")
        return nil
    }

    /// A text that may be missing. Numbers and truth values are refused: YAML turns unquoted words into them.
    func text(_ key: String, maxBytes: Int = 1_000, report: inout Report) -> String? {
        value(key).flatMap { Self.text($0, "\"\(key)\" of \(what)", maxBytes: maxBytes, report: &report) }
    }

    /// A text that must be there.
    func requiredText(_ key: String, maxBytes: Int = 1_000, report: inout Report) -> String? {
        required(key, report: &report).flatMap {
            Self.text($0, "\"\(key)\" of \(what)", maxBytes: maxBytes, report: &report)
        }
    }

    /// A whole number in a range, or the default when the key is missing.
    func number(_ key: String, _ range: ClosedRange<Int>, default fallback: Int, report: inout Report) -> Int {
        guard let node = value(key) else { return fallback }
        guard case .scalar(let text, isPlain: true) = node.content else {
            report.add(.wrongType, node.position, "\"\(key)\" of \(what) must be a whole number, this is \(node.kind)")
            return fallback
        }
        switch PlainScalar(text) {
        case .int(let value) where range.contains(Int(value)):
            return Int(value)
        case .int, .uint, .unusableNumber:
            report.add(
                .outOfRange, node.position,
                "\"\(key)\" of \(what) must lie between \(range.lowerBound) and \(range.upperBound)")
        default:
            report.add(.wrongType, node.position, "\"\(key)\" of \(what) must be a whole number, this is \(node.kind)")
        }
        return fallback
    }

    /// A truth value, or the default when the key is missing.
    func flag(_ key: String, default fallback: Bool, report: inout Report) -> Bool {
        guard let node = value(key) else { return fallback }
        if case .scalar(let text, isPlain: true) = node.content, case .bool(let value) = PlainScalar(text) {
            return value
        }
        var hint: String?
        if case .scalar(let text, _) = node.content {
            let word = text.lowercased()
            if ["yes", "y", "on", "true", "1"].contains(word) { hint = "write true" }
            if ["no", "n", "off", "false", "0"].contains(word) { hint = "write false" }
        }
        report.add(
            .wrongType, node.position, "\"\(key)\" of \(what) must be true or false, this is \(node.kind)", hint: hint)
        return fallback
    }

    /// The items of a list, empty when the key is missing.
    func list(_ key: String, maxCount: Int, report: inout Report) -> [YamlNode] {
        guard let node = value(key) else { return [] }
        guard case .list(let items) = node.content else {
            report.add(.wrongType, node.position, "\"\(key)\" of \(what) must be a list, this is \(node.kind)")
            return []
        }
        guard items.count <= maxCount else {
            report.add(
                .tooLong, node.position, "\"\(key)\" of \(what) has \(items.count) items, at most \(maxCount) fit")
            return []
        }
        return items
    }

    /// One of a closed list of words, or nil when the key is missing or the word unknown.
    func word<T>(_ key: String, _ words: [(String, T)], report: inout Report) -> T? {
        guard let node = value(key) else { return nil }
        return Self.word(node, "\"\(key)\" of \(what)", words, report: &report)
    }

    /// A node that must be a text.
    static func text(_ node: YamlNode, _ what: String, maxBytes: Int, report: inout Report) -> String? {
        guard case .scalar(let text, let isPlain) = node.content else {
            report.add(.wrongType, node.position, "\(what) must be a text, this is \(node.kind)")
            return nil
        }
        if isPlain {
            guard case .text = PlainScalar(text) else {
                report.add(
                    .wrongType, node.position, "\(what) must be a text, this is \(node.kind)",
                    hint: text.isEmpty ? nil : "put it in quotes: \"\(Spelling.shown(text))\"")
                return nil
            }
        }
        guard text.utf8.count <= maxBytes else {
            report.add(.tooLong, node.position, "\(what) has \(text.utf8.count) bytes, at most \(maxBytes) fit")
            return nil
        }
        return text
    }

    /// A node that must be one of a closed list of words.
    static func word<T>(_ node: YamlNode, _ what: String, _ words: [(String, T)], report: inout Report) -> T? {
        guard let text = text(node, what, maxBytes: 1_000, report: &report) else { return nil }
        if let match = words.first(where: { $0.0 == text }) { return match.1 }
        let known = words.map(\.0)
        report.add(
            .unknownWord, node.position, "\(what) cannot be \"\(Spelling.shown(text))\"",
            hint: Spelling.nearest(to: text, among: known).map { "did you mean \"\($0)\"?" }
                ?? "it is one of \(known.joined(separator: ", "))")
        return nil
    }
}
