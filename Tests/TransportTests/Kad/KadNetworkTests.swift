import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("A network of Kad", .serialized)
struct KadNetworkTests {
    /// A network in which every node met thirty others and then looked for itself.
    private func network(_ count: Int, liars: Int, seed: UInt64) throws -> KadNetwork {
        var network = KadNetwork(seed: seed)
        var settings = KadCore.Settings()
        // Time alone shall not start anything here.
        settings.refresh = 1_000_000_000_000
        for number in 0..<count {
            let lies = KadNetwork.Lie.allCases
            _ = try network.addNode(number < liars ? .liar(lies[number % lies.count]) : .honest, settings: settings)
        }
        let ids = network.ids
        for id in network.living {
            for met in ids.shuffled(using: &network.random).prefix(30) {
                let contact = network.contact(met)
                let group = AddressGroup(multiaddr: contact.addresses[0].bytes)
                network.act(id) { node, now, _ in
                    _ = node.table.add(contact, group: group, now: now)
                    return []
                }
            }
        }
        for id in network.living.shuffled(using: &network.random) {
            network.act(id) { node, now, _ in node.findClosest(to: id.bytes, now: now)?.effects ?? [] }
        }
        try network.run(200)
        return network
    }

    @Test("searches find the closest of 200, a quarter of them dead and a tenth liars")
    func lookups() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var network = try network(200, liars: 20, seed: seed)
        for id in network.living.shuffled(using: &network.random).prefix(50) { network.nature[id] = .dead }
        var found = 0
        var closestFound = 0
        let rounds = 15
        for _ in 0..<rounds {
            guard let id = network.living.randomElement(using: &network.random) else { continue }
            let key = network.random.bytes(34)
            var number: UInt64 = 0
            network.act(id) { node, now, _ in
                guard let begun = node.findClosest(to: key, now: now) else { return [] }
                number = begun.search
                return begun.effects
            }
            try network.run(200)
            let finding = try #require(network.findings[id]?[number])
            let true20 = network.closest(to: key, 21).filter { $0 != id }.prefix(20)
            let answers = finding.closest.map(\.peer)
            found += true20.count { answers.contains($0) }
            if let first = true20.first, answers.contains(first) { closestFound += 1 }
        }
        // Liars answer too, and stand in the lists where they are close: a tenth and some.
        #expect(closestFound >= rounds - 2)
        #expect(found >= rounds * 20 * 65 / 100)
        #expect(network.largestMessage <= KadMessage.bytesMaximum)
        print(
            "found \(found) of \(rounds * 20), the closest \(closestFound) of \(rounds), \(network.messages) messages")
    }

    @Test("providers are found by those who ask for the key, and a peer by its id")
    func providers() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var network = try network(100, liars: 10, seed: seed)
        let key = Rendezvous(spaceKey: Bytes32(repeating: 1)).providerKey(epoch: 1)
        let members = network.living.shuffled(using: &network.random).prefix(6)
        for id in members { network.act(id) { node, now, _ in node.provide(key, now: now)?.effects ?? [] } }
        try network.run(60)
        for id in members {
            var number: UInt64 = 0
            network.act(id) { node, now, _ in
                guard let begun = node.findProviders(of: key, now: now) else { return [] }
                number = begun.search
                return begun.effects
            }
            try network.run(60)
            let finding = try #require(network.findings[id]?[number])
            #expect(Set(finding.providers.map(\.peer)).isSuperset(of: members.filter { $0 != id }))
        }
        let (seeker, sought) = (members[0], members[1])
        var number: UInt64 = 0
        network.act(seeker) { node, now, _ in
            guard let begun = node.find(sought, now: now) else { return [] }
            number = begun.search
            return begun.effects
        }
        try network.run(60)
        // Where it is, is what somebody says, a liar perhaps; whoever dials it will know by its key.
        #expect(network.findings[seeker]?[number]?.peer?.peer == sought)
    }

    @Test("a search among liars alone ends")
    func onlyLiars() throws {
        var network = KadNetwork(seed: 11)
        let id = try network.addNode()
        var liars: [PeerID] = []
        for number in 0..<40 {
            let lies = KadNetwork.Lie.allCases
            liars.append(try network.addNode(.liar(lies[number % lies.count])))
        }
        for liar in liars {
            let contact = network.contact(liar)
            network.act(id) { node, now, _ in node.serves(contact, now: now) }
        }
        try network.run(30)
        var number: UInt64 = 0
        network.act(id) { node, now, _ in
            guard let begun = node.findClosest(to: [1, 2, 3], now: now) else { return [] }
            number = begun.search
            return begun.effects
        }
        let before = network.messages
        try network.run(3_000)
        #expect(network.findings[id]?[number] != nil)
        #expect(network.messages - before <= 256 * 9)
        #expect(network.nodes[id]?.core.searches.isEmpty == true && network.nodes[id]?.core.queries.isEmpty == true)
    }
}
