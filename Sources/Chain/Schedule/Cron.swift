import Integrity

/// When something recurs, as cron writes it, in UTC.
///
/// Two forms. **Five fields**, as Unix has them: minute, hour, day of month, month, day of week (0 or 7 is Sunday); a day
/// counts when either day field names it, or both where one is `*`. **Seven fields**, as Holochain has them: second, minute,
/// hour, day of month, month, day of week (1 is Sunday, 7 Saturday), year; a day counts when both name it. The year may be
/// left out. A field is a list of `*`, `?`, numbers, names (`JAN`, `MON`), ranges `a-b` and steps `a-b/n`, `*/n`, `a/n`.
public struct Cron: Hashable, Sendable {
    /// The text that it was read from.
    public let text: String
    private let seconds: FieldSet
    private let minutes: FieldSet
    private let hours: FieldSet
    private let days: FieldSet
    private let months: FieldSet
    /// 0 is Sunday.
    private let weekdays: FieldSet
    private let years: ClosedRange<Int>
    private let yearSet: FieldSet?
    /// Whether one of two restricted day fields is enough.
    private let eitherDay: Bool

    /// The years that are known here.
    public static let years = 1970...2199

    /// Reads an expression.
    /// - Throws: `badInput`, which names the field.
    public init(_ text: String) throws(PlasmidError) {
        guard text.utf8.count <= 256 else {
            throw PlasmidError(.badInput, "a cron expression has at most 256 bytes, this one \(text.utf8.count)")
        }
        var fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        guard fields.count == 5 || fields.count == 6 || fields.count == 7 else {
            throw PlasmidError(
                .badInput, "`\(text)` is no cron expression: it has \(fields.count) fields",
                hint: "5 (minute hour day month weekday) or 7 (second minute hour day month weekday year), in UTC")
        }
        let isUnix = fields.count == 5
        if isUnix { fields.insert("0", at: 0) }
        self.text = text
        seconds = try FieldSet("second", fields[0], 0...59)
        minutes = try FieldSet("minute", fields[1], 0...59)
        hours = try FieldSet("hour", fields[2], 0...23)
        days = try FieldSet("day of month", fields[3], 1...31)
        months = try FieldSet("month", fields[4], 1...12, names: Self.monthNames, first: 1)
        let named = try FieldSet(
            "day of week", fields[5], isUnix ? 0...7 : 1...7, names: Self.dayNames, first: isUnix ? 0 : 1)
        weekdays = isUnix ? named.mapped { $0 % 7 } : named.mapped { $0 - 1 }
        let year = fields.count == 7 ? try FieldSet("year", fields[6], Self.years) : nil
        yearSet = year
        years = (year?.first ?? Self.years.lowerBound)...(year?.last ?? Self.years.upperBound)
        eitherDay = isUnix && !days.isWhole && !named.isWhole
    }

    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    /// The first second after `time` that it names; nil when it names none any more: the 30th of February, a year that has
    /// passed, anything beyond 2199.
    public func next(after time: Timestamp) -> Timestamp? {
        let start = Self.floorDivided(time.microseconds, 1_000_000) + 1
        var (day, second) = (Self.floorDivided(start, 86_400), 0 as Int64)
        second = start - day * 86_400
        let lastDay = CivilDay.number(years.upperBound, 12, 31)
        let firstDay = CivilDay.number(years.lowerBound, 1, 1)
        if day < firstDay { (day, second) = (firstDay, 0) }
        while day <= lastDay {
            let date = CivilDay(day)
            guard yearSet?.holds(date.year) != false, months.holds(date.month) else {
                // The rest of the month, or of the year, holds no day either.
                day = CivilDay.number(date.year, date.month, 1) + Int64(CivilDay.length(date.year, date.month))
                second = 0
                continue
            }
            if names(date), let found = firstSecond(from: Int(second)) {
                return Timestamp(microseconds: (day * 86_400 + Int64(found)) * 1_000_000)
            }
            day += 1
            second = 0
        }
        return nil
    }

    private func names(_ date: CivilDay) -> Bool {
        let (byDay, byWeekday) = (days.holds(date.day), weekdays.holds(date.weekday))
        return eitherDay ? byDay || byWeekday : byDay && byWeekday
    }

