import Integrity

/// An address in an entry that must lead to something.
struct RuleReference {
    /// The node whose rule asks for it.
    let node: Int
    let hash: AnyDhtHash
    let trail: [RuleStep]

    /// What is looked for: once, however often it stands there.
    struct Key: Hashable {
        let node: Int
        let hash: AnyDhtHash
    }

    var key: Key { Key(node: node, hash: hash) }
}

/// A value of a unique field in its one form: as packed, or the hash of that where it is long.
struct UniqueValue: Hashable, Sendable {
    /// The number of the field in ``RulePlan/uniqueNames``.
    let field: Int
    let bytes: [UInt8]
    private let isHash: Bool

    init(field: Int, packed: [UInt8]) {
        self.field = field
        isHash = packed.count > 64
        bytes = isHash ? EntryHash(hashing: packed).bytes : packed
    }
}

/// What an entry that breaks no rule of its fields has to say beyond itself.
struct EntryFacts {
    var references: [RuleReference] = []
    var uniqueValues: [UniqueValue] = []
}

/// Reads an entry's bytes once, front to back, along the rules of its type. Bounded: depth by ``Limits/messagePackDepth``,
/// work by the bytes times the logarithm of the names of a map; memory by what is to be looked up.
struct EntryJudge {
    private let nodes: UnsafeBufferPointer<RulePlan.Node>
    private let fields: UnsafeBufferPointer<RulePlan.Field>
    private let pool: UnsafeRawBufferPointer
    private let plan: RulePlan
    private var reader: MessagePackReader
    private var trail: [RuleStep] = []
    private var facts = EntryFacts()

    /// What the entry says beyond itself, or why it is refused.
    static func judge(
        _ bytes: [UInt8], by plan: RulePlan, type: String
    ) -> Result<EntryFacts, RuleRefusal> {
        plan.nodes.withUnsafeBufferPointer { nodes in
            plan.fields.withUnsafeBufferPointer { fields in
                plan.pool.withUnsafeBytes { pool in
                    bytes.withUnsafeBytes { bytes in
                        var judge = EntryJudge(plan, nodes, fields, pool, bytes)
                        do throws(RuleFault) {
                            try judge.readEntry()
                            return .success(judge.facts)
                        } catch {
                            return .failure(RuleWords(plan: plan, type: type).refusal(error, judge.trail))
                        }
                    }
                }
            }
        }
    }

    private init(
        _ plan: RulePlan, _ nodes: UnsafeBufferPointer<RulePlan.Node>, _ fields: UnsafeBufferPointer<RulePlan.Field>,
        _ pool: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
    ) {
        self.plan = plan
        self.nodes = nodes
        self.fields = fields
        self.pool = pool
        reader = MessagePackReader(bytes)
    }

    // MARK: Structure

    private mutating func readEntry() throws(RuleFault) {
        switch reader.peekType() {
        case .map: break
        case nil, .invalid: throw RuleFault(.malformed)
        default:
            // What is damaged is told as that, whatever it begins with.
            try skip(depth: Limits.messagePackDepth)
            throw RuleFault(reader.isAtEnd ? .notAMap : .malformed)
        }
        try readMap(plan.root, depth: Limits.messagePackDepth)
        if !reader.isAtEnd { throw RuleFault(.malformed) }
    }

