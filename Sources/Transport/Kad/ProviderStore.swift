public import Integrity

/// Who has what, as the providers themselves said: for 48 hours, bounded in all, per key and per machine. Pure.
public struct ProviderStore: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// Announcements in all.
        public var records = 65_536
        /// Providers of one key.
        public var perKey = 128
        /// Providers of one key from one machine.
        public var perKeyAndHost = 32
        /// Announcements from one machine.
        public var perHost = 1_024
        /// Microseconds that an announcement holds.
        public var lifetime: Int64 = 48 * 3_600_000_000

        /// The usual bounds.
        public init() {}
    }

    private let settings: Settings
    private var store: FairStore<[UInt8], PeerID, [Multiaddr]>

    /// An empty store.
    public init(settings: Settings = Settings()) {
        self.settings = settings
        store = FairStore(
            settings: .init(
                perName: settings.perKey, perNameAndHost: settings.perKeyAndHost, perHost: settings.perHost,
                cost: settings.records))
    }

    /// Announcements kept, those included that have expired since the last sweep.
    public var count: Int { store.count }

    /// Keeps what a peer announced of itself, from an address of `group`; false where a bound forbids it.
    public mutating func add(
        _ provider: KadContact, key: [UInt8], group: AddressGroup, now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) -> Bool {
        store.put(
            provider.addresses, in: provider.peer, under: key, cost: 1, from: group.host,
            until: now.advanced(byMicroseconds: settings.lifetime), using: &random)
    }

    /// Providers of a key, at most `count`, drawn at random where there are more.
    public func providers(
        of key: [UInt8], count: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> [KadContact] {
        store.values(under: key, count: count, now: now, using: &random)
            .map { KadContact(peer: $0.slot, addresses: $0.value) }
    }

    /// Forgets what has expired among the next `budget` announcements.
    public mutating func sweep(now: Timestamp, budget: Int = 1_024) { store.sweep(now: now, budget: budget) }
}
