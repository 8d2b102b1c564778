public import Integrity
import Sodium

/// A peer of Kad as a value: what others ask, what it asks itself, and when. Events in, effects out; time, randomness and
/// the network are the caller's.
///
/// Kad here finds peers, and the providers of keys, under `/plasmid/kad/1.0.0`; it keeps no values.
public struct KadCore: Sendable {
    /// The protocol.
    public static let protocolID = "/plasmid/kad/1.0.0"

    /// The bounds and times.
    public struct Settings: Sendable {
        /// The table's.
        public var table = RoutingTable.Settings()
        /// Those of each search.
        public var lookup = Lookup.Settings()
        /// The providers'.
        public var providers = ProviderStore.Settings()
        /// Searches at once.
        public var searches = 32
        /// Newcomers that are being looked at, at once.
        public var checks = 32
        /// Microseconds between two refreshes of the table.
        public var refresh: Int64 = 600_000_000
        /// Microseconds after which one's own announcements are made again.
        public var provide: Int64 = 22 * 3_600_000_000
        /// Keys announced here, at most.
        public var keys = 256
        /// Providers that one search gathers, at most.
        public var gathered = 256

        /// The usual ones.
        public init() {}
    }

    /// What the shell has to do.
    public enum Effect: Hashable, Sendable {
        /// Send the request to the peer, and hand back its answer, or that there was none, with the number.
        case ask(query: UInt64, KadContact, KadMessage)
        /// Send the message; it has no answer.
        case tell(KadContact, KadMessage)
        /// A search that was begun here ended.
        case found(search: UInt64, Finding)
    }

    /// What a search found.
    public struct Finding: Hashable, Sendable {
        /// The closest peers that answered, closest first.
        public var closest: [KadContact]
        /// Providers of the key, as they or others said.
        public var providers: [KadContact]
        /// The peer that was searched for, if it answered.
        public var peer: KadContact?
    }

    enum Purpose: Hashable {
        case search(UInt64)
        case check
        case alive
    }

    struct Query {
        var contact: KadContact
        var purpose: Purpose
        var until: Timestamp
    }

    enum Goal: Hashable {
        case peer(PeerID)
        case closest
        case providers
        case provide
        case refresh
    }

    struct Search {
        var lookup: Lookup
        var goal: Goal
        var providers: [PeerID: KadContact] = [:]
    }

    /// This node.
    public let me: PeerID
    let settings: Settings
    /// The peers it knows.
    public internal(set) var table: RoutingTable
    /// What others announced here.
    public internal(set) var providers: ProviderStore
    /// Where this node can be reached; goes into its announcements, and into answers about itself.
    public var addresses: [Multiaddr] = []
    var queries: [UInt64: Query] = [:]
    var searches: [UInt64: Search] = [:]
    var provided: [[UInt8]: Timestamp] = [:]
    var numbers: UInt64 = 0
    var refreshAt = Timestamp(microseconds: .min)

    /// A node without peers.
    public init(me: PeerID, settings: Settings = Settings()) {
        self.me = me
        self.settings = settings
        table = RoutingTable(me: me, settings: settings.table)
        providers = ProviderStore(settings: settings.providers)
    }

    // MARK: Searches

    /// Begins a search for a peer; ``Finding/peer`` is set when it answered. Nil when too many searches run.
    public mutating func find(_ peer: PeerID, now: Timestamp) -> (search: UInt64, effects: [Effect])? {
        begin(peer.bytes, .peer(peer), now: now)
    }

    /// Begins a search for the peers closest to a key. Nil when too many searches run.
    public mutating func findClosest(to key: [UInt8], now: Timestamp) -> (search: UInt64, effects: [Effect])? {
        begin(key, .closest, now: now)
    }

    /// Begins a search for the providers of a key (at most 80 bytes). Nil when too many searches run.
    public mutating func findProviders(of key: [UInt8], now: Timestamp) -> (search: UInt64, effects: [Effect])? {
        begin(key, .providers, now: now)
    }

