import Integrity

/// Reading parameters and building answers of administrative methods: MessagePack values with text keys.
struct AdminParams {
    private let pairs: [MessagePackValue.Pair]

    init(_ value: MessagePackValue) {
        if case .map(let pairs) = value { self.pairs = pairs } else { pairs = [] }
    }

    func value(_ key: String) -> MessagePackValue? {
        pairs.first { $0.key == .string(key) }?.value
    }

    func text(_ key: String) throws(PlasmidError) -> String {
        guard let text = optionalText(key) else {
            throw PlasmidError(.badParameter, "`\(key)` param not provided")
        }
        return text
    }

    func optionalText(_ key: String) -> String? {
        if case .string(let text)? = value(key) { return text }
        return nil
    }

    func flag(_ key: String, default fallback: Bool) -> Bool {
        if case .bool(let flag)? = value(key) { return flag }
        return fallback
    }

    func count(_ key: String) -> Int? {
        switch value(key) {
        case .int(let number)?: Int(exactly: number)
        case .uint(let number)?: Int(exactly: number)
        default: nil
        }
    }

    /// A whole number that may be missing or null.
    /// - Throws: `badParameter` for anything else.
    func wholeNumber(_ key: String) throws(PlasmidError) -> Int? {
        switch value(key) {
        case nil, .null?: return nil
        default:
            if let number = count(key) { return number }
            throw PlasmidError(.badParameter, "`\(key)` has to be a whole number")
        }
    }

    /// The label of grants: `label`, or `tag`, the word of the entry itself.
    var label: String? { optionalText("label") ?? optionalText("tag") }

    /// The texts of an array; none if it is missing.
    func texts(_ key: String) -> [String] {
        guard case .array(let items)? = value(key) else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    /// Agents written as address texts.
    func agents(_ key: String) throws(PlasmidError) -> [AgentPubKey] {
        guard case .array(let items)? = value(key) else { return [] }
        var agents: [AgentPubKey] = []
        for case .string(let text) in items { agents.append(try AgentPubKey(text)) }
        return agents
    }
}

extension MessagePackValue {
    /// A map with text keys, in this order.
    static func object(_ fields: KeyValuePairs<String, MessagePackValue>) -> MessagePackValue {
        .map(fields.map { Pair(key: .string($0.key), value: $0.value) })
    }

    static func number(_ count: some BinaryInteger) -> MessagePackValue {
        .int(Int64(count))
    }

    static var success: MessagePackValue { .object(["success": .bool(true)]) }
}
