/// Reads MessagePack and writes JSON as it goes; the writer serves as a plain byte buffer.
enum JSONPrinter {
    static func value(
        _ r: inout MessagePackReader, into out: inout MessagePackWriter, depth: Int
    ) throws(PlasmidError) {
        switch r.peekType() {
        case .string: quote(try r.readStringBytes(), into: &out)
        case .int:
            if r.nextIsLargeUInt {
                decimal(try r.readUInt(), into: &out)
            } else {
                signed(try r.readInt(), into: &out)
            }
        case .map: try map(&r, into: &out, depth: depth)
        case .array: try array(&r, into: &out, depth: depth)
        case .binary: bytes(try r.readBinary(), into: &out)
        case .null:
            _ = r.readNil()
            text("null", into: &out)
        case .bool: text(try r.readBool() ? "true" : "false", into: &out)
        case .double: try double(try r.readDouble(), into: &out)
        case .ext: throw PlasmidError(.notRepresentable, "JSON has no extension values (byte \(r.offset)).")
        case .invalid, nil: throw r.mismatch("a value", consumed: false)
        }
    }

    private static func array(
        _ r: inout MessagePackReader, into out: inout MessagePackWriter, depth: Int
    ) throws(PlasmidError) {
        guard depth > 0 else { throw r.tooDeep() }
        let count = try r.readArrayHeader()
        out.put(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { out.put(UInt8(ascii: ",")) }
            try value(&r, into: &out, depth: depth - 1)
        }
        out.put(UInt8(ascii: "]"))
    }

    private static func map(
        _ r: inout MessagePackReader, into out: inout MessagePackWriter, depth: Int
    ) throws(PlasmidError) {
        guard depth > 0 else { throw r.tooDeep() }
        let count = try r.readMapHeader()
        out.put(UInt8(ascii: "{"))
        for index in 0..<count {
            if index > 0 { out.put(UInt8(ascii: ",")) }
            try key(&r, into: &out)
            out.put(UInt8(ascii: ":"))
            try value(&r, into: &out, depth: depth - 1)
        }
        out.put(UInt8(ascii: "}"))
    }

    /// Text as it is, bytes as their text, integers in quotes; anything else is no key.
    private static func key(_ r: inout MessagePackReader, into out: inout MessagePackWriter) throws(PlasmidError) {
        switch r.peekType() {
        case .string: quote(try r.readStringBytes(), into: &out)
        case .binary: bytes(try r.readBinary(), into: &out)
        case .int:
            out.put(UInt8(ascii: "\""))
            if r.nextIsLargeUInt {
                decimal(try r.readUInt(), into: &out)
            } else {
                signed(try r.readInt(), into: &out)
            }
            out.put(UInt8(ascii: "\""))
        default:
            throw PlasmidError(.notRepresentable, "A key that is no text at byte \(r.offset) has no form in JSON.")
        }
    }

    @inline(__always)
    static func text(_ word: StaticString, into out: inout MessagePackWriter) {
        out.writeRaw(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    private static func bytes(_ bytes: UnsafeRawBufferPointer, into out: inout MessagePackWriter) {
        let isAddress = HashText.isAddress(bytes)
        out.put(UInt8(ascii: "\""))
        if isAddress { out.put(UInt8(ascii: "u")) }
        let room = Base64.encodedCount(bytes.count)
        let target = UnsafeMutableRawBufferPointer(start: out.room(room), count: room)
        out.used &+= Base64.encode(bytes, alphabet: isAddress ? .url : .standard, into: target)
        out.put(UInt8(ascii: "\""))
    }

    /// A string literal: quotes, backslashes and control characters escaped, all else as it is.
    static func quote(_ utf8: UnsafeRawBufferPointer, into out: inout MessagePackWriter) {
        out.put(UInt8(ascii: "\""))
        var run = 0
        var next = 0
        while next < utf8.count {
            let at = next
            if utf8.count &- at >= 8, !JSONBytes.needsCare(utf8.loadUnaligned(fromByteOffset: at, as: UInt64.self)) {
                next &+= 8
                continue
            }
            next &+= 1
            let byte = utf8[at]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            out.writeRaw(UnsafeRawBufferPointer(rebasing: utf8[run..<at]))
            run = at &+ 1
            escape(byte, into: &out)
        }
        out.writeRaw(UnsafeRawBufferPointer(rebasing: utf8[run..<utf8.count]))
        out.put(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, into out: inout MessagePackWriter) {
        switch byte {
        case UInt8(ascii: "\""): text("\\\"", into: &out)
        case UInt8(ascii: "\\"): text("\\\\", into: &out)
        case 0x08: text("\\b", into: &out)
        case 0x09: text("\\t", into: &out)
        case 0x0A: text("\\n", into: &out)
        case 0x0C: text("\\f", into: &out)
        case 0x0D: text("\\r", into: &out)
        default:
            let digits = ("0123456789abcdef" as StaticString).utf8Start
            text("\\u00", into: &out)
            out.put(digits[Int(byte >> 4)])
            out.put(digits[Int(byte & 15)])
        }
    }

    private static func signed(_ value: Int64, into out: inout MessagePackWriter) {
        if value < 0 { out.put(UInt8(ascii: "-")) }
        decimal(value.magnitude, into: &out)
    }

    private static func decimal(_ value: UInt64, into out: inout MessagePackWriter) {
        var rest = value
        var count = 1
        while rest >= 10 {
            rest /= 10
            count &+= 1
        }
        let target = out.room(count)
        rest = value
        var at = count
        repeat {
            at &-= 1
            target[at] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while at > 0
        out.used &+= count
    }

    private static func double(_ value: Double, into out: inout MessagePackWriter) throws(PlasmidError) {
        guard value.isFinite else {
            throw PlasmidError(.notRepresentable, "JSON has no \(value).")
        }
        var text = value.description
        text.withUTF8 { out.writeRaw(UnsafeRawBufferPointer($0)) }
    }
}

/// Eight bytes at a time.
enum JSONBytes {
    /// True when one of the eight bytes is a control character, a quote or a backslash. (Each term sets the high bit of the
    /// lowest such byte; bytes above 7f set none.)
    @inline(__always)
    static func needsCare(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let control = (word &- (ones &* 0x20)) & ~word
        let found = control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
        return found & (ones &* 0x80) != 0
    }
}
