/// A place in a file: line and column, both from 1, the column in Unicode scalars.
public struct Position: Hashable, Sendable {
    /// Line, counted from 1.
    public let line: Int
    /// Column, counted from 1 in Unicode scalars.
    public let column: Int

    /// The first character of a file.
    public static let start = Position(line: 1, column: 1)

    /// A place of its parts.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One value of a YAML file with its place. Anchors, tags and non-text keys are gone by now: `YamlFile` refuses them.
struct YamlNode: Sendable {
    struct Pair: Sendable {
        let key: String
        let keyPosition: Position
        let value: YamlNode
    }

    enum Content: Sendable {
        /// `isPlain`: not in quotes, so that it may mean a number, a truth value or nothing.
        case scalar(String, isPlain: Bool)
        case list([YamlNode])
        case map([Pair])
    }

    let content: Content
    let position: Position

    /// What the value is, in the words a message uses.
    var kind: String {
        switch content {
        case .list: "a list"
        case .map: "a map"
        case .scalar(let text, let isPlain): isPlain ? PlainScalar(text).kind : "a text"
        }
    }

    /// The value of a key, if this is a map that has it.
    subscript(key: String) -> YamlNode? {
        guard case .map(let pairs) = content else { return nil }
        return pairs.first { $0.key == key }?.value
    }
}

/// What a scalar without quotes means: the core schema of YAML 1.2, in which `yes`, `no`, `on` and `off` are texts.
enum PlainScalar: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    /// Looks like a number and fits no 64 bits, or is infinite or not a number.
    case unusableNumber
    case text(String)

    init(_ text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default: self = Self.number(text) ?? .text(text)
        }
    }

    var kind: String {
        switch self {
        case .null: "nothing"
        case .bool: "a truth value"
        case .int, .uint: "a whole number"
        case .double: "a number with a fraction"
        case .unusableNumber: "a number that cannot be kept"
        case .text: "a text"
        }
    }

    private static func number(_ text: String) -> PlainScalar? {
        var digits = text.utf8[...]
        let sign = digits.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let lowered = digits.map { $0 | 0x20 }
        if lowered == Array(".inf".utf8) || text.lowercased() == ".nan" { return .unusableNumber }
        if digits.starts(with: "0x".utf8) || digits.starts(with: "0o".utf8) { return radixNumber(text) }
        guard let first = digits.first, isDigit(first) || first == UInt8(ascii: ".") else { return nil }
        if digits.allSatisfy(isDigit) {
            if let value = Int64(text) { return .int(value) }
            if let value = UInt64(text) { return .uint(value) }
            return .unusableNumber
        }
        return fraction(text, Array(digits))
    }

    private static func radixNumber(_ text: String) -> PlainScalar? {
        let digits = text.dropFirst(2)
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        let radix = text.hasPrefix("0x") ? 16 : 8
        guard digits.utf8.allSatisfy({ isDigit($0) || (radix == 16 && (0x61...0x66).contains($0 | 0x20)) }) else {
            return nil
        }
        guard let value = UInt64(digits, radix: radix) else { return .unusableNumber }
        return Int64(exactly: value).map(PlainScalar.int) ?? .uint(value)
    }

    /// `digits . digits e sign digits`, of which the point and the exponent may be missing.
    private static func fraction(_ text: String, _ digits: [UInt8]) -> PlainScalar? {
        var index = 0
        var mantissa = 0
        func run() -> Int {
            let start = index
            while index < digits.count, isDigit(digits[index]) { index += 1 }
            return index - start
        }
        mantissa += run()
        if index < digits.count, digits[index] == UInt8(ascii: ".") {
            index += 1
            mantissa += run()
        }
        guard mantissa > 0 else { return nil }
        if index < digits.count, digits[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < digits.count, digits[index] == UInt8(ascii: "+") || digits[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard run() > 0 else { return nil }
        }
        guard index == digits.count else { return nil }
        guard let value = Double(text), value.isFinite else { return .unusableNumber }
        return .double(value)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
