import Chain
import Integrity
import ZomeRuntime

/// What a call asks of the schedule: it counts once the call has committed.
struct ScheduleChange {
    let function: ScheduledFunction
    /// What it asks for; nil to take the function out.
    let wanted: Wanted?
    /// Whether a scheduled function asks.
    var byRun = false

    enum Wanted {
        case atOnce
        case at(Schedule)

        var schedule: Schedule? {
            if case .at(let schedule) = self { return schedule }
            return nil
        }
    }
}

/// `schedule` and `unschedule`: noted in the call, as its signals are.
extension Cell {
    /// Functions of one cell that may be scheduled at a time.
    private static var scheduledMaximum: Int { 256 }

    func schedule(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(ScheduleRequest.self)
        let function = try scheduledFunction(wanted.function, request)
        try Self.check(wanted.schedule, now: conductor.options.clock())
        let call = request.call
        let pending = Set(call.schedules.map(\.function)).subtracting([function])
        let new = pending.filter { !conductor.schedules.holds($0) }.count
        guard
            conductor.schedules.holds(function)
                || conductor.schedules.count(of: instanceID) + new < Self.scheduledMaximum
        else {
            throw PlasmidError(
                .overloaded, "`\(instanceID)` has \(Self.scheduledMaximum) scheduled functions already",
                hint: "let one function do the work of several")
        }
        note(
            ScheduleChange(
                function: function, wanted: wanted.schedule.map { .at($0) } ?? .atOnce,
                byRun: request.call.steps.contains { $0.kind == .scheduled }), request)
    }

    func unschedule(_ request: HostRequest) throws(PlasmidError) {
        let function = try scheduledFunction(try request.decode(UnscheduleRequest.self).function, request)
        note(ScheduleChange(function: function, wanted: nil), request)
    }

    private func note(_ change: ScheduleChange, _ request: HostRequest) {
        let call = request.call
        call.changed(in: request.moduleCall)
        // The last word counts, and a call that says the same a million times keeps one of them; within a nested call
        // all are kept, since they may be taken back.
        if call.frames.isEmpty { call.schedules.removeAll { $0.function == change.function } }
        call.schedules.append(change)
        request.succeed([0xc0])
    }

    private func scheduledFunction(
        _ name: String, _ request: HostRequest
    ) throws(PlasmidError) -> ScheduledFunction {
        let zome = request.step.zome
        let known = request.call.runner?.descriptions?[zome].scheduled ?? []
        guard known.contains(name), name.utf8.count <= Limits.nameBytes else {
            throw PlasmidError(
                .unknownFunction, "zome '\(zomes[zome].name)' has no scheduled function '\(name)'",
                hint: known.isEmpty
                    ? "write one with `Scheduled(\"…\")`" : "it has \(known.prefix(20).joined(separator: ", "))")
        }
        guard request.call.schedules.count < Limits.actionsPerCall else {
            throw PlasmidError(.tooManyWrites, "the call changed schedules \(Limits.actionsPerCall) times")
        }
        return ScheduledFunction(instance: instanceID, zome: zomes[zome].name, function: name)
    }

    /// A cron expression has to be one, and to name a time to come.
    static func check(_ schedule: Schedule?, now: Timestamp) throws(PlasmidError) {
        guard case .persisted(let text)? = schedule else { return }
        guard try Cron(text).next(after: now) != nil else {
            throw PlasmidError(
                .badInput, "the cron expression `\(text)` names no time to come",
                hint: "there is no 30 February; a year may have passed")
        }
    }
}