    /// Announces this node as a provider of a key, now and every 22 hours until ``withdraw(_:)``.
    /// Nil when too many searches run, or too many keys are announced.
    public mutating func provide(_ key: [UInt8], now: Timestamp) -> (search: UInt64, effects: [Effect])? {
        guard provided[key] != nil || provided.count < settings.keys, let begun = begin(key, .provide, now: now)
        else { return nil }
        provided[key] = now.advanced(byMicroseconds: settings.provide)
        return begun
    }

    /// Announces a key no more; what others keep of it expires by itself.
    public mutating func withdraw(_ key: [UInt8]) { provided[key] = nil }

    private mutating func begin(_ target: [UInt8], _ goal: Goal, now: Timestamp) -> (search: UInt64, effects: [Effect])?
    {
        guard searches.count < settings.searches, !target.isEmpty, target.count <= KadMessage.keyBytesMaximum
        else { return nil }
        numbers += 1
        let number = numbers
        let seeds = table.closest(to: KadKey(target), count: settings.lookup.wanted)
        searches[number] = Search(
            lookup: Lookup(target: target, me: me, seeds: seeds, settings: settings.lookup), goal: goal)
        return (number, proceed(number, now: now))
    }

    /// Steps a search, and ends it when it is done.
    private mutating func proceed(_ number: UInt64, now: Timestamp) -> [Effect] {
        // In place: a copy of the search would copy all that it knows, with every answer.
        guard let asks = searches[number]?.lookup.step(now: now), let search = searches[number] else { return [] }
        let kind: KadMessage.Kind = search.goal == .providers ? .getProviders : .findNode
        var effects: [Effect] = []
        for contact in asks {
            effects.append(ask(contact, KadMessage(kind, key: search.lookup.target), .search(number), now: now))
        }
        let target: PeerID? = if case .peer(let peer) = search.goal { peer } else { nil }
        let peer = search.lookup.found.first { $0.peer == target }
        guard search.lookup.isDone || peer != nil else { return effects }
        searches[number] = nil
        queries = queries.filter { $0.value.purpose != .search(number) }
        let found = search.lookup.found
        if search.goal == .provide {
            let me = KadContact(peer: me, addresses: addresses)
            let message = KadMessage(.addProvider, key: search.lookup.target, providers: [me])
            effects += found.map { .tell($0, message) }
        }
        if search.goal != .refresh {
            let providers = search.providers.values.sorted { $0.peer < $1.peer }
            effects.append(.found(search: number, Finding(closest: found, providers: providers, peer: peer)))
        }
        return effects
    }

    private mutating func ask(
        _ contact: KadContact, _ message: KadMessage, _ purpose: Purpose, now: Timestamp
    ) -> Effect {
        numbers += 1
        let until = now.advanced(byMicroseconds: settings.lookup.timeout)
        queries[numbers] = Query(contact: contact, purpose: purpose, until: until)
        return .ask(query: numbers, contact, message)
    }

    // MARK: Events

    /// A peer said of itself (identify) that it serves Kad. It is asked something before it is believed.
    public mutating func serves(_ contact: KadContact, now: Timestamp) -> [Effect] {
        let isWatched = queries.values.contains { $0.contact.peer == contact.peer }
        guard contact.peer != me, table.contact(of: contact.peer) == nil, !isWatched,
            queries.values.count(where: { $0.purpose == .check }) < settings.checks
        else { return [] }
        return [ask(contact, KadMessage(.findNode, key: me.bytes), .check, now: now)]
    }

    /// A peer said of itself that it serves Kad no more.
    public mutating func servesNot(_ peer: PeerID) { table.remove(peer) }

