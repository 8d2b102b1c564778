import Integrity
import Sodium

@testable import Transport

/// A network of Kad's peers in virtual time: each message takes a while, the dead never answer, liars answer as they like.
struct KadNetwork {
    enum Nature { case honest, dead, liar(Lie) }
    enum Lie: CaseIterable {
        /// Tells of twenty peers that are nowhere, just beside what is asked for.
        case inventsPeers
        /// Tells only of other liars, in a circle.
        case tellsOfItsFriends
        /// Tells of nobody.
        case isSilent
        /// Tells true peers at false addresses.
        case twistsAddresses
    }

    private enum Event {
        case request(from: PeerID, to: KadContact, query: UInt64?, KadMessage)
        case answer(to: PeerID, query: UInt64, KadMessage?, AddressGroup)
    }

    var random: DiscoveryRandom
    private(set) var now = seconds(0)
    private var events: [(at: Timestamp, number: Int, event: Event)] = []
    private var numbers = 0
    /// A reference, so that a change copies nothing.
    final class Node {
        var core: KadCore
        init(_ core: KadCore) { self.core = core }
    }

    var nodes: [PeerID: Node] = [:]
    private(set) var ids: [PeerID] = []
    var nature: [PeerID: Nature] = [:]
    var addresses: [PeerID: Multiaddr] = [:]
    var findings: [PeerID: [UInt64: KadCore.Finding]] = [:]
    private(set) var messages = 0
    private(set) var largestMessage = 0

    init(seed: UInt64) { random = DiscoveryRandom(seed) }

    var living: [PeerID] { ids.filter { if case .honest? = nature[$0] { true } else { false } } }

    mutating func addNode(_ kind: Nature = .honest, settings: KadCore.Settings = .init()) throws -> PeerID {
        let id = PeerID(publicKey: random.bytes32())
        let ip = [UInt8.random(in: 20...99, using: &random)] + random.bytes(3)
        let address = try Multiaddr("/ip4/\(ip.map(String.init).joined(separator: "."))/tcp/4001")
        var core = KadCore(me: id, settings: settings)
        core.addresses = [address]
        nodes[id] = Node(core)
        ids.append(id)
        nature[id] = kind
        addresses[id] = address
        return id
    }

    func contact(_ id: PeerID) -> KadContact { KadContact(peer: id, addresses: [addresses[id]].compactMap { $0 }) }

    /// Lets a node do something now.
    mutating func act(_ id: PeerID, _ body: (inout KadCore, Timestamp, inout DiscoveryRandom) -> [KadCore.Effect]) {
        guard let node = nodes[id] else { return }
        let effects = body(&node.core, now, &random)
        perform(effects, by: id)
    }

    /// Runs for so many seconds; every node ticks twice a second while it waits for something.
    mutating func run(_ duration: Int64) throws {
        let end = now.advanced(byMicroseconds: duration * 1_000_000)
        while now < end {
            let next = min(end, now.advanced(byMicroseconds: 500_000))
            while let index = earliest(before: next) {
                let event = events.remove(at: index)
                now = event.at
                try deliver(event.event)
            }
            now = next
            for id in ids where isBusy(id) {
                act(id) { node, now, random in node.tick(now: now, using: &random) }
            }
            if events.isEmpty, !ids.contains(where: isBusy) { return }
        }
    }

    private func isBusy(_ id: PeerID) -> Bool {
        guard let core = nodes[id]?.core else { return false }
        return !core.searches.isEmpty || !core.queries.isEmpty
    }

    private func earliest(before time: Timestamp) -> Int? {
        guard let last = events.indices.last, events[last].at <= time else { return nil }
        return last
    }

    private mutating func schedule(_ event: Event) {
        let at = now.advanced(byMicroseconds: Int64.random(in: 5_000...80_000, using: &random))
        numbers += 1
        // Latest first, so that the next is taken from the end.
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].at > at { low = middle + 1 } else { high = middle }
        }
        events.insert((at, numbers, event), at: low)
    }

    private mutating func perform(_ effects: [KadCore.Effect], by id: PeerID) {
        for effect in effects {
            switch effect {
            case .ask(let query, let contact, let message):
                schedule(.request(from: id, to: contact, query: query, message))
            case .tell(let contact, let message): schedule(.request(from: id, to: contact, query: nil, message))
            case .found(let search, let finding): findings[id, default: [:]][search] = finding
            }
        }
    }

    private mutating func deliver(_ event: Event) throws {
        switch event {
        case .request(let from, let to, let query, let message):
            messages += 1
            let read = try throughTheWire(message)
            guard let nature = nature[to.peer], let address = addresses[to.peer], to.addresses.contains(address) else {
                // Nobody there: a refused dial.
                if let query { schedule(.answer(to: from, query: query, nil, AddressGroup(ip: []))) }
                return
            }
            let answer: KadMessage?
            switch nature {
            case .dead: return
            case .liar(let lie): answer = try self.lie(lie, to: read)
            case .honest:
                let group = AddressGroup(multiaddr: addresses[from]?.bytes ?? [])
                answer = nodes[to.peer]?.core.answer(read, from: from, group: group, now: now, using: &random)
            }
            guard let query else { return }
            schedule(.answer(to: from, query: query, answer, AddressGroup(multiaddr: address.bytes)))
        case .answer(let to, let query, let message, let group):
            guard let message else { return act(to) { node, now, _ in node.failed(query, now: now) } }
            let read = try throughTheWire(message)
            act(to) { node, now, _ in node.answered(query, read, group: group, now: now) }
        }
    }

    /// One message in ten is written and read again; more would take most of the time of the test.
    private mutating func throughTheWire(_ message: KadMessage) throws -> KadMessage {
        guard messages % 10 == 0 else { return message }
        let bytes = message.bytes
        largestMessage = max(largestMessage, bytes.count)
        return try KadMessage(bytes: bytes)
    }

    private mutating func lie(_ lie: Lie, to request: KadMessage) throws -> KadMessage {
        var closer: [KadContact] = []
        switch lie {
        case .isSilent: break
        case .tellsOfItsFriends:
            for id in ids { if case .liar = nature[id] { closer.append(contact(id)) } }
        case .inventsPeers:
            // The nearest of many: as near as a liar can come for its pains.
            let key = KadKey(request.key)
            var invented = (0..<60).map { _ in PeerID(publicKey: random.bytes32()) }
            invented.sort { KadKey($0).distance(to: key) < KadKey($1).distance(to: key) }
            let nowhere = try Multiaddr("/ip4/99.99.99.99/tcp/1")
            closer = invented.prefix(20).map { KadContact(peer: $0, addresses: [nowhere]) }
        case .twistsAddresses:
            let nowhere = try Multiaddr("/ip4/99.99.99.98/tcp/1")
            closer = closest(to: request.key, 20).map { KadContact(peer: $0, addresses: [nowhere]) }
        }
        return KadMessage(request.kind, key: request.key, closer: closer)
    }

    /// The honest living nodes closest to a key: what a search should find.
    func closest(to key: [UInt8], _ count: Int) -> [PeerID] {
        let place = KadKey(key)
        return living.sorted { KadKey($0).distance(to: place) < KadKey($1).distance(to: place) }.prefix(count).map(
            \.self)
    }
}
