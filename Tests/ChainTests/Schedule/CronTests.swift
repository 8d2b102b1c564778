import Chain
import Foundation
import Integrity
import Testing

@Suite("cron expressions")
struct CronTests {
    private static let utc: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        return calendar
    }()

    private static func time(_ text: String) throws -> Timestamp {
        let date = try Date(text + "Z", strategy: .iso8601)
        return Timestamp(microseconds: Int64(date.timeIntervalSince1970) * 1_000_000)
    }

    private static func text(_ time: Timestamp?) -> String? {
        time.map {
            Date(timeIntervalSince1970: TimeInterval($0.microseconds / 1_000_000)).formatted(.iso8601)
        }
    }

    @Test(
        "the next time, by either form",
        arguments: [
            ("* * * * *", "2026-11-21T13:39:00", "2026-11-21T13:40:00Z"),
            ("*/15 * * * *", "2026-11-21T13:45:00", "2026-11-21T14:00:00Z"),
            ("30 7 * * 1-5", "2026-11-20T08:00:00", "2026-11-23T07:30:00Z"),
            ("0 0 1 1 *", "2026-11-21T00:00:00", "2027-01-01T00:00:00Z"),
            ("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00Z"),
            // Unix: either day will do.
            ("0 0 13 * FRI", "2026-11-21T00:00:00", "2026-11-27T00:00:00Z"),
            ("0 0 13 * 5", "2026-12-12T00:00:00", "2026-12-13T00:00:00Z"),
            ("0 0 * * 7", "2026-11-21T00:00:00", "2026-11-22T00:00:00Z"),
            ("0 0 * * sun", "2026-11-22T00:00:00", "2026-11-29T00:00:00Z"),
            // Seven fields: seconds, the week from 1, both days must agree.
            ("*/10 * * * * * *", "2026-11-21T13:39:55", "2026-11-21T13:40:00Z"),
            ("0 0 0 13 * FRI *", "2026-11-21T00:00:00", "2027-08-13T00:00:00Z"),
            ("0 0 12 * * 1 *", "2026-11-21T00:00:00", "2026-11-22T12:00:00Z"),
            ("5 4 3 2 1 ? 2030", "2026-11-21T00:00:00", "2030-01-02T03:04:05Z"),
            ("0 30 9 ? DEC,JAN MON-FRI", "2026-11-21T00:00:00", "2026-12-01T09:30:00Z"),
            ("0 0 8-10/2,20 * * * *", "2026-11-21T10:00:00", "2026-11-21T20:00:00Z"),
        ])
    func next(_ expression: String, _ after: String, _ expected: String) throws {
        #expect(try Self.text(Cron(expression).next(after: Self.time(after))) == expected)
    }

    @Test(
        "what names no time to come has no next time",
        arguments: [
            "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 1 1 * 2020", "0 0 0 29 2 * 2100", "0 0 0 30 FEB * *",
        ])
    func never(_ expression: String) throws {
        #expect(try Cron(expression).next(after: Self.time("2026-11-21T00:00:00")) == nil)
    }

    @Test(
        "what is no cron expression is refused by its field",
        arguments: [
            ("", "fields"), ("* * * *", "fields"), ("* * * * * * * *", "fields"), ("60 * * * *", "minute"),
            ("* 24 * * *", "hour"), ("* * 0 * *", "day of month"), ("* * * 13 *", "month"),
            ("* * * * 8", "day of week"),
            ("* * * * * 0", "day of week"), ("* * * * * * 1969", "year"), ("60 * * * * *", "second"),
            ("5-1 * * * *", "minute"), ("*/0 * * * *", "minute"), ("1/ * * * *", "minute"), ("1-2-3 * * * *", "minute"),
            (", * * * *", "minute"), ("-1 * * * *", "minute"), ("+1 * * * *", "minute"), ("٣ * * * *", "minute"),
            ("* * * FOO *", "month"), ("*/99999999999999999999 * * * *", "minute"), ("1L * * * *", "minute"),
            (String(repeating: "1,", count: 200) + "1 * * * *", "256 bytes"),
        ])
    func refused(_ expression: String, _ word: String) {
        let error = #expect(throws: PlasmidError.self) { try Cron(expression) }
        #expect(error?.code == .badInput && error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test("the next time is the first minute that another calendar finds, for many expressions and times")
    func property() throws {
        let seed: UInt64 = 20_261_121
        var random = Numbers(seed: seed)
        for round in 0..<120 {
            let fields = [
                random.field(0...59), random.field(0...23), random.field(1...31), random.field(1...12),
                random.field(0...6),
            ]
            let start = Int64(random.next() % 2_000_000_000) * 1_000_000
            let found = try Cron(fields.map(\.text).joined(separator: " ")).next(after: Timestamp(microseconds: start))
            let expected = Self.naive(fields, after: start, days: 400)
            if let expected {
                #expect(found?.microseconds == expected, "seed \(seed), round \(round): \(fields.map(\.text))")
            } else {
                #expect(
                    found.map { $0.microseconds > start + 399 * 86_400_000_000 } ?? true,
                    "seed \(seed), round \(round): \(fields.map(\.text))")
            }
        }
    }

    /// Asks Foundation's calendar about every day, then tries every minute of the first that fits.
    private static func naive(_ fields: [Numbers.Field], after start: Int64, days: Int) -> Int64? {
        let first = start / 60_000_000 * 60 + 60
        let midnight = first / 86_400 * 86_400
        let isEither = !fields[2].isWhole && !fields[4].isWhole
        for day in 0..<days {
            let begin = midnight + Int64(day) * 86_400
            let date = utc.dateComponents(
                [.day, .month, .weekday], from: Date(timeIntervalSince1970: TimeInterval(begin)))
            guard let number = date.day, let month = date.month, let weekday = date.weekday else { return nil }
            let (byDay, byWeekday) = (fields[2].numbers.contains(number), fields[4].numbers.contains(weekday - 1))
            guard fields[3].numbers.contains(month), isEither ? byDay || byWeekday : byDay && byWeekday else {
                continue
            }
            for minute in 0..<1_440 where begin + Int64(minute) * 60 >= first {
                if fields[1].numbers.contains(minute / 60), fields[0].numbers.contains(minute % 60) {
                    return (begin + Int64(minute) * 60) * 1_000_000
                }
            }
        }
        return nil
    }
}

/// Random fields, the same at every run.
private struct Numbers {
    struct Field {
        var text: String
        var numbers: Set<Int>
        var isWhole: Bool
    }

    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func field(_ range: ClosedRange<Int>) -> Field {
        let low = range.lowerBound + Int(next() % UInt64(range.count))
        let high = low + Int(next() % UInt64(range.upperBound - low + 1))
        let step = 1 + Int(next() % 7)
        switch next() % 4 {
        case 0: return Field(text: "*", numbers: Set(range), isWhole: true)
        case 1: return Field(text: "\(low)", numbers: [low], isWhole: false)
        case 2:
            return Field(
                text: "\(low)-\(high)/\(step)", numbers: Set(stride(from: low, through: high, by: step)), isWhole: false
            )
        default: return Field(text: "\(low),\(high)", numbers: [low, high], isWhole: false)
        }
    }
}
