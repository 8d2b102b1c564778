import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("Behind routers, over sockets")
struct NATServiceTests {
    /// Used on the loop of its hosts alone.
    private final class Scene: @unchecked Sendable {
        var hosts: [TransportHost] = []
        var nats: [AutoNATService] = []
        var punches: [HolePunchService] = []
        var relay: RelayService?
        var client: RelayClient?
        var observed: [() -> Bool] = []
    }

    private func listening(_ hosts: TestHosts, _ scene: Scene, _ seed: UInt8) async throws -> Multiaddr {
        let bound = try await hosts.wait { hosts -> EventLoopFuture<[Multiaddr]> in
            let host = hosts.host(seed)
            scene.hosts.append(host)
            return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        }
        return try #require(bound.first)
    }

    @Test("a node that can be dialled is told so, one that cannot be is told that; others are not dialled for it")
    func autonat() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let server = try await listening(hosts, scene, 1)
            let own = try await listening(hosts, scene, 2)
            try await hosts.run { _ in
                for host in scene.hosts {
                    let service = AutoNATService(host: host, now: { seconds(0) })
                    service.start()
                    scene.nats.append(service)
                }
            }
            let connection = try await hosts.wait { _ in
                scene.hosts[1].dial(server, as: scene.hosts[1].defaultIdentity)
            }
            let me = TestHosts.identity(2).peerID
            @Sendable func answer(_ question: AutoNATMessage) async throws -> AutoNATMessage {
                let answers = try await hosts.wait { _ in
                    connection.ask(
                        [question.bytes], AutoNATMessage.protocolID, maximum: 4_096, timeout: .seconds(30))
                }
                return try AutoNATMessage(bytes: try #require(answers.first))
            }
            #expect(try await answer(.dial(me, addresses: [own])) == .response(.ok, address: own))
            let closed = try Multiaddr("/ip4/127.0.0.1/tcp/1")
            #expect(try await answer(.dial(me, addresses: [closed])) == .response(.dialError, address: nil))
            let other = try Multiaddr("/ip4/127.0.0.2/tcp/1")
            #expect(try await answer(.dial(me, addresses: [other])) == .response(.dialRefused, address: nil))
            let stranger = AutoNATMessage.dial(TestHosts.identity(9).peerID, addresses: [own])
            #expect(try await answer(stranger) == .response(.badRequest, address: nil))
            #expect(try await answer(.response(.ok, address: nil)) == .response(.badRequest, address: nil))
            // It can be dialled, but somebody else is there.
            #expect(try await answer(.dial(me, addresses: [server])) == .response(.dialError, address: nil))
        }
    }

    @Test("two that met over a relay come to a direct connection; the one who dialled is its initiator")
    func punch() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let relay = try await listening(hosts, scene, 1)
            _ = try await listening(hosts, scene, 2)
            _ = try await listening(hosts, scene, 3)
            let way = try await hosts.wait { hosts -> EventLoopFuture<Multiaddr> in
                let relayHost = scene.hosts[0]
                scene.relay = RelayService(
                    host: relayHost, identity: relayHost.defaultIdentity, now: { seconds(0) })
                scene.relay?.start()
                for host in scene.hosts[1...] {
                    let service = HolePunchService(
                        host: host, identity: host.defaultIdentity, allowsLocal: true, now: { seconds(0) })
                    // Where the relay sees them: the ports that they listen on.
                    scene.observed.append { host.observed == host.listening }
                    service.start()
                    scene.punches.append(service)
                }
                let promise = hosts.loop.makePromise(of: Multiaddr.self)
                let address = try relay.appending(relayHost.defaultIdentity.peerID)
                let client = RelayClient(
                    host: scene.hosts[1], identity: scene.hosts[1].defaultIdentity, relays: [address],
                    now: { seconds(0) })
                scene.client = client
                client.onReachable = { if let address = $0.first { promise.succeed(address) } }
                client.start()
                return promise.futureResult
            }
            let isDirect = try await hosts.wait { hosts -> EventLoopFuture<Bool> in
                let came = hosts.loop.makePromise(of: PeerConnection.self)
                scene.hosts[1].defaultIdentity.onConnection = { if $0.isRelayed { came.succeed($0) } }
                let dialled = scene.hosts[2].dial(way, as: scene.hosts[2].defaultIdentity)
                dialled.cascadeFailure(to: came)
                return came.futureResult.and(dialled).assumeIsolated().flatMap { inbound, outbound in
                    #expect(inbound.isRelayed && outbound.isRelayed)
                    return scene.punches[0].punch(inbound)
                }.nonisolated()
            }
            #expect(isDirect)
            #expect(try await hosts.run { _ in scene.observed.map { $0() } } == [true, true])
            let parts = try await hosts.run { _ in
                scene.hosts[2].defaultIdentity.connections(with: TestHosts.identity(2).peerID)
                    .filter { !$0.isRelayed }.map(\.isDialer)
            }
            #expect(parts == [true])
        }
    }

    @Test("who did not come over a relay punches no holes")
    func refused() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let server = try await listening(hosts, scene, 1)
            _ = try await listening(hosts, scene, 2)
            let connection = try await hosts.wait { _ in
                let host = scene.hosts[0]
                let service = HolePunchService(
                    host: host, identity: host.defaultIdentity, allowsLocal: true, now: { seconds(0) })
                service.start()
                scene.punches.append(service)
                return scene.hosts[1].dial(server, as: scene.hosts[1].defaultIdentity)
            }
            await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { _ in
                    connection.ask(
                        [HolePunchMessage.sync.bytes], HolePunchMessage.protocolID, maximum: 4_096,
                        timeout: .seconds(20))
                }
            }
            let isDirect = try await hosts.wait { _ in scene.punches[0].punch(connection) }
            #expect(!isDirect)
        }
    }
}
