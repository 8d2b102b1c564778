// The one form of rules in bytes: hashed and kept on disk alike. docs/spec/rules.md §2.

extension EntryRules: Packable {
    /// Writes an empty map for ``none``, else every key with its default filled in, all maps sorted by their packed keys.
    public func pack(into w: inout MessagePackWriter) { value.sorted.pack(into: &w) }

    /// Reads what ``pack(into:)`` writes; keys that are left out have the manifest's defaults.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let value: MessagePackValue = try r.read()
        guard case .map = value else { throw RuleForm.fault("rules are a map") }
        fields = try FieldSet(value)
        update = try RuleForm.word(value, "update") ?? .anyone
        delete = try RuleForm.word(value, "delete") ?? .anyone
    }

    private var value: MessagePackValue {
        guard !isNone else { return .emptyMap }
        return .map(
            fields.pairs + [.init("update", .string(update.rawValue)), .init("delete", .string(delete.rawValue))])
    }
}

extension FieldSet {
    fileprivate var pairs: [MessagePackValue.Pair] {
        [
            .init("fields", .map(fields.map { .init($0.name, .map($0.pairs)) })),
            .init("forbidden_fields", .array(forbidden.map { .string($0) })),
            .init("unknown_fields", .string(unknown.rawValue)),
        ]
    }

    fileprivate init(_ value: MessagePackValue) throws(PlasmidError) {
        var rules: [FieldRule] = []
        if let fields = value["fields"] {
            guard case .map(let pairs) = fields else { throw RuleForm.fault("`fields` is a map") }
            for pair in pairs {
                guard case .string(let name) = pair.key else { throw RuleForm.fault("a field's name is text") }
                rules.append(try FieldRule(name, pair.value))
            }
        }
        let forbidden: [String] = try RuleForm.list(value, "forbidden_fields") { value throws(PlasmidError) in
            guard case .string(let text) = value else { throw RuleForm.fault("a forbidden field's name is text") }
            return text
        }
        self.init(rules, forbidden: forbidden, unknown: try RuleForm.word(value, "unknown_fields") ?? .allow)
    }
}

extension FieldRule {
    fileprivate var pairs: [MessagePackValue.Pair] {
        value.pairs + [.init("required", .bool(isRequired)), .init("unique", .bool(isUnique))]
    }

    fileprivate init(_ name: String, _ value: MessagePackValue) throws(PlasmidError) {
        self.init(
            name, try ValueRule(value), required: try RuleForm.flag(value, "required") ?? true,
            unique: try RuleForm.flag(value, "unique") ?? false)
    }
}

extension ValueRule {
    fileprivate var pairs: [MessagePackValue.Pair] {
        [.init("type", .string(word))] + options
    }

    private var options: [MessagePackValue.Pair] {
        switch self {
        case .any, .boolean: []
        case .string(let length, let oneOf):
            length.pairs + [.init("enum", oneOf.isEmpty ? .null : .array(oneOf.map { .string($0) }))]
        case .integer(let min, let max, let oneOf):
            [
                .init("min", RuleForm.integer(min)), .init("max", RuleForm.integer(max)),
                .init("enum", oneOf.isEmpty ? .null : .array(oneOf.map { RuleForm.integer($0) })),
            ]
        case .number(let min, let max):
            [.init("min", min.map { .double($0) } ?? .null), .init("max", max.map { .double($0) } ?? .null)]
        case .bytes(let length): length.pairs
        case .address(_, let mustExist, let type):
            [.init("must_exist", .bool(mustExist)), .init("of", type.map { .string($0) } ?? .null)]
        case .list(let length, let items): length.pairs + [.init("items", .map(items.pairs))]
        case .map(let length, let fields): length.pairs + fields.pairs
        }
    }

