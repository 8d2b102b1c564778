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

    private struct Key: Hashable {
        var name: Bytes32
        var slot: Bytes32
    }

    private struct Kept {
        var record: SealedRecord
        var expires: Timestamp
        var host: [UInt8]
        /// Where its key stands in `order`.
        var index: Int
    }

    private let settings: Settings
    private var kept: [Key: Kept] = [:]
    /// Every key once, in no order: random ones are drawn from here, and the sweep walks it.
    private var order: [Key] = []
    private var names: [Bytes32: [Bytes32]] = [:]
    private var recordsOfHost: [[UInt8]: Int] = [:]
    private var budgets: RequestBudgets
    private var cursor = 0
    /// Bytes of the records that are kept.
    public private(set) var bytes = 0

    /// An empty store.
    public init(settings: Settings = Settings()) {
        self.settings = settings
        budgets = RequestBudgets(
            burst: settings.burst, perSecond: settings.requestsPerSecond, hosts: settings.hosts)
    }

    /// How many records are kept, those included that have expired since the last sweep.
    public var count: Int { kept.count }
    /// How many names have records.
    public var nameCount: Int { names.count }

    /// Answers one message (without its length) of a machine.
    public mutating func answer(
        _ message: [UInt8], from host: AddressGroup, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> BootstrapAnswer {
        guard budgets.spend(host.host, now: now) else { return .refused(.tooOften) }
        guard let request = BootstrapRequest(bytes: message) else { return .refused(.malformed) }
        switch request {
        case .get(let name, let count):
            return .records(records(name, count: Int(count), now: now, using: &random))
        case .put(let name, let slot, let lifetime, let record):
            let expires = now.advanced(byMicroseconds: Int64(lifetime) * 1_000_000)
            let key = Key(name: name, slot: slot)
            guard makeRoom(for: key, record, host.host, using: &random) else { return .refused(.full) }
            add(key, record, expires: expires, host: host.host)
            return .kept
        }
    }

    /// Forgets what has expired among the next `budget` records; call it every second.
    public mutating func sweep(now: Timestamp, budget: Int = 1_024) {
        for _ in 0..<min(budget, order.count) {
            if cursor >= order.count { cursor = 0 }
            guard cursor < order.count else { return }
            let key = order[cursor]
            if let entry = kept[key], entry.expires <= now { remove(key) } else { cursor += 1 }
        }
        budgets.sweep(now: now)
    }

    private func records(
        _ name: Bytes32, count: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> [SealedRecord] {
        guard let slots = names[name] else { return [] }
        let live = slots.compactMap { slot -> SealedRecord? in
            guard let entry = kept[Key(name: name, slot: slot)], entry.expires > now else { return nil }
            return entry.record
        }
        return live.count <= count ? live : [SealedRecord](live.shuffled(using: &random).prefix(count))
    }

    /// False where the newcomer has to be refused; otherwise somebody else's record went, if one had to.
    private mutating func makeRoom(
        for key: Key, _ record: SealedRecord, _ host: [UInt8], using random: inout some RandomNumberGenerator
    ) -> Bool {
        if let old = kept[key] {
            // Its own place: the old record goes, whatever the new one's size.
            if old.host == host { return true }
        }
        guard recordsOfHost[host, default: 0] < settings.recordsPerHost else { return false }
        let slots = names[key.name] ?? []
        var uses: [[UInt8]: Int] = [:]
        for slot in slots { if let entry = kept[Key(name: key.name, slot: slot)] { uses[entry.host, default: 0] += 1 } }
        guard uses[host, default: 0] < settings.recordsPerNameAndHost else { return false }
        if kept[key] == nil, slots.count >= settings.recordsPerName {
            let most = uses.values.max() ?? 0
            let candidates = slots.filter { slot in
                guard let entry = kept[Key(name: key.name, slot: slot)] else { return false }
                return uses[entry.host] == most
            }
            guard let victim = candidates.randomElement(using: &random) else { return false }
            remove(Key(name: key.name, slot: victim))
        }
        while bytes + record.bytes.count > settings.bytes {
            guard let victim = victim(using: &random) else { return false }
            remove(victim)
        }
        return true
    }

    /// Of some records drawn at random the one whose machine has most: finding the true maximum would cost a flooded server
    /// a walk per request.
    private func victim(using random: inout some RandomNumberGenerator) -> Key? {
        var worst: (key: Key, uses: Int)?
        for _ in 0..<16 {
            guard let key = order.randomElement(using: &random), let entry = kept[key] else { return worst?.key }
            let uses = recordsOfHost[entry.host, default: 0]
            if uses > (worst?.uses ?? 0) { worst = (key, uses) }
        }
        return worst?.key
    }

    private mutating func add(_ key: Key, _ record: SealedRecord, expires: Timestamp, host: [UInt8]) {
        remove(key)
        kept[key] = Kept(record: record, expires: expires, host: host, index: order.count)
        order.append(key)
        names[key.name, default: []].append(key.slot)
        recordsOfHost[host, default: 0] += 1
        bytes += record.bytes.count
    }

    private mutating func remove(_ key: Key) {
        guard let entry = kept.removeValue(forKey: key) else { return }
        bytes -= entry.record.bytes.count
        let last = order.removeLast()
        if last != key {
            order[entry.index] = last
            kept[last]?.index = entry.index
        }
        names[key.name]?.removeAll { $0 == key.slot }
        if names[key.name]?.isEmpty == true { names[key.name] = nil }
        let left = recordsOfHost[entry.host, default: 1] - 1
        recordsOfHost[entry.host] = left == 0 ? nil : left
    }
}

/// How many requests each machine may still make: buckets that fill again with time, a bounded number of them.
struct RequestBudgets: Sendable {
    private struct Bucket {
        var left: Double
        var at: Timestamp
    }

    private let burst: Double
    private let perSecond: Double
    private let hosts: Int
    private var buckets: [[UInt8]: Bucket] = [:]
    /// What the machines share that found no place of their own.
    private var others: Bucket
    private var swept = Timestamp(microseconds: 0)

    init(burst: Double, perSecond: Double, hosts: Int) {
        self.burst = burst
        self.perSecond = perSecond
        self.hosts = hosts
        others = Bucket(left: burst, at: Timestamp(microseconds: 0))
    }

    var count: Int { buckets.count }

    /// True where `host` may make one more request now, which is then counted.
    mutating func spend(_ host: [UInt8], now: Timestamp) -> Bool {
        guard var bucket = buckets[host] ?? (buckets.count < hosts ? Bucket(left: burst, at: now) : nil) else {
            return spend(&others, now: now)
        }
        let allowed = spend(&bucket, now: now)
        buckets[host] = bucket
        return allowed
    }

    /// Forgets those who have been silent for long enough to have their whole burst again; works at most once a minute.
    mutating func sweep(now: Timestamp) {
        guard now.microseconds - swept.microseconds >= 60_000_000 || now < swept else { return }
        swept = now
        buckets = buckets.filter { left(of: $0.value, now: now) < burst }
    }

    private func spend(_ bucket: inout Bucket, now: Timestamp) -> Bool {
        bucket = Bucket(left: left(of: bucket, now: now), at: now)
        guard bucket.left >= 1 else { return false }
        bucket.left -= 1
        return true
    }

    private func left(of bucket: Bucket, now: Timestamp) -> Double {
        // A clock that was set back fills nothing.
        let seconds = Double(max(0, now.microseconds - bucket.at.microseconds)) / 1_000_000
        return min(burst, bucket.left + seconds * perSecond)
    }
}
