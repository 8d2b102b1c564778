import Foundation
import Testing

/// The example clients against a running conductor: what they do is what docs/api.md promises to everybody.
@Suite("example clients", .timeLimit(.minutes(3)))
struct ClientTests {
    private static func program(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    @Test(
        "Python, with nothing but its standard library, drives an app from its installation to its end",
        .enabled(if: program("python3") != nil, "there is no python3; scripts/setup.sh installs it"))
    func python() async throws { try await drive("python3", "python/client.py") }

    @Test(
        "JavaScript drives an app from its installation to its end",
        .enabled(if: program("node") != nil, "there is no node; scripts/setup.sh installs it"))
    func javascript() async throws { try await drive("node", "javascript/client.js") }

    private func drive(_ interpreter: String, _ script: String) async throws {
        let program = try #require(Self.program(interpreter))
        try await Spoken.alone { folder in
            let nobody = try Spoken(
                [program, "\(Spoken.root)/examples/\(script)", folder + "/nowhere", "happ.yaml"], in: folder)
            #expect(nobody.end() == 1 && nobody.words.hasPrefix("error: no conductor runs"), "\(nobody.words)")
            #expect(nobody.words.contains("hint: start one") && !nobody.words.contains("Traceback"), "\(nobody.words)")
            let conductor = try Spoken(
                [Spoken.plasmid, "run", "--data", folder, "--port", "0", "--passphrase", "credential:passphrase"],
                in: folder, environment: ["CREDENTIALS_DIRECTORY": try Self.credentials(folder)])
            #expect(conductor.hear("ready: ") != nil, "\(conductor.words)")
            let happ = Spoken.root + "/Tests/Modules/manifests/house.happ.yaml"
            let client = try Spoken(
                [program, "\(Spoken.root)/examples/\(script)", folder, happ], in: folder, seconds: 120)
            #expect(client.end() == 0 && client.words.contains("all held"), "\(client.words)")
            #expect(conductor.stop(SIGTERM) == 0)
        }
    }

    /// A keystore that opens at once, and the passphrase where the conductor looks for it.
    private static func credentials(_ folder: String) throws -> String {
        try writeFile("a passphrase\n", to: folder + "/credentials/passphrase")
        try ScenarioPlayer.makeKeystore(in: folder, passphrase: "a passphrase")
        return folder + "/credentials"
    }
}
