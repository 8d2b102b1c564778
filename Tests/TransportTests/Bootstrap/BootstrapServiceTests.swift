import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("A bootstrap server over sockets")
struct BootstrapServiceTests {
    /// Used on the loop of its hosts alone.
    private final class Server: @unchecked Sendable {
        var host: TransportHost?
        var service: BootstrapService?
        var address: Multiaddr?
        var clients: [BootstrapClient] = []
    }

    private func server(_ hosts: TestHosts, _ settings: BootstrapStore.Settings = .init()) async throws -> Server {
        let server = Server()
        let bound = try await hosts.wait { hosts -> EventLoopFuture<[Multiaddr]> in
            let host = hosts.host(1)
            server.host = host
            server.service = BootstrapService(
                host: host, settings: settings, now: { seconds(0) }, random: DiscoveryRandom(1))
            server.service?.start()
            return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        }
        try await hosts.run { _ in
            guard let peer = server.host?.defaultIdentity.peerID else { return }
            server.address = try bound.first?.appending(peer)
        }
        return server
    }

    private func client(_ hosts: TestHosts, _ server: Server, space: UInt8, record: [UInt8]?, seed: UInt8) throws
        -> BootstrapClient
    {
        let host = hosts.host(seed)
        let seeker = BootstrapSeeker(
            rendezvous: Rendezvous(spaceKey: Bytes32(repeating: space)), slotSecret: secret(seed))
        let client = BootstrapClient(
            host: host, servers: [try #require(server.address)], seeker: seeker, now: { seconds(0) },
            random: DiscoveryRandom(UInt64(seed)))
        client.record = { record }
        server.clients.append(client)
        return client
    }

    @Test("members of a space find each other's records, and no others")
    func meets() async throws {
        try await TestHosts.with { hosts in
            let server = try await server(hosts)
            var found: [[[UInt8]]] = []
            for (space, seed) in [(UInt8(1), UInt8(10)), (1, 11), (2, 12), (1, 13)] {
                found.append(
                    try await hosts.wait { hosts in
                        try client(hosts, server, space: space, record: [seed], seed: seed)
                            .visit(try #require(server.address))
                    })
            }
            #expect(found[0].sorted { $0[0] < $1[0] } == [[10]])
            #expect(found[1].sorted { $0[0] < $1[0] } == [[10], [11]])
            #expect(found[2] == [[12]])
            #expect(found[3].sorted { $0[0] < $1[0] } == [[10], [11], [13]])
            let counts = try await hosts.run { _ in
                [server.service?.count, server.service?.nameCount, server.service?.requests]
            }
            #expect(counts == [4, 2, 16])
        }
    }

    @Test("rounds go on by themselves and tell what they found, or what went wrong")
    func rounds() async throws {
        try await TestHosts.with { hosts in
            let server = try await server(hosts)
            let records = try await hosts.wait { hosts -> EventLoopFuture<[[UInt8]]> in
                let promise = hosts.loop.makePromise(of: [[UInt8]].self)
                let client = try client(hosts, server, space: 1, record: [7], seed: 10)
                client.onRecords = { records in
                    client.stop()
                    promise.succeed(records)
                }
                client.start()
                return promise.futureResult
            }
            #expect(records == [[7]])
            try await hosts.run { _ in server.service?.stop() }
            let error = try await hosts.wait { hosts -> EventLoopFuture<PlasmidError?> in
                let promise = hosts.loop.makePromise(of: PlasmidError?.self)
                let client = try client(hosts, server, space: 1, record: [7], seed: 11)
                client.onRound = { _, error in
                    client.stop()
                    promise.succeed(error)
                }
                client.start()
                return promise.futureResult
            }
            #expect(error != nil)
        }
    }

    @Test("after a request that is none, and after sixteen, the stream ends; a flood is refused; the server goes on")
    func hostile() async throws {
        try await TestHosts.with { hosts in
            var settings = BootstrapStore.Settings()
            settings.burst = 40
            let server = try await server(hosts, settings)
            let connection = try await hosts.wait { hosts in
                hosts.host(20).dial(try #require(server.address), as: TestHosts.identity(20))
            }
            let get = BootstrapRequest.get(name: Bytes32(), count: 1).bytes
            @Sendable func ask(_ requests: [[UInt8]]) async throws -> [[UInt8]] {
                try await hosts.wait { _ in
                    connection.ask(
                        requests, BootstrapService.protocolID, maximum: BootstrapAnswer.bytesMaximum,
                        timeout: .seconds(20))
                }
            }
            #expect(try await ask([[9]]) == [[3, 1]])
            await #expect(throws: PlasmidError.self) { _ = try await ask([[9], get]) }
            #expect(try await ask([[UInt8]](repeating: get, count: 16)).count == 16)
            await #expect(throws: PlasmidError.self) { _ = try await ask([[UInt8]](repeating: get, count: 17)) }
            // 2 + 16 + 16 are spent.
            let last = try await ask([[UInt8]](repeating: get, count: 8))
            #expect(last.suffix(2) == [[3, 2], [3, 2]])
            await #expect(throws: PlasmidError.self) { _ = try await ask([[UInt8](repeating: 1, count: 3_000)]) }
            #expect(try await ask([get]) == [[3, 2]])
        }
    }
}
