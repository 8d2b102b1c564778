// Whole values, fields of maps, and the errors of the reader.

extension MessagePackReader {
    /// Reads an extension value and lends its bytes.
    public mutating func readExt() throws(PlasmidError) -> (type: Int8, bytes: UnsafeRawBufferPointer) {
        let count: Int
        switch try take() {
        case 0xD4: count = 1
        case 0xD5: count = 2
        case 0xD6: count = 4
        case 0xD7: count = 8
        case 0xD8: count = 16
        case 0xC7: count = Int(try take())
        case 0xC8: count = Int(try take(UInt16.self))
        case 0xC9: count = Int(try take(UInt32.self))
        default: throw mismatch("an extension value")
        }
        let type = Int8(bitPattern: try take())
        return (type, try take(count: count))
    }

    /// Steps over one whole value of any kind; text inside is not checked for UTF-8.
    /// - Throws: `malformedMessagePack`, and `tooDeep` beyond ``Limits/messagePackDepth``.
    public mutating func skip() throws(PlasmidError) { try skip(depth: Limits.messagePackDepth) }

    /// Steps over one whole value that may nest `depth` containers deep.
    /// - Throws: `malformedMessagePack`, and `tooDeep` beyond `depth`.
    public mutating func skip(depth: Int) throws(PlasmidError) {
        guard position < end else { throw short(1) }
        let marker = base.load(fromByteOffset: position, as: UInt8.self)
        switch marker {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: position &+= 1
        case 0xA0...0xBF, 0xD9...0xDB: _ = try readStringBytesUnchecked()
        case 0xC4...0xC6: _ = try readBinary()
        case 0xCC, 0xD0: _ = try take(count: 2)
        case 0xCD, 0xD1: _ = try take(count: 3)
        case 0xCE, 0xD2, 0xCA: _ = try take(count: 5)
        case 0xCF, 0xD3, 0xCB: _ = try take(count: 9)
        case 0x80...0x8F, 0xDE, 0xDF: try skipMany(try readMapHeader() * 2, depth: depth)
        case 0x90...0x9F, 0xDC, 0xDD: try skipMany(try readArrayHeader(), depth: depth)
        case 0xC1: throw mismatch("a value", consumed: false)
        default: _ = try readExt()
        }
    }

    private mutating func skipMany(_ count: Int, depth: Int) throws(PlasmidError) {
        guard depth > 0 else { throw tooDeep() }
        for _ in 0..<count { try skip(depth: depth - 1) }
    }

