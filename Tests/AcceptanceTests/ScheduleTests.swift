import Chain
import Integrity
import Synchronization
import Testing

@testable import Conductor
@testable import plasmid

/// A clock that stands until a test moves it.
final class VirtualClock: Sendable {
    private let microseconds = Mutex<Int64>(1_800_000_000_000_000)

    var now: Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }

    func advance(_ seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
}

@Suite("scheduled functions, by a clock that the test moves", .timeLimit(.minutes(5)))
struct ScheduleTests {
    private static func settings(_ clock: VirtualClock) -> TestSettings {
        var settings = TestSettings()
        settings.clock = { clock.now }
        return settings
    }

    /// Moves the clock and lets what is due begin.
    private static func advance(_ clock: VirtualClock, _ seconds: Int64, _ conductor: TestConductor) async throws {
        clock.advance(seconds)
        try await conductor.inside { (conductor: Conductor, reply: @escaping (Result<Void, PlasmidError>) -> Void) in
            conductor.clockMoved()
            reply(.success(()))
        }
    }

    private static func count(_ conductor: TestConductor) async throws -> Int {
        try await conductor.inside { conductor, reply in reply(.success(conductor.schedules.count)) }
    }

    @Test("cron: at its times, as the cell's own agent; it survives a restart, and what was missed is not made up for")
    func cron() async throws {
        let folder = try TestFolder()
        let clock = VirtualClock()
        try await TestConductor.with(Self.settings(clock), in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write_and_schedule", #"{"function":"tick","cron":"*/5 * * * *"}"#)
            // 1,800,000,000 is a whole number of five minutes.
            try await Self.advance(clock, 299, conductor)
            #expect(alice.frames.signals("ticked").isEmpty)
            try await Self.advance(clock, 1, conductor)
            try await alice.frames.wait(for: "ticked", count: 1)
            try await Self.advance(clock, 300, conductor)
            try await alice.frames.wait(for: "ticked", count: 2)
            let pages = try await alice.call("pages").items.compactMap(\.text)
            #expect(pages == ["scheduled tick", "tick true on time", "tick true on time"])
        }
        clock.advance(3_600)
        try await TestConductor.with(Self.settings(clock), in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(try await Self.count(conductor) == 1)
            try await Self.advance(clock, 1, conductor)
            #expect(alice.frames.signals("ticked").isEmpty)
            try await Self.advance(clock, 299, conductor)
            try await alice.frames.wait(for: "ticked", count: 1)
            try await alice.call("unschedule", #"{"function":"tick"}"#)
            #expect(try await Self.count(conductor) == 0)
        }
        try await TestConductor.with(Self.settings(clock), in: folder) { conductor in
            let left = try await Self.count(conductor)
            #expect(left == 0)
        }
    }

    @Test("a delay: once, lost at a restart; without a schedule at once; an answer of nil and an error end it")
    func ephemeral() async throws {
        let folder = try TestFolder()
        let clock = VirtualClock()
        try await TestConductor.with(Self.settings(clock), in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("schedule", #"{"function":"once","seconds":60}"#)
            try await Self.advance(clock, 60, conductor)
            try await alice.frames.wait(for: "ticked", count: 1)
            #expect(try await alice.call("pages").items == [.string("once")])
            #expect(try await Self.count(conductor) == 0)

            try await alice.call("schedule", #"{"function":"tick"}"#)
            try await alice.frames.wait(for: "ticked", count: 2)
            #expect(try await alice.call("pages").items.last == .string("tick true at once"))

            for function in ["throws", "odd"] {
                try await alice.call("schedule", #"{"function":"\#(function)"}"#)
                try await Self.advance(clock, 1, conductor)
                // The calls of one cell answer in their order: when this one has, that one has ended.
                while try await Self.count(conductor) > 0 { try await alice.call("who") }
            }
            #expect(alice.frames.signals("never").isEmpty)
            try await alice.call("schedule", #"{"function":"once","seconds":60}"#)
            #expect(try await Self.count(conductor) == 1)
        }
        try await TestConductor.with(Self.settings(clock), in: folder) { conductor in
            _ = try await conductor.person("alice")
            #expect(try await Self.count(conductor) == 0)
        }
    }

    @Test("it counts when the call has committed: a call that fails schedules nothing")
    func committed() async throws {
        let clock = VirtualClock()
        try await TestConductor.with(Self.settings(clock)) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let failed = await alice.outcome("schedule", #"{"function":"tick","cron":"* * * * *","fails":true}"#)
            #expect(failed.code == "changedMyMind")
            #expect(try await Self.count(conductor) == 0)
        }
    }

    @Test("unknown functions, cron that is none or never fires, and too many functions are refused")
    func refused() async throws {
        let clock = VirtualClock()
        try await TestConductor.with(Self.settings(clock)) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            for (plan, code, words) in [
                (#"{"function":"write"}"#, "unknownFunction", "write"),
                (#"{"function":"tick","cron":"0 0 30 2 *"}"#, "badInput", "no time to come"),
                (#"{"function":"tick","cron":"61 * * * *"}"#, "badInput", "minute"),
                (#"{"function":"tick","cron":"0 0 0 1 1 * 1999"}"#, "badInput", "no time to come"),
            ] {
                let outcome = await alice.outcome("schedule", plan)
                #expect(outcome.code == code && outcome.words.contains(words), "\(outcome)")
            }
            #expect(try await alice.call("schedule_many", #"{"count":10000}"#) == .int(256))
            #expect(try await Self.count(conductor) == 256)
            #expect(await alice.outcome("tick").code == "unknownFunction")
        }
    }

    @Test("a disabled app's functions do not run; enabled again they go on; uninstalled they are gone")
    func lifecycle() async throws {
        let clock = VirtualClock()
        try await TestConductor.with(Self.settings(clock)) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("schedule", #"{"function":"tick","cron":"* * * * *"}"#)
            _ = try await conductor.admin("admin/app/disable", #"{"app_id":"alice"}"#)
            try await Self.advance(clock, 60, conductor)
            #expect(try await Self.count(conductor) == 0)
            _ = try await conductor.admin("admin/app/enable", #"{"app_id":"alice"}"#)
            try await Self.advance(clock, 60, conductor)
            try await alice.frames.wait(for: "ticked", count: 1)
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"alice"}"#)
            let again = try await conductor.install(
                Places.workshop, as: "alice", params: #","agent":"\#(alice.agent)""#)
            #expect(await again.outcome("pages").isOK)
            #expect(try await Self.count(conductor) == 0)
        }
    }
}
