import ConductorAPI
import Foundation
import Integrity
import Keystore
import Storage
import Testing

@testable import plasmid

/// A conductor that dies at every named step on the way to the disk, while an app is installed and notes are written.
@Suite struct KillPointTests {
    /// Times that each step is died at; many more when asked for.
    static let passes = ProcessInfo.processInfo.environment["PLASMID_SLOW"] == nil ? 2 : 50

    @Test("what was acknowledged survives a kill at any step of a commit", arguments: SyncPoint.allCases)
    func killed(at point: SyncPoint) async throws {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-kill-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        try await Self.install("writer", seed: "", AppClient(socket: conductor.connect()))
        conductor.kill()
        var written = Written()
        for pass in 1...Self.passes {
            await Self.liveUntilKilled(conductor, point, pass, &written)
            conductor.kill()
            try conductor.start()
            let client = AppClient(socket: try await conductor.connect())
            try await Self.check(written, client, pass)
            await client.socket.close()
            conductor.kill()
        }
    }

    /// What a client was told of.
    struct Written {
        var notes: [String: String] = [:]
        var apps: Set<String> = ["writer"]
    }

    /// Installs a second app, which makes a new space, and writes notes, until the conductor is gone or enough is written:
    /// some steps are rare, and then the kill that follows is one at random.
    private static func liveUntilKilled(
        _ conductor: ConductorProcess, _ point: SyncPoint, _ pass: Int, _ written: inout Written
    ) async {
        do {
            try conductor.start(environment: ["PLASMID_KILL_AT": "\(point.rawValue):\(pass)"])
            let client = AppClient(socket: try await conductor.connect())
            let app = "extra\(pass)"
            try await install(app, seed: app, client)
            written.apps.insert(app)
            for number in 1...40 {
                let text = "note \(number) of pass \(pass)"
                let hash = try await client.call(
                    "writer/messenger", "messenger", "write", .object(["text": .string(text)]))
                written.notes[hash.text ?? ""] = text
            }
        } catch {
            // The conductor died, at start or later: that is what it was asked to do.
        }
    }

    private static func install(_ app: String, seed: String, _ client: AppClient) async throws {
        var params: [MessagePackValue.Pair] = [
            .init(key: "path", value: .string(Places.messenger)),
            .init(key: "app_id", value: .string(app)),
        ]
        if !seed.isEmpty { params.append(.init(key: "network_seed", value: .string(seed))) }
        _ = try await client.request("admin/app/install", .map(params))
    }

    private static func check(_ written: Written, _ client: AppClient, _ pass: Int) async throws {
        let apps = try await client.request("admin/app/list").items.compactMap { $0["app_id"]?.text }
        #expect(written.apps.isSubset(of: apps))
        let notes = try await client.call("writer/messenger", "messenger", "notes").items
        let found = Dictionary(
            notes.map { ($0["hash"]?.text ?? "", $0["text"]?.text ?? "") }, uniquingKeysWith: { first, _ in first })
        for (hash, text) in written.notes { #expect(found[hash] == text) }
        let dump = try await client.request("admin/dump", .object(["instance_id": "writer/messenger"]))
        for (index, record) in (dump["records"]?.items ?? []).enumerated() {
            #expect(record["seq"]?.number == Int64(index))
        }
        // An installation that was cut off is done again, whatever is left of it.
        if !apps.contains("extra\(pass)") { try await install("extra\(pass)", seed: "extra\(pass)", client) }
        let ping = try await client.call("extra\(pass)/messenger", "messenger", "note_count")
        #expect(ping.number == 0)
    }
}
