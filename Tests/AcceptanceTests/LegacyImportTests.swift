import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("a configuration of 2019 in a running conductor", .timeLimit(.minutes(5)))
struct LegacyImportTests {
    private static func text(alice: String = "HcSCjUNP6TtxqfdmgeIm3gqhVn7UhvidaAVjyDvNn6km5o3qkJqk9P8nkC9j78i")
        -> String
    {
        """
        [[agents]]
        id = "al"
        name = "Alice"
        public_address = "\(alice)"
        keystore_file = "keys/alice"
        [[dnas]]
        id = "blog"
        file = "\(Places.workshopDna)"
        hash = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
        uuid = "ours"
        [[instances]]
        id = "alice"
        dna = "blog"
        agent = "al"
        storage = { type = "memory" }
        [[interfaces]]
        id = "web"
        choose_free_port = true
        driver = { type = "websocket", port = 0 }
        [[interfaces.instances]]
        id = "alice"
        alias = "writer"
        [[ui_bundles]]
        id = "site"
        root_dir = "ui"
        [logger]
        type = "debug"
        """
    }

    private static func take(_ file: String, _ conductor: TestConductor) async throws -> Int {
        let config = try LegacyImport.read(file)
        let connection = RPCConnection(RPCAddress(port: conductor.ports.admin, token: conductor.adminToken))
        let plan = LegacyImport(config: config, folder: (file as NSString).deletingLastPathComponent)
        try await plan.check(connection)
        let steps = try await plan.steps(connection)
        for step in steps { _ = try await connection.request(step.method, step.params) }
        return steps.count
    }

    @Test("§11.40 what a configuration names is made, and works; taken over again nothing is left to do")
    func whole() async throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/ui", withIntermediateDirectories: false)
        let file = try folder.write(Self.text(), to: "conductor-config.toml")
        try await TestConductor.with { conductor in
            #expect(try await Self.take(file, conductor) == 7)
            #expect(try await Self.take(file, conductor) == 0)
            let interface = try #require(try await conductor.admin("admin/interface/list").items.first)
            let port = Int(try #require(interface["driver"]?["port"]?.number))
            let client = try await conductor.socket(on: "web", port: port)
            #expect(await client.call("writer", "write", #"{"text":"as then"}"#).isOK)
        }
    }

    @Test("§11.42 an address that is not the key's is refused, and nothing is made")
    func mismatch() async throws {
        let folder = try TestFolder()
        try await TestConductor.with { conductor in
            _ = try await conductor.admin("admin/agent/add", #"{"id":"al","name":"Alice"}"#)
            let other = try await conductor.stranger("other")
            let before = try await RegisterTests.lists(conductor)
            let file = try folder.write(Self.text(alice: other.text), to: "conductor-config.toml")
            let error = await #expect(throws: Failure.self) { try await Self.take(file, conductor) }
            #expect(error?.error?.message.contains("al") == true && error?.error?.message.contains(other.text) == true)
            #expect(try await RegisterTests.lists(conductor) == before)
            let own = try #require(try await conductor.admin("admin/agent/list").items.first { $0["id"]?.text == "al" })
            let right = try folder.write(Self.text(alice: own["public_address"]?.text ?? ""), to: "right.toml")
            try FileManager.default.createDirectory(atPath: folder.path + "/ui", withIntermediateDirectories: false)
            #expect(try await Self.take(right, conductor) == 6)
        }
    }

    @Test("§11.41 what does not fit together is refused before anything is made, with the ids and lines")
    func references() throws {
        let folder = try TestFolder()
        let file = try folder.write(
            Self.text().replacing("agent = \"al\"", with: "agent = \"carol\""), to: "conductor-config.toml")
        let error = #expect(throws: Failure.self) { try LegacyImport.read(file) }
        #expect(error?.error?.message.contains("alice") == true && error?.error?.message.contains("carol") == true)
    }
}
