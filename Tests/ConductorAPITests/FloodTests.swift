import Foundation
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import ConductorAPI

@Suite("Floods", .serialized)
struct FloodTests {
    @Test("10,000 idle connections are bounded, and whoever has a token is served meanwhile, on every interface")
    func idleConnections() async throws {
        let count = Self.raiseLimit(for: 10_000)
        try await TestService.run { service in
            let early = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            let clients = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let idle = try await Self.open(count, service.ports.app, on: clients)
            #expect(idle.count == count)
            #expect(try await early.isUsable())
            let late = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            #expect(try await late.isUsable())
            let admin = try await Wire.socket(service.ports.admin, token: "admin-token", on: service.group)
            #expect(try await admin.isUsable())
            #expect(try await service.connections("app") <= 1_024)
            for channel in idle { channel.close(promise: nil) }
            try await clients.shutdownGracefully()
            #expect(try await early.isUsable())
        }
    }

    @Test("where every place has shown a token, newcomers are closed at once; another interface is not touched")
    func allProved() async throws {
        try await TestService.run({ $0.maximumConnections = 4 }) { service in
            var open: [Wire] = []
            for _ in 0..<4 {
                open.append(try await Wire.socket(service.ports.app, token: "app-token", on: service.group))
            }
            let more = try await Wire.connect(service.ports.app, on: service.group)
            #expect(try await more.rest().isEmpty)
            let admin = try await Wire.socket(service.ports.admin, token: "admin-token", on: service.group)
            #expect(try await admin.isUsable())
            for wire in open { #expect(try await wire.isUsable()) }
        }
    }

    @Test("those who drip their heads lose their places to newcomers, the oldest first")
    func slowloris() async throws {
        try await TestService.run({ $0.maximumConnections = 3 }) { service in
            var slow: [Wire] = []
            for _ in 0..<3 {
                let wire = try await Wire.connect(service.ports.app, on: service.group)
                wire.send("POST / HTTP/1.1\r\nHost: 127")
                slow.append(wire)
            }
            let good = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            #expect(try await good.isUsable())
            #expect(try await slow[0].rest().isEmpty)
            _ = try await Wire.connect(service.ports.app, on: service.group)
            #expect(try await slow[1].rest().isEmpty)
            #expect(try await good.isUsable())
        }
    }

    @Test("a frame that says 100 MB is closed with 1009 before any of it is kept; fragments are bounded as a whole")
    func largeFrames() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        var header: [UInt8] = [0x81, 0xFF]
        for shift in stride(from: 56, through: 0, by: -8) { header.append(UInt8(100_000_000 >> shift & 255)) }
        try socket.feed(header + [1, 2, 3, 4])
        #expect(try socket.frames().map(\.closeCode) == [1009])
        for _ in 0..<100 { try socket.feed([UInt8](repeating: 0x61, count: 1_000_000)) }
        #expect(try socket.frames().isEmpty)
    }

    @Test("a body of 100 MB is refused by its told length, and by its chunks where none is told")
    func largeBodies() async throws {
        try await TestService.run { service in
            let port = service.ports.app
            let head =
                "POST / HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
                + "Authorization: Bearer app-token\r\n"
            let told = try await Wire.connect(port, on: service.group)
            told.send(head + "Content-Length: 100000000\r\n\r\n")
            #expect(try await told.reply().status == 413)
            let chunked = try await Wire.connect(port, on: service.group)
            chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n")
            let chunk = "100000\r\n" + String(repeating: "x", count: 0x100000) + "\r\n"
            for _ in 0..<20 { chunked.send(chunk) }
            #expect(try await chunked.reply().status == 413)
        }
    }

    @Test("batches: 1,001 requests are one error, batches in batches are errors each, and the socket works on")
    func batches() throws {
        let socket = try EmbeddedSocket(scope: .admin)
        defer { socket.end() }
        let one = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
        let bomb = try socket.ask("[" + Array(repeating: one, count: 1_001).joined(separator: ",") + "]")
        #expect(bomb.count == 1 && bomb[0].contains("-32600"))
        let full = try socket.ask("[" + Array(repeating: one, count: 1_000).joined(separator: ",") + "]")
        #expect(full.count == 1 && full[0].components(separatedBy: #""id":1}"#).count > 1_000)
        let nested = try socket.ask("[[\(one)],[[]],7,\(one)]")
        #expect(nested.count == 1 && nested[0].components(separatedBy: "-32600").count == 4)
        #expect(try socket.ask(one).count == 1)
    }

    /// Makes room for twice as many descriptors, this process being both sides, as far as the system lets it.
    private static func raiseLimit(for wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 200 }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted + 4_096))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // The service holds at most 1,024 of them at a time: the rest are clients' halves.
        return min(wanted, Int(limit.rlim_cur) - 3_000)
    }

    private static func open(_ count: Int, _ port: Int, on group: any EventLoopGroup) async throws -> [any Channel] {
        var channels: [any Channel] = []
        while channels.count < count {
            let some = (0..<min(200, count - channels.count)).map { _ in
                ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port)
            }
            for channel in some { channels.append(try await channel.get()) }
        }
        return channels
    }
}
