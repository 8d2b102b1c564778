import Integrity

/// Reads `rules` of the entry types of one DNA. What it reads means nothing when the report has errors afterwards.
///
/// Types may be named before they are declared, so those are looked for at the end (``checkReferences(_:report:)``).
struct RulesReader {
    static let keys = ["fields", "forbidden_fields", "unknown_fields", "update", "delete"]
    static let fieldKeys = ["type", "required", "unique"]

    private struct Reference {
        let name: String
        let place: Position
        let what: String
    }

    private var references: [Reference] = []

    /// The rules of an entry type, ``EntryRules/none`` when it has none.
    mutating func read(_ type: Fields, report: inout Report) -> EntryRules {
        guard let node = type.value("rules"),
            let fields = Fields(node, "\"rules\" of \(type.what)", keys: Self.keys, report: &report)
        else { return .none }
        let who = WhoMayChange.allCases.map { ($0.rawValue, $0) }
        let rules = EntryRules(
            fields: fieldSet(fields, of: type.what, path: "", depth: 1, report: &report),
            update: fields.word("update", who, report: &report) ?? .anyone,
            delete: fields.word("delete", who, report: &report) ?? .anyone)
        let size = rules.packed.count
        if size > Limits.rulesBytes {
            report.add(
                .tooLong, fields.position,
                "\"rules\" of \(type.what) take \(size) bytes, at most \(Limits.rulesBytes) fit")
        }
        return rules
    }

    /// Refuses rules that ask for an author where entries may come without one.
    static func checkAuthors(_ rules: EntryRules, _ publishing: [Publishing], _ type: Fields, report: inout Report) {
        guard let rule = rules.needingAuthor.first,
            let without = publishing.first(where: { $0 != .signed })
        else { return }
        report.add(
            .rulesNeedAuthor, type.place("publishing"),
            "\(type.what) may be published \(without.rawValue), without an author, yet its rules ask for one: \(rule)",
            hint: "remove \"\(without.rawValue)\" from publishing, or the rule")
    }

    /// Refuses names of entry types that no entry type has.
    func checkReferences(_ types: Names, report: inout Report) {
        for reference in references where !types.contains(reference.name) {
            report.add(
                .unknownEntryType, reference.place,
                "\"of\" of \(reference.what) names \"\(Spelling.shown(reference.name))\", no entry type of this DNA",
                hint: Spelling.nearest(to: reference.name, among: types.all).map { "did you mean \"\($0)\"?" }
                    ?? "it is one of \(types.all.joined(separator: ", "))")
        }
    }

    // MARK: - Fields

    private mutating func fieldSet(
        _ fields: Fields, of type: String, path: String, depth: Int, report: inout Report
    ) -> FieldSet {
        var rules: [FieldRule] = []
        if let node = fields.value("fields") {
            if case .map(let pairs) = node.content {
                rules = self.rules(pairs, node.position, of: type, path: path, depth: depth, report: &report)
            } else {
                report.add(
                    .wrongType, node.position, "\"fields\" of \(fields.what) must be a map, this is \(node.kind)",
                    hint: "write { name: { type: string } }")
            }
        }
        let unknown = fields.word(
            "unknown_fields", UnknownFields.allCases.map { ($0.rawValue, $0) }, report: &report)
        return FieldSet(
            rules, forbidden: forbidden(fields, rules, report: &report), unknown: unknown ?? .allow)
    }

    private mutating func rules(
        _ pairs: [YamlNode.Pair], _ place: Position, of type: String, path: String, depth: Int, report: inout Report
    ) -> [FieldRule] {
        guard depth <= Limits.ruleDepth else {
            report.add(
                .tooDeep, place, "rules of \(type) nest deeper than \(Limits.ruleDepth) levels",
                hint: "let the validator check what lies deeper")
            return []
        }
        guard pairs.count <= Limits.ruleFields else {
            report.add(
                .tooLong, place, "\"fields\" of \(type) has \(pairs.count) items, at most \(Limits.ruleFields) fit")
            return []
        }
        return pairs.compactMap { pair in
            guard !pair.key.isEmpty, pair.key.utf8.count <= Spelling.maxNameBytes else {
                report.add(
                    .badName, pair.keyPosition, "a field of \(type) cannot be \"\(Spelling.shown(pair.key))\"",
                    hint: "a field's name has 1 to \(Spelling.maxNameBytes) bytes")
                return nil
            }
            return field(pair, of: type, path: path, depth: depth, report: &report)
        }
    }

    private func forbidden(_ fields: Fields, _ rules: [FieldRule], report: inout Report) -> [String] {
        var names: [String] = []
        for node in fields.list("forbidden_fields", maxCount: Limits.ruleFields, report: &report) {
            let what = "a name of \"forbidden_fields\" of \(fields.what)"
            guard let name = Fields.text(node, what, maxBytes: Spelling.maxNameBytes, report: &report) else { continue }
            if names.contains(name) {
                report.add(.duplicateName, node.position, "the field \"\(Spelling.shown(name))\" is forbidden twice")
            } else if rules.contains(where: { $0.name == name }) {
                report.add(
                    .badRule, node.position,
                    "the field \"\(Spelling.shown(name))\" has a rule and is forbidden as well",
                    hint: "remove one of the two")
            } else {
                names.append(name)
            }
        }
        return names
    }

