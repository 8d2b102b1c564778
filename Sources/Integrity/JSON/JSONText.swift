/// JSON text to MessagePack and back, byte by byte, without a tree in between.
///
/// Integers keep all 64 bits; bytes become text (addresses their `uh…` form, others base64); what JSON cannot say (NaN,
/// infinity, extension values) is refused. Both directions check UTF-8 and nest at most ``Limits/messagePackDepth`` deep.
public enum JSONText {
    /// The canonical MessagePack of one JSON text (RFC 8259), white space around it allowed. Numbers without point and
    /// exponent become integers where 64 bits hold them, all others floats. A key that stands twice is kept twice.
    /// - Throws: `malformedJSON` with the byte's position, `tooDeep`, `notRepresentable` for numbers beyond a double.
    public static func messagePack(fromJSON json: UnsafeRawBufferPointer) throws(PlasmidError) -> [UInt8] {
        var writer = MessagePackWriter(reserving: json.count + 16)
        try write(json: json, into: &writer)
        return writer.bytes
    }

    /// The canonical MessagePack of one JSON text.
    /// - Throws: as ``messagePack(fromJSON:)-(UnsafeRawBufferPointer)``.
    public static func messagePack(fromJSON json: [UInt8]) throws(PlasmidError) -> [UInt8] {
        try json.withBytes { (bytes: UnsafeRawBufferPointer) throws(PlasmidError) -> [UInt8] in
            try messagePack(fromJSON: bytes)
        }
    }

    /// Appends the MessagePack of one JSON text to `w`.
    /// - Throws: as ``messagePack(fromJSON:)-(UnsafeRawBufferPointer)``; `w` then holds a part of the value.
    public static func write(
        json: UnsafeRawBufferPointer, into w: inout MessagePackWriter
    ) throws(PlasmidError) {
        var scanner = JSONScanner(json)
        try scanner.value(into: &w, depth: Limits.messagePackDepth)
        try scanner.finish()
    }

    /// The JSON text of one MessagePack value, without white space.
    /// - Throws: `malformedMessagePack`, `tooDeep`, `notRepresentable`.
    public static func json(fromMessagePack bytes: [UInt8]) throws(PlasmidError) -> [UInt8] {
        try bytes.withBytes { (raw: UnsafeRawBufferPointer) throws(PlasmidError) -> [UInt8] in
            try json(fromMessagePack: raw)
        }
    }

    /// The JSON text of one MessagePack value, without white space.
    /// - Throws: `malformedMessagePack`, `tooDeep`, `notRepresentable`.
    public static func json(fromMessagePack bytes: UnsafeRawBufferPointer) throws(PlasmidError) -> [UInt8] {
        var reader = MessagePackReader(bytes)
        var out = MessagePackWriter(reserving: bytes.count * 2 + 16)
        try JSONPrinter.value(&reader, into: &out, depth: Limits.messagePackDepth)
        try reader.finish()
        return out.bytes
    }

    /// The JSON string literal, quotes included, of text.
    public static func quoted(_ text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    }

    /// The JSON string literal, quotes included, of UTF-8 bytes that the caller has checked.
    public static func quoted(_ utf8: UnsafeRawBufferPointer) -> [UInt8] {
        var out = MessagePackWriter(reserving: utf8.count + 16)
        JSONPrinter.quote(utf8, into: &out)
        return out.bytes
    }
}
