/// IP addresses and ports as text, read strictly: what is not written the usual way is refused, not guessed.
enum IPText {
    /// Four decimal numbers without leading zeros.
    static func bytes4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard let number = decimal(part, maximum: 255) else { return nil }
            bytes.append(UInt8(number))
        }
        return bytes
    }

    static func text4(_ bytes: some Collection<UInt8>) -> String { bytes.map(String.init).joined(separator: ".") }

    /// A port in two bytes, high one first.
    static func port(_ text: some StringProtocol) -> [UInt8]? {
        decimal(text, maximum: 65_535).map { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    }

    /// RFC 4291: eight groups of hex digits, one run of zeros as `::`, the last two groups as an IPv4 address if one likes.
    static func bytes6(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = split(String(text))
        guard let halves, let head = groups(halves.0) else { return nil }
        guard let rest = halves.1 else { return head.count == 16 ? head : nil }
        // `::` stands for at least one group of zeros, and an IPv4 address ends the text.
        guard !halves.0.contains("."), let tail = groups(rest), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// What stands before and after the `::`; nothing after where there is none; nil where there are two.
    private static func split(_ text: String) -> (Substring, Substring?)? {
        var places: [String.Index] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix("::") { places.append(index) }
            index = text.index(after: index)
        }
        guard let place = places.first else { return (text[...], nil) }
        // Three colons in a row count as two places.
        guard places.count == 1 else { return nil }
        return (text[..<place], text[text.index(place, offsetBy: 2)...])
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(".") {
                guard index == parts.count - 1, let four = bytes4(part) else { return nil }
                bytes += four
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHex),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero groups as `::`.
    static func text6(_ bytes: [UInt8]) -> String {
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end + 1
        }
        func joined(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? joined(0..<8) : joined(0..<best.lowerBound) + "::" + joined(best.upperBound..<8)
    }

    private static func isHex(_ digit: UInt8) -> Bool {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func decimal(_ text: some StringProtocol, maximum: Int) -> Int? {
        let digits = text.utf8
        guard (1...5).contains(digits.count), digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        guard digits.count == 1 || digits.first != 48 else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return number <= maximum ? number : nil
    }
}
