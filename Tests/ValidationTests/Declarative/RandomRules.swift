import Integrity

/// splitmix64: small, seedable, the same everywhere.
struct RuleDice: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    /// True once in `bound`.
    mutating func once(in bound: Int) -> Bool { below(bound) == 0 }

    mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}

/// Rules at random, and entries that mostly obey them.
struct RandomRules {
    static let names = [
        "a", "b", "to", "text", "tags", "größe", "title", "slug", "a name of more than thirty-one bytes",
        String(repeating: "n", count: 128),
    ]
    static let texts = [
        "", "x", "open", "closed", "é", "日本", "a longer text of forty bytes, more or less", "\u{1F469}\u{200D}",
    ]

    var dice: RuleDice

    init(seed: UInt64) { dice = RuleDice(seed) }

    // MARK: Rules

    mutating func fieldSet(depth: Int = 0) -> FieldSet {
        var names = Self.names.shuffled(using: &dice)
        var fields: [FieldRule] = []
        for _ in 0..<dice.below(depth == 0 ? 7 : 4) {
            fields.append(
                FieldRule(names.removeLast(), rule(depth: depth), required: !dice.once(in: 3)))
        }
        let forbidden = dice.once(in: 3) ? [names.removeLast()] : []
        return FieldSet(fields, forbidden: forbidden, unknown: dice.once(in: 3) ? .forbid : .allow)
    }

    mutating func rule(depth: Int) -> ValueRule {
        switch dice.below(depth < 3 ? 11 : 9) {
        case 0: return .any
        case 1, 2:
            let choices = dice.once(in: 3) ? Array(Self.texts.shuffled(using: &dice).prefix(1 + dice.below(3))) : []
            return .string(length(40), oneOf: choices)
        case 3:
            let (one, two) = (integer(), integer())
            let choices = dice.once(in: 3) ? [integer(), integer()] : []
            return .integer(
                min: dice.once(in: 2) ? min(one, two) : nil, max: dice.once(in: 2) ? max(one, two) : nil, oneOf: choices
            )
        case 4:
            let (one, two) = (number(), number())
            return .number(min: dice.once(in: 2) ? min(one, two) : nil, max: dice.once(in: 2) ? max(one, two) : nil)
        case 5: return .boolean
        case 6: return .bytes(length(40))
        case 7, 8: return .address(dice.pick(AddressKind.allCases), mustExist: false, of: nil)
        case 9: return .list(length(4), items: rule(depth: depth + 1))
        default: return .map(length(6), fieldSet(depth: depth + 1))
        }
    }

    private mutating func length(_ most: Int) -> LengthRange {
        let low = dice.once(in: 3) ? dice.below(3) : 0
        return LengthRange(min: low, max: dice.once(in: 2) ? low + dice.below(most) : nil)
    }

    private mutating func integer() -> Int128 {
        switch dice.below(4) {
        case 0: Int128(dice.below(10))
        case 1: Int128(Int8(truncatingIfNeeded: dice.next()))
        case 2: Int128(Int64(bitPattern: dice.next()))
        default: Int128(dice.next())
        }
    }

    private mutating func number() -> Double {
        dice.once(in: 3) ? Double(dice.below(10)) : Double(Int32(truncatingIfNeeded: dice.next())) / 1_000
    }

    // MARK: Entries

    /// A map that mostly obeys.
    mutating func entry(_ rules: FieldSet) -> MessagePackValue {
        var pairs: [MessagePackValue.Pair] = []
        for field in rules.fields {
            if field.isRequired ? dice.once(in: 25) : dice.once(in: 2) { continue }
            pairs.append(.init(field.name, dice.once(in: 30) ? .null : value(field.value)))
            if dice.once(in: 60) { pairs.append(.init(field.name, value(field.value))) }
        }
        if dice.once(in: rules.unknown == .allow ? 2 : 20) { pairs.append(.init("zz", anything(depth: 2))) }
        if dice.once(in: 25) { pairs.append(.init(dice.pick(Self.names), anything(depth: 2))) }
        if dice.once(in: 60) { pairs.append(.init(key: .int(7), value: .null)) }
        return .map(pairs.shuffled(using: &dice))
    }

