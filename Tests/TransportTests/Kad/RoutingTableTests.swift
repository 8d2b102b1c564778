import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("Kad's table of peers")
struct RoutingTableTests {
    private func contact(_ random: inout DiscoveryRandom) -> KadContact {
        KadContact(peer: PeerID(publicKey: random.bytes32()), addresses: [])
    }

    private func group(_ a: UInt8, _ b: UInt8, _ c: UInt8 = 1) -> AddressGroup { AddressGroup(ip: [a, b, c, 1]) }

    @Test("distance is XOR of SHA-256, as the reference computes it")
    func keys() throws {
        // Peer A of the reference: the key of seed 00…1f.
        let id = try #require(PeerID(text: "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"))
        #expect(
            hex(KadKey(id).bytes.array) == "384150e323eab36b9cda6c59f5f5abe3e9d9f906989c7e35d1bd50895166c8c3")
        #expect(KadKey(id).commonBits(with: KadKey(id)) == 256)
        #expect(KadKey(id).distance(to: KadKey(id)) == Bytes32())
    }

    @Test("buckets hold twenty, the next waits, and takes the place of one that is gone")
    func buckets() throws {
        var random = DiscoveryRandom(1)
        let me = PeerID(publicKey: random.bytes32())
        var table = RoutingTable(me: me)
        var first: [KadContact] = []
        var waiting: KadContact?
        while waiting == nil {
            let contact = contact(&random)
            guard KadKey(me).commonBits(with: KadKey(contact.peer)) == 0 else { continue }
            let outcome = table.add(contact, group: AddressGroup(ip: [10, 0, 0, 1]), now: seconds(Int64(first.count)))
            if outcome == .added { first.append(contact) }
            if case .waits(let oldest) = outcome {
                #expect(oldest == first[0])
                waiting = contact
            }
        }
        #expect(first.count == 20 && table.count == 20)
        table.seen(first[0].peer, now: seconds(50))
        #expect(table.silent(since: seconds(100), count: 1) == [first[1]])
        table.remove(first[1].peer)
        #expect(table.count == 20)
        #expect(table.contact(of: try #require(waiting).peer) == waiting)
        for contact in first { table.remove(contact.peer) }
        #expect(table.count == 1)
        #expect(table.add(KadContact(peer: me, addresses: []), group: group(20, 1), now: seconds(0)) == .refused)
    }

    @Test("one network has three places in the table and two in a bucket, however many peers it makes")
    func diversity() {
        var random = DiscoveryRandom(2)
        var table = RoutingTable(me: PeerID(publicKey: random.bytes32()))
        for number in 0..<2_000 {
            _ = table.add(contact(&random), group: group(20, 1, UInt8(number % 250)), now: seconds(0))
        }
        #expect(table.count == 3)
        for _ in 0..<50 { _ = table.add(contact(&random), group: AddressGroup(ip: []), now: seconds(0)) }
        #expect(table.count == 3)
        for number in UInt8(0)..<200 { _ = table.add(contact(&random), group: group(30, number), now: seconds(0)) }
        #expect(table.count > 60)
    }

    @Test("a peer that moves takes its place with it, and the counts stay true")
    func moves() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = DiscoveryRandom(seed)
        var table = RoutingTable(me: PeerID(publicKey: random.bytes32()))
        let peers = (0..<60).map { _ in contact(&random) }
        for _ in 0..<3_000 {
            guard let contact = peers.randomElement(using: &random) else { continue }
            let group = group(20, UInt8.random(in: 0..<12, using: &random))
            if Int.random(in: 0..<4, using: &random) == 0 {
                table.remove(contact.peer)
            } else {
                _ = table.add(contact, group: group, now: seconds(0))
            }
            #expect(table.count <= 36)
        }
        for contact in peers { table.remove(contact.peer) }
        #expect(table.count == 0 && table.bucketNumbers.isEmpty)
        for contact in peers.prefix(1) {
            #expect(table.add(contact, group: group(20, 1), now: seconds(0)) == .added)
        }
    }

    @Test("the closest are the closest")
    func closest() {
        var random = DiscoveryRandom(3)
        var table = RoutingTable(me: PeerID(publicKey: random.bytes32()))
        var all: [KadContact] = []
        for number in 0..<300 {
            let contact = contact(&random)
            let outcome = table.add(
                contact, group: group(UInt8(20 + number / 200), UInt8(number % 200)), now: seconds(0))
            if outcome == .added { all.append(contact) }
        }
        for _ in 0..<50 {
            let key = KadKey(random.bytes(34))
            let expected = all.sorted { KadKey($0.peer).distance(to: key) < KadKey($1.peer).distance(to: key) }
            #expect(table.closest(to: key, count: 20) == Array(expected.prefix(20)))
            let without = table.closest(to: key, count: 20, without: expected[0].peer)
            #expect(without == Array(expected.dropFirst().prefix(20)))
        }
    }

    @Test(
        "groups of addresses",
        arguments: [
            ("/ip4/127.0.0.1/tcp/1", true), ("/ip4/10.1.2.3/tcp/1", true), ("/ip4/172.16.0.1/tcp/1", true),
            ("/ip4/172.32.0.1/tcp/1", false), ("/ip4/192.168.1.1/tcp/1", true), ("/ip4/8.8.8.8/tcp/1", false),
            ("/ip6/::1/tcp/1", true), ("/ip6/fe80::1/tcp/1", true), ("/ip6/fd00::1/tcp/1", true),
            ("/ip6/2001:db8::1/tcp/1", false), ("/ip4/100.64.1.1/tcp/1", true),
        ])
    func groups(_ text: String, _ isLocal: Bool) throws {
        let group = AddressGroup(multiaddr: try Multiaddr(text).bytes)
        #expect(group.isLocal == isLocal && !group.host.isEmpty)
    }

    @Test("addresses without an IP have no group; IPv4 within IPv6 is IPv4")
    func noGroup() throws {
        #expect(AddressGroup(multiaddr: try Multiaddr("/dns4/example.org/tcp/1").bytes).host.isEmpty)
        #expect(AddressGroup(multiaddr: []).host.isEmpty && AddressGroup(multiaddr: [4, 1]).host.isEmpty)
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 8, 8, 4, 4]
        #expect(AddressGroup(ip: mapped) == AddressGroup(ip: [8, 8, 4, 4]))
    }
}
