import Foundation

/// How far a long task has come, on one line of a terminal that is written over and over.
///
/// Appears only where standard error is a terminal, and only once the task has taken a second: what is quick leaves no
/// trace, and a log file none at all.
final class ProgressBar {
    /// Seconds before the bar appears, and between two drawings of it.
    static let delay = 1.0
    static let interval = 0.1

    private let title: String
    private let total: Int
    private let now: () -> Double
    private let write: (String) -> Void
    private let columns: Int
    private let start: Double
    private var drawnAt: Double?

    /// - Parameters:
    ///   - title: what is being done, a word or two.
    ///   - total: how many steps there are; 0 where nobody knows.
    ///   - isTerminal: whether anyone can see the bar.
    ///   - now: seconds on any clock that only goes forward.
    init(
        _ title: String, total: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1, columns: Int = terminalColumns(),
        now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime },
        write: @escaping (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.title = title
        self.total = total
        self.now = now
        self.write = isTerminal ? write : { _ in }
        self.columns = columns
        start = now()
    }

    /// Says how many steps are done.
    func update(_ done: Int) {
        let time = now()
        guard time - start >= ProgressBar.delay, time - (drawnAt ?? 0) >= ProgressBar.interval else { return }
        drawnAt = time
        write("\r" + ProgressBar.line(title, done, of: total, seconds: time - start, columns: columns) + "\u{1B}[K")
    }

    /// Takes the bar away again.
    func finish() {
        if drawnAt != nil { write("\r\u{1B}[K") }
        drawnAt = nil
    }

    /// Says what goes on while work runs whose steps nobody can count; on a terminal only, and takes it away again.
    static func during<Result>(_ title: String, _ work: () throws -> Result) rethrows -> Result {
        guard isatty(STDERR_FILENO) == 1 else { return try work() }
        FileHandle.standardError.write(Data("\(title) …".utf8))
        defer { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        return try work()
    }

    /// One drawing of the bar, at most `columns` wide.
    static func line(_ title: String, _ done: Int, of total: Int, seconds: Double, columns: Int) -> String {
        let rate = seconds > 0 ? Double(done) / seconds : 0
        guard total > 0 else {
            return String("\(title)  \(grouped(done))  \(grouped(Int(rate)))/s".prefix(max(0, columns - 1)))
        }
        let share = min(1, Double(done) / Double(total))
        let head = "\(title) \(Int(share * 100)) %  \(grouped(done))/\(grouped(total))  \(grouped(Int(rate)))/s"
        let rest = rate > 0 ? "  \(remaining(Double(max(0, total - done)) / rate)) left" : ""
        let barWidth = min(40, columns - head.count - rest.count - 5)
        guard barWidth >= 8 else { return String((head + rest).prefix(max(0, columns - 1))) }
        let filled = Int(share * Double(barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: barWidth - filled)
        return "\(title) [\(bar)]\(head.dropFirst(title.count))\(rest)"
    }

    private static func remaining(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
    }

    /// A number with a comma before every third digit from the right.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }
}

/// The width of the terminal behind standard error; 80 where there is none.
func terminalColumns() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
}
