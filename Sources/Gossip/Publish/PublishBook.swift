import Integrity

/// What to do about an op of one's own.
public enum PublishEffect: Sendable, Hashable {
    /// Send these ops to an agent's peer, and ask for receipts.
    case send([OpKey], to: AgentPubKey)
    /// Keep durably how far an op has come.
    case mark(OpKey, receipts: Int, isComplete: Bool)
}

/// Times and bounds of a ``PublishBook``.
public struct PublishSettings: Sendable, Hashable {
    /// When an op is sent again for the first time where receipts are missing; doubles each time. Microseconds.
    public var firstRetry: Int64 = 10_000_000
    /// The longest time between two tries.
    public var longestRetry: Int64 = 300_000_000
    /// Ops that one effect sends.
    public var batch = 256

    /// The defaults.
    public init() {}
}

/// The ops of this node's agents on their way to those who hold them.
///
/// A new op goes at once to every known holder of its location. It is complete when as many different holders as are wanted have signed for it. Until
/// then it goes again, ever more rarely, to those that have not: first to holders that were never sent it, then to all.
public struct PublishBook: Sendable {
    struct Entry: Sendable {
        var wanted: Int
        var signers: [AgentPubKey] = []
        var sent: [AgentPubKey] = []
        var tries = 0
        var next: Timestamp
    }

    private var entries: [OpKey: Entry] = [:]
    /// The same ops in order, to find those of an arc.
    private var index = OpIndex()
    private var due = DueQueue()
    private let settings: PublishSettings

    /// A book of nothing.
    public init(settings: PublishSettings = PublishSettings()) { self.settings = settings }

    /// How many ops are not complete.
    public var count: Int { entries.count }

    /// When ``tick(now:holders:using:)`` has something to do at the earliest; nil when all is complete.
    public var nextWake: Timestamp? { due.first?.at }

    /// How many receipts an op has; nil when it is complete or was never here.
    public func receipts(of key: OpKey) -> Int? { entries[key]?.signers.count }

    /// Takes ops of one's own: just committed, or read back after a start with the receipts they have.
    /// - Parameters:
    ///   - wanted: receipts that make an op complete; 0 sends it once.
    ///   - holders: the known holders of a location, this node's own agents left out.
    public mutating func add(
        _ ops: [(key: OpKey, wanted: Int, signers: [AgentPubKey])], now: Timestamp,
        holders: (UInt32) -> [AgentPubKey], using random: inout some RandomNumberGenerator
    ) -> [PublishEffect] {
        var sends = Sends(batch: settings.batch)
        var marks: [PublishEffect] = []
        for (key, wanted, signers) in ops where entries[key] == nil {
            var entry = Entry(wanted: wanted, signers: signers, next: now)
            let targets = holders(key.location).filter { !signers.contains($0) }
            sends.add(key, to: targets)
            entry.sent = targets
            guard signers.count < wanted || (wanted == 0 && targets.isEmpty) else {
                marks.append(.mark(key, receipts: signers.count, isComplete: true))
                continue
            }
            schedule(&entry, key, now, &random)
            entries[key] = entry
            index.insert(key)
        }
        return sends.effects + marks
    }

    /// Counts a receipt that was verified and whose signer is known to hold the op's location. An agent counts once.
    public mutating func receipt(for key: OpKey, by agent: AgentPubKey) -> [PublishEffect] {
        guard var entry = entries[key], !entry.signers.contains(agent) else { return [] }
        entry.signers.append(agent)
        let isComplete = entry.signers.count >= entry.wanted
        if isComplete { forget(key) } else { entries[key] = entry }
        return [.mark(key, receipts: entry.signers.count, isComplete: isComplete)]
    }

    /// An agent came, can be reached again, or holds more than before: what it holds and has not been sent goes to it, as much as one effect
    /// takes; the rest is due at the next tick.
    public mutating func came(_ agent: AgentPubKey, arc: Arc, now: Timestamp) -> [PublishEffect] {
        var keys: [OpKey] = []
        var marks: [PublishEffect] = []
        for range in arc.ranges {
            for key in index.keys(in: OpRange(range)) {
                guard var entry = entries[key], !entry.sent.contains(agent), !entry.signers.contains(agent) else {
                    continue
                }
                if keys.count < settings.batch {
                    keys.append(key)
                    entry.sent.append(agent)
                } else if entry.next > now {
                    entry.next = now
                    due.insert(now, key)
                }
                entries[key] = entry
                if entry.wanted == 0, entry.sent.contains(agent) {
                    forget(key)
                    marks.append(.mark(key, receipts: entry.signers.count, isComplete: true))
                }
            }
        }
        return (keys.isEmpty ? [] : [.send(keys, to: agent)]) + marks
    }

    /// An agent cannot be reached: what was sent to it counts as not sent.
    public mutating func went(_ agent: AgentPubKey, arc: Arc) {
        for range in arc.ranges {
            for key in index.keys(in: OpRange(range)) { entries[key]?.sent.removeAll { $0 == agent } }
        }
    }

    /// Sends again what is due.
    public mutating func tick(
        now: Timestamp, holders: (UInt32) -> [AgentPubKey], using random: inout some RandomNumberGenerator
    ) -> [PublishEffect] {
        var sends = Sends(batch: settings.batch)
        var marks: [PublishEffect] = []
        while let (at, key) = due.first, at <= now {
            due.removeFirst()
            guard var entry = entries[key], entry.next == at else { continue }
            let waiting = holders(key.location).filter { !entry.signers.contains($0) }
            let fresh = waiting.filter { !entry.sent.contains($0) }
            let targets = fresh.isEmpty ? waiting : fresh
            sends.add(key, to: targets)
            entry.sent.append(contentsOf: fresh)
            if entry.wanted == 0, !targets.isEmpty {
                forget(key)
                marks.append(.mark(key, receipts: entry.signers.count, isComplete: true))
                continue
            }
            schedule(&entry, key, now, &random)
            entries[key] = entry
        }
        return sends.effects + marks
    }

    private mutating func schedule(
        _ entry: inout Entry, _ key: OpKey, _ now: Timestamp, _ random: inout some RandomNumberGenerator
    ) {
        let pause = min(settings.longestRetry, settings.firstRetry << Int64(min(entry.tries, 16)))
        entry.tries += 1
        entry.next = now.advanced(byMicroseconds: PeerTable.around(pause, &random))
        due.insert(entry.next, key)
    }

    private mutating func forget(_ key: OpKey) {
        entries[key] = nil
        index.remove(key)
    }
}

/// Gathers what goes to whom, in the order in which agents were first met.
private struct Sends {
    private var order: [AgentPubKey] = []
    private var keys: [AgentPubKey: [OpKey]] = [:]
    private let batch: Int

    init(batch: Int) { self.batch = batch }

    mutating func add(_ key: OpKey, to agents: [AgentPubKey]) {
        for agent in agents {
            if keys[agent] == nil { order.append(agent) }
            keys[agent, default: []].append(key)
        }
    }

    var effects: [PublishEffect] {
        order.flatMap { agent in
            let all = keys[agent] ?? []
            return stride(from: 0, to: all.count, by: batch).map {
                PublishEffect.send(Array(all[$0..<min($0 + batch, all.count)]), to: agent)
            }
        }
    }
}

/// Keys by the time at which they are due: a binary heap. What was put off is still in it and is passed over.
struct DueQueue: Sendable {
    private var heap: [(at: Timestamp, key: OpKey)] = []

    var first: (at: Timestamp, key: OpKey)? { heap.first }

    mutating func insert(_ at: Timestamp, _ key: OpKey) {
        heap.append((at, key))
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
