import Integrity
import NIOCore
import Testing

@testable import Transport

@Suite("hosts over sockets")
struct HostTests {
    static let echo = "/plasmid/echo/1.0.0"
    static let loopback = "/ip4/127.0.0.1/tcp/0"

    /// The connection of a dial from the host of seed 1 to the one of seed 2, which serves echo.
    private func connect(
        _ hosts: TestHosts, _ address: String = loopback,
        _ change: @escaping @Sendable (inout TransportSettings) -> Void = { _ in }
    ) async throws -> PeerConnection {
        try await hosts.wait { hosts in
            var settings = TransportSettings()
            change(&settings)
            let server = hosts.host(2, settings)
            serveEcho(server.defaultIdentity)
            let client = hosts.host(1)
            return try server.listen(on: Multiaddr(address)).flatMap { bound in
                client.dial(bound[0], expecting: server.defaultIdentity.peerID, as: client.defaultIdentity)
            }
        }
    }

    @Test(
        "two hosts meet, agree on muxer and protocol, and echo from 1 B to 1 MiB", arguments: [true, false],
        ["", "/ws"])
    func echoes(early: Bool, kind: String) async throws {
        try await TestHosts.with { hosts in
            let connection = try await connect(hosts, Self.loopback + kind) { $0.offersEarlyMuxer = early }
            for size in [1, 1_024, 1 << 20] {
                let sent = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                let got = try await hosts.wait { _ in
                    let stream = try connection.open(Self.echo)
                    stream.write(sent)
                    stream.finish()
                    return stream.collected()
                }
                #expect(got == sent)
            }
            let state = try await hosts.run { _ in (connection.streams.count, connection.session.bufferedTotal) }
            #expect(state == (0, 0))
        }
    }

    @Test("the identity that the hint names answers; without one, the default identity")
    func hints() async throws {
        try await TestHosts.with { hosts in
            let peers = try await hosts.wait { hosts in
                let server = hosts.host(2)
                let space = TestHosts.identity(3)
                space.accepts = { hint, ephemeral in hint == Array(ephemeral.prefix(16)) }
                server.add(space)
                let client = hosts.host(1)
                return try server.listen(on: Multiaddr(Self.loopback)).flatMap { bound in
                    let dials = [
                        client.dial(bound[0], as: client.defaultIdentity, hint: { Array($0.prefix(16)) }),
                        client.dial(bound[0], as: client.defaultIdentity, hint: { Array($0.suffix(16)) }),
                        client.dial(bound[0], as: client.defaultIdentity),
                    ]
                    return EventLoopFuture.whenAllSucceed(dials, on: hosts.loop).map { $0.map(\.peer) }
                }
            }
            let expected = [3, 2, 2].map { TestHosts.identity($0).peerID }
            #expect(peers == expected)
        }
    }

    @Test("both ends see each other's ids and one handshake hash")
    func sameHash() async throws {
        try await TestHosts.with { hosts in
            let both = try await hosts.wait { hosts in
                let server = hosts.host(2)
                let client = hosts.host(1)
                let inbound = hosts.loop.makePromise(of: PeerConnection.self)
                server.defaultIdentity.onConnection = { inbound.succeed($0) }
                return try server.listen(on: Multiaddr(Self.loopback)).flatMap { bound in
                    client.dial(bound[0], as: client.defaultIdentity)
                }.and(inbound.futureResult)
            }
            #expect(both.0.handshakeHash == both.1.handshakeHash && both.0.handshakeHash.count == 32)
            #expect(both.0.peer == both.1.identity.peerID && both.1.peer == both.0.identity.peerID)
            #expect(both.0.isDialer && !both.1.isDialer)
        }
    }

    @Test("another peer than the expected one is refused, and a protocol nobody serves is told")
    func refusals() async throws {
        try await TestHosts.with { hosts in
            let connection = try await connect(hosts)
            let address = try await hosts.run { _ in connection.remoteAddress }
            let wrong = await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { _ in
                    let host = hosts.host(4)
                    return host.dial(address, expecting: TestHosts.identity(9).peerID, as: host.defaultIdentity)
                }
            }
            #expect(wrong?.code == .wrongPeer)
            let lazy = await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { _ in try connection.open("/nobody/1").collected() }
            }
            #expect(lazy?.code == .protocolRefused)
            let agreed = await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { _ in connection.openAgreedStream("/nobody/1") }
            }
            #expect(agreed?.code == .protocolRefused)
            let stream = try await hosts.wait { _ in connection.openAgreedStream(Self.echo) }
            #expect(stream.protocolID == Self.echo)
        }
    }
}
