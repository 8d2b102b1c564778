import Foundation
import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

/// Kad with py-libp2p's, which speaks it under Plasmid's name (`Tests/Interop/kad_peer.py`).
@Suite(
    "Kad with py-libp2p", .serialized,
    .enabled(if: PythonPeer.isThere, "py-libp2p is not there: scripts/interop.sh fetches it where it can"))
struct KadInteropTests {
    /// One of ours. Used on the loop of its hosts alone.
    private final class Node: @unchecked Sendable {
        let host: TransportHost
        let kad: KadService
        let address: Multiaddr

        init(_ host: TransportHost, _ address: Multiaddr, seed: UInt8, serves: Bool) {
            self.host = host
            self.address = address
            host.defaultIdentity.announced = [address]
            kad = KadService(
                host: host, identity: host.defaultIdentity, now: { seconds(0) },
                random: DiscoveryRandom(UInt64(seed)))
            kad.start(serves: serves)
        }

        var peer: PeerID { host.defaultIdentity.peerID }
    }

    private static func node(_ hosts: TestHosts, _ seed: UInt8, serves: Bool) async throws -> Node {
        let bound = try await hosts.wait { hosts in
            let host = hosts.host(seed)
            return host.listen(on: try Multiaddr(HostTests.loopback)).map { (host, $0[0]) }
        }
        return try await hosts.run { _ in Node(bound.0, bound.1, seed: seed, serves: serves) }
    }

    /// `node` gets to know a server: it is connected with it, and has had an answer.
    private static func meet(_ hosts: TestHosts, _ node: Node, _ server: PeerID, _ address: Multiaddr) async throws {
        let connection = try await hosts.wait { _ in
            node.host.dial(address, expecting: server, as: node.host.defaultIdentity)
        }
        try await hosts.run { _ in node.kad.learned(server, addresses: [address.withoutPeer]) }
        for _ in 0..<200 where try await hosts.run({ _ in node.kad.peerCount == 0 }) {
            let question = KadMessage(.findNode, key: node.peer.bytes).bytes
            _ = try await hosts.wait { _ in
                connection.ask([question], KadCore.protocolID, maximum: 20_000, timeout: .seconds(20))
            }
        }
        #expect(try await hosts.run { _ in node.kad.peerCount } >= 1)
    }

    private static func with(_ body: (TestHosts, PythonPeer, PeerID, Multiaddr) async throws -> Void) async throws {
        let python = try PythonPeer([KadCore.protocolID], script: "kad_peer.py")
        let said = await python.line()
        let address = try Multiaddr(try #require(said["multiaddr"] as? String))
        let peer = try #require(address.peerID)
        do {
            try await TestHosts.with { try await body($0, python, peer, address) }
        } catch {
            await python.end()
            throw error
        }
        await python.end()
    }

    @Test("a client of ours finds a peer through their server")
    func theirServer() async throws {
        try await Self.with { hosts, python, peer, address in
            let target = try await Self.node(hosts, 2, serves: true)
            let known = try await python.ask(["know": try target.address.appending(target.peer).description])
            #expect(known["ok"] as? Bool == true, "\(known)")
            let seeker = try await Self.node(hosts, 1, serves: false)
            try await Self.meet(hosts, seeker, peer, address)
            let finding = try await hosts.wait { _ in seeker.kad.find(target.peer) }
            #expect(finding.peer?.peer == target.peer)
            #expect(finding.peer?.addresses.contains(target.address) == true)
            try await hosts.run { _ in for node in [target, seeker] { node.kad.stop() } }
        }
    }

    @Test("their client finds a peer through a server of ours")
    func ourServer() async throws {
        try await Self.with { hosts, python, _, _ in
            let (server, target) = (
                try await Self.node(hosts, 2, serves: true), try await Self.node(hosts, 3, serves: true)
            )
            try await Self.meet(hosts, server, target.peer, target.address)
            let known = try await python.ask(["know": try server.address.appending(server.peer).description])
            #expect(known["ok"] as? Bool == true, "\(known)")
            let found = try await python.ask(["find": target.peer.description])
            let addresses = found["addrs"] as? [String] ?? []
            #expect(addresses.contains { $0.hasPrefix(target.address.description) }, "\(found)")
            try await hosts.run { _ in for node in [server, target] { node.kad.stop() } }
        }
    }

    @Test("what one announces under a key the other finds, both ways, at a server of either side")
    func providers() async throws {
        try await Self.with { hosts, python, peer, address in
            let server = try await Self.node(hosts, 2, serves: true)
            let seeker = try await Self.node(hosts, 1, serves: false)
            let rendezvous = Rendezvous(spaceKey: Bytes32(repeating: 1))
            let (theirs, ours) = (rendezvous.providerKey(epoch: 1), rendezvous.providerKey(epoch: 2))
            _ = try await python.ask(["know": try server.address.appending(server.peer).description])
            let announced = try await python.ask(["provide": hex(theirs)])
            #expect(announced["ok"] as? Bool == true, "\(announced)")
            #expect(try await hosts.run { _ in server.kad.providerCount } == 1)
            try await Self.meet(hosts, seeker, server.peer, server.address)
            let finding = try await hosts.wait { _ in seeker.kad.findProviders(of: theirs) }
            #expect(finding.providers.map(\.peer) == [peer])

            let other = try await Self.node(hosts, 3, serves: false)
            try await Self.meet(hosts, other, peer, address)
            _ = try await hosts.wait { _ in other.kad.provide(ours) }
            let found = try await python.ask(["providers": hex(ours)])
            #expect((found["peers"] as? [String])?.contains(other.peer.description) == true, "\(found)")
            try await hosts.run { _ in for node in [server, seeker, other] { node.kad.stop() } }
        }
    }
}
