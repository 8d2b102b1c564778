import Integrity

/// The rules of one entry type, laid out flat: what reads an entry follows indexes through three arrays and touches no
/// reference count.
struct RulePlan: Sendable {
    enum Kind: UInt8 {
        case any, string, integer, number, boolean, bytes, address, list, map
    }

    /// What one value has to be. Which of the fields mean something depends on `kind`.
    struct Node {
        var kind: Kind
        /// Length of text and bytes, count of items and pairs.
        var minLength = 0
        var maxLength = Int.max
        var min = Int128.min
        var max = Int128.max
        var minNumber = -Double.infinity
        var maxNumber = Double.infinity
        /// Where the values of an `enum` stand in ``words`` or ``integers``.
        var choices = 0..<0
        var address = AddressKind.hash
        var mustExist = false
        /// The place of `of` in ``types``, or −1.
        var type = -1
        /// The place of a list's rule in ``nodes``.
        var items = -1
        /// A map's names in ``fields``, sorted by length, then bytes.
        var fields = 0..<0
        var forbidsUnknown = false
    }

    /// A name that a map knows.
    struct Field {
        /// The name's bytes in ``pool``.
        var name: Range<Int>
        /// The place of its rule in ``nodes``; −1 where the field is forbidden.
        var node: Int
        var isRequired: Bool
        /// Which of the type's unique fields it is, or −1.
        var unique: Int
        /// Its number among the fields of the map that have a rule.
        var ordinal: Int
    }

    private(set) var nodes: [Node] = []
    private(set) var fields: [Field] = []
    private(set) var pool: [UInt8] = []
    /// Where the texts of `enum`s stand in ``pool``.
    private(set) var words: [Range<Int>] = []
    private(set) var integers: [Int128] = []
    /// Names of entry types that `of` asks for.
    private(set) var types: [String] = []
    /// Names of the unique fields, by their number.
    private(set) var uniqueNames: [String] = []
    /// The rule for the entry itself.
    private(set) var root = -1

    init(_ rules: FieldSet) {
        root = add(.map(.any, rules), isTop: true)
    }

    /// A name of the rules, as text.
    func name(_ field: Int) -> String { String(decoding: pool[fields[field].name], as: UTF8.self) }

    private mutating func bytes(_ text: String) -> Range<Int> {
        let start = pool.count
        pool += text.utf8
        return start..<pool.count
    }

    private mutating func add(_ rule: ValueRule, isTop: Bool = false) -> Int {
        let at = nodes.count
        nodes.append(Node(kind: .any))
        var node = Node(kind: .any)
        switch rule {
        case .any: break
        case .boolean: node.kind = .boolean
        case .string(let length, let oneOf):
            node.kind = .string
            node.take(length)
            let start = words.count
            for word in oneOf { words.append(bytes(word)) }
            node.choices = start..<words.count
        case .integer(let min, let max, let oneOf):
            node.kind = .integer
            node.min = min ?? .min
            node.max = max ?? .max
            let start = integers.count
            integers += oneOf
            node.choices = start..<integers.count
        case .number(let min, let max):
            node.kind = .number
            node.minNumber = min ?? -.infinity
            node.maxNumber = max ?? .infinity
        case .bytes(let length):
            node.kind = .bytes
            node.take(length)
        case .address(let kind, let mustExist, let type):
            node.kind = .address
            node.address = kind
            node.mustExist = mustExist || type != nil
            if let type {
                node.type = types.count
                types.append(type)
            }
        case .list(let length, let items):
            node.kind = .list
            node.take(length)
            node.items = add(items)
        case .map(let length, let set):
            node.kind = .map
            node.take(length)
            node.fields = add(set, isTop: isTop)
            node.forbidsUnknown = set.unknown == .forbid
        }
        nodes[at] = node
        return at
    }

    private mutating func add(_ set: FieldSet, isTop: Bool) -> Range<Int> {
        var made: [Field] = []
        for (ordinal, rule) in set.fields.enumerated() {
            var field = Field(
                name: bytes(rule.name), node: -1, isRequired: rule.isRequired, unique: -1, ordinal: ordinal)
            if isTop, rule.isUnique {
                field.unique = uniqueNames.count
                uniqueNames.append(rule.name)
            }
            field.node = add(rule.value)
            made.append(field)
        }
        for name in set.forbidden {
            made.append(Field(name: bytes(name), node: -1, isRequired: false, unique: -1, ordinal: -1))
        }
        // The maps inside stand before: what belongs to this one is put down in one piece.
        made.sort { left, right in
            if left.name.count != right.name.count { return left.name.count < right.name.count }
            return pool[left.name].lexicographicallyPrecedes(pool[right.name])
        }
        let start = fields.count
        fields += made
        return start..<fields.count
    }
}

extension RulePlan.Node {
    fileprivate mutating func take(_ length: LengthRange) {
        minLength = length.min
        maxLength = length.max ?? .max
    }
}
