import Integrity

/// What an agent shall hold and tell of it.
public enum ArcEffect: Sendable, Hashable {
    /// Tell everybody: this is my arc.
    case announce(Arc)
    /// Reconcile these locations with agents that hold them, before they are announced.
    case fetch(ArcSet)
    /// Reconcile these locations with agents that hold them, before they are dropped.
    case handOver(ArcSet)
    /// These need not be kept any more.
    case drop(ArcSet)
}

/// Numbers of an ``ArcPlan``.
public struct ArcSettings: Sendable, Hashable {
    /// How many agents shall hold each op at least.
    public var least = 25
    /// How many an arc is made for when it is changed.
    public var aim = 26
    /// From how many nearer holders on an agent is not needed.
    public var most = 30
    /// With how many others or fewer an agent that holds everything goes on doing so.
    public var full = 34
    /// Agents with which a stretch is reconciled before it is dropped, where there are as many.
    public var handOvers = 2
    /// How long a stretch that nobody claims is waited for before it is announced, in microseconds.
    public var patience: Int64 = 30_000_000

    /// How many ops a round may find, once one has been waited for that long, to count as one that finds nothing: where many
    /// write, a few are always on their way.
    public var onTheirWay = 256

    /// The defaults.
    public init() {}

    /// The same proportions for another number of holders.
    public init(holders: Int) {
        least = max(1, holders)
        aim = least + 1
        most = least + max(2, least / 5)
        full = aim + max(2, aim / 3)
    }
}

/// Which arc an agent keeps, from the arcs that others claim.
///
/// An arc begins at its agent's own location and goes up. Each location is the task of the nearest agents below it: one that sees fewer
/// than 25 nearer agents hold a location, holds it; one that sees 30 may leave it. Whoever changes makes its arc as long as 26 want it. Since nearness is an order that all
/// agree on, no two give way to each other, and what lies between 25 and 30 moves nothing. Where some agents claim less than that, those behind them
/// take their part, as many as are missing.
public struct ArcPlan: Sendable {
    /// A stretch under way: what is still to be reconciled, and with whom it was.
    struct Move: Sendable {
        var left: ArcSet
        var since: Timestamp
        var done: [(agent: AgentPubKey, ranges: ArcSet)] = []

        mutating func note(_ ranges: ArcSet, _ agent: AgentPubKey) {
            if let place = done.firstIndex(where: { $0.agent == agent }) {
                done[place].ranges = done[place].ranges.union(ranges)
            } else {
                done.append((agent, ranges))
            }
        }
    }

    /// Whose arc it is.
    public let agent: AgentPubKey
    /// What others were told.
    public private(set) var announced: Arc
    /// What the agent goes for; the same as ``announced`` unless the arc is growing.
    public private(set) var target: Arc
    private var growing: Move?
    private var leaving: Move?
    private let settings: ArcSettings
    /// What was held at the start, and when the others were first looked at.
    private let before: Arc
    private var began: Timestamp?
    /// Whether anybody was ever in reach.
    private var hasMet = false

    /// A plan for an agent whose store holds `held` (empty for a new one). What is held is not announced before it was reconciled:
    /// the agent may have been away for long.
    public init(agent: AgentPubKey, held: Arc = .empty, settings: ArcSettings = ArcSettings()) {
        self.agent = agent
        self.settings = settings
        before = held
        announced = .empty
        target = .empty
        if !held.isEmpty { leaving = Move(left: ArcSet([held]), since: Timestamp(microseconds: 0)) }
    }

    /// A plan in the midst of its life: for a network that is looked at from when it runs.
    public init(agent: AgentPubKey, running: Arc, settings: ArcSettings = ArcSettings()) {
        self.agent = agent
        self.settings = settings
        before = running
        announced = running
        target = running
    }

    /// The locations whose ops are taken in and kept: what is announced, what is being fetched, what is not yet handed over.
    public var kept: ArcSet {
        ArcSet([announced, target]).union(leaving?.left ?? .empty)
    }

