public import Integrity
import Sodium

/// Everything a bootstrap server keeps: sealed records under names that mean nothing to it, for an hour at most, in memory.
///
/// Pure: time and randomness are arguments. Bounded in all, per name, and per machine that asks; where a bound is reached,
/// whoever has most loses first, so that a flood from few addresses displaces itself.
public struct BootstrapStore: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// Records under one name.
        public var recordsPerName = 128
        /// Records of one machine under one name.
        public var recordsPerNameAndHost = 32
        /// Records of one machine.
        public var recordsPerHost = 1_024
        /// Bytes of all records.
        public var bytes = 32 * 1_048_576
        /// Machines whose requests are counted one by one; those beyond share one count.
        public var hosts = 65_536
        /// Requests that a machine may make at once.
        public var burst = 256.0
        /// Requests a second that a machine may make for long.
        public var requestsPerSecond = 2.0

        /// The bounds of `plasmid bootstrap`.
        public init() {}
    }

    private var store: FairStore<Bytes32, Bytes32, SealedRecord>
    private var budgets: RequestBudgets

    /// An empty store.
    public init(settings: Settings = Settings()) {
        store = FairStore(
            settings: .init(
                perName: settings.recordsPerName, perNameAndHost: settings.recordsPerNameAndHost,
                perHost: settings.recordsPerHost, cost: settings.bytes))
        budgets = RequestBudgets(
            burst: settings.burst, perSecond: settings.requestsPerSecond, hosts: settings.hosts)
    }

    /// How many records are kept, those included that have expired since the last sweep.
    public var count: Int { store.count }
    /// How many names have records.
    public var nameCount: Int { store.nameCount }
    /// Bytes of the records that are kept.
    public var bytes: Int { store.cost }

    /// Answers one message (without its length) of a machine.
    public mutating func answer(
        _ message: [UInt8], from host: AddressGroup, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> BootstrapAnswer {
        guard budgets.spend(host.host, now: now) else { return .refused(.tooOften) }
        switch BootstrapRequest(bytes: message) {
        case nil: return .refused(.malformed)
        case .get(let name, let count):
            return .records(store.values(under: name, count: Int(count), now: now, using: &random).map(\.value))
        case .put(let name, let slot, let lifetime, let record):
            let kept = store.put(
                record, in: slot, under: name, cost: record.bytes.count, from: host.host,
                until: now.advanced(byMicroseconds: Int64(lifetime) * 1_000_000), using: &random)
            return kept ? .kept : .refused(.full)
        }
    }

    /// Forgets what has expired among the next `budget` records; call it every second.
    public mutating func sweep(now: Timestamp, budget: Int = 1_024) {
        store.sweep(now: now, budget: budget)
        budgets.sweep(now: now)
    }
}
