/// The alphabet of Bitcoin's base 58, in which peer ids are printed; each leading zero byte is one leading `1`.
enum Base58 {
    private static let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let digits: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
        return table
    }()
    /// Longer texts are refused unread: the work grows with the square of the length.
    static let charactersMaximum = 128

    static func text(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        var digits: [UInt8] = []
        for byte in bytes.dropFirst(zeros) {
            var carry = Int(byte)
            for index in digits.indices {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let letters = [UInt8](repeating: alphabet[0], count: zeros) + digits.reversed().map { alphabet[Int($0)] }
        return String(decoding: letters, as: UTF8.self)
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= charactersMaximum else { return nil }
        let zeros = text.utf8.prefix { $0 == alphabet[0] }.count
        var bytes: [UInt8] = []
        for letter in text.utf8.dropFirst(zeros) {
            var carry = Int(digits[Int(letter)])
            guard carry < 58 else { return nil }
            for index in bytes.indices {
                carry += Int(bytes[index]) * 58
                bytes[index] = UInt8(carry & 0xff)
                carry >>= 8
            }
            while carry > 0 {
                bytes.append(UInt8(carry & 0xff))
                carry >>= 8
            }
        }
        return [UInt8](repeating: 0, count: zeros) + bytes.reversed()
    }
}

/// RFC 4648's base 32 in lower case without padding, as multibase `b` has it.
enum Base32 {
    static func text(_ bytes: [UInt8]) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var letters: [UInt8] = []
        var held: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            held = (held << 8 | UInt32(byte)) & 0xffff
            bits += 8
            while bits >= 5 {
                bits -= 5
                letters.append(alphabet[Int(held >> bits & 31)])
            }
        }
        if bits > 0 { letters.append(alphabet[Int(held << (5 - bits) & 31)]) }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Nil for any other letter, for a length that no bytes have, and for left-over bits that are not zero.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var held: UInt32 = 0
        var bits: UInt32 = 0
        for letter in text.utf8 {
            switch letter {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): held = held << 5 | UInt32(letter - UInt8(ascii: "a"))
            case UInt8(ascii: "2")...UInt8(ascii: "7"): held = held << 5 | UInt32(letter - UInt8(ascii: "2") + 26)
            default: return nil
            }
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: held >> bits))
            }
            held &= (1 << bits) - 1
        }
        return bits < 5 && held == 0 ? bytes : nil
    }
}