    /// Reads one whole value of any kind and lends its bytes; it is checked for structure and depth, not for UTF-8.
    public mutating func rawValue() throws(PlasmidError) -> UnsafeRawBufferPointer {
        let start = position
        try skip()
        return UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    /// Reads one whole value of any kind and copies its bytes.
    public mutating func rawBytes() throws(PlasmidError) -> [UInt8] { [UInt8](try rawValue()) }

    // MARK: Typed values

    /// Reads one value of a packable type.
    @inlinable
    public mutating func read<Value: Packable>(_: Value.Type = Value.self) throws(PlasmidError) -> Value {
        try Value(from: &self)
    }

    /// Reads a value, or nil.
    @inlinable
    public mutating func readOptional<Value: Packable>() throws(PlasmidError) -> Value? {
        if readNil() { return nil }
        return try Value(from: &self)
    }

    /// Reads `bin` (or an array of bytes), or nil.
    public mutating func readOptionalBytes() throws(PlasmidError) -> [UInt8]? {
        if readNil() { return nil }
        return try readBytes()
    }

    /// Reads an array of values.
    @inlinable
    public mutating func readArray<Value: Packable>(of _: Value.Type = Value.self) throws(PlasmidError) -> [Value] {
        let count = try readArrayHeader()
        var values: [Value] = []
        // A header may promise as many values as bytes are left, each far larger in memory: grow as they come.
        values.reserveCapacity(min(count, 1_024))
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    /// Reads an array of values, or nil.
    @inlinable
    public mutating func readOptionalArray<Value: Packable>() throws(PlasmidError) -> [Value]? {
        if readNil() { return nil }
        return try readArray()
    }

    /// Reads an array header that must promise exactly `count` values.
    /// - Throws: `malformedMessagePack`, naming `what`.
    public mutating func expectArray(_ count: Int, _ what: StaticString) throws(PlasmidError) {
        let found = try readArrayHeader()
        guard found == count else {
            throw PlasmidError(
                .malformedMessagePack, "\(what) takes \(count) values, but the array at byte \(position) has \(found).")
        }
    }

    /// Reads a map header that must promise exactly one pair, then its key: an externally tagged enum.
    /// - Throws: `malformedMessagePack`, naming `what`.
    public mutating func expectVariant(_ what: StaticString) throws(PlasmidError) -> MessagePackKey {
        guard try readMapHeader() == 1 else {
            throw PlasmidError(.malformedMessagePack, "\(what) is a map with exactly one key (byte \(position)).")
        }
        return try readKey()
    }

    /// Reads a field into its variable, once.
    /// - Throws: `malformedMessagePack` when the field was there before.
    @inlinable
    public mutating func read<Value: Packable>(into slot: inout Value?) throws(PlasmidError) {
        if slot != nil { throw duplicate() }
        slot = try Value(from: &self)
    }

    /// The field's value, which a map must have.
    /// - Throws: `malformedMessagePack`, naming the field and the type.
    @inlinable
    public func require<Value>(
        _ value: Value?, _ field: StaticString, of type: StaticString
    ) throws(PlasmidError) -> Value {
        guard let value else { throw missing(field, of: type) }
        return value
    }

    // MARK: Errors, kept out of the hot paths

    @usableFromInline
    @inline(never)
    func missing(_ field: StaticString, of type: StaticString) -> PlasmidError {
        PlasmidError(.malformedMessagePack, "missing field `\(field)` of \(type).")
    }

    /// The error for a name that an enum does not have.
    public func unknownCase(_ key: MessagePackKey, of type: StaticString) -> PlasmidError {
        PlasmidError(.malformedMessagePack, "\(type) has no case `\(key.text)`.")
    }

    @usableFromInline
    @inline(never)
    func duplicate() -> PlasmidError {
        PlasmidError(.malformedMessagePack, "A map has the same key twice, the second before byte \(position).")
    }

    @usableFromInline
    @inline(never)
    func short(_ needed: Int) -> PlasmidError {
        PlasmidError(
            .malformedMessagePack,
            "The bytes end too early: \(needed) more are promised at byte \(position), \(end - position) are left.")
    }

    @usableFromInline
    @inline(never)
    func leftOver() -> PlasmidError {
        PlasmidError(.malformedMessagePack, "\(end - position) bytes are left over after the value.")
    }

    @usableFromInline
    @inline(never)
    func mismatch(_ wanted: StaticString, consumed: Bool = true) -> PlasmidError {
        let at = consumed ? position - 1 : position
        guard at >= 0, at < end else {
            return PlasmidError(.malformedMessagePack, "The bytes end where \(wanted) is expected.")
        }
        let marker = base.load(fromByteOffset: at, as: UInt8.self)
        return PlasmidError(
            .malformedMessagePack,
            "Expected \(wanted) at byte \(at), found \(MessagePackReader.type(ofMarker: marker).noun).")
    }

    @usableFromInline
    @inline(never)
    func outOfRange(_ wanted: StaticString) -> PlasmidError {
        PlasmidError(.malformedMessagePack, "The number before byte \(position) is not \(wanted).")
    }

    @usableFromInline
    @inline(never)
    func wrongLength(_ wanted: Int) -> PlasmidError {
        PlasmidError(.malformedMessagePack, "The bytes before byte \(position) are not exactly \(wanted) long.")
    }

    @usableFromInline
    @inline(never)
    func notUTF8() -> PlasmidError {
        PlasmidError(.malformedMessagePack, "The text before byte \(position) is not UTF-8.")
    }

    @usableFromInline
    @inline(never)
    func tooDeep() -> PlasmidError {
        PlasmidError(.tooDeep, "Arrays and maps nest deeper than \(Limits.messagePackDepth) at byte \(position).")
    }
}

extension MessagePackType {
    /// The kind with its article, for messages.
    public var noun: String {
        switch self {
        case .null: "nil"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a float"
        case .string: "text"
        case .binary: "bytes"
        case .array: "an array"
        case .map: "a map"
        case .ext: "an extension value"
        case .invalid: "the unused byte c1"
        }
    }
}
