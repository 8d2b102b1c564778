import Integrity
import Storage
import ZomeRuntime

/// How long something took, as counts in buckets: enough for a median and for Prometheus, at a fixed size.
public struct LatencyHistogram: Sendable, Equatable {
    /// The upper bounds of the buckets in microseconds, rising; what is longer is counted in one more.
    public static let bounds: [UInt64] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        2_500_000, 5_000_000, 10_000_000, 30_000_000,
    ]

    /// How many fell into each bucket (not summed up); one more than ``bounds``.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// How many were measured.
    public private(set) var count: UInt64 = 0
    /// The sum of all, in microseconds.
    public private(set) var sum: UInt64 = 0
    /// The longest, in microseconds.
    public private(set) var longest: UInt64 = 0

    /// An empty histogram.
    public init() {}

    /// Counts one measurement in.
    public mutating func add(microseconds: UInt64) {
        counts[Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count] += 1
        count += 1
        sum &+= microseconds
        longest = max(longest, microseconds)
    }

    /// Counts in all that another one counted.
    public mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        sum &+= other.sum
        longest = max(longest, other.longest)
    }

    /// The bound that a share of all measurements lies below, in microseconds: 0.5 for the median. Where it falls behind
    /// the last bound, the longest; 0 where nothing was measured.
    public func quantile(_ share: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let wanted = max(1, UInt64((Double(count) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (bound, found) in zip(Self.bounds, counts) {
            seen += found
            if seen >= wanted { return min(bound, longest) }
        }
        return longest
    }
}

/// What calls came to. Counters only rise, from the start of the conductor on; stopping and starting a cell keeps them.
public struct CallCounters: Sendable, Equatable {
    /// Functions that returned a result, durably if they wrote.
    public var succeeded: UInt64 = 0
    /// Functions that threw, or whose writes a validator refused.
    public var appErrors: UInt64 = 0
    /// Calls that the conductor or the module's end broke off, by error code.
    public var failures: [String: UInt64] = [:]
    /// How long calls of functions took, from their first invocation to their answer.
    public var latency = LatencyHistogram()
    /// Callbacks that ended (`init`, `receive`, `post_commit` and the like), however they did.
    public var callbacks: UInt64 = 0
    /// Commits that are durable.
    public var commits: UInt64 = 0
    /// The actions in them.
    public var actions: UInt64 = 0
    /// Signals that went out.
    public var signals: UInt64 = 0

    /// Zeros.
    public init() {}

    /// Calls of functions that ended, however they did.
    public var ended: UInt64 { succeeded + appErrors + failed }

    /// Calls that were broken off, of any code.
    public var failed: UInt64 { failures.values.reduce(0, +) }

    /// Counts in all that another one counted.
    public mutating func add(_ other: CallCounters) {
        succeeded += other.succeeded
        appErrors += other.appErrors
        failures.merge(other.failures, uniquingKeysWith: +)
        latency.add(other.latency)
        callbacks += other.callbacks
        commits += other.commits
        actions += other.actions
        signals += other.signals
    }
}

/// The counters of one instance: kept by the conductor, so that they outlive the cell, and counted up by the cell.
///
/// Confined to the conductor loop.
final class CellMeter {
    var counters = CallCounters()

    /// A call was answered.
    func ended(_ call: ActiveCall, _ result: Result<ZomeOutcome, PlasmidError>, now: UInt64) {
        guard call.steps.first?.kind == .function else {
            counters.callbacks += 1
            return
        }
        counters.latency.add(microseconds: now - call.startedAt)
        switch result {
        case .success(.ok): counters.succeeded += 1
        case .success(.appError): counters.appErrors += 1
        case .failure(let error): counters.failures[error.code.rawValue, default: 0] += 1
        }
    }

    func committed(actions: Int) {
        counters.commits += 1
        counters.actions += UInt64(actions)
    }
}

/// One instance at one moment.
public struct CellStatistics: Sendable {
    /// `app/role`.
    public var instanceID: String
    /// The installed app.
    public var appID: String
    /// The network.
    public var dna: DnaHash
    /// Whose chain.
    public var agent: AgentPubKey
    /// Whether it takes calls.
    public var isActive: Bool
    /// Why it does not run, if something is wrong with it: an error code.
    public var fault: String?
    /// Actions on its chain.
    public var chainLength: UInt64
    /// Calls under way.
    public var callsOpen: Int
    /// What its calls came to.
    public var counters: CallCounters
    /// Its modules' process.
    public var modules: RunnerStatistics
}

/// One space at one moment.
public struct SpaceStatistics: Sendable {
    /// The network.
    public var dna: DnaHash
    /// The DNA's name.
    public var name: String
    /// What it takes on disk, and what waits in memory.
    public var storage: StorageFigures
    /// The process of its validators.
    public var validators: RunnerStatistics
    /// Ops that cannot be judged before something else is here.
    public var opsWaiting: Int
    /// Ops that broke a rule, up to 100 of them.
    public var opsRejected: Int
    /// Who else is in it; nil where the conductor is alone.
    public var network: NetworkFigures?
}

/// Everything that is counted, at one moment: `admin/stats` tells it, and what watches conductors reads it.
public struct ConductorStatistics: Sendable {
    /// Microseconds since the conductor was made.
    public var uptimeMicroseconds: UInt64
    /// Installed apps.
    public var apps: Int
    /// Those that are enabled.
    public var appsEnabled: Int
    /// Listeners for signals: one for each service, whatever its sockets.
    public var signalListeners: Int
    /// Signals kept for clients that come back, all instances together.
    public var signalBufferCount: Int
    /// What they take, in bytes.
    public var signalBufferBytes: Int
    /// Resident memory of the conductor itself, in bytes.
    public var residentBytes: Int
    /// Calls that were refused before a cell took them, by error code.
    public var refusals: [String: UInt64]
    /// Every installed instance, by name.
    public var cells: [CellStatistics]
    /// Every open space, by name.
    public var spaces: [SpaceStatistics]
    /// The conductor's own tables.
    public var store: StorageFigures
    /// The journal.
    public var journal: JournalFigures

    /// What all cells' calls came to.
    public var total: CallCounters {
        var total = CallCounters()
        for cell in cells { total.add(cell.counters) }
        return total
    }
}
