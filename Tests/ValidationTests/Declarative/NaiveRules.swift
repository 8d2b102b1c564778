import Integrity

/// A second implementation of docs/spec/rules.md §3, made to be obviously right and slow: bytes become a tree, and the tree
/// is compared with the rules as they stand in the manifest. It shares no code with the first.
enum NaiveRules {
    indirect enum Tree {
        case null
        case bool
        case int(Int128)
        case float(Double)
        case text([UInt8])
        case bytes([UInt8])
        case list([Tree])
        case map([(key: Tree, value: Tree)])
        case other
    }

    struct Fault: Error, Equatable, CustomStringConvertible {
        let word: String
        let path: String
        var description: String { path.isEmpty ? word : "\(word) at \(path)" }
    }

    enum Verdict: Equatable {
        case fine
        /// This fault, exactly.
        case fault(Fault)
        /// The bytes are no tree: refused, for whatever was found first.
        case unreadable
    }

    static func judge(_ bytes: [UInt8], by rules: FieldSet) -> Verdict {
        var parser = Parser(bytes: bytes)
        guard let tree = parser.value(), parser.at == bytes.count, depth(tree) <= 64 else { return .unreadable }
        guard case .map(let pairs) = tree else { return .fault(Fault(word: "notAMap", path: "")) }
        return check(pairs, rules, "").map { .fault($0) } ?? .fine
    }

    private static func depth(_ tree: Tree) -> Int {
        switch tree {
        case .list(let items): 1 + (items.map(depth).max() ?? 0)
        case .map(let pairs): 1 + (pairs.map { max(depth($0.key), depth($0.value)) }.max() ?? 0)
        default: 0
        }
    }

    // MARK: Maps

    private static func check(_ pairs: [(key: Tree, value: Tree)], _ rules: FieldSet, _ path: String) -> Fault? {
        var seen: [String] = []
        for (key, value) in pairs {
            guard case .text(let bytes) = key else { return Fault(word: "keyNotText", path: path) }
            let name = String(decoding: bytes, as: UTF8.self)
            let here = path.isEmpty ? name : path + "." + name
            let isReadable = Array(name.utf8) == bytes
            if isReadable, let rule = rules.fields.first(where: { Array($0.name.utf8) == bytes }) {
                if seen.contains(name) { return Fault(word: "repeatedField", path: here) }
                seen.append(name)
                if case .null = value {
                    if rule.isRequired { return Fault(word: "missingField", path: here) }
                } else if let fault = check(value, rule.value, here) {
                    return fault
                }
            } else if isReadable, rules.forbidden.contains(where: { Array($0.utf8) == bytes }) {
                return Fault(word: "forbiddenField", path: here)
            } else if rules.unknown == .forbid {
                return Fault(word: "unknownField", path: path.isEmpty ? "?" : path + ".?")
            }
        }
        for rule in rules.fields.sorted(by: comesBefore) where rule.isRequired && !seen.contains(rule.name) {
            return Fault(word: "missingField", path: path.isEmpty ? rule.name : path + "." + rule.name)
        }
        return nil
    }

    /// Shorter names first, then by bytes.
    private static func comesBefore(_ left: FieldRule, _ right: FieldRule) -> Bool {
        let (one, two) = (Array(left.name.utf8), Array(right.name.utf8))
        return one.count == two.count ? one.lexicographicallyPrecedes(two) : one.count < two.count
    }

    // MARK: Values

    private static func check(_ value: Tree, _ rule: ValueRule, _ path: String) -> Fault? {
        func fault(_ word: String) -> Fault { Fault(word: word, path: path) }
        func length(_ count: Int, _ range: LengthRange) -> Fault? {
            if count < range.min { return fault("tooShort") }
            if let max = range.max, count > max { return fault("tooLong") }
            return nil
        }
        switch (rule, value) {
        case (.any, _), (.boolean, .bool): return nil
        case (.string(let range, let choices), .text(let bytes)):
            guard let text = String(validating: bytes, as: UTF8.self) else { return fault("notText") }
            if let fault = length(bytes.count, range) { return fault }
            return choices.isEmpty || choices.contains { Array($0.utf8) == Array(text.utf8) } ? nil : fault("notOneOf")
        case (.integer(let min, let max, let choices), .int(let number)):
            if let min, number < min { return fault("tooSmall") }
            if let max, number > max { return fault("tooLarge") }
            return choices.isEmpty || choices.contains(number) ? nil : fault("notOneOf")
        case (.number(let min, let max), .int), (.number(let min, let max), .float):
            let number: Double =
                if case .int(let whole) = value { Double(whole) } else if case .float(let f) = value { f } else { 0 }
            if number.isNaN || number.isInfinite { return fault("notFinite") }
            if let min, number < min { return fault("tooSmall") }
            if let max, number > max { return fault("tooLarge") }
            return nil
        case (.bytes(let range), .bytes(let bytes)): return length(bytes.count, range)
        case (.address(let kind, _, _), .bytes(let bytes)): return isAddress(bytes, kind) ? nil : fault("badAddress")
        case (.list(let range, let items), .list(let values)):
            if let fault = length(values.count, range) { return fault }
            for (index, item) in values.enumerated() {
                if let fault = check(item, items, "\(path)[\(index)]") { return fault }
            }
            return nil
        case (.map(let range, let fields), .map(let pairs)):
            return length(pairs.count, range) ?? check(pairs, fields, path)
        default: return fault("wrongType")
        }
    }

