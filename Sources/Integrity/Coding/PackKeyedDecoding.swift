// Maps of the decoder.

struct PackKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: PackDecoder
    let fields: FieldIndex
    let codingPath: [any CodingKey]

    var allKeys: [Key] { fields.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { fields.offset(of: key.stringValue) != nil }

    private func offset(_ key: Key) throws -> Int {
        if let offset = fields.offset(of: key.stringValue) { return offset }
        throw PackDecoder.missing(codingPath, key)
    }

    func decodeNil(forKey key: Key) throws -> Bool { decoder.isNil(at: try offset(key)) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        guard let offset = fields.offset(of: key.stringValue) else {
            // A missing optional is nil, also where the type is optional by itself.
            if let optional = type as? any AbsentAsNil.Type, let none = optional.absent as? T { return none }
            throw PackDecoder.missing(codingPath, key)
        }
        return try decoder.decodeValue(type, at: offset, codingPath, key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let offset = fields.offset(of: key.stringValue), !decoder.isNil(at: offset) else { return nil }
        return try decoder.decodeValue(type, at: offset, codingPath, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder.keyed(at: try offset(key), codingPath + [key])
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder.unkeyed(at: try offset(key), codingPath + [key])
    }

    func superDecoder() throws -> any Decoder {
        guard let offset = fields.offset(of: "super") else {
            throw PackDecoder.missing(codingPath, IndexKey(stringValue: "super"))
        }
        return decoder.standing(at: offset, codingPath)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        decoder.standing(at: try offset(key), codingPath + [key])
    }

    func decode(_: Bool.Type, forKey key: Key) throws -> Bool {
        try decoder.bool(at: try offset(key), codingPath, key)
    }

    func decode(_: String.Type, forKey key: Key) throws -> String {
        try decoder.string(at: try offset(key), codingPath, key)
    }

    func decode(_: Double.Type, forKey key: Key) throws -> Double {
        try decoder.double(at: try offset(key), codingPath, key)
    }

    func decode(_: Float.Type, forKey key: Key) throws -> Float {
        Float(try decoder.double(at: try offset(key), codingPath, key))
    }

    func decode(_: Int.Type, forKey key: Key) throws -> Int {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: Int8.Type, forKey key: Key) throws -> Int8 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: Int16.Type, forKey key: Key) throws -> Int16 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: Int32.Type, forKey key: Key) throws -> Int32 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: Int64.Type, forKey key: Key) throws -> Int64 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: UInt.Type, forKey key: Key) throws -> UInt {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: UInt8.Type, forKey key: Key) throws -> UInt8 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: UInt16.Type, forKey key: Key) throws -> UInt16 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: UInt32.Type, forKey key: Key) throws -> UInt32 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }

    func decode(_: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try decoder.integer(at: try offset(key), codingPath, key)
    }
}
