import Integrity
import Testing

@testable import plasmid

@Suite("statistics", .timeLimit(.minutes(5)))
struct StatisticsTests {
    private static func instance(_ stats: MessagePackValue, _ name: String) -> MessagePackValue? {
        stats["instances"]?.items.first { $0["instance_id"]?.text == name }
    }

    @Test("every call is counted once, under what it came to, and stopping a cell forgets nothing")
    func counters() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"one"}"#)
            try await alice.call("write", #"{"text":"two"}"#)
            #expect(await alice.outcome("write_twice_then_fail").code == "changedMyMind")
            #expect(await alice.outcome("no_such_function").code == "unknownFunction")
            let before = try await conductor.admin("admin/stats")
            let cell = try #require(Self.instance(before, alice.instance))
            #expect(cell["calls"]?["succeeded"]?.number == 2 && cell["calls"]?["app_errors"]?.number == 1)
            #expect(cell["calls"]?["latency"]?["count"]?.number == 3 && cell["calls_open"]?.number == 0)
            #expect(before["refusals"]?["unknownFunction"]?.number == 1)
            #expect(cell["chain_length"]?.number == (try await alice.length(conductor)))
            // `init` wrote as well.
            #expect((cell["calls"]?["commits"]?.number ?? 0) >= 3)
            #expect((cell["modules"]?["resident_bytes"]?.number ?? 0) > 0 && cell["modules"]?["restarts"]?.number == 0)
            let space = try #require(before["spaces"]?.items.first)
            #expect(space["dna"]?.text == alice.dna.text && (space["storage"]?["file_bytes"]?.number ?? 0) > 0)
            #expect((before["journal"]?["commits"]?.number ?? 0) > 3 && before["faults"]?.number == 0)
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"\#(alice.instance)"}"#)
            _ = try await conductor.admin("admin/instance/start", #"{"id":"\#(alice.instance)"}"#)
            let after = try await conductor.admin("admin/stats")
            #expect(Self.instance(after, alice.instance)?["calls"] == cell["calls"])
            #expect((after["uptime_us"]?.number ?? 0) > (before["uptime_us"]?.number ?? .max))
        }
    }

    @Test("a module that traps is counted, and so is its restart")
    func traps() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.hostile, as: "alice")
            let outcome = await alice.outcome("trap", zome: "hostile")
            #expect(outcome.code == "moduleTrapped", "\(outcome)")
            #expect(await alice.outcome("count", zome: "hostile").code != "moduleTrapped")
            let stats = try await conductor.admin("admin/stats")
            let cell = try #require(Self.instance(stats, alice.instance))
            #expect(cell["calls"]?["failures"]?["moduleTrapped"]?.number == 1)
            #expect(cell["modules"]?["crashes"]?.number == 1)
        }
    }
}
