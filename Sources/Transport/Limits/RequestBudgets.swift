import Integrity

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
