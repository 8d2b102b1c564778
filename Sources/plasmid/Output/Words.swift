import Foundation

/// Values as people read them.
enum Words {
    /// A hash with its middle left out: what tells its kind and what tells it from its neighbours.
    static func short(hash: String) -> String {
        hash.count > 20 ? "\(hash.prefix(11))…\(hash.suffix(4))" : hash
    }

    /// Whether a text is one of our hashes: 53 characters that begin with `uh`.
    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 53 && text.hasPrefix("uh")
            && text.utf8.allSatisfy {
                let lower = $0 | 0x20
                return (0x30...0x39).contains($0) || (0x61...0x7A).contains(lower) || $0 == 0x2D || $0 == 0x5F
            }
    }

    /// `1 zome`, `2 zomes`.
    static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    /// Microseconds since 1970 as UTC: `2026-11-21T10:56:13.250Z`.
    static func time(microseconds: Int64) -> String {
        let seconds = microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
        var clock = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&clock, &parts) != nil else { return "\(microseconds) µs" }
        let milliseconds = Int((microseconds - seconds * 1_000_000) / 1_000)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let fraction = String(repeating: "0", count: 3 - String(milliseconds).count) + String(milliseconds)
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }

    /// The same on one line: a line break is written as `\n`, so that what had lines can still be read.
    static func oneLine(_ text: String) -> String {
        harmless(text, keepingLines: true).replacing("\n", with: "\\n").replacing("\t", with: " ")
    }

    /// A text that came from elsewhere, without the control characters that would steer the terminal.
    static func harmless(_ text: String, keepingLines: Bool = false) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            // Bidirectional controls reorder what stands beside them.
            let reorders = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            let kept = keepingLines && (scalar == "\n" || scalar == "\t")
            result.append((isControl || reorders) && !kept ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }
}
