import Integrity

/// What a reachable agent claims to hold.
public struct ArcClaim: Sendable, Hashable {
    /// Who.
    public var agent: AgentPubKey
    /// What.
    public var arc: Arc

    /// A claim.
    public init(agent: AgentPubKey, arc: Arc) {
        self.agent = agent
        self.arc = arc
    }
}

/// How many agents hold what, as seen from one agent's place on the ring.
///
/// The others stand in the order in which one meets them going up from there. Between two neighbours lies a *step*; step `i` is what lies behind
/// the first `i` others and before the next. Coverage is taken at the last location of a step.
struct ArcView {
    /// Distance from the own place to each other agent, ascending.
    let distances: [UInt64]
    /// At `i`: how many others that are nearer cover step `i`.
    let nearer: [Int]
    /// At `i`: how many others cover step `i`.
    let all: [Int]

    /// The number of others.
    var count: Int { distances.count }

    init(from place: UInt32, _ claims: [ArcClaim]) {
        let met = claims.map { (distance: UInt64($0.agent.location &- place), claim: $0) }
            .sorted { ($0.distance, $0.claim.agent) < ($1.distance, $1.claim.agent) }
        let distances = met.map(\.distance)
        let count = distances.count
        var near = [Int](repeating: 0, count: count + 2)
        var far = near
        /// The number of steps that end before `distance`.
        func steps(endingBefore distance: UInt64) -> Int {
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                if distances[middle] <= distance { low = middle + 1 } else { high = middle }
            }
            return low
        }
        for (position, one) in met.enumerated() {
            if one.claim.arc.isFull {
                near[position + 1] += 1
                near[count + 1] -= 1
                far[0] += 1
                far[count + 1] -= 1
                continue
            }
            let start = UInt64(one.claim.arc.start &- place)
            // An arc counts as nearer from its agent's own step on, where it begins at its agent as all honest ones do.
            let end = min(start + one.claim.arc.length, Arc.ring)
            let last = end == Arc.ring ? count + 1 : steps(endingBefore: end)
            let first = max(position + 1, steps(endingBefore: start))
            if first < last {
                near[first] += 1
                near[last] -= 1
            }
            let begin = start == 0 ? 0 : steps(endingBefore: start)
            if begin < last {
                far[begin] += 1
                far[last] -= 1
            }
            // What passes the own place covers the first steps as well.
            let beyond = start + one.claim.arc.length
            if beyond > Arc.ring {
                let wrapped = steps(endingBefore: beyond - Arc.ring)
                if wrapped > 0 {
                    far[0] += 1
                    far[min(wrapped, begin)] -= 1
                }
            }
        }
        self.distances = distances
        nearer = Self.sums(near, count + 1)
        all = Self.sums(far, count + 1)
    }

    private static func sums(_ changes: [Int], _ count: Int) -> [Int] {
        var sum = 0
        return (0..<count).map { index in
            sum += changes[index]
            return sum
        }
    }

    /// Where step `i` ends: the distance of the next other, or once around.
    func end(ofStep step: Int) -> UInt64 { step < count ? distances[step] : Arc.ring }
}
