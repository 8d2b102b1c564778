// Lists and single values of the decoder.

struct PackUnkeyedDecoding: UnkeyedDecodingContainer {
    let decoder: PackDecoder
    let codingPath: [any CodingKey]
    let count: Int?
    private(set) var currentIndex = 0
    private var offset: Int

    init(decoder: PackDecoder, codingPath: [any CodingKey], count: Int, offset: Int) {
        self.decoder = decoder
        self.codingPath = codingPath
        self.count = count
        self.offset = offset
    }

    var isAtEnd: Bool { currentIndex >= (count ?? 0) }
    private var key: IndexKey { IndexKey(intValue: currentIndex) }

    /// The next value's place, with everything said if there is none.
    private func here() throws -> Int {
        if isAtEnd { throw PackDecoder.fault("the list ends too early", codingPath, key) }
        return offset
    }

    private mutating func step() throws {
        offset = try decoder.end(ofValueAt: offset)
        currentIndex += 1
    }

    mutating func decodeNil() throws -> Bool {
        guard decoder.isNil(at: try here()) else { return false }
        try step()
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try decoder.decodeValue(type, at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let container: KeyedDecodingContainer<Nested> = try decoder.keyed(at: try here(), codingPath + [key])
        try step()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try decoder.unkeyed(at: try here(), codingPath + [key])
        try step()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let inner = decoder.standing(at: try here(), codingPath + [key])
        try step()
        return inner
    }

    mutating func decode(_: Bool.Type) throws -> Bool {
        let value: Bool = try decoder.bool(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: String.Type) throws -> String {
        let value: String = try decoder.string(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Double.Type) throws -> Double {
        let value: Double = try decoder.double(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Float.Type) throws -> Float {
        let value: Float = Float(try decoder.double(at: try here(), codingPath, key))
        try step()
        return value
    }

    mutating func decode(_: Int.Type) throws -> Int {
        let value: Int = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Int8.Type) throws -> Int8 {
        let value: Int8 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Int16.Type) throws -> Int16 {
        let value: Int16 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Int32.Type) throws -> Int32 {
        let value: Int32 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: Int64.Type) throws -> Int64 {
        let value: Int64 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: UInt.Type) throws -> UInt {
        let value: UInt = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: UInt8.Type) throws -> UInt8 {
        let value: UInt8 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: UInt16.Type) throws -> UInt16 {
        let value: UInt16 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: UInt32.Type) throws -> UInt32 {
        let value: UInt32 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }

    mutating func decode(_: UInt64.Type) throws -> UInt64 {
        let value: UInt64 = try decoder.integer(at: try here(), codingPath, key)
        try step()
        return value
    }
}

struct PackSingleDecoding: SingleValueDecodingContainer {
    let decoder: PackDecoder
    let offset: Int
    let codingPath: [any CodingKey]

    func decodeNil() -> Bool { decoder.isNil(at: offset) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try decoder.decodeValue(type, at: offset, codingPath, nil)
    }

    func decode(_: Bool.Type) throws -> Bool {
        try decoder.bool(at: offset, codingPath, nil)
    }

    func decode(_: String.Type) throws -> String {
        try decoder.string(at: offset, codingPath, nil)
    }

    func decode(_: Double.Type) throws -> Double {
        try decoder.double(at: offset, codingPath, nil)
    }

    func decode(_: Float.Type) throws -> Float {
        Float(try decoder.double(at: offset, codingPath, nil))
    }

    func decode(_: Int.Type) throws -> Int {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: Int8.Type) throws -> Int8 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: Int16.Type) throws -> Int16 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: Int32.Type) throws -> Int32 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: Int64.Type) throws -> Int64 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: UInt.Type) throws -> UInt {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: UInt8.Type) throws -> UInt8 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: UInt16.Type) throws -> UInt16 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: UInt32.Type) throws -> UInt32 {
        try decoder.integer(at: offset, codingPath, nil)
    }

    func decode(_: UInt64.Type) throws -> UInt64 {
        try decoder.integer(at: offset, codingPath, nil)
    }
}
