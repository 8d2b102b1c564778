import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("Connections over a relay")
struct RelayServiceTests {
    /// Used on the loop of its hosts alone.
    private final class Scene: @unchecked Sendable {
        var relayHost: TransportHost?
        var relay: RelayService?
        var secondRelay: RelayService?
        var address: Multiaddr?
        var host: TransportHost?
        var client: RelayClient?
        var dialer: TransportHost?
    }

    /// A relay, and a host with a place there; gives the address over the relay.
    private func setUp(
        _ hosts: TestHosts, _ scene: Scene, _ settings: RelayServerCore.Settings = .init()
    ) async throws -> Multiaddr {
        _ = try await hosts.wait { hosts -> EventLoopFuture<[Multiaddr]> in
            let host = hosts.host(1)
            scene.relayHost = host
            scene.relay = RelayService(
                host: host, identity: host.defaultIdentity, settings: settings, now: { seconds(0) })
            scene.relay?.start()
            return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        }
        return try await hosts.wait { hosts -> EventLoopFuture<Multiaddr> in
            let relay = try #require(scene.relayHost)
            let address = try #require(relay.listening.first).appending(relay.defaultIdentity.peerID)
            scene.address = address
            let host = hosts.host(2)
            scene.host = host
            scene.dialer = hosts.host(3)
            serveEcho(host.defaultIdentity)
            let promise = hosts.loop.makePromise(of: Multiaddr.self)
            let client = RelayClient(
                host: host, identity: host.defaultIdentity, relays: [address], now: { seconds(0) })
            scene.client = client
            client.onReachable = { addresses in
                if let address = addresses.first { promise.succeed(address) }
            }
            client.start()
            return promise.futureResult
        }
    }

    private func dial(_ hosts: TestHosts, _ scene: Scene, _ address: Multiaddr) async throws -> PeerConnection {
        try await hosts.wait { _ in
            let dialer = try #require(scene.dialer)
            return dialer.dial(address, as: dialer.defaultIdentity)
        }
    }

    @Test("a peer that nobody can dial is reached over the relay, encrypted from end to end")
    func echo() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let address = try await setUp(hosts, scene)
            #expect(address.isRelayed)
            let connection = try await dial(hosts, scene, address)
            #expect(connection.isRelayed && connection.isDialer)
            #expect(connection.peer == TestHosts.identity(2).peerID)
            let bytes = [UInt8]((0..<60_000).map { UInt8($0 & 0xff) })
            let echoed = try await hosts.wait { _ -> EventLoopFuture<ByteBuffer> in
                let stream = try connection.open("/plasmid/echo/1.0.0")
                let all = stream.collected()
                stream.write(ByteBuffer(bytes: bytes))
                stream.finish()
                return all
            }
            #expect([UInt8](buffer: echoed) == bytes)
            let counts = try await hosts.run { _ in [scene.relay?.circuitCount, scene.relay?.reservationCount] }
            #expect(counts == [1, 1])
            let inbound = try await hosts.run { _ -> Bool in
                let identity = try #require(scene.host).defaultIdentity
                return identity.connections(with: connection.identity.peerID).first?.isRelayed == true
            }
            #expect(inbound)
        }
    }

    @Test("at its bound of bytes the relay breaks the circuit off, and only that")
    func bound() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let address = try await setUp(hosts, scene)
            let connection = try await dial(hosts, scene, address)
            await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { _ -> EventLoopFuture<ByteBuffer> in
                    let stream = try connection.open("/plasmid/echo/1.0.0")
                    let all = stream.collected()
                    stream.write(ByteBuffer(repeating: 7, count: 200_000))
                    stream.finish()
                    return all
                }
            }
            let counts = try await hosts.run { _ in [scene.relay?.circuitCount, scene.relay?.reservationCount] }
            #expect(counts == [0, 1])
            let again = try await dial(hosts, scene, address)
            #expect(again.isRelayed)
        }
    }

    @Test("the time of a circuit is bounded too")
    func time() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            var settings = RelayServerCore.Settings()
            settings.limit = RelayLimit(seconds: 1, bytes: nil)
            let address = try await setUp(hosts, scene, settings)
            let connection = try await dial(hosts, scene, address)
            let isOver = try await hosts.wait { hosts -> EventLoopFuture<Bool> in
                // On a busy machine the second may be over by now.
                guard connection.isOpen else { return hosts.loop.makeSucceededFuture(true) }
                let promise = hosts.loop.makePromise(of: Bool.self)
                connection.onClose.append { _ in promise.succeed(true) }
                return promise.futureResult
            }
            #expect(isOver)
        }
    }

    @Test("without a place nobody is reached; over a relay there is no place and no further relay")
    func refused() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            let address = try await setUp(hosts, scene)
            let stranger = TestHosts.identity(9).peerID
            let nowhere = try #require(address.relay).appending(.circuit).appending(stranger)
            await #expect(throws: PlasmidError.self) { _ = try await dial(hosts, scene, nowhere) }
            // The host behind the relay is a relay itself; asked over the first one, it refuses.
            try await hosts.run { _ in
                let host = try #require(scene.host)
                let relay = RelayService(host: host, identity: host.defaultIdentity, now: { seconds(0) })
                relay.start()
                scene.secondRelay = relay
            }
            let connection = try await dial(hosts, scene, address)
            for wish in [HopMessage.reserve, .connect(stranger)] {
                let answer = try await hosts.wait { _ in
                    connection.ask([wish.bytes], HopMessage.protocolID, maximum: 4_096, timeout: .seconds(20))
                }
                #expect(
                    try HopMessage(bytes: try #require(answer.first))
                        == .status(.permissionDenied, reservation: nil, limit: nil))
            }
        }
    }

    @Test("a stranger who plays relay is refused, and so is nonsense on either protocol")
    func hostile() async throws {
        try await TestHosts.with { hosts in
            let scene = Scene()
            _ = try await setUp(hosts, scene)
            let relayed = try await hosts.wait { _ in
                let dialer = try #require(scene.dialer)
                return dialer.dial(try #require(scene.address), as: dialer.defaultIdentity)
            }
            for bytes in [[0xff], [0x20, 0x64], HopMessage.status(.ok, reservation: nil, limit: nil).bytes] {
                let answer = try await hosts.wait { _ in
                    relayed.ask([bytes], HopMessage.protocolID, maximum: 4_096, timeout: .seconds(20))
                }
                guard case .status(let status, _, _) = try HopMessage(bytes: try #require(answer.first)) else {
                    Issue.record("no status")
                    continue
                }
                #expect(status == .malformedMessage || status == .unexpectedMessage)
            }
            let port = try await hosts.wait { _ in
                try #require(scene.host).listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
            }
            let direct = try await dial(hosts, scene, try #require(port.first))
            for (bytes, expected) in [
                (StopMessage.connect(TestHosts.identity(8).peerID, limit: nil).bytes, RelayStatus.permissionDenied),
                ([0xff], .malformedMessage), (StopMessage.status(.ok).bytes, .malformedMessage),
            ] {
                let answer = try await hosts.wait { _ in
                    direct.ask([bytes], StopMessage.protocolID, maximum: 4_096, timeout: .seconds(20))
                }
                #expect(try StopMessage(bytes: try #require(answer.first)) == .status(expected))
            }
        }
    }
}
