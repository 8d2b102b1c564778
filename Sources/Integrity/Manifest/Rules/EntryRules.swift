/// The declarative rules of an entry type: what the conductor itself holds every entry to, on every node, before any module
/// runs. Their bytes, and what each means, are those of docs/spec/rules.md.
public struct EntryRules: Sendable, Hashable {
    /// What the entry, a map, has to hold. ``FieldSet/isOpen`` when entries may be anything.
    public var fields: FieldSet
    /// Who may replace an entry of the type.
    public var update: WhoMayChange
    /// Who may take one back.
    public var delete: WhoMayChange

    /// No rules: every entry is welcome, and everyone may update and delete it.
    public static let none = EntryRules()

    /// Rules from their parts; the defaults are those of the manifest.
    public init(fields: FieldSet = FieldSet(), update: WhoMayChange = .anyone, delete: WhoMayChange = .anyone) {
        self.fields = fields
        self.update = update
        self.delete = delete
    }

    /// Whether there is nothing to enforce.
    public var isNone: Bool { self == .none }

    /// The rules that ask who wrote an entry, by their keys in the manifest: a type that has one needs authors.
    public var needingAuthor: [String] {
        var keys: [String] = []
        if update == .author { keys.append("update: author") }
        if delete == .author { keys.append("delete: author") }
        keys += fields.fields.filter(\.isUnique).map { "unique on \($0.name)" }
        return keys
    }
}

/// Who may update or delete an entry.
public enum WhoMayChange: String, Packable, Sendable, Hashable, CaseIterable {
    /// Every agent.
    case anyone
    /// The author of what is updated or deleted.
    case author
    /// Nobody: it stands for good.
    case nobody

    /// Writes the name.
    public func pack(into w: inout MessagePackWriter) { w.writeString(rawValue) }
    /// Reads the name.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readName("WhoMayChange") }
}

/// What is done with fields that the rules do not name.
public enum UnknownFields: String, Sendable, Hashable, CaseIterable {
    /// They may be there, and may be anything.
    case allow
    /// They may not be there.
    case forbid
}

/// What the fields of a map have to be.
public struct FieldSet: Sendable, Hashable {
    /// The fields with a rule, sorted by the bytes of their packed names, as in the DNA hash.
    public private(set) var fields: [FieldRule]
    /// Names that no field may have, in file order.
    public var forbidden: [String]
    /// What is done with fields that have no rule.
    public var unknown: UnknownFields

    /// A set from its parts, in any order; the defaults are those of the manifest.
    public init(_ fields: [FieldRule] = [], forbidden: [String] = [], unknown: UnknownFields = .allow) {
        self.fields = fields.sorted { $0.name.packed.lexicographicallyPrecedes($1.name.packed) }
        self.forbidden = forbidden
        self.unknown = unknown
    }

    /// Whether every map is welcome.
    public var isOpen: Bool { fields.isEmpty && forbidden.isEmpty && unknown == .allow }
}

/// What one field has to be.
public struct FieldRule: Sendable, Hashable {
    /// The field's name: the map's key, as text.
    public var name: String
    /// Whether it must be there. A field that is nil counts as one that is not there.
    public var isRequired: Bool
    /// Whether an author's live entries of the type all have different values here. Only at the top of an entry.
    public var isUnique: Bool
    /// What it has to be where it is there.
    public var value: ValueRule

    /// A rule from its parts; the defaults are those of the manifest.
    public init(_ name: String, _ value: ValueRule, required: Bool = true, unique: Bool = false) {
        self.name = name
        self.value = value
        isRequired = required
        isUnique = unique
    }
}

/// What a value has to be: a closed list.
public indirect enum ValueRule: Sendable, Hashable {
    /// Anything.
    case any
    /// Text, by its bytes of UTF-8; one of `oneOf` where that is not empty.
    case string(LengthRange, oneOf: [String])
    /// An integer; one of `oneOf` where that is not empty.
    case integer(min: Int128?, max: Int128?, oneOf: [Int128])
    /// A finite number, integer or float, compared as a 64-bit float.
    case number(min: Double?, max: Double?)
    /// True or false.
    case boolean
    /// Bytes, by their count.
    case bytes(LengthRange)
    /// 39 bytes of an address; with `mustExist` what it names must be held; with `of` it must be an action that brought an
    /// entry of that type.
    case address(AddressKind, mustExist: Bool, of: String?)
    /// A list, by the count of its items.
    case list(LengthRange, items: ValueRule)
    /// A map with text keys, by the count of its pairs.
    case map(LengthRange, FieldSet)

    /// The manifest's word for the type.
    public var word: String {
        switch self {
        case .any: "any"
        case .string: "string"
        case .integer: "integer"
        case .number: "number"
        case .boolean: "boolean"
        case .bytes: "bytes"
        case .address(let kind, _, _): kind.rawValue
        case .list: "list"
        case .map: "map"
        }
    }

    /// Whether equal values always have one form, so that ``FieldRule/isUnique`` can compare them.
    public var canBeUnique: Bool {
        switch self {
        case .string, .integer, .boolean, .bytes, .address: true
        case .any, .number, .list, .map: false
        }
    }
}

/// The kinds of address that a field can hold.
public enum AddressKind: String, Sendable, Hashable, CaseIterable {
    /// An agent's key.
    case agent
    /// An action.
    case action
    /// An entry.
    case entry
    /// Something outside the app's data.
    case external
    /// A DNA.
    case dna
    /// An action, an entry or something outside.
    case hash

    /// Whether `must_exist` makes sense: what is outside cannot be looked for.
    public var canBeLookedUp: Bool {
        switch self {
        case .agent, .action, .entry: true
        case .external, .dna, .hash: false
        }
    }
}

/// How long something may be, both ends included.
public struct LengthRange: Sendable, Hashable {
    /// The least.
    public var min: Int
    /// The most; nil where only the entry's own limit holds.
    public var max: Int?

    /// Any length.
    public static let any = LengthRange()

    /// A range from its ends.
    public init(min: Int = 0, max: Int? = nil) {
        self.min = min
        self.max = max
    }
}
