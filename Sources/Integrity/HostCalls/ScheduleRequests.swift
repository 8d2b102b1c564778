// When functions run by themselves, and the host operations that say so.

/// When a scheduled function runs.
public enum Schedule: Packable, Hashable {
    /// Once, after a delay in microseconds. Forgotten when the conductor or the app stops.
    case ephemeral(Int64)
    /// Again and again, at the times that a cron expression names, in UTC. Kept over restarts.
    case persisted(String)

    /// Writes `{"Ephemeral": {secs, nanos}}` or `{"Persisted": cron}`, as Holochain does.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        switch self {
        case .ephemeral(let delay):
            let delay = max(0, delay)
            w.writeString("Ephemeral")
            w.writeMapHeader(2)
            w.writeString("secs")
            w.writeInt(delay / 1_000_000)
            w.writeString("nanos")
            w.writeInt(delay % 1_000_000 * 1_000)
        case .persisted(let cron):
            w.writeString("Persisted")
            w.writeString(cron)
        }
    }

    /// Reads one of the two forms.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let key = try r.expectVariant("Schedule")
        switch key {
        case "Ephemeral": self = .ephemeral(try Self.delay(&r))
        case "Persisted": self = .persisted(try r.readString())
        default: throw r.unknownCase(key, of: "Schedule")
        }
    }

    private static func delay(_ r: inout MessagePackReader) throws(PlasmidError) -> Int64 {
        var seconds: UInt64 = 0
        var nanos: UInt64 = 0
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "secs": seconds = try r.readUInt()
            case "nanos": nanos = try r.readUInt()
            default: try r.skip()
            }
        }
        // A century is long enough, and short enough to be added to any time.
        guard seconds <= Self.longestDelaySeconds, nanos < 1_000_000_000 else {
            throw PlasmidError(
                .badInput, "a delay of \(seconds) s and \(nanos) ns cannot be scheduled",
                hint: "at most \(Self.longestDelaySeconds) s")
        }
        return Int64(seconds) * 1_000_000 + Int64(nanos / 1_000)
    }

    /// The longest delay, in seconds: a hundred years.
    public static let longestDelaySeconds: UInt64 = 3_155_760_000
}

/// Input of ``HostOperation/schedule``.
public struct ScheduleRequest: Packable, Hashable {
    /// A scheduled function of the zome that asks.
    public var function: String
    /// When it runs; at once, as soon as the call has committed, when nil.
    public var schedule: Schedule?

    /// A request from its parts.
    public init(function: String, schedule: Schedule? = nil) {
        self.function = function
        self.schedule = schedule
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("function")
        w.writeString(function)
        w.writeString("schedule")
        w.write(schedule)
    }

    /// Reads a map; the schedule may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var function: String?
        var schedule: Schedule?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "function": try r.read(into: &function)
            case "schedule": schedule = try r.readOptional()
            default: try r.skip()
            }
        }
        self.function = try r.require(function, "function", of: "ScheduleRequest")
        self.schedule = schedule
    }
}

/// Input of ``HostOperation/unschedule``.
public struct UnscheduleRequest: Packable, Hashable {
    /// A scheduled function of the zome that asks.
    public var function: String

    /// A request from its part.
    public init(function: String) {
        self.function = function
    }

    /// Writes a map of 1 field.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("function")
        w.writeString(function)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var function: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "function": try r.read(into: &function)
            default: try r.skip()
            }
        }
        self.function = try r.require(function, "function", of: "UnscheduleRequest")
    }
}
