import Conductor
import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("signals to other agents", .timeLimit(.minutes(5)))
struct RemoteSignalTests {
    private func pair(
        _ body: @escaping @Sendable (TestConductor, _ alice: Person, _ bob: Person) async throws -> Void
    ) async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            try await body(conductor, alice, bob)
        }
    }

    private static func signal(_ name: String, _ to: [AgentPubKey], more: String = "") -> String {
        let agents = to.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"name":"\#(name)","to":[\#(agents)]\#(more)}"#
    }

    @Test("it reaches the other agent's clients with the sender's id, in order, and nobody else's")
    func delivered() async throws {
        try await pair { conductor, alice, bob in
            try await alice.call("signal_to", Self.signal("knock", [bob.agent, bob.agent], more: #","count":3"#))
            let frame = try #require(try await bob.frames.wait(for: "knock").first)
            #expect(frame["type"]?.text == "InstanceSignal" && frame["instance_id"]?.text == "bob/main")
            #expect(frame["signal"]?["signal_type"]?.text == "Remote")
            #expect(frame["signal"]?["from"]?.text == alice.agent.text && frame["zome"]?.text == "workshop")
            // A later one of bob's own comes after them; alice and the operator saw no knock of alice's cell.
            try await bob.call("emit", #"{"name":"last","count":1}"#)
            try await bob.frames.wait(for: "last")
            let knocks = bob.frames.signals("knock")
            #expect(
                knocks.map { $0.arguments?["number"]?.number } == [0, 1, 2], "once for each, whoever is named twice")
            #expect(knocks.compactMap { $0["seq"]?.number } == knocks.compactMap { $0["seq"]?.number }.sorted())
            #expect(alice.frames.signals("knock").isEmpty)
            #expect(bob.frames.signals("last").first?["signal"]?["signal_type"]?.text == "User")
            #expect(bob.frames.signals("last").first?["signal"]?["from"] == nil)
        }
    }

    @Test("it goes out with the commit, and not at all when the call fails")
    func afterCommit() async throws {
        try await pair { _, alice, bob in
            #expect(
                await alice.outcome("write_and_signal", Self.signal("invalid", [bob.agent])).code == "validationFailed")
            try await alice.call("write_and_signal", Self.signal("valid", [bob.agent]))
            try await bob.frames.wait(for: "valid")
            #expect(bob.frames.signals("invalid").isEmpty)
        }
    }

    @Test("who is not known, stopped, or has no receive hears nothing, and the sender no error")
    func nobody() async throws {
        try await pair { conductor, alice, bob in
            let stranger = AgentPubKey(hashing: [1])
            try await alice.call("signal_to", Self.signal("lost", [stranger]))
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"bob/main"}"#)
            try await alice.call("signal_to", Self.signal("early", [bob.agent, alice.agent]))
            // To oneself it comes like to anybody else.
            let own = try #require(try await alice.frames.wait(for: "early").first)
            #expect(own["signal"]?["from"]?.text == alice.agent.text)
            _ = try await conductor.admin("admin/instance/start", #"{"id":"bob/main"}"#)
            try await alice.call("signal_to", Self.signal("knock", [bob.agent]))
            try await bob.frames.wait(for: "knock")
            #expect(bob.frames.signals("early").isEmpty)
        }
    }

    @Test("too many agents, too large a payload, too long a name: refused, and nothing goes out")
    func bounds() async throws {
        try await pair { _, alice, bob in
            let crowd = (0..<1_001).map { AgentPubKey(hashing: Array("\($0)".utf8)) }
            #expect(await alice.outcome("signal_to", Self.signal("crowd", crowd + [bob.agent])).code == "overloaded")
            let large = await alice.outcome("signal_to", Self.signal("large", [bob.agent], more: #","length":1100000"#))
            #expect(large.code == "messageTooLarge")
            let name = String(repeating: "n", count: 1_025)
            #expect(await alice.outcome("signal_to", Self.signal(name, [bob.agent])).code == "messageTooLarge")
            // 70 of 1 MiB for one agent, 70 agents for one of 1 MiB, and 11 times 1,000 agents.
            for (to, count, length) in [
                ([bob.agent], 70, 1_000_000), (Array(crowd[..<70]), 1, 1_000_000), (Array(crowd[..<1_000]), 11, 0),
            ] {
                let more = #","count":\#(count),"length":\#(length)"#
                #expect(await alice.outcome("signal_to", Self.signal("many", to, more: more)).code == "overloaded")
            }
            try await alice.call("signal_to", Self.signal("knock", [bob.agent]))
            try await bob.frames.wait(for: "knock")
            for name in ["crowd", "large", name, "many"] { #expect(bob.frames.signals(name).isEmpty) }
        }
    }

    @Test("a flood is cut down to its measure and leaves others their place")
    func flood() async throws {
        try await pair { conductor, alice, bob in
            let carol = try await conductor.install(Places.workshop, as: "carol")
            try await alice.call("signal_to", Self.signal("flood", [bob.agent], more: #","count":9000"#))
            try await carol.call("signal_to", Self.signal("knock", [bob.agent]))
            try await bob.frames.wait(for: "knock")
            let heard = bob.frames.signals("flood").count
            #expect((1_000..<9_000).contains(heard), "\(heard)")
        }
    }
}