    /// The answer to a query, from a peer that was reached at an address of `group` (an empty one, where it was reached over a
    /// relay). Unknown numbers change nothing: their time is over.
    public mutating func answered(
        _ number: UInt64, _ message: KadMessage, group: AddressGroup, now: Timestamp
    ) -> [Effect] {
        guard let query = queries.removeValue(forKey: number) else { return [] }
        let peer = query.contact.peer
        var effects: [Effect] = []
        switch query.purpose {
        case .alive: table.seen(peer, now: now)
        case .check:
            // Who serves knows at least itself.
            guard !message.closer.isEmpty else { return [] }
            effects += enter(query.contact, group: group, now: now)
        case .search(let search):
            effects += enter(query.contact, group: group, now: now)
            searches[search]?.lookup.answered(peer, closer: message.closer)
            if searches[search]?.goal == .providers { gather(message.providers, into: search) }
            effects += proceed(search, now: now)
        }
        return effects
    }

    /// There was no answer to a query, or nonsense.
    public mutating func failed(_ number: UInt64, now: Timestamp) -> [Effect] {
        guard let query = queries.removeValue(forKey: number) else { return [] }
        table.remove(query.contact.peer)
        guard case .search(let search) = query.purpose else { return [] }
        searches[search]?.lookup.failed(query.contact.peer)
        return proceed(search, now: now)
    }

    private mutating func gather(_ found: [KadContact], into number: UInt64) {
        guard var search = searches[number] else { return }
        for contact in found.prefix(KadMessage.contactsMaximum) where contact.peer != me {
            let known = search.providers[contact.peer]
            guard known != nil || search.providers.count < settings.gathered else { break }
            // Several peers may know different addresses of one provider.
            let addresses = (known?.addresses ?? []) + contact.addresses
            search.providers[contact.peer] = KadContact(peer: contact.peer, addresses: addresses)
        }
        searches[number] = search
    }

    private mutating func enter(_ contact: KadContact, group: AddressGroup, now: Timestamp) -> [Effect] {
        guard case .waits(let oldest) = table.add(contact, group: group, now: now) else { return [] }
        let isWatched = queries.values.contains { $0.contact.peer == oldest.peer }
        return isWatched ? [] : [ask(oldest, KadMessage(.findNode, key: me.bytes), .alive, now: now)]
    }

    // MARK: Time

    /// What is due: searches whose peers are late, the refresh of the table, announcements, what has expired. Call it every
    /// second or so.
    public mutating func tick(now: Timestamp, using random: inout some RandomNumberGenerator) -> [Effect] {
        var effects: [Effect] = []
        for (number, query) in queries.sorted(by: { $0.key < $1.key }) where query.until <= now {
            effects += failed(number, now: now)
        }
        for number in searches.keys.sorted() { effects += proceed(number, now: now) }
        providers.sweep(now: now)
        if table.count > 0, refreshAt <= now { effects += refresh(now: now, using: &random) }
        for key in provided.filter({ $0.value <= now }).keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let begun = provide(key, now: now) { effects += begun.effects }
        }
        return effects
    }

    /// Looks for itself, and for a random key in each bucket that has peers, as often as the settings say; at once when the
    /// first peers are known.
    public mutating func refresh(now: Timestamp, using random: inout some RandomNumberGenerator) -> [Effect] {
        refreshAt = now.advanced(byMicroseconds: settings.refresh)
        var effects = begin(me.bytes, .refresh, now: now)?.effects ?? []
        for bits in table.bucketNumbers {
            guard let key = randomKey(sharing: bits, using: &random) else { continue }
            effects += begin(key, .refresh, now: now)?.effects ?? []
        }
        return effects
    }

    /// A key in the form of a peer id that shares exactly so many leading bits with this node. Found by trying, as keys are
    /// hashed: deep buckets, where that would take long, are as near as the search for oneself. Nil for those.
    func randomKey(sharing bits: Int, using random: inout some RandomNumberGenerator) -> [UInt8]? {
        guard bits <= 7 else { return nil }
        let here = KadKey(me)
        for _ in 0..<2_048 {
            let words = (0..<4).map { _ in UInt64.random(in: .min ... .max, using: &random) }
            let key = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20] + words.flatMap(\.bigEndianBytes)
            if KadKey(key).commonBits(with: here) == bits { return key }
        }
        return nil
    }
}
