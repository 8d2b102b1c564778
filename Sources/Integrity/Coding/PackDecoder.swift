/// MessagePack to Codable types, without Foundation. Every fault is a ``PlasmidError`` with the code `badInput` and the path of
/// the field.
///
/// Maps may have more keys than the type, in any order; nil and a missing key are both nil of an optional. `[UInt8]` is read
/// from bytes, from an array of numbers and from base64 text; addresses also from their text, signatures from base64.
public struct MessagePackDecoder: Sendable {
    /// A decoder; it has no settings.
    public init() {}

    /// The value that fills `bytes` exactly.
    /// - Throws: ``PlasmidError`` with `badInput`.
    public func decode<T: Decodable>(_ type: T.Type = T.self, from bytes: [UInt8]) throws -> T {
        let decoder = PackDecoder(bytes)
        do {
            // Checks structure, depth and end once, so that what follows meets only wrong kinds and missing fields.
            var whole = decoder.reader(at: 0)
            try whole.skip()
            try whole.finish()
        } catch {
            throw PlasmidError(.badInput, error.message, hint: error.hint, cause: error.code.rawValue)
        }
        do {
            return try decoder.decodeValue(type, at: 0, [], nil)
        } catch let error as DecodingError {
            throw PackDecoder.translated(error)
        }
    }
}

/// Optionals, seen without their type.
protocol AbsentAsNil {
    static var absent: Self { get }
}

extension Optional: AbsentAsNil {
    static var absent: Wrapped? { nil }
}

/// Reads values in place from bytes that it owns; where it stands is the value that `init(from:)` is to read.
final class PackDecoder: Decoder {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var codingPath: [any CodingKey] = []

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A decoder of its own at another place, for `super`.
    func standing(at offset: Int, _ path: [any CodingKey]) -> PackDecoder {
        let other = PackDecoder(bytes)
        other.position = offset
        other.codingPath = path
        return other
    }

    /// A reader from `offset` on. The array is never changed and lives as long as this decoder, and readers stay inside its
    /// methods, so the address is good for as long as they use it.
    func reader(at offset: Int) -> MessagePackReader {
        bytes.withUnsafeBytes { MessagePackReader($0, from: offset) }
    }

    // MARK: Values

    func isNil(at offset: Int) -> Bool { reader(at: offset).peekType() == .null }

    func end(ofValueAt offset: Int) throws -> Int {
        var reader = reader(at: offset)
        try reader.skip()
        return reader.offset
    }

    func bool(at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?) throws -> Bool {
        var reader = reader(at: offset)
        guard reader.peekType() == .bool else { throw Self.wrongKind("true or false", reader, path, key) }
        return try reader.readBool()
    }

    func string(at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?) throws -> String {
        var reader = reader(at: offset)
        guard reader.peekType() == .string else { throw Self.wrongKind("text", reader, path, key) }
        do { return try reader.readString() } catch { throw Self.fault("the text is not UTF-8", path, key) }
    }

    func double(at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?) throws -> Double {
        var reader = reader(at: offset)
        guard reader.peekType() == .double || reader.peekType() == .int else {
            throw Self.wrongKind("a number", reader, path, key)
        }
        return try reader.readDouble()
    }

    func integer<Number: FixedWidthInteger>(
        at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?
    ) throws -> Number {
        var reader = reader(at: offset)
        guard reader.peekType() == .int else { throw Self.wrongKind("an integer", reader, path, key) }
        let number =
            reader.nextIsLargeUInt ? Number(exactly: try reader.readUInt()) : Number(exactly: try reader.readInt())
        guard let number else { throw Self.fault("the number does not fit \(Number.self)", path, key) }
        return number
    }

