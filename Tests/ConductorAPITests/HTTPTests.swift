import Integrity
import NIOCore
import NIOEmbedded
import Testing

@testable import ConductorAPI

private let info = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#

@Suite("HTTP")
struct HTTPTests {
    /// Sends one request on a connection of its own and reads the answer to its end.
    private func exchange(_ service: TestService, _ port: Int, _ request: String) async throws -> HTTPReply {
        let wire = try await Wire.connect(port, on: service.group)
        wire.send(request)
        let reply = try await wire.reply()
        try? await wire.close()
        return reply
    }

    @Test("§11.2 POST gives what the socket gives; GET and other content types are HTTP errors")
    func post() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let good = try await exchange(service, port, Wire.post(info, port))
            let socket = try await Wire.socket(port, token: "app-token", on: service.group)
            #expect(good.status == 200)
            #expect(good.body == (try await socket.ask(info)))
            #expect(good.head.lowercased().contains("content-type: application/json"))
            let charset = Wire.post(info, port, type: "Application/JSON; charset=utf-8")
            #expect(try await exchange(service, port, charset).status == 200)
            let query = Wire.post(info, port, token: nil).replacing("POST / ", with: "POST /?a=b&token=app%2Dtoken ")
            #expect(try await exchange(service, port, query).status == 200)
            let get = "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer app-token\r\n\r\n"
            for (request, status, code) in [
                (get, 405, "wrongMethod"), (get.replacing("GET", with: "DELETE"), 405, "wrongMethod"),
                (Wire.post(info, port, type: "text/plain"), 415, "wrongContentType"),
                (Wire.post(info, port, type: ""), 415, "wrongContentType"),
                (Wire.post(info, port).replacing("POST / ", with: "POST /x "), 404, "noSuchPath"),
                ("nonsense\r\n\r\n", 400, "malformedHTTP"), ("GET / HTTP/9.9\r\n\r\n", 505, "malformedHTTP"),
                ("GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 9_000))\r\n\r\n", 431, "malformedHTTP"),
            ] {
                let reply = try await exchange(service, port, request)
                #expect(reply.status == status, "\(request.prefix(40))")
                #expect(reply.body.contains("{\"error\":{\"code\":\"\(code)\",\"message\":"), "\(reply.body)")
                #expect(reply.body.contains("\"hint\":\""), "\(reply.body)")
            }
            #expect(try await exchange(service, port, Wire.post(info, port)).status == 200)
        }
    }

    @Test("§11.17 another host's name, a page of another origin, and no or a wrong token are refused")
    func gate() async throws {
        try await TestService.run({ $0.appOrigins = ["http://localhost:8080"] }) { service in
            let (app, admin) = (service.ports.app, service.ports.admin)
            for host in [
                "evil.example:\(app)", "evil.example", "127.0.0.1", "127.0.0.1:1", "192.168.0.7:\(app)",
                "localhost.evil.example:\(app)", "",
            ] {
                #expect(try await exchange(service, app, Wire.post(info, app, host: host)).status == 403, "\(host)")
                let upgrade = Wire.upgradeRequest(app, token: "app-token", host: host)
                #expect(try await exchange(service, app, upgrade).body.contains("foreignHost"))
            }
            for host in ["127.0.0.1:\(app)", "LocalHost:\(app)", "[::1]:\(app)"] {
                #expect(try await exchange(service, app, Wire.post(info, app, host: host)).status == 200, "\(host)")
            }
            let twice = Wire.post(info, app, more: "Host: 127.0.0.1:\(app)\r\n")
            #expect(try await exchange(service, app, twice).status == 400)
            for origin in ["http://evil.example", "null", "http://localhost:8081", "http://127.0.0.1:\(app)"] {
                let post = Wire.post(info, app, more: "Origin: \(origin)\r\n")
                #expect(try await exchange(service, app, post).status == 403, "\(origin)")
                let upgrade = Wire.upgradeRequest(app, token: "app-token", more: "Origin: \(origin)\r\n")
                #expect(try await exchange(service, app, upgrade).body.contains("foreignOrigin"))
            }
            let allowed = Wire.post(info, app, more: "Origin: http://localhost:8080\r\n")
            let reply = try await exchange(service, app, allowed)
            #expect(reply.status == 200 && reply.head.contains("Access-Control-Allow-Origin: http://localhost:8080"))
            let preflight = "OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1:\(app)\r\nOrigin: http://localhost:8080\r\n\r\n"
            #expect(try await exchange(service, app, preflight).status == 204)
            let foreign = preflight.replacing("8080", with: "9")
            #expect(try await exchange(service, app, foreign).status == 403)
            #expect(try await exchange(service, admin, preflight.replacing("\(app)", with: "\(admin)")).status == 403)
            for (port, token) in [
                (app, nil), (app, "wrong"), (app, "admin-token"), (app, ""), (admin, nil), (admin, "app-token"),
                (admin, "admin-toke"), (admin, "admin-token2"),
            ] as [(Int, String?)] {
                let reply = try await exchange(service, port, Wire.post(info, port, token: token))
                #expect(reply.status == 401 && reply.body.contains("\"hint\":\"send Authorization: Bearer"))
                #expect(reply.head.contains("WWW-Authenticate: Bearer"))
                let upgrade = try await exchange(service, port, Wire.upgradeRequest(port, token: token))
                #expect(upgrade.status == 401)
            }
            #expect(try await service.conductor { $0.calls.isEmpty })
        }
    }

    @Test("the service listens on loopback only, on both families where there are two, and says where")
    func ports() async throws {
        try await TestService.run { service in
            #expect(service.ports.admin != 0 && service.ports.app != 0 && service.ports.admin != service.ports.app)
            #expect(service.ports.addresses.first == "127.0.0.1")
            guard service.ports.addresses.contains("::1") else { return }
            let wire = try await Wire.connect(service.ports.app, on: service.group, host: "::1")
            wire.send(Wire.post(info, service.ports.app, host: "[::1]:\(service.ports.app)"))
            #expect(try await wire.reply().status == 200)
        }
    }

    @Test("a port that is taken is named, and nothing listens then")
    func taken() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let error = await #expect(throws: PlasmidError.self) {
                try await TestService.run({ $0.appPort = port }) { _ in }
            }
            #expect(error?.code == .addressInUse)
            var configuration = APIConfiguration()
            (configuration.adminPort, configuration.appPort) = (0, port)
            let early = #expect(throws: PlasmidError.self) { try APIServer.checkPorts(configuration) }
            #expect(early == error)
            configuration.appPort = 0
            try APIServer.checkPorts(configuration)
            let reply = try await exchange(service, port, Wire.post(info, port))
            #expect(reply.status == 200)
        }
    }

    @Test("/healthz answers on the admin port without a token, but not to a foreign host")
    func health() async throws {
        try await TestService.run { service in
            let (app, admin) = (service.ports.app, service.ports.admin)
            let request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:\(admin)\r\n\r\n"
            let reply = try await exchange(service, admin, request)
            #expect(reply.status == 200 && reply.body == "ok")
            try await service.conductor { $0.healthNow = .degraded(cells: 2, of: 5) }
            let degraded = try await exchange(service, admin, request)
            #expect(degraded.status == 200 && degraded.body == "degraded: 2 of 5 cells do not run")
            try await service.conductor { $0.healthNow = .degraded(cells: 0, of: 5, interfaces: 1) }
            let deaf = try await exchange(service, admin, request)
            #expect(deaf.status == 200 && deaf.body == "degraded: interfaces that do not listen: 1")
            try await service.conductor { $0.healthNow = .failing(code: "diskFull") }
            let failing = try await exchange(service, admin, request)
            #expect(failing.status == 503 && failing.body == "failing: diskFull")
            #expect(try await exchange(service, admin, request.replacing("127.0.0.1", with: "evil")).status == 403)
            #expect(try await exchange(service, app, request.replacing("\(admin)", with: "\(app)")).status == 404)
        }
    }

    @Test("/metrics is Prometheus text for whoever shows the admin token, labels escaped; the app port has none")
    func metrics() async throws {
        try await TestService.run { service in
            let (app, admin) = (service.ports.app, service.ports.admin)
            func get(_ port: Int, _ token: String) -> String {
                "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(token)\r\n"
            }
            let reply = try await exchange(service, admin, get(admin, "Authorization: Bearer admin-token\r\n"))
            #expect(reply.status == 200)
            #expect(reply.head.lowercased().contains("content-type: text/plain; version=0.0.4"))
            #expect(reply.body.contains("# HELP plasmid_test_total A \\\\ test.\n# TYPE plasmid_test_total counter\n"))
            #expect(reply.body.contains(#"plasmid_test_total{of="a\"b\\c\nd"} 3"#))
            #expect(reply.body.contains("\nplasmid_api_connections 1\n"))
            let socket = try await Wire.socket(app, token: "app-token", on: service.group)
            let second = try await Wire.socket(app, token: "other-token", on: service.group)
            #expect(try await socket.isUsable())
            #expect(try await second.isUsable())
            let more = try await exchange(service, admin, get(admin, "Authorization: Bearer admin-token\r\n"))
            #expect(more.body.contains("\nplasmid_api_sockets 2\n"))
            let open = more.body.split(separator: "\n").first { $0.hasPrefix("plasmid_api_connections ") }
            // The connection of the first scrape may be on its way out.
            #expect(open == "plasmid_api_connections 3" || open == "plasmid_api_connections 4", "\(more.body)")
            #expect(reply.body.hasSuffix("\n"))
            #expect(try await exchange(service, admin, get(admin, "")).status == 401)
            #expect(try await exchange(service, admin, get(admin, "Authorization: Bearer app-token\r\n")).status == 401)
            #expect(try await exchange(service, app, get(app, "Authorization: Bearer app-token\r\n")).status == 404)
            let post = get(admin, "Authorization: Bearer admin-token\r\n").replacing("GET", with: "DELETE")
            #expect(try await exchange(service, admin, post).status == 405)
        }
    }

    @Test("requests one behind the other on one connection are answered in their order, late ones included")
    func pipelined() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let wire = try await Wire.connect(port, on: service.group)
            let late = Wire.post(callOf("late", id: "1"), port)
            wire.send(late + Wire.post(callOf("echo", id: "2"), port) + Wire.post(info, port))
            let held = try await waitForLate(service)
            #expect(held == 1)
            try await service.conductor { $0.late.removeFirst()(.success(.ok([0x07]))) }
            for wanted in [#""id":1}"#, #""id":2}"#, "app/role"] {
                let reply = try await wire.reply()
                #expect(reply.status == 200 && reply.body.contains(wanted))
            }
            wire.send(Wire.post(info, port, more: "Connection: close\r\n"))
            #expect(try await wire.reply().head.contains("Connection: close"))
            #expect(try await wire.rest().isEmpty)
        }
    }

    /// Asks until a `late` call is held; each ask is a turn of the loop.
    private func waitForLate(_ service: TestService) async throws -> Int {
        for _ in 0..<100_000 {
            let count = try await service.conductor { $0.late.count }
            if count > 0 { return count }
        }
        return 0
    }

    @Test("§11.14 notifications over HTTP are answered with 204 and no body; broken text with -32700")
    func httpBodies() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let silent = #"{"jsonrpc":"2.0","method":"info/instances"}"#
            for body in [silent, "[\(silent),\(silent)]"] {
                #expect(try await exchange(service, port, Wire.post(body, port)).status == 204)
            }
            for body in ["", "{", "[1"] {
                let reply = try await exchange(service, port, Wire.post(body, port))
                #expect(reply.status == 200 && reply.body.contains("-32700"))
            }
            let wire = try await Wire.connect(port, on: service.group)
            let head = Wire.post("xx", port).dropLast(2)
            wire.send(Array(head.utf8) + [0x22, 0xFF])
            #expect(try await wire.reply().body.contains("no UTF-8"))
            let subscribe = #"{"jsonrpc":"2.0","id":1,"method":"signals/subscribe","params":{}}"#
            #expect(try await exchange(service, port, Wire.post(subscribe, port)).body.contains("signalsNeedSocket"))
        }
    }

    @Test("a body over the bound is refused whether or not its length is told, and the reason can be read")
    func oversized() async throws {
        try await TestService.run({ $0.maximumBodyBytes = 1_000 }) { service in
            let port = service.ports.app
            let long = String(repeating: " ", count: 2_000_000)
            let told = try await Wire.connect(port, on: service.group)
            told.send(Wire.post(long, port))
            #expect(try await told.reply().status == 413)
            _ = try await told.rest()
            let chunked = try await Wire.connect(port, on: service.group)
            chunked.send(
                "POST / HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer app-token\r\n"
                    + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + String(2_000_000, radix: 16) + "\r\n" + long)
            #expect(try await chunked.reply().status == 413)
            _ = try await chunked.rest()
            #expect(try await exchange(service, port, Wire.post(info, port)).status == 200)
        }
    }

    @Test("what asks before it sends a large body is told to go on, or why not")
    func expectContinue() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let wire = try await Wire.connect(port, on: service.group)
            let request = Wire.post(info, port, more: "Expect: 100-continue\r\n")
            wire.send(String(request.dropLast(info.count)))
            #expect(try await wire.head().hasPrefix("HTTP/1.1 100"))
            wire.send(info)
            #expect(try await wire.reply().status == 200)
            let refused = try await Wire.connect(port, on: service.group)
            let wrong = Wire.post(info, port, token: "wrong", more: "Expect: 100-continue\r\n")
            refused.send(String(wrong.dropLast(info.count)))
            #expect(try await refused.reply().status == 401)
        }
    }

    @Test("frames sent right behind the upgrade request, before its answer, are not lost")
    func eagerFrames() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let wire = try await Wire.connect(port, on: service.group)
            wire.send(Array(Wire.upgradeRequest(port, token: "app-token").utf8) + textFrame(info) + textFrame(info))
            #expect(try await wire.head().hasPrefix("HTTP/1.1 101"))
            #expect(try await wire.frame().text.contains("app/role"))
            #expect(try await wire.frame().text.contains("app/role"))
            #expect(try await service.conductor { $0.usedTokens } == ["app-token"])
        }
    }

    @Test("an upgrade of another version or with a bad key is refused with what would be right")
    func badUpgrades() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let good = Wire.upgradeRequest(port, token: "app-token")
            let version = try await exchange(service, port, good.replacing("Version: 13", with: "Version: 8"))
            #expect(version.status == 426 && version.head.contains("Sec-WebSocket-Version: 13"))
            for (from, to) in [
                ("dGhlIHNhbXBsZSBub25jZQ==", "short"), ("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!=="),
                ("HTTP/1.1", "HTTP/1.0"), ("Connection: Upgrade", "Connection: Upgrade\r\nContent-Length: 2"),
            ] {
                #expect(try await exchange(service, port, good.replacing(from, with: to)).status == 400, "\(to)")
            }
            for (from, to) in [("Upgrade: websocket", "Upgrade: h2c"), ("Connection: Upgrade", "Connection: close")] {
                #expect(try await exchange(service, port, good.replacing(from, with: to)).status == 405, "\(to)")
            }
        }
    }

    @Test("a client that sends its head byte by byte is cut off in time, and so is one that sends nothing")
    func slowHeads() throws {
        for dripping in [true, false] {
            let loop = EmbeddedEventLoop()
            let server = APIServer(loop: loop, handler: TestConductor())
            let channel = EmbeddedChannel(loop: loop)
            try HTTPHandler.install(on: channel, server: server, door: .app)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            for byte in Array("POST / HTTP/1.1".utf8) {
                if dripping { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
                loop.advanceTime(by: .milliseconds(500))
            }
            #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
            loop.advanceTime(by: .seconds(10))
            let answer = try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            loop.advanceTime(by: .seconds(10))
            #expect(!channel.isActive)
            _ = try? channel.finish(acceptAlreadyClosed: true)
        }
    }

    @Test("connections beyond the bound are closed, and room comes back")
    func connectionBound() async throws {
        try await TestService.run({ $0.maximumConnections = 3 }) { service in
            let port = service.ports.app
            var open: [Wire] = []
            for _ in 0..<3 { open.append(try await Wire.socket(port, token: "app-token", on: service.group)) }
            let fourth = try await Wire.connect(port, on: service.group)
            #expect(try await fourth.rest().isEmpty)
            open[0].send(clientFrame(8, [0x03, 0xE8]))
            _ = try await open[0].rest()
            let again = try await Wire.socket(port, token: "app-token", on: service.group)
            #expect(try await again.isUsable())
        }
    }

    @Test("when the service stops, sockets are told 1001 and the ports are free")
    func stopping() async throws {
        try await TestService.run { service in
            let socket = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            let idle = try await Wire.connect(service.ports.admin, on: service.group)
            async let stopped: Void = service.stop()
            #expect(try await socket.frame().closeCode == 1001)
            try? await socket.close()
            #expect(try await idle.rest().isEmpty)
            try await stopped
            await #expect(throws: (any Error).self) {
                _ = try await Wire.connect(service.ports.app, on: service.group)
            }
        }
    }
}
