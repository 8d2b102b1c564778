import ConductorAPI
import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("apps, agents and tokens in the real conductor", .timeLimit(.minutes(5)))
struct AppTests {
    /// The error of an administrative method.
    private static func fault(_ conductor: TestConductor, _ method: String, _ params: String) async -> PlasmidError? {
        do {
            _ = try await conductor.admin(method, params)
            return nil
        } catch {
            return error as? PlasmidError
        }
    }

    @Test("§11.22 a second app of the same name, and the same agent twice in one DNA, are refused; nothing changes")
    func duplicates() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let before = try await conductor.admin("admin/app/list")
            let path = quoted(Places.workshop)
            let name = await Self.fault(conductor, "admin/app/install", #"{"path":\#(path),"app_id":"alice"}"#)
            #expect(name?.code == "appExists")
            let agent = await Self.fault(
                conductor, "admin/app/install", #"{"path":\#(path),"app_id":"two","agent":"\#(alice.agent)"}"#)
            #expect(agent?.code == "cellExists")
            for odd in ["", "a/b", "..", String(repeating: "x", count: 65), "a b"] {
                let error = await Self.fault(
                    conductor, "admin/app/install", #"{"path":\#(path),"app_id":\#(quoted(odd))}"#)
                #expect(error != nil, "\(odd)")
            }
            #expect(try await conductor.admin("admin/app/list") == before)
        }
    }

    @Test("§11.25 started twice is already active, stopped twice not active yet; stopped and started it works")
    func startStop() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let id = #"{"id":"alice/main"}"#
            #expect(await Self.fault(conductor, "admin/instance/start", id)?.message.contains("already active") == true)
            _ = try await conductor.admin("admin/instance/stop", id)
            #expect(await Self.fault(conductor, "admin/instance/stop", id)?.message.contains("not active yet") == true)
            _ = try await conductor.admin("admin/instance/start", id)
            #expect(await alice.outcome("write", #"{"text":"on again"}"#).isOK)
            let unknown = await Self.fault(conductor, "admin/instance/start", #"{"id":"nobody/main"}"#)
            #expect(unknown?.message.contains("does not exist") == true)
        }
    }