    /// Reads one value of any type.
    func decodeValue<T: Decodable>(
        _ type: T.Type, at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?
    ) throws -> T {
        if type == [UInt8].self, let bytes = try byteArray(at: offset, path, key) as? T { return bytes }
        if type == String.self, let text = try string(at: offset, path, key) as? T { return text }
        let before = (position, codingPath)
        defer { (position, codingPath) = before }
        position = offset
        codingPath = path
        if let key { codingPath.append(key) }
        return try T(from: self)
    }

    private func byteArray(at offset: Int, _ path: [any CodingKey], _ key: (any CodingKey)?) throws -> [UInt8] {
        var reader = reader(at: offset)
        switch reader.peekType() {
        case .binary, .array:
            do { return try reader.readBytes() } catch { throw Self.fault("the array is not one of bytes", path, key) }
        case .string:
            guard let text = try? reader.readStringBytes(), let bytes = Base64.decode(text) else {
                throw Self.fault("the text is not base64", path, key)
            }
            return bytes
        default: throw Self.wrongKind("bytes", reader, path, key)
        }
    }

    /// Reads the value here by its type's packed form.
    func decodePacked<Value: Packable>(_: Value.Type) throws -> Value {
        var reader = reader(at: position)
        do {
            return try Value(from: &reader)
        } catch {
            throw PlasmidError(.badInput, "\(pathText(codingPath)): \(error.message)", hint: error.hint)
        }
    }

    /// Reads the value here from its text form if it is text, else by its packed form.
    func decodeTextOrPacked<Value: CodableAsPacked>(_ type: Value.Type) throws -> Value {
        guard reader(at: position).peekType() == .string else { return try decodePacked(type) }
        let text = try string(at: position, codingPath, nil)
        do {
            return try Value(codableText: text)
        } catch {
            throw PlasmidError(.badInput, "\(pathText(codingPath)): \(error.message)", hint: error.hint)
        }
    }

    // MARK: Containers

    func keyed<Key: CodingKey>(at offset: Int, _ path: [any CodingKey]) throws -> KeyedDecodingContainer<Key> {
        let reader = reader(at: offset)
        guard reader.peekType() == .map else { throw Self.wrongKind("a map", reader, path, nil) }
        let fields = try FieldIndex(bytes, reader)
        return KeyedDecodingContainer(PackKeyedDecoding<Key>(decoder: self, fields: fields, codingPath: path))
    }

    func unkeyed(at offset: Int, _ path: [any CodingKey]) throws -> PackUnkeyedDecoding {
        var reader = reader(at: offset)
        guard reader.peekType() == .array else { throw Self.wrongKind("an array", reader, path, nil) }
        let count = try reader.readArrayHeader()
        return PackUnkeyedDecoding(decoder: self, codingPath: path, count: count, offset: reader.offset)
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try keyed(at: position, codingPath)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try unkeyed(at: position, codingPath) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        PackSingleDecoding(decoder: self, offset: position, codingPath: codingPath)
    }
}

extension PackDecoder {
    static func missing(_ path: [any CodingKey], _ key: any CodingKey) -> PlasmidError {
        PlasmidError(.badInput, "missing field `\(pathText(path + [key]))`")
    }

    static func fault(_ what: String, _ path: [any CodingKey], _ key: (any CodingKey)?) -> PlasmidError {
        PlasmidError(.badInput, "\(pathText(key.map { path + [$0] } ?? path)): \(what)")
    }

    static func wrongKind(
        _ wanted: StaticString, _ reader: MessagePackReader, _ path: [any CodingKey], _ key: (any CodingKey)?
    ) -> PlasmidError {
        fault("expected \(wanted), found \(reader.peekType()?.noun ?? "nothing")", path, key)
    }

    /// An error of a type's own decoding code, in this module's words.
    static func translated(_ error: DecodingError) -> PlasmidError {
        switch error {
        case .keyNotFound(let key, let context): missing(context.codingPath, key)
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            fault(context.debugDescription, context.codingPath, nil)
        @unknown default: PlasmidError(.badInput, "The value cannot be decoded.")
        }
    }
}
