/// Base64 (RFC 4648): the standard alphabet with padding, the URL alphabet without.
public enum Base64 {
    /// Which 64 characters, and whether `=` fills the last group.
    public enum Alphabet: Sendable {
        /// `+` and `/`, padded.
        case standard
        /// `-` and `_`, not padded.
        case url
    }

    /// The text of `bytes`.
    public static func encode(_ bytes: UnsafeRawBufferPointer, alphabet: Alphabet = .standard) -> String {
        String(unsafeUninitializedCapacity: encodedCount(bytes.count)) { buffer in
            encode(bytes, alphabet: alphabet, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// The text of `bytes`.
    public static func encode(_ bytes: [UInt8], alphabet: Alphabet = .standard) -> String {
        bytes.withUnsafeBytes { encode($0, alphabet: alphabet) }
    }

    /// Room that the text of `count` bytes needs at most.
    static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes the text of `bytes` into `target`, which has ``encodedCount(_:)`` bytes, and returns how many it took.
    static func encode(
        _ bytes: UnsafeRawBufferPointer, alphabet: Alphabet, into target: UnsafeMutableRawBufferPointer
    ) -> Int {
        let table: StaticString =
            alphabet == .url
            ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let letters = table.utf8Start
        var from = 0
        var to = 0
        while from + 3 <= bytes.count {
            let group = UInt32(bytes[from]) << 16 | UInt32(bytes[from + 1]) << 8 | UInt32(bytes[from + 2])
            target[to] = letters[Int(group >> 18)]
            target[to + 1] = letters[Int(group >> 12 & 63)]
            target[to + 2] = letters[Int(group >> 6 & 63)]
            target[to + 3] = letters[Int(group & 63)]
            from += 3
            to += 4
        }
        let left = bytes.count - from
        guard left > 0 else { return to }
        let group = UInt32(bytes[from]) << 16 | (left == 2 ? UInt32(bytes[from + 1]) << 8 : 0)
        target[to] = letters[Int(group >> 18)]
        target[to + 1] = letters[Int(group >> 12 & 63)]
        to += 2
        if left == 2 {
            target[to] = letters[Int(group >> 6 & 63)]
            to += 1
        }
        guard alphabet == .standard else { return to }
        while to % 4 != 0 {
            target[to] = UInt8(ascii: "=")
            to += 1
        }
        return to
    }

    /// The bytes of a text, or nil when it is not exactly what ``encode(_:alphabet:)-([UInt8],_)`` writes (padding, stray bits and
    /// other characters included).
    public static func decode(_ text: String, alphabet: Alphabet = .standard) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode(UnsafeRawBufferPointer($0), alphabet: alphabet) }
    }

    /// The bytes of a text given as UTF-8, or nil when it is not exactly what encoding writes.
    public static func decode(_ text: UnsafeRawBufferPointer, alphabet: Alphabet = .standard) -> [UInt8]? {
        var count = text.count
        if alphabet == .standard {
            guard count % 4 == 0 else { return nil }
            if count > 0, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
            if count > 0, count < text.count, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        }
        guard count % 4 != 1 else { return nil }
        let table = alphabet == .url ? urlValues : standardValues
        var valid = true
        let out = [UInt8](unsafeUninitializedCapacity: count * 3 / 4) { buffer, filled in
            filled = 0
            // Sextets outside the alphabet have the value 255, whose two high bits no true value has.
            var seen: UInt8 = 0
            var at = 0
            while at + 4 <= count {
                let (a, b, c, d) = (
                    table[Int(text[at])], table[Int(text[at + 1])], table[Int(text[at + 2])], table[Int(text[at + 3])]
                )
                seen |= a | b | c | d
                buffer[filled] = a << 2 | b >> 4
                buffer[filled + 1] = b << 4 | c >> 2
                buffer[filled + 2] = c << 6 | d
                at += 4
                filled += 3
            }
            if count - at >= 2 {
                let (a, b) = (table[Int(text[at])], table[Int(text[at + 1])])
                let c = count - at == 3 ? table[Int(text[at + 2])] : 0
                seen |= a | b | c
                buffer[filled] = a << 2 | b >> 4
                filled += 1
                if count - at == 3 {
                    buffer[filled] = b << 4 | c >> 2
                    filled += 1
                }
                // Bits that belong to no byte are zero in what encoding writes.
                if count - at == 2 ? b & 15 != 0 : c & 3 != 0 { valid = false }
            }
            if seen & 0xC0 != 0 { valid = false }
        }
        return valid ? out : nil
    }

    private static let standardValues = (UInt8.min...UInt8.max).map { value(of: $0, .standard) }
    private static let urlValues = (UInt8.min...UInt8.max).map { value(of: $0, .url) }

    /// The six bits that a letter stands for, or 255.
    private static func value(of letter: UInt8, _ alphabet: Alphabet) -> UInt8 {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter + 4
        case UInt8(ascii: "+") where alphabet == .standard, UInt8(ascii: "-") where alphabet == .url: 62
        case UInt8(ascii: "/") where alphabet == .standard, UInt8(ascii: "_") where alphabet == .url: 63
        default: 255
        }
    }
}