    private mutating func field(
        _ pair: YamlNode.Pair, of type: String, path: String, depth: Int, report: inout Report
    ) -> FieldRule? {
        let path = path.isEmpty ? pair.key : "\(path).\(pair.key)"
        let what = "field \"\(Spelling.shown(path))\" of \(type)"
        guard let fields = rule(pair.value, what, common: Self.fieldKeys, report: &report) else { return nil }
        let required = fields.flag("required", default: true, report: &report)
        let unique = fields.flag("unique", default: false, report: &report)
        guard let value = value(fields, of: type, path: path, depth: depth, report: &report) else { return nil }
        if unique, depth > 1 || !value.canBeUnique {
            let isDeep = depth > 1
            report.add(
                .badRule, fields.place("unique"),
                isDeep
                    ? "\(what) cannot be unique: only a field at the top of the entry can"
                    : "\(what) cannot be unique: a \(value.word) has more than one form of the same value",
                hint: "unique fields are strings, integers, booleans, bytes or addresses")
        }
        return FieldRule(pair.key, value, required: required, unique: unique)
    }

    // MARK: - Values

    /// Which keys a type has beside those that all have.
    static func keys(of word: String) -> [String] {
        switch word {
        case "string": ["min_length", "max_length", "enum"]
        case "bytes": ["min_length", "max_length"]
        case "integer": ["min", "max", "enum"]
        case "number": ["min", "max"]
        case "agent", "entry": ["must_exist"]
        case "action": ["must_exist", "of"]
        case "list": ["min_length", "max_length", "items"]
        case "map": ["min_length", "max_length"] + RulesReader.keys.prefix(3)
        default: []
        }
    }

    static let words = [
        "string", "integer", "number", "boolean", "bytes", "agent", "action", "entry", "external", "dna", "hash",
        "list",
        "map", "any",
    ]
    /// What other tools call the types.
    private static let otherWords = [
        "text": "string", "str": "string", "int": "integer", "uint": "integer", "float": "number", "double": "number",
        "bool": "boolean", "binary": "bytes", "bin": "bytes", "array": "list", "object": "map", "struct": "map",
        "agent_key": "agent", "action_hash": "action", "entry_hash": "entry",
    ]

    /// The keys of a rule, known once its type is.
    private func rule(_ node: YamlNode, _ what: String, common: [String], report: inout Report) -> Fields? {
        var allowed = common
        if case .scalar(let word, _)? = node["type"]?.content, Self.words.contains(word) {
            allowed += Self.keys(of: word)
        } else {
            // Of which type it was meant to be is not known: any key of any type may stand here.
            for key in Self.words.flatMap(Self.keys(of:)) where !allowed.contains(key) { allowed.append(key) }
        }
        if case .scalar(let word, _) = node.content, Self.words.contains(word) {
            report.add(
                .wrongType, node.position, "\(what) must be a map, this is \(node.kind)",
                hint: "write { type: \(word) }")
            return nil
        }
        return Fields(node, what, keys: allowed, report: &report)
    }

    private mutating func value(
        _ fields: Fields, of type: String, path: String, depth: Int, report: inout Report
    ) -> ValueRule? {
        guard let node = fields.required("type", report: &report) else { return nil }
        if case .scalar(let text, _) = node.content, let ours = Self.otherWords[text] {
            report.add(
                .unknownWord, node.position, "\"type\" of \(fields.what) cannot be \"\(text)\"",
                hint: "here it is called \(ours)")
            return nil
        }
        let words = Self.words.map { ($0, $0) }
        guard let word = Fields.word(node, "\"type\" of \(fields.what)", words, report: &report) else { return nil }
        let lengths = lengths(fields, report: &report)
        switch word {
        case "string": return .string(lengths, oneOf: texts(fields, report: &report))
        case "bytes": return .bytes(lengths)
        case "boolean": return .boolean
        case "any": return .any
        case "integer":
            let (min, max) = bounds(fields, RuleNumbers.integer, report: &report)
            return .integer(min: min, max: max, oneOf: integers(fields, report: &report))
        case "number":
            let (min, max) = bounds(fields, RuleNumbers.number, report: &report)
            return .number(min: min, max: max)
        case "list":
            return .list(
                lengths, items: items(fields, of: type, path: path + "[]", depth: depth + 1, report: &report))
        case "map":
            return .map(
                lengths, fieldSet(fields, of: type, path: path, depth: depth + 1, report: &report))
        default: return address(word, fields, report: &report)
        }
    }