    @Test("a call that runs while its instance is stopped is told so, and nothing of it is written")
    func stoppedMeanwhile() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            try await alice.call("who")
            let before = try await alice.length(conductor)
            let held = alice.begin("write_say_write", #"{"to":"\#(bob.agent)","order":"hang","text":"x"}"#)
            try await bob.frames.wait(for: "init")
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"alice/main"}"#)
            let outcome = try await held.get()
            #expect(outcome.code == "cellNotActive", "\(outcome)")
            #expect(try await alice.length(conductor) == before)
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"bob"}"#)
            try await bob.socket.closed.get()
            let call = #"{"instance_id":"bob/main","zome":"workshop","function":"who"}"#
            #expect(await Self.fault(conductor, "call", call)?.code == .unknownInstance)
        }
    }

    @Test("a disabled app takes no calls, now and after a restart; enabled it goes on")
    func disabled() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"before"}"#)
            _ = try await conductor.admin("admin/app/disable", #"{"app_id":"alice"}"#)
            #expect(await alice.outcome("pages").code == "cellNotActive")
        }
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("pages").code == "cellNotActive")
            _ = try await conductor.admin("admin/app/enable", #"{"app_id":"alice"}"#)
            #expect(try await alice.call("pages").items == [.string("before")])
        }
    }

    @Test("a revoked, a spent and an uninstalled app's token open nothing; a good one still does after a restart")
    func tokens() async throws {
        let folder = try TestFolder()
        let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
        let kept = try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let port = conductor.ports.app
            let once = try #require(
                try await conductor.admin("admin/token/issue", #"{"app_id":"alice","single_use":true}"#)["token"]?.text)
            #expect(try await RawHTTP.send(port: port, token: once, body: body).status == 200)
            #expect(try await RawHTTP.send(port: port, token: once, body: body).status == 401)
            let other = try await conductor.person("alice")
            _ = try await conductor.admin("admin/token/revoke", #"{"token":"\#(other.token)"}"#)
            #expect(try await RawHTTP.send(port: port, token: other.token, body: body).status == 401)
            // What it had opened is closed: whoever took the token is out.
            try await other.socket.closed.get()
            let gone = try await conductor.install(Places.messenger, as: "gone")
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"gone"}"#)
            #expect(try await RawHTTP.send(port: port, token: gone.token, body: body).status == 401)
            // Its socket would speak for the next app of this name.
            try await gone.socket.closed.get()
            _ = try await alice.socket.call("info/instances")
            return alice.token
        }
        try await TestConductor.with(in: folder) { conductor in
            let answer = try await RawHTTP.send(port: conductor.ports.app, token: kept, body: body)
            #expect(answer.status == 200)
        }
    }

    @Test("§11.29 a test agent has the same address for the same name, is never saved, and needs test mode")
    func testAgents() async throws {
        let folder = try TestFolder()
        let method = "test/agent/add"
        let address = try await TestConductor.with(in: folder) { conductor in
            let first = try await conductor.admin(method, #"{"id":"t","name":"tess"}"#)["agent_address"]
            #expect(try await conductor.admin(method, #"{"id":"u","name":"tess"}"#)["agent_address"] == first)
            return first
        }
        var settings = TestSettings()
        settings.testMode = false
        try await TestConductor.with(settings, in: folder) { conductor in
            let agents = try await conductor.admin("admin/agent/list").items
            #expect(agents.allSatisfy { $0["public_address"] != address })
            #expect(
                await Self.fault(conductor, method, #"{"id":"t","name":"tess"}"#)?.message.contains("test mode") == true
            )
        }
    }

    @Test("§11.21 two network seeds of one DNA are two networks: no message and no entry crosses")
    func networks() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice", params: #","network_seed":"one""#)
            let bob = try await conductor.install(Places.workshop, as: "bob", params: #","network_seed":"two""#)
            #expect(alice.dna != bob.dna)
            let written = try await alice.call("write", #"{"text":"only here"}"#)
            let hash = try #require(written["action"]?.text)
            #expect(try await bob.call("get", #"{"hash":"\#(hash)"}"#) == .null)
            let said = await bob.outcome("say", #"{"to":"\#(alice.agent)","order":"echo","text":"x"}"#)
            #expect(said.code == "agentNotFound")
        }
    }

    @Test("§11.11 nesting, unicode, 64-bit integers and a long text go through a module unchanged, or are refused")
    func odd() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let long = String(repeating: "é", count: 500_000)
            for json in [
                "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1.5", "true", "[]", "{}",
                #""zażółć 🐢 \u0000 \\ \"""#, quoted(long),
                String(repeating: "[", count: 60) + String(repeating: "]", count: 60),
                #"{"a":{"b":[1,{"c":null}]}}"#,
            ] {
                let expected = try JSONLines.value(json)
                #expect(try await eve.call("echo", json, zome: "hostile") == expected, "\(json.prefix(60))")
            }
            let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
            #expect(await eve.outcome("echo", deep, zome: "hostile").isOK == false)
            #expect(await eve.outcome("echo", "1", zome: "hostile").isOK)
        }
    }

    @Test("a function that calls itself without end is told to stop, and nobody else is held up")
    func recursion() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let alice = try await conductor.install(Places.messenger, as: "alice")
            let held = eve.begin("call_myself", zome: "hostile")
            #expect(await alice.outcome("write", #"{"text":"meanwhile"}"#, zome: "messenger").isOK)
            let outcome = try await held.get()
            #expect(!outcome.isOK && !outcome.words.isEmpty)
            #expect(try await eve.call("echo", "1", zome: "hostile") == .int(1))
        }
    }
}
