import Gossip
import Integrity
import NIOCore

/// What the agents here keep, and what is under way to that.
struct ArcDesk {
    let settings: ArcSettings
    /// One for each running agent.
    var plans: [AgentPubKey: ArcPlan] = [:]
    /// What is taken in and kept: what is announced, what is being fetched, what is not handed over yet.
    private(set) var kept = ArcSet.empty
    /// What others were told: all that is known of lies here.
    private(set) var announced = ArcSet.empty
    /// What storage was told of what each agent keeps.
    var written: [AgentPubKey: Arc] = [:]
    /// Ops outside of what is kept, which a read brought or a run before left, and since when they are here.
    var visitors: CircularBuffer<(since: Timestamp, key: OpKey)> = []
    /// Ops that are to be dropped.
    var leaving: CircularBuffer<OpKey> = []
    /// When ops came, or were judged, last.
    private var stirred: Timestamp
    /// When many came at once last, and how many came since the last look.
    private var crowded: Timestamp?
    private var arrived = 0
    /// When a round over what is to be fetched or handed over began last.
    var caughtUp: Timestamp
    /// Whether anything is otherwise than at the last review.
    var isStale = true
    /// Whether enough was heard of the others for the first decision.
    private(set) var isOpen = false
    private var reviewed: Timestamp
    private let began: Timestamp
    private var heardAt: Timestamp?

    /// How long to wait for news of others where one member has told all it knows, in microseconds.
    private static let quiet: Int64 = 300_000
    /// How long to wait for anybody where nobody is being dialled, and where somebody is.
    private static let alone: (idle: Int64, dialling: Int64) = (1_000_000, 15_000_000)
    /// How long a member may be silent about others.
    private static let silence: Int64 = 10_000_000
    /// The longest time between two reviews.
    private static let longest: Int64 = 60_000_000

    init(settings: ArcSettings, now: Timestamp) {
        self.settings = settings
        (stirred, caughtUp, reviewed, began) = (now, now, now, now)
    }

    /// Whether nothing is being fetched or handed over.
    var isSteady: Bool { plans.values.allSatisfy(\.isSteady) }

    /// More that come between two looks than this, with 150 ms between them, are many.
    private static let many = 64
    /// How long nothing must have come before the next round over what is fetched; how long few must have come; and how long that is
    /// waited for.
    private static let still: (nothing: Int64, few: Int64, most: Int64) = (300_000, 2_000_000, 60_000_000)

    /// Ops came, or were judged.
    mutating func stir(_ count: Int, _ now: Timestamp) {
        stirred = now
        arrived += count
        if arrived > Self.many { crowded = now }
    }

    /// Whether so many ops are on their way that another round would have them sent again.
    func isCrowded(_ now: Timestamp) -> Bool {
        crowded.map { now.microseconds &- $0.microseconds < Self.still.few } ?? false
    }

    /// Whether a round over what is fetched or handed over may begin.
    mutating func isReady(_ now: Timestamp) -> Bool {
        arrived = 0
        guard isOpen, !isSteady else { return false }
        let pause = now.microseconds &- caughtUp.microseconds
        return now.microseconds &- stirred.microseconds >= Self.still.nothing
            || (pause >= Self.still.few && !isCrowded(now)) || pause >= Self.still.most
    }

    /// A member has told of agents.
    mutating func heard(_ now: Timestamp, isNews: Bool) {
        if isNews || heardAt == nil { heardAt = now }
    }

    /// Whether plans shall be reviewed now. The first time waits until the table of agents is filled: who has heard of few takes itself for
    /// one of few.
    mutating func isDue(_ now: Timestamp, hasMembers: Bool, isDialling: Bool) -> Bool {
        func since(_ time: Timestamp) -> Int64 { now.microseconds &- time.microseconds }
        if !isOpen {
            if hasMembers {
                isOpen = heardAt.map { since($0) >= Self.quiet } ?? false || since(began) >= Self.silence
            } else {
                isOpen = since(began) >= (isDialling ? Self.alone.dialling : Self.alone.idle)
            }
            guard isOpen else { return false }
        }
        guard isStale || !isSteady || since(reviewed) >= Self.longest else { return false }
        isStale = false
        reviewed = now
        return true
    }

    /// Takes over what the plans have come to; returns the agents whose stretch is to be written.
    mutating func settle() -> [(agent: AgentPubKey, arc: Arc)] {
        kept = plans.values.reduce(ArcSet.empty) { $0.union($1.kept) }
        announced = ArcSet(plans.values.map(\.announced))
        var changed: [(agent: AgentPubKey, arc: Arc)] = []
        for (agent, plan) in plans.sorted(by: { $0.key < $1.key }) where written[agent] ?? .empty != plan.keptArc {
            changed.append((agent, plan.keptArc))
            written[agent] = plan.keptArc
        }
        return changed
    }
}
