/// A whole number with a unit, as people write it: `30s`, `128MiB`.
enum Measure {
    /// Read as milliseconds.
    case time
    /// Read as bytes.
    case size

    private var units: [(suffix: String, factor: Int)] {
        switch self {
        case .time: [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
        case .size: [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]
        }
    }

    /// What it is, in the words a message uses.
    var noun: String {
        switch self {
        case .time: "a length of time"
        case .size: "a size"
        }
    }

    /// How it is written.
    var examples: String {
        switch self {
        case .time: "30s, 500ms or 2m"
        case .size: "128MiB or 1GiB"
        }
    }

    /// The value in milliseconds or bytes; nil for anything but digits and a unit.
    func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits),
            let unit = units.first(where: { $0.suffix == text.dropFirst(digits.count) })
        else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        return overflow ? nil : value
    }

    /// The value with the largest unit that divides it.
    func text(_ value: Int) -> String {
        let unit = units.filter { value % $0.factor == 0 }.max { $0.factor < $1.factor }
        guard let unit, value > 0 else { return "\(value)\(units[0].suffix)" }
        return "\(value / unit.factor)\(unit.suffix)"
    }
}
