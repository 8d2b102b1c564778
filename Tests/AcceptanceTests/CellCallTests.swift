import ConductorAPI
import Integrity
import NIOCore
import Testing

@testable import Conductor
@testable import plasmid

@Suite("calls from cell to cell: roles, cells, bridges, and the own cell", .timeLimit(.minutes(5)))
struct CellCallTests {
    private static func call(_ parts: String, _ function: String = "visit", text: String = "x") -> String {
        #"{\#(parts)"zome":"workshop","function":"\#(function)","text":"\#(text)"}"#
    }

    @Test("another role of the app is called by its name; it sees the caller, its cell and its instance")
    func roles() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let seen = try await alice.call("call_cell", Self.call(#""role":"side","#))
            #expect(seen["caller"]?.text == alice.agent.text && seen["instance"]?.text == "alice/main")
            #expect(seen["dna"]?.text == alice.dna.text && seen["bridge"] == .null && seen["grant"] == .null)
            // The own agent is the author in every role.
            #expect(await alice.outcome("call_cell", Self.call(#""role":"side","#, "write", text: "across")).isOK)
            let pages = try await alice.call("call_cell", Self.call(#""role":"side","#, "pages"))
            #expect(pages.items == [.string("across")])
            #expect(try await alice.call("pages").items.isEmpty)
            let none = await alice.outcome("call_cell", Self.call(#""role":"attic","#))
            #expect(none.code == "unknownInstance" && none.words.contains("alice/attic"), "\(none)")
        }
    }

    @Test("§9.22 §11.63 a cell of another agent sees who calls, and the grant; without a grant nothing is called")
    func otherAgents() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob", params: #","network_seed":"b""#)
            let target = #""dna":"\#(bob.dna)","agent":"\#(bob.agent)","#
            let open = try await alice.call("call_cell", Self.call(target))
            #expect(open["caller"]?.text == alice.agent.text && open["dna"]?.text == alice.dna.text)
            let denied = await alice.outcome("call_cell", Self.call(target, "visit_granted"))
            #expect(denied.code == "capabilityMissing", "\(denied)")
            let author = await alice.outcome("call_cell", Self.call(target, "diaries"))
            #expect(author.code == "capabilityMissing", "\(author)")
            let grant = try await bob.call(
                "grant", #"{"tag":"t","access":"transferable","functions":["workshop/visit_granted"]}"#)
            let secret = try #require(grant["secret"]?.text)
            let granted = try await alice.call(
                "call_cell", Self.call(target + #""secret":"\#(secret)","#, "visit_granted"))
            #expect(granted["grant"] == grant["address"] && granted["secret_used"] == .bool(true))
            #expect(granted["caller"]?.text == alice.agent.text)
        }
    }

    @Test("another app of the same agent is reached over a bridge only: the key of one app opens no other by itself")
    func sameAgent() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let second = try await conductor.install(
                Places.workshop, as: "second", params: #","network_seed":"b","agent":"\#(alice.agent)""#)
            #expect(second.agent == alice.agent)
            let target = #""dna":"\#(alice.dna)","agent":"\#(alice.agent)","#
            for function in ["diaries", "write", "visit", "visit_granted"] {
                let outcome = await second.outcome("call_cell", Self.call(target, function))
                #expect(outcome.code == "unknownBridge", "\(function): \(outcome)")
            }
            // What is open to everybody is open to it as well, but not in the author's name.
            #expect(await second.outcome("call_cell", Self.call(target + #""stranger":true,"#, "pages")).isOK)
            let stranger = await second.outcome("call_cell", Self.call(target + #""stranger":true,"#, "diaries"))
            #expect(stranger.code == "capabilityMissing", "\(stranger)")
            #expect(try await alice.call("pages").items.isEmpty)
            let bridge = Bridge(caller: second.instance, callee: alice.instance, handle: "home")
            #expect(await conductor.bridge(bridge) == nil)
            #expect(await second.outcome("call_cell", Self.call(target, "write", text: "over the bridge")).isOK)
            #expect(await second.outcome("call_cell", Self.call(#""bridge":"home","#, "diaries")).isOK)
            #expect(
                await alice.outcome(
                    "call_cell",
                    Self.call(
                        #""dna":"\#(second.dna)","agent":"\#(alice.agent)","#)
                ).code == "unknownBridge", "a bridge goes one way")
            #expect(await conductor.removeBridge(second.instance, alice.instance) == nil)
            #expect(await second.outcome("call_cell", Self.call(target, "write")).code == "unknownBridge")
            #expect(try await alice.call("pages").items == [.string("over the bridge")])
        }
    }

    @Test(
        "§11.63 called as a stranger, the own functions that are not public are refused; endless recursion is an error")
    func strangers() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let stranger = #""stranger":true,"#
            #expect(await alice.outcome("call_cell", Self.call(stranger, "pages")).isOK)
            for function in ["diaries", "write"] {
                let refused = await alice.outcome("call_cell", Self.call(stranger, function))
                #expect(refused.code == "capabilityMissing", "\(refused)")
            }
            let endless = await alice.outcome("recurse")
            #expect(endless.code == "callTooDeep", "\(endless)")
            // Shallow, and still without end: 2^20 calls.
            let branching = await alice.outcome("branch", #"{"count":20}"#)
            #expect(branching.code == "callTooDeep", "\(branching)")
            #expect(try await alice.call("branch", #"{"count":5}"#) == .int(32))
        }
    }

    @Test("§11.77 a role or cell that is stopped, and an app that is disabled, are told at once")
    func offline() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"alice/side"}"#)
            for target in [#""role":"side","#, #""bridge":"sideways","#] {
                let outcome = await alice.outcome("call_cell", Self.call(target))
                #expect(outcome.code == "cellNotActive" && outcome.words.contains("alice/side"), "\(outcome)")
            }
            _ = try await conductor.admin("admin/app/disable", #"{"app_id":"bob"}"#)
            let cell = #""dna":"\#(bob.dna)","agent":"\#(bob.agent)","#
            #expect(await alice.outcome("call_cell", Self.call(cell)).code == "cellNotActive")
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"bob"}"#)
            #expect(await alice.outcome("call_cell", Self.call(cell)).code == "unknownInstance")
        }
    }

    @Test("A→B→A: what is called back writes; the first caller, which had written before, is told that its chain moved")
    func cycles() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let there = try await alice.call("travel", #"{"roles":["side"],"text":"a"}"#)
            #expect(there.items == [.string("a"), .string("a+")])
            let back = await alice.outcome("travel", #"{"roles":["side","main"],"text":"b"}"#)
            #expect(back.code == "headMoved", "\(back)")
            #expect(try await alice.call("pages").items == [.string("a out"), .string("b++ out")])
            // Without writes it goes round until the depth is reached, and nobody hangs.
            let round = try await alice.call("wander", #"{"roles":["side","main"],"text":"c"}"#)
            #expect(round.items == [.string("callTooDeep")])
        }
    }

    @Test("a call into the own cell between two writes is one commit with them, and sees them")
    func nested() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("who")
            let before = try await alice.length(conductor)
            let told = try await alice.call("nested_writes", #"{"texts":["one","two"]}"#)
            #expect(told.items.compactMap(\.text) == ["written", "written", "before", "one", "two"])
            #expect(try await alice.call("pages").items.compactMap(\.text) == ["before", "one", "two", "after"])
            #expect(try await alice.length(conductor) == before + 4)
        }
    }

    @Test("what a nested call wrote and emitted is taken back when it throws; the caller goes on")
    func nestedFailure() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let told = try await alice.call("nested_writes", #"{"texts":["one","two"],"fails":true}"#)
            #expect(
                told.items.compactMap(\.text) == ["written", "changedMyMind: not two", "before", "one"], "\(told)")
            #expect(try await alice.call("pages").items.compactMap(\.text) == ["before", "one", "after"])
            #expect(alice.frames.signals("boast").isEmpty)
        }
    }

