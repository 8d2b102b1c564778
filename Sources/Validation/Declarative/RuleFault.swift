import Integrity

/// What a declarative rule finds wrong, by its word in docs/spec/rules.md §9.
public enum RefusalWord: String, Sendable, Hashable, CaseIterable {
    /// The bytes are no MessagePack.
    case malformed
    /// Lists and maps nest too deep.
    case tooDeep
    /// The entry is no map.
    case notAMap
    /// A field's name is no text.
    case keyNotText
    /// A field stands there twice.
    case repeatedField
    /// A required field is not there.
    case missingField
    /// A forbidden field is there.
    case forbiddenField
    /// A field is there that the rules do not name, where such are forbidden.
    case unknownField
    /// A value of another type than the rule asks for.
    case wrongType
    /// Text that is no UTF-8.
    case notText
    /// A number that is infinite or none.
    case notFinite
    /// Bytes that are no address of the kind.
    case badAddress
    /// A number below the least.
    case tooSmall
    /// A number above the greatest.
    case tooLarge
    /// Shorter than the least.
    case tooShort
    /// Longer than the most.
    case tooLong
    /// None of the values that are allowed.
    case notOneOf
    /// An address of something else than the rule asks for.
    case wrongReference
    /// More addresses that must exist than ``Limits/ruleReferences``.
    case tooManyReferences
    /// An update by somebody who may not.
    case update
    /// A deletion by somebody who may not.
    case delete
    /// A value that another of the author's entries has.
    case notUnique

    /// The number of the rule in docs/spec/validation.md.
    public var rule: Int {
        switch self {
        case .malformed, .tooDeep, .notAMap, .keyNotText, .repeatedField: 40
        case .missingField, .forbiddenField, .unknownField: 41
        case .wrongType, .notText, .notFinite, .badAddress: 42
        case .tooSmall, .tooLarge: 43
        case .tooShort, .tooLong: 44
        case .notOneOf: 45
        case .wrongReference, .tooManyReferences: 46
        case .update: 47
        case .delete: 48
        case .notUnique: 49
        }
    }
}

/// Why declarative rules refuse an entry: the word for programs, where in the entry, and the sentence for people.
public struct RuleRefusal: Error, Hashable, Sendable {
    /// What is wrong.
    public let word: RefusalWord
    /// The field, such as `place.name` or `tags[3]`; empty for the entry as a whole.
    public let path: String
    /// One sentence.
    public let message: String

    /// A refusal of its parts.
    public init(_ word: RefusalWord, path: String, message: String) {
        self.word = word
        self.path = path
        self.message = message
    }
}

/// A fault while an entry is read: cheap to throw, told in words at the end.
struct RuleFault: Error {
    let word: RefusalWord
    /// The node whose rule is broken, or −1.
    var node = -1
    /// The name of an unknown field.
    var name: String?
    var found = Found.nothing

    enum Found {
        case nothing
        case type(MessagePackType)
        case count(Int)
        case integer(Int128)
        case number(Double)
    }

    init(_ word: RefusalWord, node: Int = -1, name: String? = nil, _ found: Found = .nothing) {
        self.word = word
        self.node = node
        self.name = name
        self.found = found
    }
}

/// The sentences of docs/spec/rules.md §9.
struct RuleWords {
    let plan: RulePlan
    /// The entry type's name.
    let type: String

    func refusal(_ fault: RuleFault, _ trail: [RuleStep]) -> RuleRefusal {
        let path = path(trail, fault.name)
        return RuleRefusal(fault.word, path: path, message: sentence(fault, "`\(path)`"))
    }

    func path(_ trail: [RuleStep], _ name: String? = nil) -> String {
        var text = ""
        func add(_ name: String) { text += text.isEmpty ? name : ".\(name)" }
        for step in trail {
            switch step {
            case .field(let field): if field >= 0 { add(plan.name(field)) }
            case .item(let index): text += "[\(index)]"
            }
        }
        if let name { add(name) }
        return text
    }

