import ConductorAPI
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import plasmid

@Suite("calls through the real conductor", .timeLimit(.minutes(5)))
struct CallTests {
    @Test("§11.1 info/instances lists exactly the instances of the connection's app")
    func instances() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let own = try JSONLines.value(try await alice.socket.call("info/instances")).items
            #expect(own.count == 1)
            #expect(own.first?["id"]?.text == "alice/main")
            #expect(own.first?["agent"]?.text == alice.agent.text)
            #expect(own.first?["dna"]?.text == alice.dna.text)
            let all = try await conductor.admin("info/instances").items
            #expect(all.map { $0["id"]?.text } == [alice.instance, bob.instance])
        }
    }

    @Test("§11.2 POST answers what the socket answers; GET and another content type are HTTP errors")
    func post() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let body = #"{"jsonrpc":"2.0","id":7,"method":"info/instances"}"#
            let port = conductor.ports.app
            let answer = try await RawHTTP.send(port: port, token: alice.token, body: body)
            #expect(answer.status == 200)
            let overSocket = try JSONLines.value(try await alice.socket.call("info/instances"))
            #expect(try JSONLines.value(answer.body)["result"] == overSocket)
            #expect(try await RawHTTP.send("GET", port: port, token: alice.token, body: "").status >= 400)
            #expect(
                try await RawHTTP.send(port: port, token: alice.token, body: body, type: "text/plain").status >= 400)
            #expect(try await alice.call("who")["me"]?.text == alice.agent.text)
        }
    }

    @Test("§11.3 §11.4 §11.5 faulty parameters of a call are -32602 and named, in the old order")
    func parameters() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let given = #""instance_id":"alice/main""#
            let cases = [
                ("", "expected params map"), (#","params":[1]"#, "expected params map"),
                (#","params":{"zome":"workshop","function":"who"}"#, "`instance_id`"),
                (#","params":{\#(given),"function":"who"}"#, "`zome`"),
                (#","params":{\#(given),"zome":"workshop"}"#, "`function`"),
                (#","params":{}"#, "`instance_id`"),
                (#","params":{\#(given),"zome":5,"function":"who"}"#, "not a valid json string"),
            ]
            for (params, words) in cases {
                let error = try await Self.fault(
                    #"{"jsonrpc":"2.0","id":1,"method":"call"\#(params)}"#, alice, conductor)
                #expect(error["code"]?.number == -32602)
                #expect(error["message"]?.text?.contains(words) == true, "\(params): \(error)")
            }
        }
    }

    private static func fault(
        _ body: String, _ person: Person, _ conductor: TestConductor
    ) async throws -> MessagePackValue {
        let answer = try await RawHTTP.send(port: conductor.ports.app, token: person.token, body: body)
        return try JSONLines.value(answer.body)["error"] ?? .null
    }

    @Test("§11.6 an unknown instance, zome and function are refused with words of their own")
    func unknown() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let instance = await alice.outcome(
                params: #"{"instance_id":"nobody/main","zome":"workshop","function":"who"}"#)
            #expect(instance.code == "unknownInstance" && instance.words.contains("nobody/main"))
            let zome = await alice.outcome("who", zome: "nowhere")
            #expect(zome.code == "unknownZome" && zome.words.contains("Zome 'nowhere' not found"))
            let function = await alice.outcome("fly")
            #expect(function.code == "unknownFunction")
            #expect(function.words.contains("Zome function 'fly' not found in Zome 'workshop'"))
            let error = try await Self.fault(
                #"{"jsonrpc":"2.0","id":1,"method":"call","params":{"instance_id":"a","zome":"b","function":"c"}}"#,
                alice, conductor)
            #expect(error["code"]?.number == -32602)
        }
    }

    @Test("§11.7 a stopped instance is not active yet; started again, the same call succeeds")
    func stopped() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"kept"}"#)
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"alice/main"}"#)
            let refused = await alice.outcome("pages")
            #expect(refused.code == "cellNotActive" && refused.words.contains("not active yet"))
            let running = try await conductor.admin("admin/instance/running")
            #expect(running.items.isEmpty)
            _ = try await conductor.admin("admin/instance/start", #"{"id":"alice/main"}"#)
            #expect(try await alice.call("pages").items == [.string("kept")])
        }
    }

    @Test("§11.8 §11.9 a result is a string that holds Ok; an app's error is a success that holds Err")
    func shapes() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.hostile, as: "alice")
            let call = #"{"instance_id":"alice/hostile","zome":"hostile","function":"#
            let good = try JSONLines.value(
                try await alice.socket.call("call", params: Array((call + #""echo","args":{"a":1}}"#).utf8)))
            #expect(good == .string(#"{"Ok":{"a":1}}"#))
            let bad = try JSONLines.value(
                try await alice.socket.call("call", params: Array((call + #""fail","args":"no"}"#).utf8)))
            #expect(bad == .string(#"{"Err":{"Internal":"no","code":"refused"}}"#))
        }
    }

    @Test("§11.10 a function without inputs runs without args; a missing or mistyped input is an error that names it")
    func inputs() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            for args in [nil, "null", "{}"] {
                #expect(try await alice.call("who", args)["me"]?.text == alice.agent.text)
            }
            for (args, name) in [("{}", "text"), (#"{"text":5}"#, "text"), ("null", "text")] {
                let outcome = await alice.outcome("write", args)
                #expect(outcome.code == "badInput" && outcome.words.contains(name), "\(args): \(outcome)")
            }
            #expect(try await alice.call("pages").items.isEmpty)
        }
    }

    @Test("§11.13 broken JSON, a missing version and an unknown method have their codes, and the socket stays open")
    func protocolFaults() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let cases = [
                ("{", -32700), (#"{"id":1,"method":"info/instances"}"#, -32600),
                (#"{"jsonrpc":"2.0","id":1,"method":"fly"}"#, -32601),
            ]
            for (body, code) in cases {
                #expect(try await Self.fault(body, alice, conductor)["code"]?.number == Int64(code))
            }
            let unknown = await #expect(throws: PlasmidError.self) { try await alice.socket.call("fly") }
            #expect(unknown?.code.rawValue == "unknownMethod")
            #expect(await alice.outcome("who").isOK)
        }
    }

    @Test("§11.14 a batch is answered whole and notifications are not answered, though they run")
    func batch() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            func call(_ id: String, _ text: String) -> String {
                #"{"jsonrpc":"2.0"\#(id),"method":"call","params":{"instance_id":"alice/main","zome":"workshop","#
                    + #""function":"write","args":{"text":"\#(text)"}}}"#
            }
            let body = "[\(call(#","id":1"#, "one")),\(call("", "two")),\(call(#","id":"x""#, "three")),5]"
            let answer = try await RawHTTP.send(port: conductor.ports.app, token: alice.token, body: body)
            let replies = try JSONLines.value(answer.body).items
            #expect(replies.count == 3)
            #expect(replies.contains { $0["id"] == .string("x") && $0["result"] != nil })
            #expect(replies.contains { $0["id"]?.number == 1 && $0["result"] != nil })
            #expect(replies.contains { $0["error"]?["code"]?.number == -32600 })
            let pages = try await alice.call("pages").items.compactMap(\.text)
            #expect(Set(pages).isSuperset(of: ["one", "three"]))
            let quiet = try await RawHTTP.send(port: conductor.ports.app, token: alice.token, body: call("", "four"))
            #expect(quiet.status == 204 && quiet.body.isEmpty)
        }
    }

    @Test("§11.15 while one call is held up, a later one on the same socket is answered")
    func overtaking() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let held = alice.begin("say", #"{"to":"\#(bob.agent)","order":"hang","text":""}"#)
            try await bob.frames.wait(for: "init")
            let order = Frames()
            let first = held.map { _ in order.add(.string("held")) }
            #expect(try await alice.call("who")["me"]?.text == alice.agent.text)
            order.add(.string("quick"))
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"bob/main"}"#)
            try await first.get()
            #expect(order.all == [.string("quick"), .string("held")])
            #expect(try await !held.get().isOK)
        }
    }

    @Test("§11.16 no administrative method exists on an app's connection")
    func adminOnly() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            for method in AdminMethod.all + ["debug/state_dump", "admin/no/such", "test/agent/add"] {
                let error = try await Self.fault(
                    #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"id":"alice/main","path":"/","app_id":"alice"}}"#,
                    alice, conductor)
                #expect(error["code"]?.number == -32601, "\(method)")
            }
            #expect(try await conductor.admin("admin/app/list").items.count == 1)
        }
    }

    @Test("§11.17 a foreign page, another host's name and a wrong or missing token are refused on both ports")
    func strangers() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            for (port, token) in [(conductor.ports.admin, conductor.adminToken), (conductor.ports.app, alice.token)] {
                #expect(try await RawHTTP.send(port: port, token: token, body: body).status == 200)
                for headers in [["Origin: https://evil.example"], ["Host: evil.example:\(port)"]] {
                    let answer = try await RawHTTP.send(port: port, token: token, body: body, headers: headers)
                    #expect((400..<500).contains(answer.status), "\(headers)")
                }
                for wrong in [nil, "", "wrong", token + "x"] {
                    #expect(try await RawHTTP.send(port: port, token: wrong, body: body).status == 401)
                }
            }
            let swapped = try await RawHTTP.send(port: conductor.ports.admin, token: alice.token, body: body)
            #expect(swapped.status == 401)
            #expect(conductor.ports.addresses.allSatisfy { ["127.0.0.1", "::1"].contains($0) })
        }
    }

    @Test("an app's connection calls another app's cell as its own agent, and never as the owner")
    func otherApp() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            #expect(try await bob.call("who", of: alice)["caller"]?.text == bob.agent.text)
            let refused = await bob.outcome("write", #"{"text":"mine now"}"#, of: alice)
            #expect(refused.words.contains("does not have Capability"))
        }
    }
}
