/// Any MessagePack value as a tree: for data whose shape only an app knows. Not for hot paths.
///
/// Integers up to `Int64.max` are read as ``int(_:)``, larger ones as ``uint(_:)``; maps keep their order.
public indirect enum MessagePackValue: Hashable, Sendable {
    /// nil
    case null
    /// true or false
    case bool(Bool)
    /// An integer that fits 64 signed bits.
    case int(Int64)
    /// An integer above `Int64.max` (smaller ones are written alike, but read as ``int(_:)``).
    case uint(UInt64)
    /// A float.
    case double(Double)
    /// Text.
    case string(String)
    /// Bytes.
    case binary([UInt8])
    /// A list.
    case array([MessagePackValue])
    /// Pairs in their order.
    case map([Pair])
    /// An extension value.
    case ext(Int8, [UInt8])

    /// One key and its value.
    public struct Pair: Hashable, Sendable {
        /// The key, of any kind.
        public var key: MessagePackValue
        /// The value.
        public var value: MessagePackValue

        /// A pair from its parts.
        public init(key: MessagePackValue, value: MessagePackValue) {
            self.key = key
            self.value = value
        }

        /// A pair with a text key.
        public init(_ key: String, _ value: MessagePackValue) { self.init(key: .string(key), value: value) }
    }

    /// A map with no pairs.
    public static let emptyMap = MessagePackValue.map([])

    /// A map with text keys, in this order.
    public static func map(_ pairs: KeyValuePairs<String, MessagePackValue>) -> MessagePackValue {
        .map(pairs.map { Pair($0.key, $0.value) })
    }

    /// The value of a text key, if this is a map that has it.
    public subscript(key: String) -> MessagePackValue? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.first { $0.key == .string(key) }?.value
    }

    /// The same value with the pairs of every map inside sorted by the bytes of their packed keys.
    public var sorted: MessagePackValue {
        switch self {
        case .array(let values): return .array(values.map(\.sorted))
        case .map(let pairs):
            let keyed = pairs.map { pair in
                let key = pair.key.sorted
                return (key.packed, Pair(key: key, value: pair.value.sorted))
            }
            return .map(keyed.sorted { $0.0.lexicographicallyPrecedes($1.0) }.map(\.1))
        default: return self
        }
    }
}

extension MessagePackValue: Packable {
    /// Writes the value in canonical form; maps keep their order.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .null: w.writeNil()
        case .bool(let value): w.writeBool(value)
        case .int(let value): w.writeInt(value)
        case .uint(let value): w.writeUInt(value)
        case .double(let value): w.writeDouble(value)
        case .string(let text): w.writeString(text)
        case .binary(let bytes): w.writeBinary(bytes)
        case .array(let values): w.write(values)
        case .map(let pairs):
            w.writeMapHeader(pairs.count)
            for pair in pairs {
                pair.key.pack(into: &w)
                pair.value.pack(into: &w)
            }
        case .ext(let type, let bytes): w.writeExt(type, bytes)
        }
    }

    /// Reads a value of any kind, at most ``Limits/messagePackDepth`` deep.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try self.init(from: &r, depth: Limits.messagePackDepth)
    }

    private init(from r: inout MessagePackReader, depth: Int) throws(PlasmidError) {
        switch r.peekType() {
        case .null:
            _ = r.readNil()
            self = .null
        case .bool: self = .bool(try r.readBool())
        case .int:
            if r.nextIsLargeUInt {
                self = .uint(try r.readUInt())
            } else {
                self = .int(try r.readInt())
            }
        case .double: self = .double(try r.readDouble())
        case .string: self = .string(try r.readString())
        case .binary: self = .binary(try r.readBytes())
        case .array:
            guard depth > 0 else { throw r.tooDeep() }
            let count = try r.readArrayHeader()
            var values: [MessagePackValue] = []
            for _ in 0..<count { values.append(try MessagePackValue(from: &r, depth: depth - 1)) }
            self = .array(values)
        case .map:
            guard depth > 0 else { throw r.tooDeep() }
            let count = try r.readMapHeader()
            var pairs: [Pair] = []
            for _ in 0..<count {
                let key = try MessagePackValue(from: &r, depth: depth - 1)
                pairs.append(Pair(key: key, value: try MessagePackValue(from: &r, depth: depth - 1)))
            }
            self = .map(pairs)
        case .ext:
            let (type, bytes) = try r.readExt()
            self = .ext(type, [UInt8](bytes))
        case .invalid, nil: throw r.mismatch("a value", consumed: false)
        }
    }
}

extension MessagePackReader {
    /// True when the next value is an integer above `Int64.max`.
    public var nextIsLargeUInt: Bool {
        guard remaining >= 2, base.load(fromByteOffset: position, as: UInt8.self) == 0xCF else { return false }
        return base.load(fromByteOffset: position + 1, as: UInt8.self) >= 0x80
    }
}

extension MessagePackValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    public init(arrayLiteral elements: MessagePackValue...) { self = .array(elements) }
    /// nil.
    public init(nilLiteral: ()) { self = .null }
    /// A float.
    public init(floatLiteral value: Double) { self = .double(value) }
}