    @Test("a nested call that fails after its caller wrote beside it takes the whole call with it")
    func crossed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let outcome = await alice.outcome("crossed_writes")
            #expect(outcome.code == "changedMyMind" && outcome.words.contains("nothing of it"), "\(outcome)")
            #expect(try await alice.call("pages").items.isEmpty)
            #expect(await alice.outcome("write", #"{"text":"on"}"#).isOK)
        }
    }

    @Test("sixteen calls at once that each write, call into their own cell and write again: all in one linear chain")
    func contention() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("who")
            let before = try await alice.length(conductor)
            let calls = (0..<16).map { alice.begin("nested_writes", #"{"texts":["inner \#($0)"]}"#) }
            for call in calls {
                let outcome = try await call.get()
                #expect(outcome.isOK, "\(outcome)")
            }
            #expect(try await alice.length(conductor) == before + 48)
            let pages = try await alice.call("pages").items.compactMap(\.text)
            for start in stride(from: 0, to: pages.count, by: 3) {
                #expect(pages[start] == "before" && pages[start + 2] == "after")
                #expect(pages[start + 1].hasPrefix("inner"))
            }
        }
    }

    @Test("§11.30 a declared bridge works, over its handle the callee sees it; an unknown handle is refused by name")
    func declaredBridge() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let seen = try await alice.call("call_cell", Self.call(#""bridge":"sideways","#))
            #expect(seen["bridge"]?.text == "sideways" && seen["instance"]?.text == "alice/main")
            let unknown = await alice.outcome("call_cell", Self.call(#""bridge":"upwards","#))
            #expect(unknown.code == "unknownBridge" && unknown.words.contains("upwards"), "\(unknown)")
        }
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("call_cell", Self.call(#""bridge":"sideways","#)).isOK)
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"alice"}"#)
            #expect(try await conductor.bridges().isEmpty)
        }
    }

    @Test(
        "§11.30 bridges: unknown ends, a bad handle, a second one and a cycle are refused; usable at once, gone at once"
    )
    func bridges() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob", params: #","network_seed":"b""#)
            let (a, b) = (alice.instance, bob.instance)
            let there = Bridge(caller: a, callee: b, handle: "friend")
            let over = Self.call(#""bridge":"friend","#)
            #expect(await alice.outcome("call_cell", over).code == "unknownBridge")
            #expect(await conductor.bridge(there) == nil)
            let seen = try await alice.call("call_cell", over)
            #expect(seen["caller"]?.text == alice.agent.text && seen["bridge"]?.text == "friend")
            for (bridge, code) in [
                (Bridge(caller: a, callee: "nobody/main", handle: "n"), "unknownInstance"),
                (Bridge(caller: "nobody/main", callee: b, handle: "n"), "unknownInstance"),
                (Bridge(caller: a, callee: b, handle: "again"), "bridgeExists"),
                (Bridge(caller: b, callee: a, handle: "back"), "bridgeCycle"),
                (Bridge(caller: a, callee: a, handle: "self"), "bridgeCycle"),
                (Bridge(caller: b, callee: a, handle: "no spaces"), "badName"),
            ] {
                #expect(await conductor.bridge(bridge)?.code.rawValue == code, "\(bridge)")
            }
            #expect(try await conductor.bridges() == [there])
            #expect(await conductor.removeBridge(a, b) == nil)
            #expect(await alice.outcome("call_cell", over).code == "unknownBridge")
            #expect(await conductor.removeBridge(a, b)?.code == .unknownBridge)
            // What led back before leads back no more.
            #expect(await conductor.bridge(Bridge(caller: b, callee: a, handle: "back")) == nil)
        }
    }
}
