public import Integrity
import Sodium

/// The peers of Kad that a node knows, more of them the closer they are: a bucket for each number of leading bits shared
/// with the node itself, at most 20 in each. Only peers that serve Kad, that answered, and that are not too many of one
/// network: whoever owns a network shall not fill the table. Pure.
public struct RoutingTable: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// Peers in a bucket: k.
        public var bucket = 20
        /// Peers of one network (IPv4 /16, IPv6 /32) in the whole table; private and loopback addresses are not counted.
        public var perNetwork = 3
        /// Peers of one network in a bucket.
        public var perNetworkInBucket = 2
        /// Peers that wait for a place in a full bucket.
        public var waiting = 5

        /// The usual bounds.
        public init() {}
    }

    /// What became of a peer that was offered.
    public enum Outcome: Hashable, Sendable {
        /// It is in the table now.
        case added
        /// It was there already.
        case known
        /// Its bucket is full; it waits for a place. The peer that was silent longest should be asked whether it lives.
        case waits(oldest: KadContact)
        /// Too many of its network are there, or its network is not known, or it is this node.
        case refused
    }

    private struct Entry {
        var contact: KadContact
        var key: KadKey
        var group: AddressGroup
        var seen: Timestamp
    }

    private struct Bucket {
        /// Silent longest first.
        var entries: [Entry] = []
        /// Newest last.
        var waiting: [Entry] = []
    }

    /// This node.
    public let me: PeerID
    private let here: KadKey
    private let settings: Settings
    private var buckets: [Int: Bucket] = [:]
    private var networks: [[UInt8]: Int] = [:]

    /// An empty table of a node.
    public init(me: PeerID, settings: Settings = Settings()) {
        self.me = me
        here = KadKey(me)
        self.settings = settings
    }

    /// How many peers it has.
    public var count: Int { buckets.values.reduce(0) { $0 + $1.entries.count } }

    /// Takes a peer that just showed that it serves Kad; `group` is that of the address it was reached at.
    public mutating func add(_ contact: KadContact, group: AddressGroup, now: Timestamp) -> Outcome {
        let key = KadKey(contact.peer)
        let index = here.commonBits(with: key)
        guard index < 256, !group.host.isEmpty else { return .refused }
        var bucket = buckets[index] ?? Bucket()
        let entry = Entry(contact: contact, key: key, group: group, seen: now)
        if let place = bucket.entries.firstIndex(where: { $0.contact.peer == contact.peer }) {
            // Moving to another network is a new arrival: the caps hold for it too.
            let old = bucket.entries.remove(at: place)
            leave(old.group)
            let fits = old.group.network == group.network || hasRoom(for: group, in: bucket)
            bucket.entries.append(fits ? entry : old)
            join(fits ? group : old.group)
            buckets[index] = bucket
            return .known
        }
        guard hasRoom(for: group, in: bucket) else { return .refused }
        guard bucket.entries.count >= settings.bucket else {
            bucket.entries.append(entry)
            join(group)
            buckets[index] = bucket
            return .added
        }
        bucket.waiting.removeAll { $0.contact.peer == contact.peer }
        bucket.waiting.append(entry)
        if bucket.waiting.count > settings.waiting { bucket.waiting.removeFirst() }
        buckets[index] = bucket
        return .waits(oldest: bucket.entries[0].contact)
    }

    /// Notes that a peer answered.
    public mutating func seen(_ peer: PeerID, now: Timestamp) {
        let index = here.commonBits(with: KadKey(peer))
        guard var bucket = buckets[index], let place = bucket.entries.firstIndex(where: { $0.contact.peer == peer })
        else { return }
        var entry = bucket.entries.remove(at: place)
        entry.seen = now
        bucket.entries.append(entry)
        buckets[index] = bucket
    }

    /// Takes out a peer that did not answer, or serves Kad no more; one that waits takes its place.
    public mutating func remove(_ peer: PeerID) {
        let index = here.commonBits(with: KadKey(peer))
        guard var bucket = buckets[index] else { return }
        bucket.waiting.removeAll { $0.contact.peer == peer }
        if let place = bucket.entries.firstIndex(where: { $0.contact.peer == peer }) {
            leave(bucket.entries.remove(at: place).group)
            if let next = bucket.waiting.lastIndex(where: { hasRoom(for: $0.group, in: bucket) }) {
                let entry = bucket.waiting.remove(at: next)
                join(entry.group)
                bucket.entries.insert(entry, at: 0)
            }
        }
        buckets[index] = bucket.entries.isEmpty && bucket.waiting.isEmpty ? nil : bucket
    }

    /// The contact of a peer in the table.
    public func contact(of peer: PeerID) -> KadContact? {
        buckets[here.commonBits(with: KadKey(peer))]?.entries.first { $0.contact.peer == peer }?.contact
    }

    /// The `count` peers closest to a place, closest first, without `peer`.
    public func closest(to key: KadKey, count: Int, without peer: PeerID? = nil) -> [KadContact] {
        var all: [(distance: Bytes32, contact: KadContact)] = []
        for bucket in buckets.values {
            for entry in bucket.entries where entry.contact.peer != peer {
                all.append((entry.key.distance(to: key), entry.contact))
            }
        }
        all.sort { $0.distance < $1.distance }
        return all.prefix(count).map(\.contact)
    }

    /// Peers that were silent since `time`, at most `count`.
    public func silent(since time: Timestamp, count: Int) -> [KadContact] {
        let silent = buckets.values.flatMap { bucket in bucket.entries.filter { $0.seen < time } }
        return silent.sorted { $0.seen < $1.seen }.prefix(count).map(\.contact)
    }

    /// Leading bits shared with this node, of the buckets that have peers: those to refresh.
    public var bucketNumbers: [Int] { buckets.filter { !$0.value.entries.isEmpty }.keys.sorted() }

    private func hasRoom(for group: AddressGroup, in bucket: Bucket) -> Bool {
        if group.isLocal { return true }
        let here = bucket.entries.count { $0.group.network == group.network }
        return networks[group.network, default: 0] < settings.perNetwork && here < settings.perNetworkInBucket
    }

    private mutating func join(_ group: AddressGroup) {
        if !group.isLocal { networks[group.network, default: 0] += 1 }
    }

    private mutating func leave(_ group: AddressGroup) {
        guard !group.isLocal, let count = networks[group.network] else { return }
        networks[group.network] = count > 1 ? count - 1 : nil
    }
}
