/// Amounts as people read them.
extension Words {
    /// A length of time, in its two largest units: `850 µs`, `12.5 ms`, `3.2 s`, `2 min 5 s`, `3 d 4 h`.
    static func duration(microseconds: Int64) -> String {
        let amount = max(0, microseconds)
        if amount < 1_000 { return "\(amount) µs" }
        if amount < 1_000_000 { return "\(tenths(amount, 1_000)) ms" }
        if amount < 60_000_000 { return "\(tenths(amount, 1_000_000)) s" }
        let seconds = amount / 1_000_000
        if seconds < 3_600 { return "\(seconds / 60) min \(seconds % 60) s" }
        if seconds < 86_400 { return "\(seconds / 3_600) h \(seconds / 60 % 60) min" }
        return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }

    /// A size with the unit that fits: `512 B`, `1.5 KiB`, `64 MiB`.
    static func size(_ bytes: Int64) -> String {
        let amount = max(0, bytes)
        if amount < 1 << 10 { return "\(amount) B" }
        if amount < 1 << 20 { return "\(tenths(amount, 1 << 10)) KiB" }
        if amount < 1 << 30 { return "\(tenths(amount, 1 << 20)) MiB" }
        return "\(tenths(amount, 1 << 30)) GiB"
    }

    /// A fraction with one digit behind the point, and none from 100 on.
    private static func tenths(_ amount: Int64, _ unit: Int64) -> String {
        let tenths = amount / unit * 10 + amount % unit * 10 / unit
        return tenths >= 1_000 || tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
