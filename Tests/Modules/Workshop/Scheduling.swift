import HDK

struct Plan: Decodable, Sendable {
    var function: String
    var cron: String?
    var seconds: Int?
    /// The call then fails.
    var fails: Bool?

    var schedule: Schedule? {
        if let cron { return .cron(cron) }
        return seconds.map { .after(.seconds($0)) }
    }
}

@ZomeBuilder
func scheduling() -> [ZomePart] {
    Function("schedule") { (plan: Plan, host: Host) in
        try await host.schedule(plan.function, plan.schedule)
        if plan.fails == true { throw ZomeError("changedMyMind", "nothing shall run") }
    }
    Function("write_and_schedule") { (plan: Plan, host: Host) in
        try await host.create(Page(text: "scheduled \(plan.function)"))
        try await host.schedule(plan.function, plan.schedule)
    }
    Function("unschedule") { (plan: Plan, host: Host) in try await host.unschedule(plan.function) }
    // Asks for as many as there are, and tells how many it got.
    Function("schedule_many") { (amount: Amount, host: Host) -> Int in
        for number in 0..<amount.count {
            do {
                try await host.schedule("job \(number)", .after(.seconds(3_600)))
            } catch let error as ZomeError where error.code.rawValue == "overloaded" {
                return number
            }
        }
        return amount.count
    }
    // Writes who runs it and goes on as before.
    Scheduled("tick") { schedule, host in
        let caller = try await host.callInfo().caller
        let isMe = try await caller == host.me
        try await host.create(Page(text: "tick \(isMe) \(schedule == nil ? "at once" : "on time")"))
        try await host.emitSignal("ticked", isMe)
        return schedule
    }
    Scheduled("once") { host in
        try await host.create(Page(text: "once"))
        try await host.emitSignal("ticked", true)
        return nil
    }
    Scheduled("throws") { host in
        try await host.emitSignal("never", true)
        throw ZomeError("lost", "this one always fails")
    }
    Scheduled("odd") { _ in .cron("0 0 30 2 *") }
    for number in 0..<300 { Scheduled("job \(number)") { _ in nil } }
}
