import ConductorAPI
import Foundation
import Integrity
import Keystore
import Manifests
import Testing

@testable import plasmid

@Suite("configuration while running", .timeLimit(.minutes(5)))
struct ConfigTests {
    private static func set(_ key: String, _ value: String, _ conductor: TestConductor) async throws -> MessagePackValue
    {
        try await conductor.admin("admin/config/set", #"{"key":"\#(key)","value":\#(quoted(value))}"#)
    }

    private static func value(_ key: String, _ conductor: TestConductor) async throws -> String? {
        let all = try await conductor.admin("admin/config/get")["settings"]?.items ?? []
        return all.first { $0["key"]?.text == key }?["value"]?.text
    }

    private static func error(_ body: () async throws -> MessagePackValue) async -> PlasmidError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? PlasmidError
        }
    }

    @Test("a live key is in force at once and after a restart; another waits, and the answer says which is which")
    func live() async throws {
        let folder = try TestFolder()
        try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.install(Places.hostile, as: "alice")
            #expect(await alice.outcome("count", zome: "hostile").isOK)
            let answer = try await Self.set("zomes.call_timeout", "300ms", conductor)
            #expect(answer["live"]?.items == [.string("zomes.call_timeout")])
            #expect(await alice.outcome("hang", zome: "hostile").code == "moduleTimedOut")
            let later = try await Self.set("zomes.memory", "256MiB", conductor)
            #expect(later["needs_restart"]?.items.contains(.string("zomes.memory")) == true)
            #expect(try await Self.value("zomes.memory", conductor) == "128MiB")
            let settings = try await conductor.admin("admin/config/get")["settings"]?.items ?? []
            let memory = settings.first { $0["key"]?.text == "zomes.memory" }
            #expect(memory?["at_next_start"]?.text == "256MiB")
            let timeout = settings.first { $0["key"]?.text == "zomes.call_timeout" }
            #expect(timeout != nil && timeout?["at_next_start"] == nil)
            #expect(try await Self.value("zomes.call_timeout", conductor) == "300ms")
        }
        let file = try Run.read(folder.path + "/conductor.yaml")
        #expect(file.zomes.callTimeoutMilliseconds == 300 && file.zomes.memoryBytes == 256 << 20)
    }

    @Test("a file with comments is kept beside the one that replaces it; a passphrase typed by mistake is not repeated")
    func comments() async throws {
        let folder = try TestFolder()
        let mine = "# how we run it\nlog: notice   # quiet\n"
        let path = try folder.write(mine, to: "conductor.yaml")
        try await TestConductor.with(in: folder) { conductor in
            let answer = try await Self.set("log", "error", conductor)
            #expect(answer["kept"]?.text == path + ".old" && answer["live"]?.items == [.string("log")])
            #expect(try String(contentsOfFile: path + ".old", encoding: .utf8) == mine)
            #expect(try Run.read(path).log == .error)
            let again = try await Self.set("log", "info", conductor)
            #expect(again["kept"] == nil, "what was written here loses nothing")
            #expect(try String(contentsOfFile: path + ".old", encoding: .utf8) == mine)
            let secret = await Self.error { try await Self.set("keystore.passphrase", "hunter2", conductor) }
            #expect(secret?.code == .configInvalid && secret.map { "\($0)".contains("hunter2") } == false)
        }
    }

    @Test("an origin that is allowed while running opens the port to that page, and none else")
    func origins() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            func status(_ origin: String) async throws -> Int {
                try await RawHTTP.send(
                    port: conductor.ports.app, token: alice.token,
                    body: #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#, headers: ["Origin: \(origin)"]
                ).status
            }
            #expect(try await status("http://localhost:3000") == 403)
            _ = try await Self.set("interfaces.app.origins", "http://localhost:3000, https://x.example", conductor)
            #expect(try await status("http://localhost:3000") == 200)
            #expect(try await status("http://localhost:3001") == 403)
            _ = try await Self.set("interfaces.app.origins", "[]", conductor)
            #expect(try await status("http://localhost:3000") == 403)
        }
    }

    @Test("a value that the file could not have is refused with its reason, and nothing changes, on disk neither")
    func refused() async throws {
        try await TestConductor.with { conductor in
            _ = try await Self.set("log", "debug", conductor)
            let path = conductor.folder.path + "/conductor.yaml"
            let before = try String(contentsOfFile: path, encoding: .utf8)
            for (key, value) in [
                ("log", "loud"), ("zomes.call_timeout", "fast"), ("zomes.memory", "1"),
                ("interfaces.admin.port", "70000"),
                ("interfaces.app.origins", "example.org"), ("log", "info\nzomes: { isolation: none }"),
                ("interfaces.admin.auth", "none\n"), ("keystore.passphrase", "hunter2"), ("signals.trace", "maybe"),
            ] {
                let error = await Self.error { try await Self.set(key, value, conductor) }
                #expect(error?.code == .configInvalid && error?.message.isEmpty == false, "\(key): \(value)")
            }
            let unknown = await Self.error { try await Self.set("zomes.call_timeot", "1s", conductor) }
            #expect(unknown?.hint?.contains("zomes.call_timeout") == true)
            #expect(await Self.error { try await Self.set("data", "/elsewhere", conductor) } != nil)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
            #expect(try await Self.value("log", conductor) == "debug")
        }
    }

    @Test("a file edited wrongly while running changes nothing; the reason comes with file, line, column and code")
    func editedWrongly() async throws {
        try await TestConductor.with { conductor in
            _ = try await Self.set("log", "debug", conductor)
            _ = try conductor.folder.write("log: info\nzomes:\n  call_timeot: 1s\n", to: "conductor.yaml")
            for method in ["admin/config/check", "admin/config/reload"] {
                let error = await Self.error { try await conductor.admin(method) }
                #expect(error?.code == .configInvalid)
                #expect(error?.message.contains("conductor.yaml:3:3") == true, "\(String(describing: error))")
                #expect(error?.message.contains("unknownKey") == true)
            }
            // Nor does a change of another key save over what is wrong.
            #expect(await Self.error { try await Self.set("log", "error", conductor) }?.code == .configInvalid)
            #expect(try await Self.value("log", conductor) == "debug")
            _ = try conductor.folder.write("log: warning\nlog_format: json\n", to: "conductor.yaml")
            let seen = try await conductor.admin("admin/config/check")
            #expect(seen["live"]?.items == [.string("log")])
            #expect(seen["needs_restart"]?.items.contains(.string("log_format")) == true)
            #expect(try await Self.value("log", conductor) == "debug")
            _ = try await conductor.admin("admin/config/reload")
            #expect(try await Self.value("log", conductor) == "warning")
        }
    }

    @Test("§11.31 killed at any step of a change, the configuration is the old or the new one, whole")
    func killed() async throws {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-kill-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        let file = place + "/conductor.yaml"
        var value = 1_000
        for step in ConfigStep.allCases {
            for existed in [false, true] {
                if !existed { try? FileManager.default.removeItem(atPath: file) }
                let before = try? String(contentsOfFile: file, encoding: .utf8)
                value += 1
                try conductor.start(environment: ["PLASMID_KILL_AT": "\(step.rawValue):1"])
                let client = AppClient(socket: try await conductor.connect())
                await #expect(throws: (any Error).self) {
                    _ = try await client.request(
                        "admin/config/set",
                        .object(["key": .string("zomes.call_timeout"), "value": .string("\(value)ms")]))
                }
                conductor.kill()
                let after = try? String(contentsOfFile: file, encoding: .utf8)
                let isNew = [.configRenamed, .configFolderSynced].contains(step)
                if isNew {
                    let read = try Run.read(file)
                    #expect(read.zomes.callTimeoutMilliseconds == value, "\(step)")
                } else {
                    #expect(after == before, "\(step)")
                }
                // What the death left is no obstacle.
                try conductor.start()
                let again = AppClient(socket: try await conductor.connect())
                value += 1
                _ = try await again.request(
                    "admin/config/set",
                    .object(["key": .string("zomes.call_timeout"), "value": .string("\(value)ms")]))
                let read = try Run.read(file)
                #expect(read.zomes.callTimeoutMilliseconds == value)
                conductor.kill()
            }
        }
    }

    @Test("SIGHUP reads the file again")
    func hangUp() async throws {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-kill-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let client = AppClient(socket: try await conductor.connect())
        let process = try #require(conductor.processID)
        for (text, expected) in [("log: error\n", "error"), ("log: [\n", "error"), ("log: notice\n", "notice")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: place + "/conductor.yaml"))
            Foundation.kill(process, SIGHUP)
            var seen: String?
            // Each question takes a turn of the conductor's loop; a faulty file has nothing to wait for.
            for _ in 0..<5_000 where seen != expected {
                let all = try await client.request("admin/config/get")["settings"]?.items ?? []
                seen = all.first { $0["key"]?.text == "log" }?["value"]?.text
            }
            #expect(seen == expected)
        }
        await client.socket.close()
    }
}