    private static func isAddress(_ bytes: [UInt8], _ kind: AddressKind) -> Bool {
        let kinds: [AddressKind: [UInt8]] = [
            .agent: [0x20], .action: [0x29], .entry: [0x21], .external: [0x2F], .dna: [0x2D],
            .hash: [0x29, 0x21, 0x2F],
        ]
        guard bytes.count == 39, bytes[0] == 0x84, bytes[2] == 0x24, kinds[kind]?.contains(bytes[1]) == true else {
            return false
        }
        // The location belongs to the core: any kind of hash of that core has it.
        let core = Array(bytes[3..<35])
        guard let agent = try? AgentPubKey(bytes: [0x84, 0x20, 0x24] + core + bytes[35...]) else { return false }
        return agent.hasDerivedLocation
    }
}

/// MessagePack into trees, by the book.
private struct Parser {
    let bytes: [UInt8]
    var at = 0

    mutating func value() -> NaiveRules.Tree? {
        guard let marker = number(1).map({ UInt8($0) }) else { return nil }
        switch marker {
        case 0x00...0x7F: return .int(Int128(marker))
        case 0xE0...0xFF: return .int(Int128(Int8(bitPattern: marker)))
        case 0x80...0x8F: return map(Int(marker & 15))
        case 0x90...0x9F: return list(Int(marker & 15))
        case 0xA0...0xBF: return take(Int(marker & 31)).map { .text($0) }
        case 0xC0: return .null
        case 0xC2, 0xC3: return .bool
        case 0xC4, 0xC5, 0xC6: return number(1 << (marker - 0xC4)).flatMap { take(Int($0)) }.map { .bytes($0) }
        case 0xC7, 0xC8, 0xC9: return number(1 << (marker - 0xC7)).flatMap { take(Int($0) + 1) }.map { _ in .other }
        case 0xCA: return number(4).map { .float(Double(Float(bitPattern: UInt32($0)))) }
        case 0xCB: return number(8).map { .float(Double(bitPattern: $0)) }
        case 0xCC...0xCF: return number(1 << (marker - 0xCC)).map { .int(Int128($0)) }
        case 0xD0: return number(1).map { .int(Int128(Int8(truncatingIfNeeded: $0))) }
        case 0xD1: return number(2).map { .int(Int128(Int16(truncatingIfNeeded: $0))) }
        case 0xD2: return number(4).map { .int(Int128(Int32(truncatingIfNeeded: $0))) }
        case 0xD3: return number(8).map { .int(Int128(Int64(bitPattern: $0))) }
        case 0xD4...0xD8: return take(1 + 1 << Int(marker - 0xD4)).map { _ in .other }
        case 0xD9, 0xDA, 0xDB: return number(1 << (marker - 0xD9)).flatMap { take(Int($0)) }.map { .text($0) }
        case 0xDC: return number(2).flatMap { list(Int($0)) }
        case 0xDD: return number(4).flatMap { list(Int($0)) }
        case 0xDE: return number(2).flatMap { map(Int($0)) }
        case 0xDF: return number(4).flatMap { map(Int($0)) }
        default: return nil
        }
    }

    private mutating func number(_ count: Int) -> UInt64? {
        take(count)?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard count <= bytes.count - at else { return nil }
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    private mutating func list(_ count: Int) -> NaiveRules.Tree? {
        guard count <= bytes.count - at else { return nil }
        var items: [NaiveRules.Tree] = []
        for _ in 0..<count {
            guard let item = value() else { return nil }
            items.append(item)
        }
        return .list(items)
    }

    private mutating func map(_ count: Int) -> NaiveRules.Tree? {
        guard count * 2 <= bytes.count - at else { return nil }
        var pairs: [(key: NaiveRules.Tree, value: NaiveRules.Tree)] = []
        for _ in 0..<count {
            guard let key = value(), let item = value() else { return nil }
            pairs.append((key, item))
        }
        return .map(pairs)
    }
}
