import NIOCore
import Testing

@testable import ConductorAPI

@Suite("HTTP requests of two meanings")
struct SmugglingTests {
    /// A request that has to stay what it is: bytes of another's body.
    private static func inner(_ port: Int) -> String { Wire.post(callOf("echo", id: "7"), port) }

    private static func head(_ port: Int, _ lines: String) -> String {
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
            + "Authorization: Bearer app-token\r\n\(lines)\r\n\r\n"
    }

    @Test(
        "a length that two readers might read differently is refused, and what stands behind it never runs",
        arguments: [
            "Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "Content-Length: 4\r\nContent-Length: 5", "Content-Length: 4, 5", "Content-Length: +4",
            "Content-Length: -4", "Content-Length: 0x4", "Content-Length: 4 4", "Content-Length: 99999999999999999999",
            "Content-Length:", "Content-Length : 4", "Content-Length: 4\u{B}", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding : chunked", "X: y\r\n Content-Length: 4", "X: a\u{0}b\r\nContent-Length: 4",
            "Transfer-Encoding: \u{B}chunked",
        ])
    func lengths(lines: String) async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let wire = try await Wire.connect(port, on: service.group)
            wire.send(Self.head(port, lines) + "0\r\n\r\n" + Self.inner(port))
            let reply = try await wire.reply()
            // A folded line makes no length: then there is no body, and what follows is no request.
            #expect([400, 413, 501].contains(reply.status) || reply.body.contains("-32700"), "\(reply)")
            _ = try? await wire.rest()
            let ran = try await service.conductor { $0.calls.count }
            #expect(ran == 0)
        }
    }

    @Test("chunks whose sizes are no numbers, too large, or end otherwise than they should: no request comes of them")
    func chunks() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let info = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            let size = String(info.utf8.count, radix: 16)
            for body in [
                "\(size)\r\n\(info)XX0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n\(info)\r\n0\r\n\r\n",
                "-1\r\n\(info)\r\n0\r\n\r\n", "0x\(size)\r\n\(info)\r\n0\r\n\r\n", " \(size)\r\n\(info)\r\n0\r\n\r\n",
                "\(size)\n\(info)\n0\n\n", "\r\n0\r\n\r\n",
            ] {
                let wire = try await Wire.connect(port, on: service.group)
                wire.send(Self.head(port, "Transfer-Encoding: chunked") + body + Self.inner(port))
                let reply = try await wire.reply()
                #expect(reply.status == 400 || reply.body.contains("-32700"), "\(body): \(reply)")
                try? await wire.close()
            }
            #expect(try await service.conductor { $0.calls.count } == 0)
        }
    }

    @Test("what comes behind an upgrade request is frames, never a second request")
    func behindAnUpgrade() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let wire = try await Wire.connect(port, on: service.group)
            wire.send(Wire.upgradeRequest(port, token: "app-token") + Self.inner(port))
            #expect(try await wire.head().hasPrefix("HTTP/1.1 101"))
            #expect(try await wire.frame().closeCode == 1002)
            #expect(try await service.conductor { $0.calls.count } == 0)
        }
    }
}
