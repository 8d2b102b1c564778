import Chain
import Integrity
import Logging
import NIOCore
import Storage
import ZomeRuntime

/// Runs what is due. The book decides; here are the timer, the rows of what is kept, and the calls.
extension Conductor {
    /// Looks at the clock again now: for whoever moved the clock that was injected.
    public func clockMoved() {
        loop.assertInEventLoop()
        runDue()
    }

    /// Longest sleep until the clock is looked at again, in microseconds: it may be set forward meanwhile.
    private static var longestSleep: Int64 { 60_000_000 }

    private func arm() {
        scheduleTimer?.cancel()
        scheduleTimer = nil
        guard let due = schedules.nextDue else { return }
        let wait = max(0, due.microseconds - options.clock().microseconds)
        scheduleTimer = after(microseconds: min(wait, Self.longestSleep)) { [self] in runDue() }
    }

    private func runDue() {
        for (function, run, schedule) in schedules.takeDue(now: options.clock()) {
            self.run(function, run, schedule)
        }
        arm()
    }

    private func run(_ function: ScheduledFunction, _ run: UInt64, _ schedule: Schedule?) {
        guard let cell = cells[function.instance], cell.isActive, let zome = cell.zomeIndex(function.zome) else {
            return ended(function, run, schedule, .failure(PlasmidError(.unknownZome, "its zome is gone")))
        }
        var writer = MessagePackWriter()
        writer.write(schedule)
        let step = CallStep(
            zome: zome, kind: .scheduled, name: function.function,
            invocation: Invocation(caller: cell.id.agent, payload: writer.bytes))
        cell.startWhenInitialised(step: step, caller: cell.id.agent, secret: false) { [self] result in
            ended(function, run, schedule, result)
        }
    }

    private func ended(
        _ function: ScheduledFunction, _ run: UInt64, _ schedule: Schedule?,
        _ result: Result<ZomeOutcome, PlasmidError>
    ) {
        var answer: Schedule?
        do {
            answer = try Self.answer(result, now: options.clock())
        } catch {
            let error = PlasmidError.from(error)
            if case .persisted? = schedule, Self.passing.contains(error.code) { answer = schedule }
            logger.warning(
                answer == nil
                    ? "a scheduled function failed and is not run again" : "a scheduled function could not run",
                metadata: [
                    "cell": "\(function.instance)", "zome": "\(function.zome)", "function": "\(function.function)",
                    "code": "\(error.code.rawValue)", "reason": "\(error.message)",
                ])
        }
        guard schedules.ran(function, run: run, answer: answer, now: options.clock()) else { return arm() }
        if let change = Self.row(of: function, was: schedule, is: answer) {
            store.write([change]) { [self] result in
                guard case .failure(let error) = result else { return }
                logger.error("a schedule could not be kept", metadata: ["code": "\(error.code.rawValue)"])
            }
        }
        arm()
    }

    /// Failures that are not the function's own and pass: what is persisted runs at its next time. A cell that came out of
    /// a backup would otherwise lose its schedule before the operator has let it go on.
    private static let passing: Set<PlasmidError.Code> = [
        .headMoved, .readOnlyAfterRestore, .diskFull, .storageFailed, .overloaded, .cellNotActive, .cellNotReady,
        .initFailed,
    ]

    /// What the function wants next.
    private static func answer(
        _ result: Result<ZomeOutcome, PlasmidError>, now: Timestamp
    ) throws(PlasmidError) -> Schedule? {
        switch try result.get() {
        case .appError(let error):
            throw PlasmidError(PlasmidError.Code(rawValue: error.code), error.message)
        case .ok(let bytes):
            let schedule = try MessagePackReader.reading(bytes) {
                (r: inout MessagePackReader) throws(PlasmidError) -> Schedule? in try r.readOptional()
            }
            try Cell.check(schedule, now: now)
            return schedule
        }
    }

    // MARK: What calls ask for

    /// Writes what a call asked for before the call is committed: after a crash in between, a function may run that was
    /// scheduled by a call that never was; the other way round an `init` that is not run again would have lost its schedule.
    func keep(_ changes: [ScheduleChange], _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        let rows = Self.last(changes).compactMap { change in
            Self.row(
                of: change.function, was: schedules.schedule(of: change.function), is: change.wanted?.schedule)
        }
        guard !rows.isEmpty else { return done(.success(())) }
        store.write(rows, completion: done)
    }

    /// One change for each function: the last word counts.
    private static func last(_ changes: [ScheduleChange]) -> [ScheduleChange] {
        var seen: Set<ScheduledFunction> = []
        return changes.reversed().filter { seen.insert($0.function).inserted }.reversed()
    }

    /// The call has committed: what it asked for is in effect.
    func take(_ changes: [ScheduleChange]) {
        guard !changes.isEmpty else { return }
        for change in changes {
            if let wanted = change.wanted {
                schedules.add(change.function, wanted.schedule, byRun: change.byRun, now: options.clock())
            } else {
                schedules.remove(change.function)
            }
        }
        arm()
    }

    /// The call was not committed after all: the rows are again what the book says.
    func takeBack(_ changes: [ScheduleChange]) {
        let rows = Self.last(changes).compactMap { change in
            Self.row(
                of: change.function, was: change.wanted?.schedule, is: schedules.schedule(of: change.function))
        }
        guard !rows.isEmpty else { return }
        store.write(rows) { _ in }
    }

    // MARK: Cells that come and go

    /// The schedules of a cell that begins to run. What was missed meanwhile is not made up for.
    func loadSchedules(of cell: Cell) throws(PlasmidError) {
        schedules.removeAll(of: cell.instanceID)
        for row in try store.settings.scan(prefix: Self.prefix(cell.instanceID)) {
            guard case .array(let texts) = try MessagePackValue(packed: row.value), texts.count == 3,
                case .string(let zome) = texts[0], case .string(let function) = texts[1],
                case .string(let cron) = texts[2]
            else { throw PlasmidError(.storageCorrupt, "the row of a scheduled function cannot be read") }
            let scheduled = ScheduledFunction(instance: cell.instanceID, zome: zome, function: function)
            schedules.add(scheduled, .persisted(cron), now: options.clock())
        }
        arm()
    }

    func dropSchedules(of instanceID: String) {
        schedules.removeAll(of: instanceID)
        arm()
    }

    /// What is to be written when an instance goes for good.
    func scheduleRemovals(of instanceID: String) throws(PlasmidError) -> [ConductorStore.Change] {
        try store.settings.scan(prefix: Self.prefix(instanceID)).map { .delete(.settings, key: $0.key) }
    }

    private static func prefix(_ instanceID: String) -> [UInt8] { Array("schedule\n\(instanceID)\n".utf8) }

    /// The change of a function's row from one schedule to another; nil when there is none. Only cron is kept.
    private static func row(
        of function: ScheduledFunction, was: Schedule?, is now: Schedule?
    ) -> ConductorStore.Change? {
        let key = prefix(function.instance) + Array("\(function.zome)\n\(function.function)".utf8)
        if case .persisted(let cron)? = now {
            if was == now { return nil }
            let texts = [function.zome, function.function, cron].map { MessagePackValue.string($0) }
            return .put(.settings, key: key, value: MessagePackValue.array(texts).packed)
        }
        if case .persisted? = was { return .delete(.settings, key: key) }
        return nil
    }
}