    /// A map whose rule is `node`; `depth` containers may nest here, this one among them.
    private mutating func readMap(_ node: Int, depth: Int) throws(RuleFault) {
        let count = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readMapHeader() }
        try checkLength(count, node)
        let names = nodes[node].fields
        let forbidsUnknown = nodes[node].forbidsUnknown
        // At most 256 fields have a rule: one bit each.
        var seen = SIMD4<UInt64>()
        var guess = names.lowerBound
        trail.append(.field(-1))
        for _ in 0..<count {
            trail[trail.count - 1] = .field(-1)
            guard let kind = reader.peekType(), kind != .invalid else { throw RuleFault(.malformed) }
            guard kind == .string else { throw RuleFault(.keyNotText) }
            let key = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readStringBytesUnchecked() }
            guard let at = find(key, names, guess) else {
                if forbidsUnknown { throw RuleFault(.unknownField, name: Self.shown(key)) }
                try skip(depth: depth - 1)
                continue
            }
            guess = at + 1
            trail[trail.count - 1] = .field(at)
            let field = fields[at]
            guard field.node >= 0 else { throw RuleFault(.forbiddenField) }
            let (word, bit) = (field.ordinal >> 6, 1 as UInt64 &<< UInt64(field.ordinal & 63))
            if seen[word] & bit != 0 { throw RuleFault(.repeatedField) }
            seen[word] |= bit
            if reader.readNil() {
                if field.isRequired { throw RuleFault(.missingField) }
                continue
            }
            let start = reader
            try readValue(field.node, depth: depth - 1)
            if field.unique >= 0 { keepUnique(field, start) }
        }
        try checkRequired(names, seen)
        trail.removeLast()
    }

    private mutating func checkRequired(_ names: Range<Int>, _ seen: SIMD4<UInt64>) throws(RuleFault) {
        for at in names where fields[at].isRequired {
            let ordinal = fields[at].ordinal
            if seen[ordinal >> 6] & (1 as UInt64 &<< UInt64(ordinal & 63)) == 0 {
                trail[trail.count - 1] = .field(at)
                throw RuleFault(.missingField)
            }
        }
    }

    private mutating func readList(_ node: Int, depth: Int) throws(RuleFault) {
        guard depth > 0 else { throw RuleFault(.tooDeep) }
        let count = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readArrayHeader() }
        try checkLength(count, node)
        let items = nodes[node].items
        trail.append(.item(0))
        for index in 0..<count {
            trail[trail.count - 1] = .item(index)
            try readValue(items, depth: depth - 1)
        }
        trail.removeLast()
    }

    /// The place of a name among `names`, which are sorted by length, then bytes. Entries mostly have the same order, so
    /// the one after the last is tried first.
    private func find(_ key: UnsafeRawBufferPointer, _ names: Range<Int>, _ guess: Int) -> Int? {
        if names.contains(guess), order(key, fields[guess].name) == 0 { return guess }
        var (low, high) = (names.lowerBound, names.upperBound)
        while low < high {
            let middle = (low + high) / 2
            let order = order(key, fields[middle].name)
            if order == 0 { return middle }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return nil
    }

    /// Below, at or above zero: how the key stands to a name of the pool.
    private func order(_ key: UnsafeRawBufferPointer, _ name: Range<Int>) -> Int {
        if key.count != name.count { return key.count - name.count }
        for offset in 0..<key.count where key[offset] != pool[name.lowerBound + offset] {
            return Int(key[offset]) - Int(pool[name.lowerBound + offset])
        }
        return 0
    }

    // MARK: Values

    /// A value whose rule is `node`; `depth` containers may nest here.
    private mutating func readValue(_ node: Int, depth: Int) throws(RuleFault) {
        switch nodes[node].kind {
        case .any: try skip(depth: depth)
        case .string: try readText(node)
        case .integer: try readInteger(node)
        case .number: try readNumber(node)
        case .boolean:
            try expect(.bool, node)
            _ = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readBool() }
        case .bytes:
            try expect(.binary, node)
            let bytes = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readBinary() }
            try checkLength(bytes.count, node)
        case .address: try readAddress(node)
        case .list:
            try expect(.array, node)
            try readList(node, depth: depth)
        case .map:
            try expect(.map, node)
            guard depth > 0 else { throw RuleFault(.tooDeep) }
            try readMap(node, depth: depth)
        }
    }

    private func expect(_ wanted: MessagePackType, _ node: Int) throws(RuleFault) {
        let found = reader.peekType()
        if found == wanted { return }
        guard let found, found != .invalid else { throw RuleFault(.malformed) }
        throw RuleFault(.wrongType, node: node, .type(found))
    }

    private mutating func readText(_ node: Int) throws(RuleFault) {
        try expect(.string, node)
        let text = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readStringBytesUnchecked() }
        guard UTF8Check.isValid(text) else { throw RuleFault(.notText) }
        try checkLength(text.count, node)
        let choices = nodes[node].choices
        if choices.isEmpty { return }
        for word in plan.words[choices] where order(text, word) == 0 { return }
        throw RuleFault(.notOneOf, node: node)
    }

    private mutating func readInteger(_ node: Int) throws(RuleFault) {
        try expect(.int, node)
        let value = try integer()
        if value < nodes[node].min { throw RuleFault(.tooSmall, node: node, .integer(value)) }
        if value > nodes[node].max { throw RuleFault(.tooLarge, node: node, .integer(value)) }
        let choices = nodes[node].choices
        if choices.isEmpty || plan.integers[choices].contains(value) { return }
        throw RuleFault(.notOneOf, node: node)
    }

    private mutating func integer() throws(RuleFault) -> Int128 {
        try read { (r: inout MessagePackReader) throws(PlasmidError) in
            if r.nextIsLargeUInt { return Int128(try r.readUInt()) }
            return Int128(try r.readInt())
        }
    }

    private mutating func readNumber(_ node: Int) throws(RuleFault) {
        if reader.peekType() != .int { try expect(.double, node) }
        let value = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readDouble() }
        guard value.isFinite else { throw RuleFault(.notFinite) }
        if value < nodes[node].minNumber { throw RuleFault(.tooSmall, node: node, .number(value)) }
        if value > nodes[node].maxNumber { throw RuleFault(.tooLarge, node: node, .number(value)) }
    }

    private mutating func readAddress(_ node: Int) throws(RuleFault) {
        try expect(.binary, node)
        let bytes = try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.readBinary() }
        let kind = nodes[node].address
        guard kind.isAddress(bytes) else { throw RuleFault(.badAddress, node: node) }
        guard nodes[node].mustExist, let hash = kind.dhtHash(bytes) else { return }
        // Each is looked for: an entry must not make every node look for as many as fit into it.
        guard facts.references.count < Limits.ruleReferences else { throw RuleFault(.tooManyReferences) }
        facts.references.append(RuleReference(node: node, hash: hash, trail: trail))
    }

    private func checkLength(_ count: Int, _ node: Int) throws(RuleFault) {
        if count < nodes[node].minLength { throw RuleFault(.tooShort, node: node, .count(count)) }
        if count > nodes[node].maxLength { throw RuleFault(.tooLong, node: node, .count(count)) }
    }

    /// Keeps a value that has just been read, from `start` on, in the form that all equal values share.
    private mutating func keepUnique(_ field: RulePlan.Field, _ start: MessagePackReader) {
        var again = start
        guard let value: MessagePackValue = try? again.read() else { return }
        facts.uniqueValues.append(UniqueValue(field: field.unique, packed: value.packed))
    }

    // MARK: Bytes

    private mutating func skip(depth: Int) throws(RuleFault) {
        try read { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip(depth: depth) }
    }

    @inline(__always)
    private mutating func read<Value>(
        _ body: (inout MessagePackReader) throws(PlasmidError) -> Value
    ) throws(RuleFault) -> Value {
        do throws(PlasmidError) {
            return try body(&reader)
        } catch {
            throw RuleFault(error.code == .tooDeep ? .tooDeep : .malformed)
        }
    }

    private static let unseen: [ClosedRange<UInt32>] = [
        0...0x1F, 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF...0xFEFF,
    ]

    /// A name that the entry's author chose, fit to be shown: short, without characters that are not seen or turn the line
    /// around.
    private static func shown(_ key: UnsafeRawBufferPointer) -> String {
        var text = ""
        let name = String(decoding: key.prefix(200), as: UTF8.self)
        for scalar in name.unicodeScalars.prefix(40) {
            text.unicodeScalars.append(unseen.contains { $0.contains(scalar.value) } ? "\u{FFFD}" : scalar)
        }
        return text
    }
}

extension AddressKind {
    /// Whether the bytes are an address of this kind: length, prefix, and the location that belongs to the core.
    fileprivate func isAddress(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .agent: return (try? AgentPubKey(bytes39: bytes))?.hasDerivedLocation == true
        case .action: return (try? ActionHash(bytes39: bytes))?.hasDerivedLocation == true
        case .entry: return (try? EntryHash(bytes39: bytes))?.hasDerivedLocation == true
        case .external: return (try? ExternalHash(bytes39: bytes))?.hasDerivedLocation == true
        case .dna: return (try? DnaHash(bytes39: bytes))?.hasDerivedLocation == true
        case .hash:
            return AddressKind.action.isAddress(bytes) || AddressKind.entry.isAddress(bytes)
                || AddressKind.external.isAddress(bytes)
        }
    }

    /// What is looked for under an address that ``isAddress(_:)`` accepts.
    fileprivate func dhtHash(_ bytes: UnsafeRawBufferPointer) -> AnyDhtHash? {
        switch self {
        case .agent: return (try? AgentPubKey(bytes39: bytes)).map { AnyDhtHash($0) }
        case .action, .entry: return try? AnyDhtHash(bytes39: bytes)
        case .external, .dna, .hash: return nil
        }
    }
}