    /// The first second of a day, from `second` on, that hours, minutes and seconds name.
    private func firstSecond(from second: Int) -> Int? {
        var (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60)
        while let nextHour = hours.first(from: hour) {
            if nextHour != hour { (hour, minute, rest) = (nextHour, 0, 0) }
            while let nextMinute = minutes.first(from: minute) {
                if nextMinute != minute { (minute, rest) = (nextMinute, 0) }
                if let found = seconds.first(from: rest) { return hour * 3_600 + minute * 60 + found }
                (minute, rest) = (minute + 1, 0)
            }
            (hour, minute, rest) = (hour + 1, 0, 0)
        }
        return nil
    }

    private static func floorDivided(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }
}

/// The numbers that one field of a cron expression names.
private struct FieldSet: Hashable, Sendable {
    private let numbers: [Int]
    /// Whether it is `*` or `?`.
    let isWhole: Bool

    var first: Int? { numbers.first }
    var last: Int? { numbers.last }

    func holds(_ number: Int) -> Bool {
        isWhole || numbers.contains(number)
    }

    func first(from number: Int) -> Int? { numbers.first { $0 >= number } }

    func mapped(_ change: (Int) -> Int) -> FieldSet {
        FieldSet(numbers: Set(numbers.map(change)).sorted(), isWhole: isWhole)
    }

    private init(numbers: [Int], isWhole: Bool) {
        self.numbers = numbers
        self.isWhole = isWhole
    }

    init(
        _ what: String, _ text: String, _ range: ClosedRange<Int>, names: [String] = [], first: Int = 0
    ) throws(PlasmidError) {
        var found: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            for number in try Part(what, part, range, names, first).numbers { found.insert(number) }
        }
        numbers = found.sorted()
        isWhole = text == "*" || text == "?"
    }

    /// One of a list: `*`, a number, a range, each with a step.
    private struct Part {
        let numbers: StrideThrough<Int>

        init(
            _ what: String, _ text: String, _ range: ClosedRange<Int>, _ names: [String], _ first: Int
        ) throws(PlasmidError) {
            let halves = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(halves.count) else { throw Self.odd(what, text, range) }
            var step = 1
            if halves.count == 2 {
                guard let given = Int(halves[1]), given > 0, given <= range.upperBound else {
                    throw Self.odd(what, text, range)
                }
                step = given
            }
            if halves[0] == "*" || halves[0] == "?" {
                numbers = stride(from: range.lowerBound, through: range.upperBound, by: step)
                return
            }
            let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(ends.count), let low = Self.number(ends[0], names, first), range.contains(low) else {
                throw Self.odd(what, text, range)
            }
            // A number with a step goes on to the end of the range.
            var high = halves.count == 2 ? range.upperBound : low
            if ends.count == 2 {
                guard let given = Self.number(ends[1], names, first), range.contains(given), low <= given else {
                    throw Self.odd(what, text, range)
                }
                high = given
            }
            numbers = stride(from: low, through: high, by: step)
        }

        private static func number(_ text: String, _ names: [String], _ first: Int) -> Int? {
            if let index = names.firstIndex(of: text.uppercased()) { return index + first }
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int(text)
        }

        private static func odd(_ what: String, _ text: String, _ range: ClosedRange<Int>) -> PlasmidError {
            PlasmidError(
                .badInput, "`\(text.prefix(64))` is no \(what) of a cron expression",
                hint: "\(range.lowerBound) to \(range.upperBound), `*`, `a-b`, `a,b` or `*/n`")
        }
    }
}

/// A day of the Gregorian calendar, and its number since 1 January 1970.
struct CivilDay {
    let year: Int
    let month: Int
    let day: Int
    /// 0 is Sunday.
    let weekday: Int

    /// The day with this number (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    init(_ number: Int64) {
        let shifted = Int(number) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * fromMarch + 2) / 5 + 1
        month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        weekday = Int(((number + 4) % 7 + 7) % 7)
    }

    /// The number of a day.
    static func number(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    /// How many days a month has.
    static func length(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
