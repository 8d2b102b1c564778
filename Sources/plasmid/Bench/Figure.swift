import Foundation
import Integrity

/// What a figure is held to.
enum Budget {
    case atMost(Double)
    case atLeast(Double)
    /// Times the floor of the same run.
    case ratioAtMost(Double)
    case ratioAtLeast(Double)
    /// Shown for the reader; promised to nobody.
    case none
}

/// One measured figure beside the floor of the same run.
struct Figure {
    /// `group.what`.
    let name: String
    let unit: String
    let value: Double
    var p50: Double?
    var p99: Double?
    /// Processor time of one call, in microseconds, over all threads and children: what stays when the machine is busy.
    var processor: Double?
    /// The least that the work could cost here, in the same unit; what it is stands in `floorName`.
    let floor: Double
    let floorName: String
    /// The median of the rounds' ratios where floor and figure took turns; else value / floor.
    var measuredRatio: Double?
    let budget: Budget
    /// What a reader should know of it, such as what bounds it where the budget is missed.
    var note: String?

    var ratio: Double { measuredRatio ?? (floor > 0 ? value / floor : 0) }

    var ok: Bool {
        switch budget {
        case .atMost(let limit): value <= limit
        case .atLeast(let limit): value >= limit
        case .ratioAtMost(let limit): ratio <= limit
        case .ratioAtLeast(let limit): ratio >= limit
        case .none: true
        }
    }

    var budgetText: String {
        switch budget {
        case .atMost(let limit): "≤ \(Figure.short(limit)) \(unit)"
        case .atLeast(let limit): "≥ \(Figure.short(limit)) \(unit)"
        case .ratioAtMost(let limit): "≤ \(Figure.short(limit)) × floor"
        case .ratioAtLeast(let limit): "≥ \(Figure.short(limit)) × floor"
        case .none: "-"
        }
    }

    var object: MessagePackValue {
        func number(_ value: Double?) -> MessagePackValue { value.map { .double(Figure.rounded($0)) } ?? .null }
        return .map([
            .init(key: "name", value: .string(name)), .init(key: "unit", value: .string(unit)),
            .init(key: "value", value: number(value)), .init(key: "p50", value: number(p50)),
            .init(key: "p99", value: number(p99)), .init(key: "processor_us", value: number(processor)),
            .init(key: "floor", value: number(floor)),
            .init(key: "floor_is", value: .string(floorName)), .init(key: "ratio", value: number(ratio)),
            .init(key: "budget", value: .string(budgetText)), .init(key: "ok", value: .bool(ok)),
            .init(key: "note", value: note.map { .string($0) } ?? .null),
        ])
    }

    /// The figure's line in a table.
    var cells: [String] {
        let verdict: String
        if case .none = budget { verdict = "" } else { verdict = ok ? "met" : "MISSED" }
        return [
            name, "\(Figure.short(value)) \(unit)", p50.map(Figure.short) ?? "", p99.map(Figure.short) ?? "",
            processor.map { "\(Figure.short($0)) µs" } ?? "",
            Figure.short(floor), Figure.short(ratio), budgetText, verdict,
        ]
    }

    static func table(_ figures: [Figure]) -> String {
        Table(
            headings: ["figure", "value", "p50", "p99", "cpu", "floor", "ratio", "budget", ""],
            rows: figures.map(\.cells),
            alignments: [.left, .right, .right, .right, .right, .right, .right, .left, .left]
        ).text
    }

    private static func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }

    /// Three digits that count.
    static func short(_ value: Double) -> String {
        switch abs(value) {
        case 1_000...: ProgressBar.grouped(Int(value.rounded()))
        case 100...: String(Int(value.rounded()))
        case 10...: trimmed((value * 10).rounded() / 10)
        default: trimmed((value * 100).rounded() / 100)
        }
    }

    private static func trimmed(_ value: Double) -> String {
        let text = String(value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// The median of some numbers; 0 of none.
func median(_ numbers: [Double]) -> Double {
    numbers.isEmpty ? 0 : numbers.sorted()[numbers.count / 2]
}
