import ConductorAPI
import Foundation
import Integrity
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

    private static func run(_ arguments: [String]) async throws -> MessagePackValue {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: node)
        process.arguments = [Places.root + "/Tests/Interop/hostile_page.js"] + arguments
        process.environment = ["NODE_PATH": "/usr/share/nodejs"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try JSONLines.value(Array(bytes))
    }
}
