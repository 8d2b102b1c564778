// The encoder's three containers. Each call names its frame first, which ends frames that were opened inside it.

struct PackKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: PackEncoder
    let frame: FrameID

    var codingPath: [any CodingKey] { encoder.codingPath }

    @inline(__always)
    private func begin(_ key: Key) throws {
        try encoder.enter(frame)
        encoder.writer.writeString(key.stringValue)
    }

    func encodeNil(forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeNil()
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try begin(key)
        try encoder.encodeValue(value, key: key)
    }

    /// A missing value is written as nil, so that a type's map always has the same keys.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        try begin(key)
        if let value { try encoder.encodeValue(value, key: key) } else { encoder.writer.writeNil() }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        attempt(key)
        return KeyedEncodingContainer(PackKeyedEncoding<Nested>(encoder: encoder, frame: encoder.open(.map)))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        attempt(key)
        return PackUnkeyedEncoding(encoder: encoder, frame: encoder.open(.array))
    }

    func superEncoder() -> any Encoder {
        attempt(text: "super")
        _ = encoder.open(.undecided)
        return encoder
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        attempt(key)
        _ = encoder.open(.undecided)
        return encoder
    }

    private func attempt(_ key: Key) { attempt(text: key.stringValue) }

    private func attempt(text: String) {
        encoder.remember { try encoder.enter(frame) }
        encoder.writer.writeString(text)
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeBool(value)
    }

    func encode(_ value: String, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeString(value)
    }

    func encode(_ value: Double, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeDouble(value)
    }

    func encode(_ value: Float, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeDouble(Double(value))
    }

    func encode(_ value: Int, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int8, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int16, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int32, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int64, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: UInt, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt8, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt16, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt32, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt64, forKey key: Key) throws {
        try begin(key)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: String?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }
}
