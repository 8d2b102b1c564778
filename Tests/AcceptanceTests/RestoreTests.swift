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
}
