import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

/// Strangers who ask for more than they take, come and stay, or open and break off: none of it piles up.
@Suite("What strangers leave behind")
struct ExhaustionTests {
    /// Used on the loop of its hosts alone.
    private final class Scene: @unchecked Sendable {
        var server: TransportHost?
        var dialers: [TransportHost] = []
        var relay: RelayService?
        var client: RelayClient?
        var bootstrap: BootstrapClient?
        var kept: [PeerStream] = []
    }

    /// A server with `serve`'s services; gives its address.
    private func server(
        _ hosts: TestHosts, _ scene: Scene, _ settings: TransportSettings = TransportSettings(),
        _ serve: @escaping @Sendable (TransportHost) -> Void
    ) async throws -> Multiaddr {
        let bound = try await hosts.wait { hosts -> EventLoopFuture<[Multiaddr]> in
            let host = hosts.host(1, settings)
            scene.server = host
            serve(host)
            return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        }
        return try #require(bound.first).appending(TestHosts.identity(1).peerID)
    }

    private func dial(_ hosts: TestHosts, _ scene: Scene, _ address: Multiaddr, _ seed: UInt8) async throws
        -> PeerConnection
    {
        try await hosts.wait { hosts in
            let host = hosts.host(seed)
            scene.dialers.append(host)
            return host.dial(address, as: host.defaultIdentity)
        }
    }

    @Test("what is said behind a question that waits for its answer stays with the one who says it")
    func flood() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let address = try await server(hosts, scene) { host in
                scene.relay = RelayService(
                    host: host, identity: host.defaultIdentity, now: { seconds(0) })
                scene.relay?.start()
            }
            // A guest who never answers the relay.
            let guest = try await dial(hosts, scene, address, 2)
            let answers = try await hosts.wait { _ -> EventLoopFuture<[[UInt8]]> in
                guest.identity.handle(StopMessage.protocolID) { scene.kept.append($0) }
                return guest.ask(
                    [HopMessage.reserve.bytes], HopMessage.protocolID, maximum: 4_096, timeout: .seconds(10))
            }
            #expect(answers.count == 1)
            let flooder = try await dial(hosts, scene, address, 3)
            let stream = try await hosts.wait { _ -> EventLoopFuture<PeerStream> in
                flooder.openAgreedStream(HopMessage.protocolID)
            }
            try await hosts.run { _ in
                stream.write(MessageFramer.framed(HopMessage.connect(guest.identity.peerID).bytes))
            }
            // Round after round: the pings show that the relay has read what came before.
            var written = 0
            for _ in 0..<40 {
                written += try await hosts.run { _ in
                    var written = 0
                    while stream.isWritable, written < 1_048_576 {
                        stream.write(ByteBuffer(repeating: 7, count: 16_384))
                        written += 16_384
                    }
                    return written
                }
                _ = try await hosts.wait { _ in flooder.ping() }
            }
            #expect(written < 4 * 1_048_576, "the relay took \(written) bytes that nobody wanted")
        }
    }

    @Test("a bootstrap server that is none is left at once")
    func refusedVisit() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let address = try await server(hosts, scene) { _ in }
            for _ in 0..<4 {
                let ended = try await hosts.run { hosts in
                    let promise = hosts.loop.makePromise(of: Void.self)
                    scene.server?.defaultIdentity.onConnection = { connection in
                        connection.onClose.append { _ in promise.succeed(()) }
                    }
                    return promise.futureResult
                }
                await #expect(throws: PlasmidError.self) {
                    _ = try await hosts.wait { hosts -> EventLoopFuture<[[UInt8]]> in
                        let host = hosts.host(2)
                        scene.dialers.append(host)
                        let seeker = BootstrapSeeker(
                            rendezvous: Rendezvous(spaceKey: Bytes32(repeating: 1)),
                            slotSecret: SecretBytes.random(count: 32))
                        let client = BootstrapClient(
                            host: host, servers: [address], seeker: seeker, now: { seconds(0) },
                            random: SystemRandomNumberGenerator())
                        scene.bootstrap = client
                        return client.visit(address)
                    }
                }
                try await ended.get()
            }
            let left = try await hosts.run { _ in scene.server?.defaultIdentity.connectedPeers.count }
            #expect(left == 0)
        }
    }

    @Test("over a relay a space answers its members alone, and shows others no identity of its machine")
    func relayedStranger() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let relay = try await server(hosts, scene) { host in
                scene.relay = RelayService(
                    host: host, identity: host.defaultIdentity, now: { seconds(0) })
                scene.relay?.start()
            }
            let space = TestHosts.identity(9)
            let way = try await hosts.wait { hosts -> EventLoopFuture<Multiaddr> in
                let host = hosts.host(2)
                scene.dialers.append(host)
                space.accepts = { hint, _ in hint == [UInt8](repeating: 5, count: 16) }
                host.add(space)
                let promise = hosts.loop.makePromise(of: Multiaddr.self)
                let client = RelayClient(host: host, identity: space, relays: [relay], now: { seconds(0) })
                scene.client = client
                client.onReachable = { if let address = $0.first { promise.succeed(address) } }
                client.start()
                return promise.futureResult
            }
            for hint: UInt8? in [nil, 4] {
                do {
                    _ = try await hosts.wait { hosts -> EventLoopFuture<PeerConnection> in
                        let host = hosts.host(3)
                        scene.dialers.append(host)
                        return host.dial(
                            way, as: host.defaultIdentity,
                            hint: hint.map { byte in { _ in .init(repeating: byte, count: 16) } })
                    }
                    Issue.record("a stranger was let in")
                } catch let error as PlasmidError {
                    #expect(error.code == .wrongPeer)
                    #expect(!"\(error)".contains("\(TestHosts.identity(2).peerID)"))
                }
            }
            let member = try await hosts.wait { hosts -> EventLoopFuture<PeerConnection> in
                let host = hosts.host(4)
                scene.dialers.append(host)
                return host.dial(way, as: host.defaultIdentity, hint: { _ in .init(repeating: 5, count: 16) })
            }
            #expect(member.peer == space.peerID)
        }
    }

    @Test("where places are short, strangers who carry nothing make room, and guests of a relay do not")
    func idle() async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            (settings.inboundConnections, settings.strangerTime) = (3, .nanoseconds(0))
            let scene = Scene()
            let address = try await server(hosts, scene, settings) { host in
                scene.relay = RelayService(
                    host: host, identity: host.defaultIdentity, now: { seconds(0) })
                scene.relay?.start()
            }
            let guest = try await dial(hosts, scene, address, 2)
            _ = try await hosts.wait { _ in
                guest.ask([HopMessage.reserve.bytes], HopMessage.protocolID, maximum: 4_096, timeout: .seconds(10))
            }
            let first = try await dial(hosts, scene, address, 3)
            let ended = try await hosts.run { hosts in
                let promise = hosts.loop.makePromise(of: Void.self)
                first.onClose.append { _ in promise.succeed(()) }
                return promise.futureResult
            }
            for seed: UInt8 in 4..<9 {
                let one = try await dial(hosts, scene, address, seed)
                // It carries something, and has carried it: both sides know of it now.
                _ = try await hosts.wait { _ in one.ping() }
            }
            try await ended.get()
            let isThere = try await hosts.run { _ in guest.isOpen }
            #expect(isThere)
        }
    }
}
