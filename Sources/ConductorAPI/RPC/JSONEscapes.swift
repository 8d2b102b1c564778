/// Runs of text that JSON can hold as they stand.
enum TextRun {
    /// Offset of the first byte at or after `start` that is a quote, a backslash or a control character; `count` if none is.
    /// Eight bytes at a time: a byte is special if subtracting borrows into its high bit while its own high bit is clear.
    @inline(__always) static func endOfPlain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var at = start
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            let controls = (word &- ones &* 0x20) & ~word
            let special = (((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | controls) & highs
            if special != 0 {
                return at + special.trailingZeroBitCount / 8
            }
            at += 8
        }
        while at < bytes.count {
            let byte = bytes[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return at }
            at += 1
        }
        return at
    }
}

/// JSON's escapes, both ways.
enum JSONEscapes {
    /// Text of a string's inside, escapes resolved; nil if it holds half of a surrogate pair.
    static func decode(_ inner: UnsafeRawBufferPointer) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(inner.count)
        var at = 0
        while at < inner.count {
            let byte = inner[at]
            guard byte == 0x5C else {
                out.append(byte)
                at += 1
                continue
            }
            guard at + 1 < inner.count else { return nil }
            if inner[at + 1] == UInt8(ascii: "u") {
                guard let (scalar, length) = unicode(inner, at: at) else { return nil }
                out.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
                at += length
            } else {
                out.append(short(inner[at + 1]))
                at += 2
            }
        }
        return out
    }

    private static func short(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// The scalar of one or two `\u` escapes at `at` and how many bytes they take.
    private static func unicode(_ inner: UnsafeRawBufferPointer, at: Int) -> (Unicode.Scalar, Int)? {
        guard let first = unit(inner, at: at) else { return nil }
        if let scalar = Unicode.Scalar(UInt32(first)) { return (scalar, 6) }
        guard first < 0xDC00, let second = unit(inner, at: at + 6), (0xDC00...0xDFFF).contains(second) else {
            return nil
        }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        return Unicode.Scalar(value).map { ($0, 12) }
    }

    private static func unit(_ inner: UnsafeRawBufferPointer, at: Int) -> UInt16? {
        guard at + 6 <= inner.count, inner[at] == 0x5C, inner[at + 1] == UInt8(ascii: "u") else { return nil }
        var value: UInt16 = 0
        for offset in 2..<6 {
            guard let digit = hexValue(inner[at + offset]) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}

/// JSON text under construction, in a buffer that is used again and again.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    /// Empties the buffer; a large one is given back rather than kept for the next small answer.
    mutating func clear() {
        if bytes.capacity > 262_144 {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func raw(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    mutating func raw(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    mutating func integer(_ value: some BinaryInteger) {
        raw(String(value))
    }

    /// A whole string value with its quotes.
    mutating func string(_ text: String) {
        bytes.append(0x22)
        escaped(text)
        bytes.append(0x22)
    }

    mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { escaped(UnsafeRawBufferPointer($0)) }
    }

    mutating func escaped(_ text: [UInt8]) {
        text.withUnsafeBytes { escaped($0) }
    }

    /// The inside of a string value.
    mutating func escaped(_ text: UnsafeRawBufferPointer) {
        var at = 0
        while at < text.count {
            let end = TextRun.endOfPlain(text, from: at)
            if end > at {
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[at..<end]))
            }
            guard end < text.count else { return }
            escape(text[end])
            at = end + 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(0x5C)
        switch byte {
        case 0x22, 0x5C: bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            raw("u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 15
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
