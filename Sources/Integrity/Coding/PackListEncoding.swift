// Lists and single values of the encoder.

struct PackUnkeyedEncoding: UnkeyedEncodingContainer {
    let encoder: PackEncoder
    let frame: FrameID

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.count(of: frame) }

    func encodeNil() throws {
        try encoder.enter(frame)
        encoder.writer.writeNil()
    }

    func encode<T: Encodable>(_ value: T) throws {
        let index = encoder.count(of: frame)
        try encoder.enter(frame)
        try encoder.encodeValue(value, key: IndexKey(intValue: index))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder.remember { try encoder.enter(frame) }
        return KeyedEncodingContainer(PackKeyedEncoding<Nested>(encoder: encoder, frame: encoder.open(.map)))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        encoder.remember { try encoder.enter(frame) }
        return PackUnkeyedEncoding(encoder: encoder, frame: encoder.open(.array))
    }

    func superEncoder() -> any Encoder {
        encoder.remember { try encoder.enter(frame) }
        _ = encoder.open(.undecided)
        return encoder
    }

    func encode(_ value: Bool) throws {
        try encoder.enter(frame)
        encoder.writer.writeBool(value)
    }

    func encode(_ value: String) throws {
        try encoder.enter(frame)
        encoder.writer.writeString(value)
    }

    func encode(_ value: Double) throws {
        try encoder.enter(frame)
        encoder.writer.writeDouble(value)
    }

    func encode(_ value: Float) throws {
        try encoder.enter(frame)
        encoder.writer.writeDouble(Double(value))
    }

    func encode(_ value: Int) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int8) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int16) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int32) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int64) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: UInt) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt8) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt16) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt32) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt64) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }
}

struct PackSingleEncoding: SingleValueEncodingContainer {
    let encoder: PackEncoder
    let frame: FrameID

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() throws {
        try encoder.enter(frame)
        encoder.writer.writeNil()
    }

    func encode<T: Encodable>(_ value: T) throws {
        try encoder.enter(frame)
        try encoder.encodeValue(value, key: nil)
    }

    func encode(_ value: Bool) throws {
        try encoder.enter(frame)
        encoder.writer.writeBool(value)
    }

    func encode(_ value: String) throws {
        try encoder.enter(frame)
        encoder.writer.writeString(value)
    }

    func encode(_ value: Double) throws {
        try encoder.enter(frame)
        encoder.writer.writeDouble(value)
    }

    func encode(_ value: Float) throws {
        try encoder.enter(frame)
        encoder.writer.writeDouble(Double(value))
    }

    func encode(_ value: Int) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int8) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int16) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int32) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: Int64) throws {
        try encoder.enter(frame)
        encoder.writer.writeInt(Int64(value))
    }

    func encode(_ value: UInt) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt8) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt16) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt32) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }

    func encode(_ value: UInt64) throws {
        try encoder.enter(frame)
        encoder.writer.writeUInt(UInt64(value))
    }
}
