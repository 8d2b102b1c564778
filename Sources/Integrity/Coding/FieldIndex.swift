/// Where each value of a map lies. Keys are mostly asked for in the order in which they stand, so the search starts behind the
/// last one found.
final class FieldIndex {
    private struct Field {
        let keyStart: Int
        let keyCount: Int
        /// The text of a key that is not text itself.
        let converted: String?
        let value: Int
    }

    private let bytes: [UInt8]
    private var fields: [Field] = []
    private var hint = 0

    /// Reads the map at which `reader` stands inside `bytes`.
    init(_ bytes: [UInt8], _ reader: MessagePackReader) throws(PlasmidError) {
        self.bytes = bytes
        var reader = reader
        let count = try reader.readMapHeader()
        fields.reserveCapacity(min(count, 1_024))
        for _ in 0..<count {
            var start = 0
            var length = 0
            var converted: String?
            switch reader.peekType() {
            case .string:
                let key = try reader.readStringBytesUnchecked()
                start = reader.offset - key.count
                length = key.count
            case .binary:
                let key = try reader.readBinary()
                converted = HashText.isAddress(key) ? HashText.text(of: key) : Base64.encode(key)
            case .int: converted = reader.nextIsLargeUInt ? "\(try reader.readUInt())" : "\(try reader.readInt())"
            default: throw PlasmidError(.badInput, "A map's key at byte \(reader.offset) is not text.")
            }
            fields.append(Field(keyStart: start, keyCount: length, converted: converted, value: reader.offset))
            try reader.skip()
        }
    }

    /// All keys as text; such as are not UTF-8 with replacements.
    var names: [String] {
        fields.map { field in
            field.converted ?? String(decoding: bytes[field.keyStart..<field.keyStart + field.keyCount], as: UTF8.self)
        }
    }

    /// Where the value of `key` starts.
    func offset(of key: String) -> Int? {
        var key = key
        return key.withUTF8 { wanted in
            for step in 0..<fields.count {
                let at = hint + step < fields.count ? hint + step : hint + step - fields.count
                if matches(fields[at], wanted) {
                    hint = at
                    return fields[at].value
                }
            }
            return nil
        }
    }

    private func matches(_ field: Field, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        if let converted = field.converted { return converted.utf8.elementsEqual(wanted) }
        guard field.keyCount == wanted.count else { return false }
        return bytes.withUnsafeBufferPointer { all in
            for index in 0..<wanted.count where all[field.keyStart + index] != wanted[index] { return false }
            return true
        }
    }
}
