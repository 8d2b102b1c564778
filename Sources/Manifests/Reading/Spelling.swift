import Integrity

/// Names, and guesses at what a misspelt one was meant to be.
public enum Spelling {
    /// Longest name, in bytes.
    static let maxNameBytes = Limits.nameBytes

    /// Whether the text can name an entry type, link type, zome or function: a letter or `_`, then letters, digits, `_`.
    static func isIdentifier(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, isLetter(first) || first == UInt8(ascii: "_") else { return false }
        return bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// Whether the text can name a DNA, an app or a role: a letter or digit, then letters, digits, `_`, `-`. No dot
    /// and no slash, since `app/role.2` means the second clone.
    static func isLabel(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, isLetter(first) || isDigit(first) else { return false }
        return bytes.allSatisfy {
            isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The known word closest to a misspelt one, when it is close enough to be meant.
    public static func nearest(to word: String, among known: [String]) -> String? {
        let limit = word.utf8.count <= 4 ? 1 : 2
        guard word.utf8.count <= maxNameBytes else { return nil }
        let lowered = word.lowercased()
        return known.map { ($0, distance(Array(lowered.utf8), Array($0.lowercased().utf8))) }
            .filter { $0.1 <= limit }
            .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// How many letters must be put in, taken out, changed or swapped with their neighbour.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var rows = Array(repeating: Array(repeating: 0, count: right.count + 1), count: left.count + 1)
        for i in 0...left.count { rows[i][0] = i }
        for j in 0...right.count { rows[0][j] = j }
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        for i in 1...left.count {
            for j in 1...right.count {
                let same = left[i - 1] == right[j - 1]
                var best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same ? 0 : 1))
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    best = min(best, rows[i - 2][j - 2] + 1)
                }
                rows[i][j] = best
            }
        }
        return rows[left.count][right.count]
    }

    /// A text of the file as a message may show it: short and without control characters.
    static func shown(_ text: String, most: Int = 60) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(most) {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            // Bidirectional controls reorder what stands beside them.
            let reorders = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            result.unicodeScalars.append(isControl || reorders ? "\u{FFFD}" : scalar)
        }
        return text.unicodeScalars.count > most ? result + "…" : result
    }
}