    private func sentence(_ fault: RuleFault, _ path: String) -> String {
        switch fault.word {
        case .malformed: "The bytes of this '\(type)' are damaged: they are no MessagePack."
        case .tooDeep: "This '\(type)' nests lists and maps too deep: at most \(Limits.messagePackDepth) levels."
        case .notAMap: "A '\(type)' has fields, and this one is something else."
        case .keyNotText: "A '\(type)' has a field whose name is not text."
        case .repeatedField: "\(path) is given twice."
        case .missingField: "\(path) is missing."
        case .forbiddenField: "\(path) may not be given."
        case .unknownField: "\(path) is no field of a '\(type)'."
        case .wrongType: "\(path) must be \(wanted(plan.nodes[fault.node])), and is \(found(fault.found))."
        case .notText: "\(path) is not readable text: it is no UTF-8."
        case .notFinite: "\(path) must be a finite number."
        case .badAddress: "\(path) must be \(address(plan.nodes[fault.node].address)), and is other bytes."
        case .tooSmall, .tooLarge, .tooShort, .tooLong: measure(fault, path)
        case .notOneOf: "\(path) must be one of \(choices(plan.nodes[fault.node]))."
        case .wrongReference: "\(path) must name \(target(plan.nodes[fault.node])), and names something else."
        case .tooManyReferences:
            "\(path) is one address too many: a '\(type)' names at most \(Self.grouped(Limits.ruleReferences)) things that must exist."
        case .update: "Only its author may change a '\(type)'."
        case .delete: "Only its author may delete a '\(type)'."
        case .notUnique:
            "\(path) is taken: another '\(type)' of the same author has this value."
        }
    }

    private func measure(_ fault: RuleFault, _ path: String) -> String {
        let node = plan.nodes[fault.node]
        switch fault.found {
        case .integer(let value):
            return fault.word == .tooSmall
                ? "\(path) is too small: \(value), at least \(node.min)."
                : "\(path) is too large: \(value), at most \(node.max)."
        case .number(let value):
            return fault.word == .tooSmall
                ? "\(path) is too small: \(Self.short(value)), at least \(Self.short(node.minNumber))."
                : "\(path) is too large: \(Self.short(value)), at most \(Self.short(node.maxNumber))."
        case .count(let count): return length(fault, node, count, path)
        case .nothing, .type: return "\(path) has the wrong size."
        }
    }

    private func length(_ fault: RuleFault, _ node: RulePlan.Node, _ count: Int, _ path: String) -> String {
        if count == 0 { return "\(path) must not be empty." }
        let isShort = fault.word == .tooShort
        let bound = Self.grouped(isShort ? node.minLength : node.maxLength)
        let limit = isShort ? "at least \(bound)" : "at most \(bound)"
        switch node.kind {
        case .list: return "\(path) has too \(isShort ? "few" : "many") items: \(Self.grouped(count)), \(limit)."
        case .map: return "\(path) has too \(isShort ? "few" : "many") fields: \(Self.grouped(count)), \(limit)."
        default:
            let unit = count == 1 ? "byte" : "bytes"
            return "\(path) is too \(isShort ? "short" : "long"): \(Self.grouped(count)) \(unit), \(limit)."
        }
    }

    private func wanted(_ node: RulePlan.Node) -> String {
        switch node.kind {
        case .any: "anything"
        case .string: "text"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .bytes: "bytes"
        case .address: address(node.address)
        case .list: "a list"
        case .map: "a map"
        }
    }

    private func address(_ kind: AddressKind) -> String {
        switch kind {
        case .agent: "the key of an agent"
        case .action: "the address of an action"
        case .entry: "the address of an entry"
        case .external: "an address outside the app's data"
        case .dna: "the address of a DNA"
        case .hash: "an address"
        }
    }

    private func target(_ node: RulePlan.Node) -> String {
        if node.type >= 0 { return "a '\(plan.types[node.type])'" }
        return node.address == .agent ? "an agent" : "something of the app"
    }

    private func found(_ found: RuleFault.Found) -> String {
        guard case .type(let type) = found else { return "something else" }
        return switch type {
        case .null: "nothing"
        case .bool: "true or false"
        case .int: "a whole number"
        case .double: "a number with a fraction"
        case .string: "text"
        case .binary: "bytes"
        case .array: "a list"
        case .map: "a map"
        case .ext, .invalid: "something else"
        }
    }

    private func choices(_ node: RulePlan.Node) -> String {
        let all =
            node.kind == .string
            ? plan.words[node.choices].map { String(decoding: plan.pool[$0], as: UTF8.self) }
            : plan.integers[node.choices].map { "\($0)" }
        let shown = all.prefix(8).joined(separator: ", ")
        return all.count > 8 ? "\(shown) and \(all.count - 8) more" : shown
    }

    /// A number without a fraction as people write it.
    private static func short(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// Commas between thousands.
    static func grouped(_ count: Int) -> String {
        let digits = Array(String(count))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}

/// One step of the way to a value inside an entry.
enum RuleStep {
    /// A field of the plan; −1 before the first is read.
    case field(Int)
    /// An item of a list, from 0.
    case item(Int)
}