    /// The stretch from the agent's own location on in which all lies that is kept: what the next start is told.
    public var keptArc: Arc {
        let kept = kept
        guard !kept.isFull, let last = kept.ranges.max(by: { distance(to: $0) < distance(to: $1) }) else {
            return kept.isFull ? .full : .empty
        }
        return Arc(start: agent.location, length: distance(to: last) + 1)
    }

    /// From the agent's own location up to the last one of a range.
    private func distance(to range: ClosedRange<UInt32>) -> UInt64 { UInt64(range.upperBound &- agent.location) }

    /// The agents a round with whom would bring the plan on: while it grows those that hold what is to be fetched, after that those that have not
    /// been handed what is left behind, as long as enough have not.
    public func partners(among claims: [ArcClaim]) -> [AgentPubKey] {
        if let growing {
            return claims.filter { claim in growing.left.ranges.contains { claim.arc.overlaps($0) } }.map(\.agent)
        }
        guard let leaving else { return [] }
        let handed = leaving.left.covered(by: leaving.done.map(\.ranges), times: settings.handOvers)
        let left = leaving.left.subtracting(handed)
        guard !left.isEmpty else { return [] }
        return claims.filter { claim in
            guard left.ranges.contains(where: { claim.arc.overlaps($0) }) else { return false }
            guard let done = leaving.done.first(where: { $0.agent == claim.agent })?.ranges else { return true }
            return !left.subtracting(done).intersection(ArcSet([claim.arc])).isEmpty
        }.map(\.agent)
    }

    /// Whether nothing is being fetched or handed over.
    public var isSteady: Bool { growing == nil && leaving == nil }

    /// Looks at what the others claim; called when the table changed, and every few seconds.
    public mutating func review(_ claims: [ArcClaim], now: Timestamp) -> [ArcEffect] {
        let since = began ?? now
        began = since
        if !claims.isEmpty { hasMet = true }
        // Who sees nobody any more is cut off: it has nothing to learn from that.
        if claims.isEmpty, hasMet, !announced.isEmpty { return [] }
        var wanted = wanted(claims)
        // Who held a part comes from a network of more than it has heard of yet: it does not take more for want of news.
        let isNew = now.microseconds &- since.microseconds < settings.patience
        if isNew, !before.isEmpty, wanted.length > before.length { wanted = before }
        var effects: [ArcEffect] = []
        if wanted != target { effects += turn(to: wanted, now: now) }
        effects += finishGrowing(claims, now: now)
        effects += finishLeaving(claims)
        return effects
    }

    /// A round over `ranges` with a peer of `agent` is through, in which `found` ops differed. It counts where that is none.
    public mutating func reconciled(
        _ ranges: ArcSet, with other: AgentPubKey, found: Int = 0, claims: [ArcClaim], now: Timestamp
    ) -> [ArcEffect] {
        func counts(_ move: Move) -> Bool {
            found == 0 || (found <= settings.onTheirWay && hasWaited(move, now))
        }
        if let move = growing, counts(move) {
            growing?.left = move.left.subtracting(ranges)
            growing?.note(ranges, other)
        }
        if let move = leaving, counts(move) { leaving?.note(ranges, other) }
        return finishGrowing(claims, now: now) + finishLeaving(claims)
    }

    private func hasWaited(_ move: Move, _ now: Timestamp) -> Bool {
        now.microseconds &- move.since.microseconds >= settings.patience
    }

    // MARK: Changing

