import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("DNAs, instances and agents of 2019", .timeLimit(.minutes(5)))
struct RegisterTests {
    @Test("§11.18 §11.21 §11.23 a DNA, an agent and an instance on an interface: calls work without a restart")
    func whole() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let hash = try await conductor.installDna("blog")
            #expect(
                try await conductor.admin("admin/dna/list").items
                    == [.map(["id": .string("blog"), "hash": .string(hash)])])
            let other = try await conductor.installDna("other", more: #","uuid":"a-network-of-its-own""#)
            #expect(other != hash)
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            try await conductor.addInstance("alice", dna: "blog", agent: "al", start: false)
            let port = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web")
            let client = try await conductor.socket(on: "web", port: port)
            let stopped = await client.call("alice", "write", #"{"text":"too early"}"#)
            #expect(stopped.code == "cellNotActive" && stopped.words.contains("not active yet"), "\(stopped)")
            _ = try await conductor.admin("admin/instance/start", #"{"id":"alice"}"#)
            #expect(await client.call("alice", "write", #"{"text":"hello"}"#).isOK)
            try await conductor.addInstance("elsewhere", dna: "other", agent: "al")
            try await conductor.mount("elsewhere", on: "web")
            #expect(await client.call("elsewhere", "pages").value?.items == [])
            #expect(await client.call("alice", "pages").value?.items == [.string("hello")])
            let lines = try await client.ask("info/instances").items
            #expect(lines.map { $0["id"]?.text } == ["alice", "elsewhere"])
            #expect(lines.map { $0["dna"]?.text } == ["blog", "other"] && lines[0]["agent"]?.text == "al")
            #expect(lines[0]["dna_hash"]?.text == hash)
        }
        try await TestConductor.with(in: folder) { conductor in
            let running = try await conductor.admin("admin/instance/running").items
            #expect(running.map { $0["id"]?.text } == ["alice", "elsewhere"])
            let interface = try #require(try await conductor.admin("admin/interface/list").items.first)
            let port = Int(try #require(interface["driver"]?["port"]?.number))
            let client = try await conductor.socket(on: "web", port: port)
            #expect(await client.call("alice", "pages").value?.items == [.string("hello")])
        }
    }

    @Test("§11.19 a wrong hash, a missing file, a broken manifest or a missing module: an error, and nothing changes")
    func badDnas() async throws {
        let folder = try TestFolder()
        let broken = try folder.write("manifest_version: \"1\"\nname: [", to: "broken.yaml")
        let empty = try folder.write(
            """
            manifest_version: "1"
            name: hollow
            integrity: { network_seed: "" }
            coordinator: { zomes: [ { name: hollow, module: NoSuchModule, functions: [] } ] }
            """, to: "hollow.yaml")
        let old = try folder.write(#"{"name":"old","zomes":{}}"#, to: "old.dna.json")
        try await TestConductor.with { conductor in
            let wrong = DnaHash(hashing: Array("another".utf8)).text
            for (path, more, code) in [
                (Places.workshopDna, #","expected_hash":"\#(wrong)""#, "dnaMismatch"),
                (folder.path + "/none.yaml", "", "manifestUnreadable"), (broken, "", "manifestInvalid"),
                (empty, "", "moduleRefused"), (old, "", "notSupported"),
                (Places.workshopDna, #","properties":{"a":"b"}"#, "propertiesNeedCopy"),
                (Places.workshopDna, #","properties":{"a":"b"},"copy":false"#, "propertiesNeedCopy"),
            ] {
                let fault = await conductor.fault(
                    "admin/dna/install_from_file", #"{"id":"x","path":\#(quoted(path))\#(more)}"#)
                #expect(fault?.code.rawValue == code, "\(path): \(String(describing: fault))")
            }
            #expect(try await conductor.admin("admin/dna/list").items.isEmpty)
            let hash = try await conductor.installDna("x")
            try await conductor.installDna("y", more: #","expected_hash":"\#(hash)","uuid":"""#)
        }
    }

    @Test("§11.20 properties go with copy only; they change the hash, and the zome reads the merged value")
    func properties() async throws {
        try await TestConductor.with { conductor in
            let plain = try await conductor.installDna("plain")
            let changed = try await conductor.installDna(
                "changed", more: #","copy":true,"properties":{"title":"News","gone":null}"#)
            #expect(plain != changed)
            #expect(
                await conductor.fault(
                    "admin/dna/install_from_file",
                    #"{"id":"z","path":\#(quoted(Places.workshopDna)),"properties":"text","copy":true}"#)?.code
                    == "badParameter")
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            try await conductor.addInstance("alice", dna: "changed", agent: "al")
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            #expect(await admin.call("alice", "properties").value == .map(["title": .string("News")]))
        }
    }

    @Test("§11.22 a second DNA, agent, instance, interface or bundle of one id is refused, and nothing changes on disk")
    func duplicates() async throws {
        let folder = try TestFolder()
        let port = try await TestConductor.with(in: folder) { conductor in
            try await conductor.installDna("blog")
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            try await conductor.addInstance("alice", dna: "blog", agent: "al")
            let port = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web")
            let before = try await Self.lists(conductor)
            let dna = quoted(Places.workshopDna)
            for (method, params, words) in [
                ("admin/dna/install_from_file", #"{"id":"blog","path":\#(dna)}"#, "Duplicate dna IDs detected"),
                ("admin/agent/add", #"{"id":"al","name":"Other"}"#, "already exists"),
                ("admin/instance/add", #"{"id":"alice","dna_id":"blog","agent_id":"al"}"#, "Duplicate"),
                (
                    "admin/interface/add", #"{"id":"web","admin":false,"type":"http","port":0}"#,
                    "already exists"
                ),
                (
                    "admin/interface/add_instance", #"{"interface_id":"web","instance_id":"alice"}"#,
                    "already in interface"
                ),
            ] {
                let fault = await conductor.fault(method, params)
                #expect(fault?.code == "duplicateID", "\(method): \(String(describing: fault))")
                #expect(fault?.message.contains(words) == true, "\(method): \(String(describing: fault))")
            }
            #expect(try await Self.lists(conductor) == before)
            return port
        }
        #expect(port > 0)
    }

    /// Everything that the lists say.
    static func lists(_ conductor: TestConductor) async throws -> [MessagePackValue] {
        var all: [MessagePackValue] = []
        for name in ["dna", "agent", "instance", "interface", "bridge", "ui", "ui_interface"] {
            all.append(try await conductor.admin("admin/\(name)/list"))
        }
        return all
    }

    @Test("§11.24 an unknown storage word, agent or DNA: an error, and no folder is left behind")
    func badInstances() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            try await conductor.installDna("blog")
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            let before = folder.listing("spaces")
            for (params, code) in [
                (#"{"id":"i","dna_id":"blog","agent_id":"al","storage":"tape"}"#, "badStorage"),
                (#"{"id":"i","dna_id":"none","agent_id":"al"}"#, "unknownID"),
                (#"{"id":"i","dna_id":"blog","agent_id":"none"}"#, "unknownID"),
                (#"{"id":"../i","dna_id":"blog","agent_id":"al"}"#, "badName"),
            ] {
                let fault = await conductor.fault("admin/instance/add", params)
                #expect(fault?.code.rawValue == code, "\(params): \(String(describing: fault))")
            }
            #expect(folder.listing("spaces") == before)
            #expect(try await conductor.admin("admin/instance/list").items.isEmpty)
            for word in ["memory", "file", "pickle", "lmdb"] {
                let more = #"{"id":"\#(word)","dna_id":"\#(word)","agent_id":"al","storage":"\#(word)"}"#
                try await conductor.installDna(word, more: #","uuid":"\#(word)""#)
                #expect(await conductor.fault("admin/instance/add", more) == nil)
            }
        }
    }

    @Test("§11.25 §11.26 started twice, stopped twice, removed twice: an error each time that says why")
    func again() async throws {
        try await TestConductor.with { conductor in
            try await conductor.installDna("blog")
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            try await conductor.addInstance("alice", dna: "blog", agent: "al")
            let id = #"{"id":"alice"}"#
            #expect(await conductor.fault("admin/instance/start", id)?.message.contains("already active") == true)
            _ = try await conductor.admin("admin/instance/stop", id)
            #expect(await conductor.fault("admin/instance/stop", id)?.message.contains("not active yet") == true)
            _ = try await conductor.admin("admin/instance/start", id)
            let port = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web")
            let client = try await conductor.socket(on: "web", port: port)
            #expect(await client.call("alice", "write", #"{"text":"on"}"#).isOK)
            _ = try await conductor.admin("admin/instance/remove", id)
            #expect(await client.call("alice", "pages").code == "unknownInstance")
            #expect(try await client.ask("info/instances").items.isEmpty)
            for method in ["admin/instance/remove", "admin/instance/start", "admin/instance/stop"] {
                #expect(await conductor.fault(method, id)?.message.contains("does not exist") == true, "\(method)")
            }
            // The chain is still there for the same agent and DNA.
            try await conductor.addInstance("again", dna: "blog", agent: "al")
            try await conductor.mount("again", on: "web")
            #expect(await client.call("again", "pages").value?.items == [.string("on")])
        }
    }

    @Test("§11.28 an added agent has an address, and signs after a restart; removed, it takes its instances along")
    func agents() async throws {
        let folder = try TestFolder()
        let address = try await TestConductor.with(in: folder) { conductor in
            let made = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice A."}"#)
            let line = try #require(try await conductor.admin("admin/agent/list").items.first)
            #expect(line["id"]?.text == "al" && line["name"]?.text == "Alice A.")
            #expect(line["public_address"] == made["agent_address"] && line["test_agent"] == .bool(false))
            #expect(line["holo_remote_key"] == .null && line["keystore_file"]?.text?.isEmpty == false)
            try await conductor.installDna("blog")
            try await conductor.addInstance("alice", dna: "blog", agent: "al")
            #expect(
                await conductor.fault("admin/agent/add", #"{"id":"h","name":"h","holo_remote_key":"x"}"#)?.code
                    == "notSupported")
            return line["public_address"]?.text ?? ""
        }
        try await TestConductor.with(in: folder) { conductor in
            let agent = try AgentPubKey(address)
            let signature = try await conductor.sign([1, 2, 3], by: agent)
            #expect(signature.verifies([1, 2, 3], by: agent))
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            #expect(await admin.call("alice", "write", #"{"text":"mine"}"#).isOK)
            _ = try await conductor.admin("admin/agent/remove", #"{"id":"al"}"#)
            #expect(try await conductor.admin("admin/agent/list").items.isEmpty)
            #expect(try await conductor.admin("admin/instance/list").items.isEmpty)
            #expect(
                await conductor.fault("admin/agent/remove", #"{"id":"al"}"#)?.message.contains("does not exist") == true
            )
            let second = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice B."}"#)
            #expect(second["agent_address"]?.text != address)
        }
        try await TestConductor.with(in: folder) { conductor in
            let lines = try await conductor.admin("admin/agent/list").items
            #expect(lines.map { $0["name"]?.text } == ["Alice B."])
        }
    }

    @Test("§11.29 a test agent's instance works; the agent's id is its own, and removing it forgets both")
    func testAgents() async throws {
        try await TestConductor.with { conductor in
            let made = try await conductor.admin("test/agent/add", #"{"id":"t","name":"tess"}"#)
            #expect(made["agent_address"]?.text?.utf8.count == 53)
            #expect(await conductor.fault("test/agent/add", #"{"id":"t","name":"other"}"#)?.code == "duplicateID")
            let line = try #require(try await conductor.admin("admin/agent/list").items.first)
            #expect(line["test_agent"] == .bool(true) && line["keystore_file"] == .null)
            try await conductor.installDna("blog")
            try await conductor.addInstance("tests", dna: "blog", agent: "t")
            _ = try await conductor.admin("admin/agent/remove", #"{"id":"t"}"#)
            #expect(try await conductor.admin("admin/instance/list").items.isEmpty)
            let again = try await conductor.admin("test/agent/add", #"{"id":"t","name":"tess"}"#)
            #expect(again == made)
        }
    }

    @Test("§11.64 an init that refuses keeps the instance from being added; nothing of it is left")
    func failingInit() async throws {
        try await TestConductor.with { conductor in
            try await conductor.installDna(
                "bad", Places.hostileDna, more: #","copy":true,"properties":{"init_fails":true}"#)
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            let fault = await conductor.fault(
                "admin/instance/add", #"{"id":"alice","dna_id":"bad","agent_id":"al"}"#)
            #expect(fault?.code == "initFailed", "\(String(describing: fault))")
            #expect(fault?.message.contains("ask this init to fail") == true)
            #expect(try await conductor.admin("admin/instance/list").items.isEmpty)
            #expect(try await conductor.admin("admin/app/list").items.isEmpty)
        }
    }

    @Test("a DNA that is uninstalled takes its instances along; an unknown one is an error")
    func uninstalledDna() async throws {
        try await TestConductor.with { conductor in
            try await conductor.installDna("blog")
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            try await conductor.addInstance("alice", dna: "blog", agent: "al")
            _ = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web")
            _ = try await conductor.admin("admin/dna/uninstall", #"{"id":"blog"}"#)
            let lists = try await Self.lists(conductor)
            #expect(lists[0].items.isEmpty && lists[2].items.isEmpty)
            #expect(lists[3].items.first?["instances"]?.items.isEmpty == true)
            #expect(await conductor.fault("admin/dna/uninstall", #"{"id":"blog"}"#)?.code == "unknownID")
        }
    }
}
