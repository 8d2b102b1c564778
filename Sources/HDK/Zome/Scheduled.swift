import Integrity

/// A function that runs by itself, as the cell's own agent, once ``Host/schedule(_:_:)`` has named it.
///
/// ```swift
/// let chat = Zome("chat") {
///     Init { host in try await host.schedule("tidy", .cron("0 3 * * *")) }   // at three every night, UTC
///     Scheduled("tidy") { schedule, host in
///         for old in try await host.query(.entries(of: Draft.self)) { try await host.delete(old.hash) }
///         return schedule                                                    // again tomorrow
///     }
/// }
/// ```
/// What it answers says when it runs next: the schedule that it was given, another one, or nil for never. A function that
/// throws or traps is not run again until it is scheduled anew. What it writes is one commit, as with any function. Clients
/// and other agents cannot call it.
public struct Scheduled: Sendable {
    let part: ZomePart

    /// A function that is told by which schedule it runs; nil when it was scheduled to run at once.
    public init(
        _ name: String, _ body: @escaping @Sendable (_ schedule: Schedule?, _ host: Host) async throws -> Schedule?
    ) {
        part = ZomePart(role: .scheduled(name)) { call, payload in
            let schedule = try ValueCodec.packed(MaybeSchedule.self, payload).schedule
            return MaybeSchedule(schedule: try await body(schedule, Host(call))).packed
        }
    }

    /// A function that does not ask by which schedule it runs.
    public init(_ name: String, _ body: @escaping @Sendable (_ host: Host) async throws -> Schedule?) {
        self.init(name) { _, host in try await body(host) }
    }
}

/// A schedule or nil, as it crosses the zome boundary.
private struct MaybeSchedule: Packable {
    var schedule: Schedule?

    init(schedule: Schedule?) { self.schedule = schedule }

    func pack(into w: inout MessagePackWriter) { w.write(schedule) }

    init(from r: inout MessagePackReader) throws(PlasmidError) { schedule = try r.readOptional() }
}

extension Schedule {
    /// Once, after a while; forgotten when the conductor or the app stops. A delay below a tenth of a second is one.
    public static func after(_ delay: Duration) -> Schedule {
        let (seconds, attoseconds) = delay.components
        guard seconds >= 0, attoseconds >= 0 else { return .ephemeral(0) }
        let whole = min(UInt64(seconds), Schedule.longestDelaySeconds)
        return .ephemeral(Int64(whole) * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    /// At the times that a cron expression names, in UTC, also after a restart. Five fields as Unix has them (`"30 7 * * 1-5"`:
    /// at half past seven from Monday to Friday), or seven as Holochain has them, with seconds first and the year last.
    public static func cron(_ expression: String) -> Schedule { .persisted(expression) }
}

extension Host {
    /// Lets a ``Scheduled`` function of this zome run by itself: after a delay, at the times of a cron expression, or, without
    /// a schedule, at once. It counts from the moment at which this call has committed, and not at all when it throws.
    /// A function that is scheduled already is scheduled anew.
    /// - Throws: `unknownFunction`; `badInput` for a cron expression that cannot be read or names no time to come;
    ///   `overloaded` beyond 256 functions of a cell.
    public func schedule(_ function: String, _ schedule: Schedule? = nil) async throws {
        _ = try await live.askRaw(.schedule, ScheduleRequest(function: function, schedule: schedule))
    }

    /// Takes a function's schedule back, once this call has committed. Nothing happens where there is none.
    public func unschedule(_ function: String) async throws {
        _ = try await live.askRaw(.unschedule, UnscheduleRequest(function: function))
    }
}
