import Foundation
import Testing

/// The servers of the network as programs: what they say, what they keep, what stops them.
@Suite("network servers", .serialized)
struct NetworkServerTests {
    /// A program that runs, in a folder of its own.
    private final class Server {
        let process = Process()
        private let output = Pipe()
        private let error = Pipe()

        init(_ command: String, _ arguments: [String], in folder: String) throws {
            process.executableURL = URL(
                fileURLWithPath: URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
                    .deletingLastPathComponent().path + "/plasmid")
            process.arguments = [command, "--data", folder] + arguments
            process.standardOutput = output
            process.standardError = error
            try process.run()
        }

        /// The first line; nil where it ended without one.
        func line() -> String? {
            var heard = ""
            while !heard.contains("\n") {
                let bytes = output.fileHandleForReading.availableData
                if bytes.isEmpty { return nil }
                heard += String(decoding: bytes, as: UTF8.self)
            }
            return String(heard.prefix { $0 != "\n" })
        }

        /// Waits for its end: the rest of what it said, on both ways, and its status.
        func end() -> (output: String, error: String, status: Int32) {
            let rest = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            let words = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (rest, words, process.terminationStatus)
        }

        func stop() -> (output: String, error: String, status: Int32) {
            process.terminate()
            return end()
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/plasmid-server-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private static let anyPort = ["--listen", "/ip4/127.0.0.1/tcp/0"]

    @Test("says where it listens, keeps its key over starts, and tells at the end what it did")
    func key() throws {
        try withFolder { folder in
            var ids: Set<String> = []
            for _ in 0..<2 {
                let server = try Server("bootstrap", Self.anyPort, in: folder)
                let line = try #require(server.line())
                #expect(line.hasPrefix("ready: /ip4/127.0.0.1/tcp/") && line.contains("/p2p/12D3KooW"))
                ids.insert(String(line.split(separator: "/").last ?? ""))
                let end = server.stop()
                #expect(end.output == "stopping\n" && end.error.isEmpty && end.status == 0)
            }
            #expect(ids.count == 1)
            let key = folder + "/bootstrap.key"
            let attributes = try FileManager.default.attributesOfItem(atPath: key)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(attributes[.size] as? Int == 32)
        }
    }

    @Test(
        "in JSON: addresses when it is ready, counts at the end",
        arguments: ["bootstrap", "bootstrap --relay", "relay"])
    func json(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let isRelay = words.contains { $0.hasSuffix("relay") }
        try withFolder { folder in
            let server = try Server(
                words[0], words.dropFirst() + Self.anyPort + ["--json", "--announce", "/dns4/example.org/tcp/4001"],
                in: folder)
            let line = try #require(server.line())
            #expect(line.hasPrefix(#"{"addresses":["/dns4/example.org/tcp/4001/p2p/12D3KooW"#))
            let end = server.stop()
            let counts =
                (words[0] == "relay" ? [] : [#""names":0,"records":0,"requests":0"#])
                + (isRelay ? [#""reservations":0,"circuits":0,"joined":0"#] : [])
            #expect(end.output == "{\(counts.joined(separator: ","))}\n" && end.status == 0)
        }
    }

    @Test("a taken port, a broken key and addresses that are none are told, with what to do")
    func refused() throws {
        try withFolder { folder in
            let server = try Server("bootstrap", Self.anyPort, in: folder)
            let line = try #require(server.line())
            let port = try #require(line.split(separator: "/").dropFirst(4).first)
            let second = try Server("bootstrap", ["--listen", "/ip4/127.0.0.1/tcp/\(port)"], in: folder).end()
            #expect(second.error.contains("error[addressInUse]") && second.status == 3)
            #expect(second.error.contains("hint: "))
            _ = server.stop()
            #expect(FileManager.default.createFile(atPath: folder + "/relay.key", contents: Data([1, 2, 3])))
            let broken = try Server("relay", Self.anyPort, in: folder).end()
            #expect(broken.error.contains("relay.key is no key") && broken.status == 3)
            let usage = try Server("relay", ["--listen", "localhost:4001"], in: folder).end()
            #expect(usage.error.contains("--listen") && usage.status == 2)
        }
    }
}