    mutating func value(_ rule: ValueRule) -> MessagePackValue {
        if dice.once(in: 25) { return anything(depth: 2) }
        switch rule {
        case .any: return anything(depth: 3)
        case .string(let range, let choices):
            if !choices.isEmpty, !dice.once(in: 8) { return .string(dice.pick(choices)) }
            return .string(String(repeating: "x", count: count(range)))
        case .integer(let min, let max, let choices):
            var value = choices.isEmpty || dice.once(in: 8) ? integer() : dice.pick(choices)
            if choices.isEmpty, !dice.once(in: 8) { value = Swift.min(Swift.max(value, min ?? value), max ?? value) }
            return Int64(exactly: value).map { .int($0) } ?? .uint(UInt64(clamping: value))
        case .number(let min, let max):
            if dice.once(in: 40) { return .double(dice.pick([.infinity, -.infinity, .nan])) }
            if dice.once(in: 4) { return .int(Int64(dice.below(20))) }
            let value = number()
            return .double(dice.once(in: 8) ? value : Swift.min(Swift.max(value, min ?? value), max ?? value))
        case .boolean: return .bool(dice.once(in: 2))
        case .bytes(let range): return .binary(Array(repeating: 7, count: count(range)))
        case .address(let kind, _, _): return .binary(address(kind))
        case .list(let range, let items):
            return .array((0..<count(range, most: 4)).map { _ in value(items) })
        case .map(_, let fields): return entry(fields)
        }
    }

    private mutating func count(_ range: LengthRange, most: Int = 12) -> Int {
        let high = min(range.max ?? most, range.min + most)
        let count = range.min + dice.below(max(1, high - range.min + 1))
        return dice.once(in: 15) ? max(0, count + dice.below(5) - 2) : count
    }

    private mutating func address(_ kind: AddressKind) -> [UInt8] {
        let seed = [UInt8](repeating: UInt8(dice.below(256)), count: 3)
        let kinds: [AddressKind] = [.action, .entry, .external]
        let kind = kind == .hash && !dice.once(in: 8) ? dice.pick(kinds) : dice.once(in: 12) ? .agent : kind
        var bytes =
            switch kind {
            case .agent: AgentPubKey(hashing: seed).bytes
            case .action: ActionHash(hashing: seed).bytes
            case .entry: EntryHash(hashing: seed).bytes
            case .external: ExternalHash(hashing: seed).bytes
            case .dna, .hash: DnaHash(hashing: seed).bytes
            }
        if dice.once(in: 15) { bytes[dice.below(39)] ^= 1 }
        return bytes
    }

    mutating func anything(depth: Int) -> MessagePackValue {
        switch dice.below(depth > 0 ? 10 : 8) {
        case 0: return .null
        case 1: return .bool(true)
        case 2:
            let value = integer()
            return Int64(exactly: value).map { .int($0) } ?? .uint(UInt64(clamping: value))
        case 3: return .double(number())
        case 4: return .string(dice.pick(Self.texts))
        case 5: return .binary([1, 2, 3])
        case 6: return .binary(address(dice.pick(AddressKind.allCases)))
        case 7: return .ext(3, [1, 2])
        case 8: return .array((0..<dice.below(4)).map { _ in anything(depth: depth - 1) })
        default:
            return .map((0..<dice.below(3)).map { .init("k\($0)", anything(depth: depth - 1)) })
        }
    }

    /// Bytes with one thing changed: a byte, its end, an insertion.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return [UInt8(truncatingIfNeeded: dice.next())] }
        switch dice.below(4) {
        case 0: bytes[dice.below(bytes.count)] = UInt8(truncatingIfNeeded: dice.next())
        case 1: bytes.removeLast(1 + dice.below(bytes.count))
        case 2: bytes.insert(UInt8(truncatingIfNeeded: dice.next()), at: dice.below(bytes.count + 1))
        default: bytes.remove(at: dice.below(bytes.count))
        }
        return bytes
    }
}
