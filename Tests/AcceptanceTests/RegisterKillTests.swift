import ConductorAPI
import Foundation
import Integrity
import Keystore
import Storage
import Testing

@testable import plasmid

/// A conductor that dies on the way of an administrative change to the disk.
@Suite struct RegisterKillTests {
    /// Times that each step is died at; many more when asked for.
    static let passes = ProcessInfo.processInfo.environment["PLASMID_SLOW"] == nil ? 2 : 40

    /// The changes, in order: each makes, changes or removes something, some of them several rows at once.
    static let changes: [(method: String, params: MessagePackValue)] = [
        ("admin/agent/add", .object(["id": "al", "name": "Alice A."])),
        ("admin/dna/install_from_file", .object(["id": "blog", "path": .string(Places.messengerDna)])),
        ("admin/instance/add", .object(["id": "alice", "dna_id": "blog", "agent_id": "al"])),
        ("admin/instance/start", .object(["id": "alice"])),
        ("admin/interface/add", .object(["id": "web", "admin": .bool(false), "type": "http", "port": .int(0)])),
        ("admin/interface/add_instance", .object(["interface_id": "web", "instance_id": "alice", "alias": "a"])),
        ("admin/agent/add", .object(["id": "bo", "name": "Bob"])),
        ("admin/instance/add", .object(["id": "bob", "dna_id": "blog", "agent_id": "bo"])),
        ("admin/bridge/add", .object(["caller_id": "alice", "callee_id": "bob", "handle": "h"])),
        ("admin/agent/remove", .object(["id": "al"])),
        ("admin/dna/uninstall", .object(["id": "blog"])),
        ("admin/agent/remove", .object(["id": "bo"])),
        ("admin/interface/remove", .object(["id": "web"])),
    ]

    @Test(
        "§11.31 killed on the way of any change, what is found is the state before it or the one after",
        arguments: SyncPoint.allCases)
    func killed(at point: SyncPoint) async throws {
        let golden = try await Self.states()
        for pass in 1...Self.passes {
            let place = FileManager.default.temporaryDirectory.path + "/plasmid-register-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: place) }
            let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
            defer { conductor.stop() }
            let done = await Self.runUntilKilled(conductor, "\(point.rawValue):\(pass * 4)")
            conductor.kill()
            try conductor.start()
            let client = AppClient(socket: try await conductor.connect())
            let found = try await Self.state(client)
            let allowed = golden[done...min(done + 1, golden.count - 1)]
            #expect(allowed.contains(found), "\(point) \(pass), after \(done) changes: \(found)")
            // It goes on from there, whichever it was.
            let next = found == golden[done] ? done : done + 1
            for change in Self.changes[next...] { _ = try await client.request(change.method, change.params) }
            #expect(try await Self.state(client) == golden[Self.changes.count], "\(point) \(pass)")
            await client.socket.close()
            conductor.kill()
        }
    }

    /// The state before every change and after the last, from a run that nobody disturbs.
    private static func states() async throws -> [MessagePackValue] {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-register-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let client = AppClient(socket: try await conductor.connect())
        var states = [try await state(client)]
        for change in changes {
            _ = try await client.request(change.method, change.params)
            states.append(try await state(client))
        }
        #expect(states.first == states.last, "\(states.first as Any) became \(states.last as Any)")
        #expect(Set(states.dropLast()).count == changes.count)
        await client.socket.close()
        return states
    }

    /// How many changes were acknowledged before it died.
    private static func runUntilKilled(_ conductor: ConductorProcess, _ point: String) async -> Int {
        var done = 0
        do {
            try conductor.start(environment: ["PLASMID_KILL_AT": point])
            let client = AppClient(socket: try await conductor.connect())
            for change in changes {
                _ = try await client.request(change.method, change.params)
                done += 1
            }
        } catch {
            // The conductor died, at start or later: that is what it was asked to do.
        }
        return done
    }

    /// What all lists say, without addresses, times and ports, which differ from run to run.
    private static func state(_ client: AppClient) async throws -> MessagePackValue {
        var all: [MessagePackValue] = []
        for list in ["dna", "agent", "instance", "interface", "bridge"] {
            all.append(plain(try await client.request("admin/\(list)/list")))
        }
        all.append(plain(try await client.request("admin/instance/running")))
        return .array(all)
    }

    private static func plain(_ value: MessagePackValue) -> MessagePackValue {
        switch value {
        case .array(let items): return .array(items.map(plain))
        case .map(let pairs):
            let odd = ["public_address", "created_at", "port", "keystore_file", "agent_address"]
            return .map(
                pairs.filter { pair in !odd.contains { pair.key == .string($0) } }
                    .map { .init(key: $0.key, value: plain($0.value)) })
        default: return value
        }
    }
}
