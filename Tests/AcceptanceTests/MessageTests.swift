import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("messages through the real conductor", .timeLimit(.minutes(5)))
struct MessageTests {
    private func pair(
        _ body: @escaping @Sendable (TestConductor, _ alice: Person, _ bob: Person) async throws -> Void
    ) async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            try await body(conductor, alice, bob)
        }
    }

    private static func say(_ order: String, _ text: String = "", to: String, more: String = "") -> String {
        #"{"to":"\#(to)","order":"\#(order)","text":"\#(text)"\#(more)}"#
    }

    @Test("§11.78 a message runs receive of the same zome with the true sender, who gets what it returns")
    func delivered() async throws {
        try await pair { _, alice, bob in
            let reply = try await alice.call("say", Self.say("echo", "hello", to: bob.agent.text))
            #expect(reply.text == "\(alice.agent) said hello")
            let own = try await bob.call("say", Self.say("echo", "to myself", to: bob.agent.text))
            #expect(own.text == "\(bob.agent) said to myself")
        }
    }

    @Test("§11.79 a zome without receive, and a receive that throws or traps, are errors that name the callback")
    func noReceiver() async throws {
        try await pair { _, alice, bob in
            let none = await alice.outcome("say", #"{"to":"\#(bob.agent)","text":"hello"}"#, zome: "annex")
            #expect(none.code == "noReceiver" && none.words.contains("`receive`"), "\(none)")
            for order in ["refuse this", "trap"] {
                let outcome = await alice.outcome("say", Self.say(order, to: bob.agent.text))
                #expect(outcome.code == "receiveFailed", "\(outcome)")
                #expect(outcome.words.contains("receive callback of zome `workshop`"))
            }
            // The trap cost the receiver one process and no more.
            #expect(await alice.outcome("say", Self.say("echo", to: bob.agent.text)).isOK)
        }
    }

    @Test("§11.82 a receiver that does not answer is `Timeout` for the sender; its late reply is ignored")
    func late() async throws {
        try await pair { conductor, alice, bob in
            let more = #","timeout_ms":50"#
            let outcome = await alice.outcome("say", Self.say("late", to: bob.agent.text, more: more))
            guard case .err("Timeout", "timeout", _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let before = try await alice.length(conductor)
            try await bob.frames.wait(for: "late")
            #expect(try await alice.call("say", Self.say("echo", "x", to: bob.agent.text)).text?.contains("x") == true)
            #expect(try await alice.length(conductor) == before)
        }
    }

    @Test("§11.83 while a send is held up, the other functions of the instance answer and write")
    func heldUp() async throws {
        try await pair { conductor, alice, bob in
            let held = alice.begin("say", Self.say("hang", to: bob.agent.text))
            try await bob.frames.wait(for: "init")
            try await alice.call("write", #"{"text":"meanwhile"}"#)
            #expect(try await alice.call("pages").items == [.string("meanwhile")])
            // Others hear from this agent, and it from others, as well.
            let carol = try await conductor.install(Places.workshop, as: "carol")
            #expect(await alice.outcome("say", Self.say("echo", to: carol.agent.text)).isOK)
            #expect(await carol.outcome("say", Self.say("echo", to: alice.agent.text)).isOK)
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"bob/main"}"#)
            #expect(try await !held.get().isOK)
        }
    }

    @Test("§11.84 unknown or malformed addresses, empty or 1 MiB payloads: an error or the reply, never a hang")
    func extremes() async throws {
        try await pair { conductor, alice, bob in
            let stranger = try await conductor.stranger("carol")
            let unknown = await alice.outcome("say", Self.say("echo", to: stranger.text))
            #expect(unknown.code == "agentNotFound" && unknown.words.contains(stranger.text))
            for broken in ["", "uhCAk", "hello", EntryHash(hashing: [1]).text] {
                let outcome = await alice.outcome("say", Self.say("echo", to: broken))
                #expect(outcome.code == "badInput" && outcome.words.contains("to"), "\(broken): \(outcome)")
            }
            let most = Limits.directMessageBytes - 64
            for count in [0, 1, most] {
                let text = String(repeating: "m", count: count)
                let reply = try await alice.call("say", Self.say("length", text, to: bob.agent.text))
                #expect(reply.text == "\(count)")
            }
            let tooLong = String(repeating: "m", count: Limits.directMessageBytes)
            let outcome = await alice.outcome("say", Self.say("length", tooLong, to: bob.agent.text))
            #expect(outcome.code == "messageTooLarge")
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"bob/main"}"#)
            let gone = await alice.outcome("say", Self.say("echo", to: bob.agent.text))
            #expect(gone.code == "peerUnreachable" && gone.words.contains("offline"), "\(gone)")
        }
    }

    @Test("§11.85 a receive that commits and emits: one signal for the receiver's client, and the entry on its chain")
    func receiveCommits() async throws {
        try await pair { _, alice, bob in
            #expect(try await alice.call("say", Self.say("keep", "a letter", to: bob.agent.text)).text == "kept")
            let kept = try await bob.frames.wait(for: "kept")
            #expect(kept.count == 1 && kept.first?.arguments?["caller"]?.text == alice.agent.text)
            #expect(kept.first?["instance_id"]?.text == bob.instance)
            #expect(try await bob.call("pages").items == [.string("a letter")])
            #expect(try await alice.call("pages").items.isEmpty)
            #expect(bob.frames.signals("kept").count == 1 && alice.frames.signals("kept").isEmpty)
        }
    }

    @Test("a receive that asks its sender back, makes it write, or plays on for twenty turns does not deadlock")
    func back() async throws {
        try await pair { _, alice, bob in
            let asked = try await alice.call("say", Self.say("ask_back", "who am I", to: bob.agent.text))
            #expect(asked.text == "\(bob.agent) said who am I")
            #expect(try await alice.call("say", Self.say("make_write", "from afar", to: bob.agent.text)).text == "kept")
            #expect(try await alice.call("pages").items == [.string("from afar")])
            let rally = String(repeating: "o", count: 20)
            #expect(try await alice.call("say", Self.say("ping_pong", rally, to: bob.agent.text)).text == "end")
        }
    }

    @Test("both at once ask each other back; both are answered")
    func crossing() async throws {
        try await pair { _, alice, bob in
            let calls = (0..<8).map { number in
                let (from, to) = number.isMultiple(of: 2) ? (alice, bob) : (bob, alice)
                return from.begin("say", Self.say("ask_back", "\(number)", to: to.agent.text))
            }
            for call in calls {
                let outcome = try await call.get()
                #expect(outcome.isOK, "\(outcome)")
            }
        }
    }

    @Test("a call that wrote, waited and finds that its chain moved meanwhile is told headMoved, and left nothing")
    func movedMeanwhile() async throws {
        try await pair { conductor, alice, bob in
            let quiet = try await alice.call("write_say_write", Self.say("echo", "calm", to: bob.agent.text))
            #expect(quiet.text == "\(alice.agent) said calm")
            let outcome = await alice.outcome("write_say_write", Self.say("make_write", "crossed", to: bob.agent.text))
            #expect(outcome.code == "headMoved", "\(outcome)")
            let pages = try await alice.call("pages").items.compactMap(\.text)
            #expect(pages == ["before calm", "after calm", "crossed"])
        }
    }
}
