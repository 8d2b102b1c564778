import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import Storage
import Testing

@testable import plasmid

@Suite("backups of a conductor, and what comes of them", .timeLimit(.minutes(5)))
struct RestoreTests {
    private static func restore(_ backup: String, checks: Bool = true) throws -> TestFolder {
        let folder = try TestFolder()
        _ = try Database.restore(RestoreRequest(backup: backup, folder: folder.path, now: 1, checks: checks))
        return folder
    }

    @Test("what was acknowledged is in a backup made under load; restored, it is read-only until the operator says so")
    func whole() async throws {
        let places = try TestFolder()
        let backup = places.path + "/backup"
        let agent = try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"before"}"#)
            try await alice.call("write_private", #"{"text":"secret"}"#)
            // Calls go on while the backup runs.
            async let made = conductor.admin("admin/backup", #"{"path":\#(quoted(backup))}"#)
            for number in 0..<50 { try await alice.call("write", #"{"text":"during \#(number)"}"#) }
            let answer = try await made
            #expect((answer["files"]?.number ?? 0) >= 4 && answer["path"]?.text == backup)
            let error = await #expect(throws: PlasmidError.self) {
                try await conductor.admin("admin/backup", #"{"path":\#(quoted(backup))}"#)
            }
            #expect(error?.code == .folderNotEmpty)
            return alice.agent
        }
        let restored = try Self.restore(backup)
        try await TestConductor.running(in: restored) { conductor in
            let alice = try await conductor.person("alice")
            #expect(alice.agent == agent)
            #expect(try await alice.call("pages").items.first == .string("before"))
            #expect(try await alice.call("diaries").items == [.string("opened"), .string("secret")])
            let length = try await alice.length(conductor)
            #expect(await alice.outcome("write", #"{"text":"too early"}"#).code == "readOnlyAfterRestore")
            let grant = await #expect(throws: PlasmidError.self) {
                try await conductor.admin(
                    "admin/grant",
                    #"{"instance_id":"\#(alice.instance)","tag":"t","access":"public","functions":["workshop/write"]}"#)
            }
            #expect(grant?.code == .readOnlyAfterRestore)
            #expect(try await alice.length(conductor) == length)
            let apps = try await conductor.admin("admin/app/list").items
            #expect(apps.first?["roles"]?.items.first?["read_only"] == .bool(true))
            #expect(
                try await conductor.admin("admin/restored/list").items.first?["instance_id"]?.text == alice.instance)
            let refused = await #expect(throws: PlasmidError.self) {
                try await conductor.admin("admin/restored/release", #"{"alone":false}"#)
            }
            #expect(refused?.code.rawValue == "badParameter")
        }
        // A restart says nothing of being alone.
        try await TestConductor.running(in: restored) { conductor in
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("write", #"{"text":"too early"}"#).code == "readOnlyAfterRestore")
            _ = try await conductor.admin(
                "admin/restored/release", #"{"alone":true,"instance_id":"\#(alice.instance)"}"#)
            #expect(await alice.outcome("write", #"{"text":"after"}"#).isOK)
            #expect(try await conductor.admin("admin/restored/list").items.isEmpty)
            // Whoever comes new was never anywhere else.
            let bob = try await conductor.install(Places.workshop, as: "bob")
            #expect(await bob.outcome("write", #"{"text":"new"}"#).isOK)
        }
        try await TestConductor.running(in: restored) { conductor in
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("write", #"{"text":"later"}"#).isOK)
        }
    }

    @Test("a conductor that is killed in the middle of a backup leaves a whole one or none, and has lost nothing")
    func killed() async throws {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-kill-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place + "/data", programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        var client = AppClient(socket: try await conductor.connect())
        _ = try await client.request("admin/app/install", .object(["path": .string(Places.messenger)]))
        for round in 0..<4 {
            let text = MessagePackValue.object(["text": .string("note \(round)")])
            _ = try await client.call("messenger/messenger", "messenger", "write", text)
            let backup = "\(place)/backup\(round)"
            let asked = client.socket.request(
                "admin/backup", params: Array(#"{"path":\#(quoted(backup))}"#.utf8))
            // Some die at once, some after a few answers more.
            for _ in 0..<(round * 3) { _ = try await client.request("admin/backup/status") }
            conductor.kill()
            _ = try? await asked.get()
            if FileManager.default.fileExists(atPath: backup) {
                _ = try Self.restore(backup)
            }
            try conductor.start()
            client = AppClient(socket: try await conductor.connect())
            let notes = try await client.call("messenger/messenger", "messenger", "notes").items
            #expect(notes.count == round + 1)
            // The name can be used again, whatever the death left.
            if !FileManager.default.fileExists(atPath: backup) {
                _ = try await client.request("admin/backup", .object(["path": .string(backup)]))
            }
            #expect(!FileManager.default.fileExists(atPath: backup + ".new"))
        }
        await client.socket.close()
    }

    @Test("§11.32 a damaged store is an error of its instance, and no new chain is begun in its place")
    func damaged() async throws {
        let folder = try TestFolder()
        let agent = try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.messenger, as: "bob")
            try await alice.call("write", #"{"text":"before"}"#)
            return (alice.agent, alice.dna, bob.instance)
        }
        // Every page behind the two that LMDB opens a file by.
        try folder.damage("spaces/\(agent.1.text)/data.mdb") { data in
            for at in stride(from: 8_192, to: data.count, by: 16) { data[at] ^= 0xff }
        }
        let damaged = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/spaces/\(agent.1.text)/data.mdb"))
        try await TestConductor.running(in: folder) { conductor in
            let apps = try await conductor.admin("admin/app/list").items
            let alice = try #require(apps.first { $0["app_id"]?.text == "alice" }?["roles"]?.items.first)
            #expect(alice["active"] == .bool(false))
            #expect(alice["fault"]?.text?.contains("storageCorrupt") == true, "\(alice)")
            let person = try await conductor.person("alice")
            for function in ["pages", "write"] {
                let outcome = await person.outcome(function, #"{"text":"on sand"}"#)
                #expect(outcome.code == "storageCorrupt", "\(outcome)")
            }
            // Neither does a new installation for the same agent begin one.
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"alice"}"#)
            await #expect(throws: PlasmidError.self) {
                try await conductor.install(Places.workshop, as: "again", params: #","agent":"\#(agent.0.text)""#)
            }
            // The others run.
            let bob = try await conductor.person("bob")
            #expect(await bob.outcome("note_count", zome: "messenger").isOK)
        }
        let after = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/spaces/\(agent.1.text)/data.mdb"))
        #expect(after == damaged)
    }
}
