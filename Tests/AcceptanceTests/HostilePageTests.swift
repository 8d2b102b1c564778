import ConductorAPI
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import plasmid

@Suite("a hostile page and the real conductor", .timeLimit(.minutes(5)))
struct HostilePageTests {
    private static let node = "/usr/bin/node"
    private static let library = "/usr/share/nodejs/ws"
    static var hasNode: Bool {
        FileManager.default.isExecutableFile(atPath: node) && FileManager.default.fileExists(atPath: library)
    }

    @Test(
        "§11.17 node's WebSocket with the Origin of a page gets nowhere, with a right token too; a program does",
        .enabled(if: HostilePageTests.hasNode, "needs Debian's nodejs and node-ws"))
    func realClient() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let found = try await Self.run([
                "\(conductor.ports.admin)", "\(conductor.ports.app)", conductor.adminToken, alice.token,
            ])
            #expect(found["program with token"]?.text?.hasPrefix("open ") == true, "\(found)")
            #expect(found["program with token"]?.text?.contains("alice/main") == true)
            for (name, status) in [
                ("page with app token", 403), ("page with admin token", 403), ("page without origin's name", 403),
                ("page of another port", 403), ("rebound name", 403), ("app token on the admin port", 401),
                ("form", 403), ("simple request", 403), ("plain form without origin", 415), ("preflight", 403),
                ("after a preflight", 403), ("no token", 401), ("half a token", 401),
            ] as [(String, Int64)] {
                #expect(found[name]?.number == status, "\(name): \(String(describing: found[name]))")
            }
        }
    }

    /// Debian's chromium-headless-shell or chromium, whichever is there.
    private static let browser = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static var hasBrowser: Bool { browser != nil && FileManager.default.isExecutableFile(atPath: node) }

    @Test(
        "§11.17 a page of another origin in a real browser reads nothing and does nothing, with right tokens too; one that is let in does",
        .enabled(if: HostilePageTests.hasBrowser, "needs Debian's chromium-headless-shell and nodejs"))
    func realBrowser() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let page = try await Self.freePort()
            let made = try await conductor.admin(
                "admin/interface/add",
                #"{"id":"open","admin":false,"type":"websocket","choose_free_port":true,"origins":["http://127.0.0.1:\#(page)"]}"#
            )
            let open = try #require(made["port"]?.number)
            try await conductor.mount("alice/main", on: "open")
            let token = try #require(
                try await conductor.admin("admin/token/issue", #"{"interface_id":"open"}"#)["token"]?.text)
            let found = try await Self.run(
                [
                    Self.browser ?? "", "\(conductor.ports.admin)", "\(conductor.ports.app)", conductor.adminToken,
                    alice.token, "\(page)", "\(open)", token,
                ], script: "hostile_browser.js")
            #expect(found["allowed page, socket"]?.text == "answered", "\(found)")
            for name in ["app socket", "admin socket", "metrics as a script"] {
                #expect(found[name]?.text == "refused", "\(name): \(found)")
            }
            for name in ["admin request", "app request", "simple request, answer wanted", "metrics", "health"] {
                #expect(found[name]?.text == "failed: TypeError", "\(name): \(found)")
            }
            // What goes out blindly has to do nothing.
            for name in ["blind request", "beacon", "form"] { #expect(found[name] != nil, "\(name): \(found)") }
            let agents = try await conductor.admin("admin/agent/list").items.compactMap { $0["id"]?.text }
            #expect(!agents.contains("planted"), "\(agents)")
            #expect(found["rebound name"]?.text == "foreignHost", "\(found)")
        }
    }

    /// A port that nobody has just now.
    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close().get()
        return port
    }

    private static func run(
        _ arguments: [String], script: String = "hostile_page.js"
    ) async throws -> MessagePackValue {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: node)
        process.arguments = [Places.root + "/Tests/Interop/" + script] + arguments
        process.environment = [
            "NODE_PATH": "/usr/share/nodejs", "PATH": "/usr/bin:/bin",
            "TMPDIR": FileManager.default.temporaryDirectory.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try JSONLines.value(Array(bytes))
    }
}
