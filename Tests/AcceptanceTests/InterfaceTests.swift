import ConductorAPI
import Foundation
import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("interfaces and bridges of 2019", .timeLimit(.minutes(5)))
struct InterfaceTests {
    /// A DNA and two started instances of two agents.
    static func prepare(_ conductor: TestConductor) async throws {
        try await conductor.installDna("blog")
        for (id, agent) in [("alice", "al"), ("bob", "bo")] {
            _ = try await conductor.admin("admin/agent/add", #"{"id":"\#(agent)","name":"\#(agent)"}"#)
            try await conductor.addInstance(id, dna: "blog", agent: agent)
        }
    }

    @Test("§11.12 by its alias an instance is called, by its id it is not; the alias stands in info/instances")
    func aliases() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            let port = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web", alias: "writer")
            let client = try await conductor.socket(on: "web", port: port)
            #expect(await client.call("writer", "write", #"{"text":"x"}"#).isOK)
            let byID = await client.call("alice", "pages")
            #expect(byID.code == "unknownInstance" && byID.words.contains("unknown instance"), "\(byID)")
            let line = try #require(try await client.ask("info/instances").items.first)
            #expect(line["id"]?.text == "alice" && line["alias"]?.text == "writer")
            // Another instance cannot take the name, and an instance is mounted once.
            for params in [
                #"{"interface_id":"web","instance_id":"bob","alias":"writer"}"#,
                #"{"interface_id":"web","instance_id":"alice","alias":"other"}"#,
            ] {
                #expect(await conductor.fault("admin/interface/add_instance", params)?.code == "duplicateID")
            }
            let other = try await conductor.addInterface("second")
            try await conductor.mount("alice", on: "second")
            let plain = try await conductor.socket(on: "second", port: other)
            #expect(await plain.call("alice", "pages").value?.items == [.string("x")])
        }
    }

    @Test("§11.1 §11.2 §11.16 an interface tells exactly what is mounted, over HTTP too; it speaks nothing else")
    func exact() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            let port = try await conductor.addInterface("web")
            let http = try await conductor.addInterface("http", type: "http")
            for name in ["web", "http"] { try await conductor.mount("bob", on: name) }
            let client = try await conductor.socket(on: "web", port: port)
            let lines = try await client.ask("info/instances")
            #expect(lines.items.map { $0["id"]?.text } == ["bob"])
            let token = try #require(
                try await conductor.admin("admin/token/issue", #"{"interface_id":"http"}"#)["token"]?.text)
            let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            let answer = try await RawHTTP.send(port: http, token: token, body: body)
            #expect(answer.status == 200)
            #expect(try JSONLines.value(answer.body)["result"] == lines)
            // Each speaks one protocol only, and each token opens one interface.
            #expect(try await RawHTTP.send("GET", port: http, token: token, body: "").status == 405)
            #expect(try await RawHTTP.send(port: port, token: client.token, body: body).status == 405)
            #expect(try await RawHTTP.send(port: http, token: client.token, body: body).status == 401)
            #expect(try await RawHTTP.send(port: http, token: nil, body: body).status == 401)
            #expect(try await RawHTTP.send(port: http, token: conductor.adminToken, body: body).status == 401)
            #expect(try await RawHTTP.send(port: conductor.ports.app, token: token, body: body).status == 401)
            for method in ["admin/agent/list", "test/agent/add", "debug/running_instances"] {
                let error = await #expect(throws: PlasmidError.self) { try await client.ask(method) }
                #expect(error?.code == "adminOnly", "\(method)")
            }
        }
    }

    @Test("an interface with admin takes the operator's token, speaks both, and hears every signal")
    func adminInterface() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            let port = try await conductor.addInterface("ops", isAdmin: true)
            try await conductor.mount("alice", on: "ops")
            let denied = await conductor.fault("admin/token/issue", #"{"interface_id":"ops"}"#)
            #expect(denied?.code == "notSupported")
            let client = try await Client2019.open(port: port, token: conductor.adminToken)
            #expect(try await client.ask("admin/instance/list").items.count == 2)
            #expect(await client.call("bob", "pages").code == "unknownInstance")
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            #expect(await admin.call("bob", "emit", #"{"name":"note","count":1}"#).isOK)
            try await client.frames.wait(for: "note")
            // It may take itself away: the answer comes first.
            #expect(try await client.ask("admin/interface/remove", #"{"id":"ops"}"#)["success"] == .bool(true))
            try await client.socket.closed.get()
        }
    }

    @Test("§11.17 a foreign page and a foreign host are refused at an interface, unless its origins name the page")
    func origins() async throws {
        try await TestConductor.with { conductor in
            let made = try await conductor.admin(
                "admin/interface/add",
                #"{"id":"web","admin":false,"type":"http","port":0,"origins":["http://shop.example"]}"#)
            let port = Int(try #require(made["port"]?.number))
            let token = try #require(
                try await conductor.admin("admin/token/issue", #"{"interface_id":"web"}"#)["token"]?.text)
            let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            for (header, status) in [
                ("Origin: http://evil.example", 403), ("Origin: null", 403), ("Origin: http://shop.example", 200),
                ("Host: evil.example", 403), ("Host: 192.168.1.5:\(port)", 403),
            ] {
                let answer = try await RawHTTP.send(port: port, token: token, body: body, headers: [header])
                #expect(answer.status == status, "\(header)")
            }
        }
    }

    @Test(
        "mounting and unmounting leaves sockets open; signals come from what is mounted only", .timeLimit(.minutes(2)))
    func mounting() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            let port = try await conductor.addInterface("web")
            let client = try await conductor.socket(on: "web", port: port)
            #expect(try await client.ask("info/instances").items.isEmpty)
            try await conductor.mount("alice", on: "web", alias: "a")
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            #expect(await admin.call("bob", "emit", #"{"name":"note","count":1}"#).isOK)
            #expect(await client.call("a", "emit", #"{"name":"note","count":1}"#).isOK)
            let heard = try await client.frames.wait(for: "note")
            #expect(heard.map { $0["instance_id"]?.text } == ["alice"])
            let gone = #"{"interface_id":"web","instance_id":"alice"}"#
            _ = try await conductor.admin("admin/interface/remove_instance", gone)
            #expect(await client.call("a", "pages").code == "unknownInstance")
            let again = await conductor.fault("admin/interface/remove_instance", gone)
            #expect(again?.message.contains("No Instance") == true)
            #expect(
                await conductor.fault(
                    "admin/interface/add_instance", #"{"interface_id":"web","instance_id":"nobody"}"#)?
                    .message.contains("not found") == true)
            #expect(
                await conductor.fault("admin/interface/add_instance", #"{"interface_id":"no","instance_id":"bob"}"#)?
                    .message.contains("not found") == true)
            #expect(try await client.ask("info/instances").items.isEmpty)
        }
    }

    @Test(
        "§11.27 a type that is none and a port beyond 65535 are -32602; a taken port is an error, and nothing is kept")
    func badInterfaces() async throws {
        try await TestConductor.with { conductor in
            for (params, words) in [
                (#"{"id":"x","admin":false,"type":"tcp","port":1}"#, "`type`"),
                (#"{"id":"x","admin":false,"type":"http","port":70000}"#, "16bit integer"),
                (#"{"id":"x","admin":false,"type":"http","port":-1}"#, "16bit integer"),
                (#"{"id":"x","admin":false,"type":"http","port":"80"}"#, "16bit integer"),
                (#"{"id":"x","admin":"no","type":"http","port":1}"#, "`admin` has to be a boolean"),
                (#"{"id":"x","admin":false,"type":"http"}"#, "`port` param not provided"),
                (#"{"admin":false,"type":"http","port":1}"#, "`id` param not provided"),
            ] {
                let body = #"{"jsonrpc":"2.0","id":1,"method":"admin/interface/add","params":\#(params)}"#
                let answer = try await RawHTTP.send(
                    port: conductor.ports.admin, token: conductor.adminToken, body: body)
                let error = try JSONLines.value(answer.body)["error"]
                #expect(error?["code"]?.number == -32602, "\(params): \(answer.body)")
                #expect(error?["message"]?.text?.contains(words) == true, "\(params): \(answer.body)")
            }
            let taken = conductor.ports.app
            let fault = await conductor.fault(
                "admin/interface/add", #"{"id":"x","admin":false,"type":"http","port":\#(taken)}"#)
            #expect(fault?.code == "addressInUse")
            #expect(
                await conductor.fault("admin/interface/remove", #"{"id":"x"}"#)?.message.contains("No such interface")
                    == true)
            #expect(try await conductor.admin("admin/interface/list").items.isEmpty)
        }
    }

    @Test("a fixed port is the same after a restart; where it is taken then, the others run and the list says why")
    func restart() async throws {
        let folder = try TestFolder()
        let port = try await TestConductor.with(in: folder) { conductor in
            let free = try await conductor.addInterface("first")
            _ = try await conductor.admin("admin/interface/remove", #"{"id":"first"}"#)
            // A port that was just given back can be had again.
            let params = #"{"id":"fixed","admin":false,"type":"http","port":\#(free)}"#
            while let fault = await conductor.fault("admin/interface/add", params) {
                try #require(fault.code == "addressInUse")
            }
            _ = try await conductor.addInterface("any")
            return free
        }
        try await TestConductor.with(in: folder) { conductor in
            let list = try await conductor.admin("admin/interface/list").items
            #expect(list.map { $0["id"]?.text } == ["any", "fixed"])
            #expect(list[1]["driver"]?["port"]?.number == Int64(port) && list[1]["fault"] == nil)
            #expect(list[0]["choose_free_port"] == .bool(true))
        }
    }

    @Test(
        "§11.30 an unknown end, a taken pair or handle and a cycle are refused; a good bridge works until it is removed"
    )
    func bridges() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            let good = #"{"caller_id":"alice","callee_id":"bob","handle":"friend"}"#
            #expect(try await conductor.admin("admin/bridge/add", good)["success"] == .bool(true))
            for (params, code) in [
                (good, "bridgeExists"),
                (#"{"caller_id":"alice","callee_id":"bob","handle":"other"}"#, "bridgeExists"),
                (#"{"caller_id":"bob","callee_id":"alice","handle":"back"}"#, "bridgeCycle"),
                (#"{"caller_id":"bob","callee_id":"nobody","handle":"x"}"#, "unknownInstance"),
                (#"{"caller_id":"bob","callee_id":"alice","handle":"a/b"}"#, "badName"),
            ] {
                #expect(await conductor.fault("admin/bridge/add", params)?.code.rawValue == code, "\(params)")
            }
            #expect(
                try await conductor.admin("admin/bridge/list").items
                    == [
                        .map(["caller_id": .string("alice"), "callee_id": .string("bob"), "handle": .string("friend")])
                    ])
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            let call = #"{"bridge":"friend","zome":"workshop","function":"visit","text":"hi"}"#
            let seen = await admin.call("alice", "call_cell", call)
            #expect(seen.value?["bridge"]?.text == "friend", "\(seen)")
            _ = try await conductor.admin("admin/bridge/remove", #"{"caller_id":"alice","callee_id":"bob"}"#)
            #expect(await admin.call("alice", "call_cell", call).code == "unknownBridge")
            let again = await conductor.fault("admin/bridge/remove", #"{"caller_id":"alice","callee_id":"bob"}"#)
            #expect(again?.message.contains("does not exist") == true)
        }
    }

    @Test("a hundred changes sent at once are done one after the other, and each is answered")
    func manyAtOnce() async throws {
        try await TestConductor.with { conductor in
            try await Self.prepare(conductor)
            _ = try await conductor.addInterface("web")
            let outcomes = await withTaskGroup(of: PlasmidError?.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let instance = number % 2 == 0 ? "alice" : "bob"
                        return await conductor.fault(
                            "admin/interface/add_instance",
                            #"{"interface_id":"web","instance_id":"\#(instance)","alias":"a\#(number)"}"#)
                    }
                }
                return await group.reduce(into: [PlasmidError?]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == nil } == 2)
            #expect(outcomes.compactMap { $0 }.allSatisfy { $0.code == "duplicateID" })
        }
    }
}
