import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("Kad over sockets")
struct KadServiceTests {
    /// Used on the loop of its hosts alone.
    private final class Nodes: @unchecked Sendable {
        var services: [KadService] = []
        var identities: [HostIdentity] = []
        var hosts: [TransportHost] = []
    }

    private func start(_ hosts: TestHosts, _ nodes: Nodes, count: UInt8, duplicateTime: TimeAmount = .seconds(5))
        async throws
    {
        for seed in 1...count {
            let bound = try await hosts.wait { hosts -> EventLoopFuture<[Multiaddr]> in
                var settings = TransportSettings()
                settings.duplicateTime = duplicateTime
                let host = hosts.host(seed, settings)
                nodes.hosts.append(host)
                return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
            }
            try await hosts.run { _ in
                guard let host = nodes.hosts.last else { return }
                host.defaultIdentity.announced = bound
                let service = KadService(
                    host: host, identity: host.defaultIdentity, now: { seconds(0) },
                    random: DiscoveryRandom(UInt64(seed)))
                service.start(serves: true)
                nodes.services.append(service)
                nodes.identities.append(host.defaultIdentity)
            }
        }
    }

    /// In the second run the second of two connections that both sides made ends at once, in the middle of questions.
    @Test("ten nodes that each know the next find each other, and the providers of a key", arguments: [5_000, 0])
    func network(_ milliseconds: Int64) async throws {
        try await TestHosts.with { hosts in
            let nodes = Nodes()
            try await start(hosts, nodes, count: 10, duplicateTime: .milliseconds(milliseconds))
            // Each is connected with the next, so that the question that makes them known is answered before others.
            for index in 0..<10 {
                let connection = try await hosts.wait { _ in
                    let next = nodes.identities[(index + 1) % 10]
                    return nodes.hosts[index].dial(
                        next.announced[0], expecting: next.peerID, as: nodes.identities[index])
                }
                _ = try await hosts.wait { _ in
                    nodes.services[index].learned(connection.peer, addresses: [connection.remoteAddress])
                    return connection.ask(
                        [KadMessage(.ping).bytes], KadCore.protocolID, maximum: 100, timeout: .seconds(20))
                }
                #expect(try await hosts.run { _ in nodes.services[index].peerCount } >= 1)
            }
            for index in 0..<10 {
                let finding = try await hosts.wait { _ in
                    nodes.services[index].find(nodes.identities[(index + 5) % 10].peerID)
                }
                #expect(finding.peer != nil)
            }
            let key = Rendezvous(spaceKey: Bytes32(repeating: 1)).providerKey(epoch: 1)
            let announced = try await hosts.wait { _ in nodes.services[2].provide(key) }
            #expect(announced.closest.count >= 8)
            let finding = try await hosts.wait { _ in nodes.services[7].findProviders(of: key) }
            let id = try await hosts.run { _ in nodes.identities[2].peerID }
            #expect(finding.providers.map(\.peer) == [id])
            try await hosts.run { _ in for service in nodes.services { service.stop() } }
        }
    }

    @Test("a stranger's announcement, a value and garbage are not taken; the server goes on")
    func hostile() async throws {
        try await TestHosts.with { hosts in
            let nodes = Nodes()
            try await start(hosts, nodes, count: 2)
            let connection = try await hosts.wait { _ in
                nodes.hosts[1].dial(nodes.identities[0].announced[0], as: nodes.identities[1])
            }
            let address = try Multiaddr("/ip4/1.2.3.4/tcp/1")
            let other = KadContact(peer: PeerID(publicKey: Bytes32(repeating: 9)), addresses: [address])
            let forged = KadMessage(.addProvider, key: [1, 2], providers: [other])
            let question = KadMessage(.getProviders, key: [1, 2])
            let answers = try await hosts.wait { hosts -> EventLoopFuture<[[UInt8]]> in
                let stream = try connection.open(KadCore.protocolID)
                stream.write(MessageFramer.framed(forged.bytes))
                stream.finish()
                return connection.ask([question.bytes], KadCore.protocolID, maximum: 20_000, timeout: .seconds(20))
            }
            let answer = try KadMessage(bytes: try #require(answers.first))
            #expect(answer.providers.isEmpty)
            #expect(answer.closer.map(\.peer) == [try await hosts.run { _ in nodes.identities[0].peerID }])
            for bad in [KadMessage(.putValue, key: [1]).bytes, [0xff, 0xff], [UInt8](repeating: 0, count: 17_000)] {
                await #expect(throws: PlasmidError.self) {
                    _ = try await hosts.wait { _ in
                        connection.ask([bad], KadCore.protocolID, maximum: 20_000, timeout: .seconds(20))
                    }
                }
            }
            let again = try await hosts.wait { _ in
                connection.ask([KadMessage(.ping).bytes], KadCore.protocolID, maximum: 20_000, timeout: .seconds(20))
            }
            #expect(again == [[0x08, 0x05]])
            #expect(try await hosts.run { _ in nodes.services[0].providerCount } == 0)
        }
    }
}
