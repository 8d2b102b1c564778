/// A JSON value to be written; keys keep their order.
indirect enum JSON: Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case null
    case bool(Bool)
    case number(Int)
    /// A number that an `Int` cannot hold, as it is written.
    case digits(String)
    case text(String)
    case list([JSON])
    case map([Pair])

    struct Pair: Equatable, Sendable {
        let key: String
        let value: JSON
    }

    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral number: Int) { self = .number(number) }
    init(booleanLiteral flag: Bool) { self = .bool(flag) }
    init(arrayLiteral items: JSON...) { self = .list(items) }
    init(dictionaryLiteral pairs: (String, JSON)...) { self = .map(pairs.map { Pair(key: $0.0, value: $0.1) }) }

    /// The map with more keys; other values stay what they are.
    func with(_ key: String, _ value: JSON?) -> JSON {
        guard case .map(let pairs) = self, let value else { return self }
        return .map(pairs + [Pair(key: key, value: value)])
    }

    /// The value as text: two spaces for each level, short lists on one line.
    func text(_ depth: Int = 0) -> String {
        let inner = String(repeating: "  ", count: depth + 1)
        let end = String(repeating: "  ", count: depth)
        switch self {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number): return String(number)
        case .digits(let digits): return digits
        case .text(let text): return JSONLine.quoted(text)
        case .list(let items):
            let plain = items.map { $0.text(depth + 1) }
            if plain.allSatisfy({ !$0.contains("\n") }), plain.reduce(0, { $0 + $1.count }) < 90 {
                return "[\(plain.joined(separator: ", "))]"
            }
            return "[\n" + plain.map { inner + $0 }.joined(separator: ",\n") + "\n\(end)]"
        case .map(let pairs):
            guard !pairs.isEmpty else { return "{}" }
            let lines = pairs.map { inner + JSONLine.quoted($0.key) + ": " + $0.value.text(depth + 1) }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(end)}"
        }
    }
}
