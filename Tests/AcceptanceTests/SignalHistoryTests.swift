import ConductorAPI
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import plasmid

@Suite("signals that were missed, and the conductor's own", .timeLimit(.minutes(5)))
struct SignalHistoryTests {
    private func subscribe(_ socket: RPCSocket, _ params: String) async throws -> MessagePackValue {
        try JSONLines.value(try await socket.call("signals/subscribe", params: Array(params.utf8)))
    }

    @Test("§11.39 a client that was away takes up where it stopped; after a restart it is told that nobody knows")
    func away() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("emit", #"{"name":"begin","count":1}"#)
            // What follows `init` in the background has its number before those that are counted here.
            try await alice.frames.wait(for: "post_commit", count: 1)
            try await alice.call("emit", #"{"name":"tick","count":3}"#)
            let last = try #require(try await alice.frames.wait(for: "tick", count: 3).last)
            let (boot, seen) = (try #require(last["boot"]?.text), try #require(last["seq"]?.number))
            await alice.socket.close()

            let back = try await conductor.person("alice")
            try await back.call("emit", #"{"name":"tick","count":2}"#)
            let whileAway = try await back.frames.wait(for: "tick", count: 2)
            let fresh = try await conductor.person("alice")
            let answer = try await subscribe(
                fresh.socket, #"{"instance_id":"alice/main","name":"tick","since":\#(seen),"boot":"\#(boot)"}"#)
            #expect(answer["replayed"]?.number == 2 && answer["missed"]?.number == 0 && answer["boot"]?.text == boot)
            let again = try await fresh.frames.wait(for: "tick", count: 2)
            #expect(again == whileAway)
            #expect(again.allSatisfy { ($0["seq"]?.number ?? 0) > seen })
            try await fresh.call("emit", #"{"name":"tick","count":1}"#)
            let live = try await fresh.frames.wait(for: "tick", count: 3)
            #expect(live.prefix(2) == again[...] && live.last?["seq"]?.number != again.last?["seq"]?.number)

            let restarted = try await conductor.person("alice")
            let unknown = try await subscribe(
                restarted.socket,
                #"{"instance_id":"alice/main","name":"tick","since":\#(seen),"boot":"0000000000000000"}"#)
            #expect(unknown["missed"] == .null && unknown["replayed"]?.number == 6)
            let beyond = try await subscribe(restarted.socket, #"{"instance_id":"alice/main","since":900000}"#)
            #expect(beyond["missed"] == .null, "a number that this run has not reached can only be of another")
        }
    }

    @Test("a buffer that has passed says how many are missing")
    func passed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            for _ in 0..<5 { try await alice.call("emit", #"{"name":"tick","count":1000}"#) }
            let all = try await alice.frames.wait(for: "tick", count: 5_000)
            let last = try #require(all.last?["seq"]?.number)
            let late = try await conductor.person("alice")
            let answer = try await subscribe(late.socket, #"{"instance_id":"alice/main","since":0}"#)
            let (replayed, missed) = (answer["replayed"]?.number ?? 0, answer["missed"]?.number ?? 0)
            #expect(replayed + missed == last && missed > 0 && replayed > 1_000)
            let frames = try await late.frames.wait(for: "tick", count: Int(replayed))
            #expect(frames.first?["seq"]?.number == missed + 1 && frames.last?["seq"]?.number == last)
        }
    }

    @Test("§11.36 trace, consistency and statistics: nothing until asked, then calls, commits and numbers")
    func own() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write_and_emit", #"{"text":"quiet"}"#)
            try await conductor.frames.wait(for: "wrote")
            #expect(conductor.frames.all.allSatisfy { $0["signal"]?["signal_type"]?.text == "User" })

            _ = try await subscribe(
                conductor.admin, #"{"kinds":["trace","consistency","stats"],"instance_id":"alice/main"}"#)
            try await alice.call("write_and_emit", #"{"text":"told"}"#)
            let traces: @Sendable (MessagePackValue, String) -> Bool = {
                $0["signal"]?["signal_type"]?.text == "Trace" && $0["signal"]?["action"]?["action_type"]?.text == $1
            }
            // The `post_commit` of the first call may be told as well.
            let began = try await conductor.frames.wait(for: "traces of the call") {
                traces($0, "SignalZomeFunctionCall")
                    && $0["signal"]?["action"]?["data"]?["function"]?.text == "write_and_emit"
            }
            let wrote = try await conductor.frames.wait(for: "traces of its commit") { traces($0, "Commit") }
            let ended = try await conductor.frames.wait(for: "traces of its end") {
                traces($0, "ReturnZomeFunctionResult")
            }
            let traced = began + wrote + ended
            #expect(traced.allSatisfy { $0["instance_id"]?.text == "alice/main" })
            let text = traced.map { "\($0)" }.joined()
            #expect(!text.contains("told"), "what a call carries is nobody's business")
            let settled = try await conductor.frames.wait(for: "consistency", count: 2) {
                $0["signal"]?["signal_type"]?.text == "Consistency"
            }
            let pending = settled[0]["signal"]?["pending"]?.items.first
            #expect(pending?["group"]?.text == "Source" && pending?["event"] == settled[1]["signal"]?["event"])
            let numbers = try await conductor.frames.wait(for: "statistics") { $0["type"]?.text == "InstanceStats" }
            let cell = try #require(numbers.first?["instance_stats"]?["alice/main"])
            #expect(cell["offline"] == .bool(false) && cell["number_pending_validations"]?.number == 0)
            #expect(cell["number_held_aspects"]?.number != nil && cell["number_running_zome_calls"]?.number != nil)
            #expect(alice.frames.all.allSatisfy { $0["signal"]?["signal_type"]?.text == "User" })
        }
    }
}