    private mutating func items(
        _ fields: Fields, of type: String, path: String, depth: Int, report: inout Report
    ) -> ValueRule {
        guard let node = fields.value("items") else { return .any }
        guard depth <= Limits.ruleDepth else {
            report.add(
                .tooDeep, node.position, "rules of \(type) nest deeper than \(Limits.ruleDepth) levels",
                hint: "let the validator check what lies deeper")
            return .any
        }
        let what = "\"items\" of \(fields.what)"
        guard let rule = rule(node, what, common: ["type"], report: &report) else { return .any }
        return value(rule, of: type, path: path, depth: depth, report: &report) ?? .any
    }

    private mutating func address(_ word: String, _ fields: Fields, report: inout Report) -> ValueRule? {
        guard let kind = AddressKind(rawValue: word) else { return nil }
        let type = fields.text("of", maxBytes: Spelling.maxNameBytes, report: &report)
        if let type {
            references.append(
                Reference(name: type, place: fields.value("of")?.position ?? fields.position, what: fields.what))
        }
        let exists = fields.flag("must_exist", default: type != nil, report: &report)
        if type != nil, !exists {
            report.add(
                .badRule, fields.place("must_exist"), "\(fields.what) is of a type, so what it names must exist",
                hint: "remove \"must_exist\" or \"of\"")
        }
        return .address(kind, mustExist: exists, of: type)
    }

    // MARK: - Bounds

    private func lengths(_ fields: Fields, report: inout Report) -> LengthRange {
        let range = 0...Limits.entryBytes
        let min = fields.number("min_length", range, default: 0, report: &report)
        let max = fields.number("max_length", range, default: Limits.entryBytes, report: &report)
        if min > max {
            report.add(
                .emptyRange, fields.place("min_length"), "\(fields.what) cannot be \(min) or more and \(max) or less",
                hint: "nothing would ever be accepted")
        }
        return LengthRange(min: min, max: fields.value("max_length") == nil ? nil : max)
    }

    private func bounds<Number: Comparable>(
        _ fields: Fields, _ read: (YamlNode, String, inout Report) -> Number?, report: inout Report
    ) -> (min: Number?, max: Number?) {
        let (min, max) = (
            fields.value("min").flatMap { read($0, "\"min\" of \(fields.what)", &report) },
            fields.value("max").flatMap { read($0, "\"max\" of \(fields.what)", &report) }
        )
        if let min, let max, min > max {
            report.add(
                .emptyRange, fields.place("min"), "\(fields.what) cannot be \(min) or more and \(max) or less",
                hint: "nothing would ever be accepted")
        }
        return (min, max)
    }

    private func texts(_ fields: Fields, report: inout Report) -> [String] {
        choices(fields, report: &report) { node, what, report in
            Fields.text(node, what, maxBytes: 1_000, report: &report)
        }
    }

    private func integers(_ fields: Fields, report: inout Report) -> [Int128] {
        choices(fields, report: &report, RuleNumbers.integer)
    }

    private func choices<Choice: Equatable>(
        _ fields: Fields, report: inout Report, _ read: (YamlNode, String, inout Report) -> Choice?
    ) -> [Choice] {
        guard let node = fields.value("enum") else { return [] }
        if case .list(let items) = node.content, items.isEmpty {
            report.add(.badRule, node.position, "an empty \"enum\" of \(fields.what) would accept nothing")
        }
        var found: [Choice] = []
        for item in fields.list("enum", maxCount: Limits.ruleFields, report: &report) {
            guard let choice = read(item, "a value of \"enum\" of \(fields.what)", &report) else { continue }
            if found.contains(choice) {
                report.add(.duplicateName, item.position, "\"enum\" of \(fields.what) has \(choice) twice")
            } else {
                found.append(choice)
            }
        }
        return found
    }
}

/// Numbers of rules.
enum RuleNumbers {
    static func integer(_ node: YamlNode, _ what: String, _ report: inout Report) -> Int128? {
        guard case .scalar(let text, isPlain: true) = node.content else {
            report.add(.wrongType, node.position, "\(what) must be a whole number, this is \(node.kind)")
            return nil
        }
        switch PlainScalar(text) {
        case .int(let value): return Int128(value)
        case .uint(let value): return Int128(value)
        case .unusableNumber:
            report.add(.outOfRange, node.position, "\(what) fits no 64 bits")
        default: report.add(.wrongType, node.position, "\(what) must be a whole number, this is \(node.kind)")
        }
        return nil
    }

    static func number(_ node: YamlNode, _ what: String, _ report: inout Report) -> Double? {
        guard case .scalar(let text, isPlain: true) = node.content else {
            report.add(.wrongType, node.position, "\(what) must be a number, this is \(node.kind)")
            return nil
        }
        switch PlainScalar(text) {
        case .int(let value): return Double(value)
        case .uint(let value): return Double(value)
        // Zero has two forms, and a hash needs one.
        case .double(let value): return value == 0 ? 0 : value
        case .unusableNumber:
            report.add(.outOfRange, node.position, "\(what) fits no 64 bits")
        default: report.add(.wrongType, node.position, "\(what) must be a number, this is \(node.kind)")
        }
        return nil
    }
}