    private mutating func turn(to wanted: Arc, now: Timestamp) -> [ArcEffect] {
        let before = kept
        target = wanted
        let new = ArcSet([wanted]).subtracting(ArcSet([announced]))
        var effects: [ArcEffect] = []
        if new.isEmpty {
            growing = nil
            announced = wanted
            effects.append(.announce(wanted))
        } else {
            // What an earlier step has fetched and not yet announced need not be fetched again.
            var left = new
            if let move = growing { for (_, ranges) in move.done { left = left.subtracting(ranges) } }
            growing = Move(left: left, since: now, done: growing?.done ?? [])
            if !left.isEmpty { effects.append(.fetch(left)) }
        }
        let over = before.subtracting(ArcSet([announced, target]))
        if over.isEmpty {
            leaving = nil
        } else if leaving?.left != over {
            leaving = Move(left: over, since: now, done: leaving?.done ?? [])
            effects.append(.handOver(over))
        }
        return effects
    }

    private mutating func finishGrowing(_ claims: [ArcClaim], now: Timestamp) -> [ArcEffect] {
        guard let move = growing else { return [] }
        var left = move.left
        if !left.isEmpty, claims.isEmpty ? !hasMet : hasWaited(move, now) {
            // What nobody else holds cannot be fetched.
            let held = ArcSet(claims.map(\.arc))
            left = left.intersection(held)
        }
        growing?.left = left
        guard left.isEmpty else { return [] }
        growing = nil
        announced = target
        return [.announce(target)]
    }

    private mutating func finishLeaving(_ claims: [ArcClaim]) -> [ArcEffect] {
        guard let move = leaving, growing == nil, !target.isEmpty else { return [] }
        let handed = move.left.covered(by: move.done.map(\.ranges), times: settings.handOvers)
        guard !handed.isEmpty else { return [] }
        let dropped = handed.covered(by: claims.map { ArcSet([$0.arc]) }, times: settings.least)
        guard !dropped.isEmpty else { return [] }
        let left = move.left.subtracting(dropped)
        leaving = left.isEmpty ? nil : Move(left: left, since: move.since, done: move.done)
        return [.drop(dropped)]
    }

    // MARK: Deciding

    /// The arc that the agent should have.
    func wanted(_ claims: [ArcClaim]) -> Arc {
        let others = claims.filter { $0.agent != agent }
        // Holding all is left late and taken up early, so that a network at the edge does not swing.
        if others.count <= (target.isFull ? settings.full : settings.aim) { return .full }
        let view = ArcView(from: agent.location, others)
        let enough = view.end(ofStep: settings.aim - 1)
        let now = target.isFull ? Arc.ring : target.length
        let needed = needed(view)
        if now < needed { return Arc(start: agent.location, length: max(needed, enough)) }
        return Arc(start: agent.location, length: shortened(view, from: now, to: max(needed, enough)))
    }

    /// How long the arc must be: up to the last step that has too few nearer holders and is this agent's task.
    private func needed(_ view: ArcView) -> UInt64 {
        var end = view.end(ofStep: settings.least - 1)
        for step in settings.least..<min(view.count + 1, 4 * settings.aim) {
            let missing = settings.least - view.all[step]
            // One behind the other, as many as are missing and as many again for those that do not.
            if missing > 0, view.nearer[step] < settings.least, step < settings.aim + 2 * missing {
                end = view.end(ofStep: step)
            }
        }
        return end
    }

    /// From which step on a location becomes an agent's task only where many holders are missing: nothing swings when it is left.
    private var far: Int { settings.aim + 2 * (settings.most - settings.least) }

    /// Leaves steps off the end while enough nearer agents hold them.
    private func shortened(_ view: ArcView, from now: UInt64, to least: UInt64) -> UInt64 {
        guard now > least else { return now }
        func step(of distance: UInt64) -> Int {
            // The step whose end is the first at or behind `distance`.
            (view.distances.firstIndex { $0 >= distance }) ?? view.count
        }
        func isSpare(_ step: Int) -> Bool { view.nearer[step] >= (step >= far ? settings.least : settings.aim) }
        var last = step(of: now)
        let isLong = last >= far || now == Arc.ring
        guard view.nearer[last] >= settings.most || (isLong && isSpare(last)) else { return now }
        while last > 0, view.end(ofStep: last - 1) >= least, isSpare(last) { last -= 1 }
        return max(least, view.end(ofStep: last))
    }
}
