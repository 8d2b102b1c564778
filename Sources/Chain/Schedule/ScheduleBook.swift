import Integrity

/// One scheduled function of one cell.
public struct ScheduledFunction: Hashable, Sendable {
    /// The cell's instance id.
    public let instance: String
    /// The zome's name.
    public let zome: String
    /// The function's name.
    public let function: String

    /// A function from its parts.
    public init(instance: String, zome: String, function: String) {
        self.instance = instance
        self.zome = zome
        self.function = function
    }
}

/// What is to run when. A pure state machine: time comes in, what is due comes out.
///
/// A function stands here once: scheduling it again replaces what was. While it runs it is not due. After it has run, what
/// it answered says when it runs next.
public struct ScheduleBook: Sendable {
    /// How late a persisted run may be, in microseconds: one that was missed by more (the computer slept, the app was
    /// disabled) is left out. Holochain's value.
    public static let windowMicroseconds: Int64 = 20_000_000
    /// The shortest delay of an ephemeral run, in microseconds: a function cannot run itself in a tight circle.
    public static let shortestDelay: Int64 = 100_000

    private struct Entry {
        /// nil: it runs at once and is told nothing.
        var schedule: Schedule?
        var due: Timestamp
        var isRunning = false
        /// The number of the run under way: a late answer of an earlier one means nothing.
        var run: UInt64 = 0
    }

    private var entries: [ScheduledFunction: Entry] = [:]
    private var runs: UInt64 = 0
    /// Runs of one cell under way at a time, at most.
    private let runningMaximum: Int
    private var running: [String: Int] = [:]

    /// An empty book.
    public init(runningMaximum: Int = 8) {
        self.runningMaximum = max(1, runningMaximum)
    }

    /// How many functions stand here.
    public var count: Int { entries.count }

    /// How many functions of a cell stand here.
    public func count(of instance: String) -> Int {
        entries.keys.lazy.filter { $0.instance == instance }.count
    }

    /// Whether a function stands here.
    public func holds(_ function: ScheduledFunction) -> Bool { entries[function] != nil }

    /// By which schedule a function stands here; nil also for one that runs once, at once.
    public func schedule(of function: ScheduledFunction) -> Schedule? { entries[function]?.schedule }

    /// When a function runs next; nil when it does not stand here.
    public func due(_ function: ScheduledFunction) -> Timestamp? { entries[function]?.due }

    /// Schedules a function.
    /// - Parameter byRun: whether a scheduled function asks for it: then it runs after the shortest delay at the earliest, so
    ///   that two of them cannot drive each other round without a pause either.
    /// - Returns: whether it will ever run; a cron expression that names no time to come is not kept.
    @discardableResult
    public mutating func add(
        _ function: ScheduledFunction, _ schedule: Schedule?, byRun: Bool = false, now: Timestamp
    ) -> Bool {
        remove(function)
        guard let due = Self.next(schedule, after: now) else { return false }
        let earliest = byRun ? now.advanced(byMicroseconds: Self.shortestDelay) : now
        entries[function] = Entry(schedule: schedule, due: max(due, earliest))
        return true
    }

    /// Takes a function out.
    public mutating func remove(_ function: ScheduledFunction) {
        if entries.removeValue(forKey: function)?.isRunning == true { running[function.instance, default: 1] -= 1 }
    }

    /// Takes all functions of a cell out.
    public mutating func removeAll(of instance: String) {
        for function in entries.keys where function.instance == instance { entries[function] = nil }
        running[instance] = nil
    }

    /// The functions that are to run now, the longest due first, each with the number of its run and what it is told.
    public mutating func takeDue(now: Timestamp) -> [(function: ScheduledFunction, run: UInt64, schedule: Schedule?)] {
        var taken: [(function: ScheduledFunction, run: UInt64, schedule: Schedule?)] = []
        let ready = entries.filter { !$0.value.isRunning && $0.value.due <= now }
            .sorted { ($0.value.due, $0.key.zome, $0.key.function) < ($1.value.due, $1.key.zome, $1.key.function) }
        for (function, entry) in ready {
            if case .persisted? = entry.schedule,
                now.microseconds - entry.due.microseconds > Self.windowMicroseconds
            {
                skip(function, entry, now)
                continue
            }
            guard running[function.instance, default: 0] < runningMaximum else { continue }
            running[function.instance, default: 0] += 1
            runs += 1
            entries[function]?.isRunning = true
            entries[function]?.run = runs
            taken.append((function, runs, entry.schedule))
        }
        return taken
    }

    private mutating func skip(_ function: ScheduledFunction, _ entry: Entry, _ now: Timestamp) {
        guard let due = Self.next(entry.schedule, after: now) else {
            entries[function] = nil
            return
        }
        entries[function]?.due = due
    }

    /// A run has ended. `answer` is what the function wants next; nil, also for what it threw, takes it out.
    /// - Returns: false when the run is not the present one: it was replaced or taken out meanwhile.
    @discardableResult
    public mutating func ran(
        _ function: ScheduledFunction, run: UInt64, answer: Schedule?, now: Timestamp
    ) -> Bool {
        guard let entry = entries[function], entry.isRunning, entry.run == run else { return false }
        remove(function)
        if let answer { add(function, answer, now: now) }
        return true
    }

    /// When something is due next; nil when nothing is, or only what runs already.
    public var nextDue: Timestamp? {
        entries.lazy.filter { !$0.value.isRunning && running[$0.key.instance, default: 0] < runningMaximum }
            .map(\.value.due).min()
    }

    private static func next(_ schedule: Schedule?, after now: Timestamp) -> Timestamp? {
        switch schedule {
        case nil: now
        case .ephemeral(let delay): now.advanced(byMicroseconds: max(shortestDelay, delay))
        case .persisted(let text): (try? Cron(text))?.next(after: now)
        }
    }
}