    fileprivate init(_ value: MessagePackValue) throws(PlasmidError) {
        guard case .string(let word)? = value["type"] else { throw RuleForm.fault("a rule names a type") }
        let length = try LengthRange(value)
        switch word {
        case "any": self = .any
        case "boolean": self = .boolean
        case "string":
            let words: [String] = try RuleForm.list(value, "enum") { value throws(PlasmidError) in
                guard case .string(let text) = value else { throw RuleForm.fault("a word of `enum` is text") }
                return text
            }
            self = .string(length, oneOf: words)
        case "integer":
            let numbers: [Int128] = try RuleForm.list(value, "enum") { value throws(PlasmidError) in
                guard let number = try RuleForm.integer(value) else { throw RuleForm.fault("`enum` has integers") }
                return number
            }
            self = .integer(
                min: try RuleForm.integer(value["min"]), max: try RuleForm.integer(value["max"]), oneOf: numbers)
        case "number":
            self = .number(min: try RuleForm.number(value["min"]), max: try RuleForm.number(value["max"]))
        case "bytes": self = .bytes(length)
        case "list":
            self = .list(
                length, items: try value["items"].map { value throws(PlasmidError) in try Self(value) } ?? .any)
        case "map": self = .map(length, try FieldSet(value))
        default:
            guard let kind = AddressKind(rawValue: word) else { throw RuleForm.fault("there is no type `\(word)`") }
            var type: String?
            if case .string(let name)? = value["of"] { type = name }
            self = .address(kind, mustExist: try RuleForm.flag(value, "must_exist") ?? false, of: type)
        }
    }
}

extension LengthRange {
    fileprivate var pairs: [MessagePackValue.Pair] {
        [
            .init("min_length", .int(Int64(min))), .init("max_length", max.map { .int(Int64($0)) } ?? .null),
        ]
    }

    fileprivate init(_ value: MessagePackValue) throws(PlasmidError) {
        min = Int(clamping: try RuleForm.integer(value["min_length"]) ?? 0)
        max = try RuleForm.integer(value["max_length"]).map { Int(clamping: $0) }
    }
}

/// Parts of rules in bytes.
private enum RuleForm {
    static func fault(_ words: String) -> PlasmidError {
        PlasmidError(.malformedMessagePack, "These are no rules of an entry type: \(words).")
    }

    static func integer(_ value: Int128?) -> MessagePackValue {
        guard let value else { return .null }
        if let small = Int64(exactly: value) { return .int(small) }
        return .uint(UInt64(clamping: value))
    }

    static func integer(_ value: MessagePackValue?) throws(PlasmidError) -> Int128? {
        switch value {
        case nil, .null?: nil
        case .int(let number)?: Int128(number)
        case .uint(let number)?: Int128(number)
        default: throw fault("a bound is an integer")
        }
    }

    static func number(_ value: MessagePackValue?) throws(PlasmidError) -> Double? {
        switch value {
        case nil, .null?: nil
        case .double(let number)?: number
        default: throw fault("a bound of a number is a float")
        }
    }

    static func flag(_ value: MessagePackValue, _ key: String) throws(PlasmidError) -> Bool? {
        switch value[key] {
        case nil: nil
        case .bool(let flag)?: flag
        default: throw fault("`\(key)` is true or false")
        }
    }

    static func word<Word: RawRepresentable>(
        _ value: MessagePackValue, _ key: String
    ) throws(PlasmidError) -> Word? where Word.RawValue == String {
        guard let found = value[key] else { return nil }
        guard case .string(let text) = found, let word = Word(rawValue: text) else {
            throw fault("`\(key)` has a word that is not known")
        }
        return word
    }

    static func list<Item>(
        _ value: MessagePackValue, _ key: String, _ item: (MessagePackValue) throws(PlasmidError) -> Item
    ) throws(PlasmidError) -> [Item] {
        switch value[key] {
        case nil, .null?: return []
        case .array(let values)?:
            var items: [Item] = []
            for value in values { items.append(try item(value)) }
            return items
        default: throw fault("`\(key)` is a list")
        }
    }
}
