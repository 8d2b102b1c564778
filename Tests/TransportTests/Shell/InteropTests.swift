import Foundation
import Integrity
import NIOCore
import Testing

@testable import Transport

/// py-libp2p in a process of its own: a program nobody here wrote (`Tests/Interop/libp2p_peer.py`, `kad_peer.py`).
final class PythonPeer: @unchecked Sendable {
    // Sendable: `process` and `input` are set up before anybody else sees them and only ended afterwards.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    /// Made by `scripts/interop.sh`, which `make test` runs.
    static let python: String = {
        let named = ProcessInfo.processInfo.environment["PLASMID_LIBP2P_PYTHON"]
        return named ?? root.appendingPathComponent(".build/interop/libp2p/bin/python").path
    }()
    static var isThere: Bool {
        let ready = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent()
        return FileManager.default.fileExists(atPath: ready.appendingPathComponent("ready").path)
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(_ arguments: [String], script name: String = "libp2p_peer.py") throws {
        process.executableURL = URL(fileURLWithPath: Self.python)
        let script = Self.root.appendingPathComponent("Tests/Interop/\(name)").path
        process.arguments = [script] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line that it prints, as JSON; empty where it ended without one.
    func line() async -> [String: Any] {
        let handle = output.fileHandleForReading
        let bytes: Data = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var line = Data()
                while line.last != 10 {
                    let more = handle.availableData
                    if more.isEmpty { break }
                    line.append(more)
                }
                continuation.resume(returning: line)
            }
        }
        return (try? JSONSerialization.jsonObject(with: bytes)) as? [String: Any] ?? [:]
    }

    /// Says a line to it, and returns the line that it answers with.
    func ask(_ question: [String: Any]) async throws -> [String: Any] {
        try input.fileHandleForWriting.write(contentsOf: JSONSerialization.data(withJSONObject: question) + [10])
        return await line()
    }

    /// Ends it: it goes when its input ends.
    func end() async {
        try? input.fileHandleForWriting.close()
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [process] in
                process.waitUntilExit()
                continuation.resume()
            }
        }
    }
}

@Suite(
    "py-libp2p on the other side", .serialized,
    .enabled(if: PythonPeer.isThere, "py-libp2p is not there: scripts/interop.sh fetches it where it can"))
struct InteropTests {
    @Test("Plasmid dials: identify, five pings, echoes of 1 B, 1 KiB and 1 MiB", arguments: [[], ["--ws"]])
    func dials(kind: [String]) async throws {
        let seed = (0..<32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let peer = try PythonPeer(["listen", "0", "--seed", seed, "--exit-on-stdin-eof"] + kind)
        let said = await peer.line()
        let address = try Multiaddr(try #require(said["multiaddr"] as? String))
        #expect(address.peerID?.description == "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB")
        #expect(address.parts.contains { $0.kind == .ws } == !kind.isEmpty)
        try await TestHosts.with { hosts in
            let connection = try await hosts.wait { hosts in
                let host = hosts.host(1)
                return host.dial(address, as: host.defaultIdentity)
            }
            let info = try await hosts.wait { _ in connection.identify() }
            #expect(info.peer == address.peerID && info.areSigned)
            #expect(info.protocols.contains("/plasmid/echo/1.0.0"))
            // Over a WebSocket, py-libp2p does not tell where it sees the other side.
            if kind.isEmpty { #expect(info.observedAddress != nil) }
            for _ in 0..<5 {
                let time = try await hosts.wait { _ in connection.ping() }
                #expect(time > .zero)
            }
            for size in [1, 1_024, 1 << 20] {
                let sent = EchoRound.message(size)
                let got = try await hosts.wait { _ in try EchoRound.run(connection, sent) }
                #expect(got == sent, "\(size) bytes")
            }
        }
        await peer.end()
    }

    @Test("Plasmid is dialled: the peer finds all in order, the signed record included", arguments: ["", "/ws"])
    func isDialled(kind: String) async throws {
        try await TestHosts.with { hosts in
            let address = try await hosts.wait { hosts in
                let host = hosts.host(2)
                serveEcho(host.defaultIdentity)
                let me = host.defaultIdentity.peerID
                return try host.listen(on: Multiaddr("/ip4/127.0.0.1/tcp/0" + kind)).flatMapThrowing {
                    try $0[0].appending(me)
                }
            }
            let peer = try PythonPeer(["dial", address.description])
            let result = await peer.line()
            await peer.end()
            #expect(result["ok"] as? Bool == true, "\(result)")
            let identify = result["identify"] as? [String: Any]
            #expect(identify?["signed_peer_record_ok"] as? Bool == true)
            #expect(identify?["protocol_version"] as? String == "plasmid/0.1")
            #expect((result["ping"] as? [String: Any])?["count"] as? Int == 5)
            let rounds = (result["echo"] as? [String: Any])?["rounds"] as? [[String: Any]]
            #expect(rounds?.compactMap { $0["bytes"] as? Int } == [1, 1_024, 1 << 20])
            #expect(rounds?.allSatisfy { $0["ok"] as? Bool == true } == true)
        }
    }
}

/// One round of the echo protocol: a length, then as many bytes, and the same back.
enum EchoRound {
    static func message(_ size: Int) -> ByteBuffer {
        var random = SeededRandom(seed: UInt64(size))
        var length: [UInt8] = []
        UnsignedVarint.append(UInt64(size), to: &length)
        return ByteBuffer(bytes: length + random.bytes(size))
    }

    static func run(_ connection: PeerConnection, _ message: ByteBuffer) throws -> EventLoopFuture<ByteBuffer> {
        let stream = try connection.open("/plasmid/echo/1.0.0")
        stream.write(message)
        stream.finish()
        return stream.collected()
    }
}
