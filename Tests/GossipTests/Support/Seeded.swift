import Gossip
import Integrity
import Sodium

/// SplitMix64: the same numbers for the same seed on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    mutating func hash() -> DhtOpHash {
        let raw = bytes(32)
        return DhtOpHash(core: raw.withUnsafeBytes { Bytes32($0) }, location: 0)
    }

    mutating func key(at location: UInt32? = nil) -> OpKey {
        OpKey(location: location ?? UInt32(truncatingIfNeeded: next()), hash: hash())
    }

    mutating func keys(_ count: Int, at location: UInt32? = nil) -> [OpKey] {
        (0..<count).map { _ in key(at: location) }
    }
}

/// Both ends of a round in one place: what went over the wire, and what each sent.
struct RoundRun {
    var bytes = 0
    var messages = 0
    var sizes: [Int] = []
    var error: PlasmidError?
    /// What the initiator and the responder hold after all gifts were taken.
    var left: OpIndex
    var right: OpIndex
    var rangeGifts = 0
    var expected: (left: UInt64, right: UInt64) = (0, 0)
    var given: (left: Int, right: Int) = (0, 0)

    static let saltBytes = 16

    /// Runs a round to its end, every message through its bytes.
    init(
        _ left: OpIndex, _ right: OpIndex, leftAside: OpIndex = OpIndex(), rightAside: OpIndex = OpIndex(),
        arcs: (ArcSet, ArcSet) = (.full, .full), believed: ArcSet? = nil, salt: [UInt8],
        settings: ReconcileSettings = .standard
    ) throws {
        self.left = left
        self.right = right
        var (one, message) = try ReconcileRound.begin(
            left, aside: leftAside, arcs: arcs.0, peerArcs: believed ?? arcs.1, salt: salt, settings: settings)
        note(message)
        let joined = try ReconcileRound.join(
            right, aside: rightAside, arcs: arcs.1, message: try ReconcileMessage(packed: message.packed),
            settings: settings)
        var other = joined.round
        take(joined.step, fromLeft: false, left, right)
        var reply = joined.step.reply
        var turnOfLeft = true
        while let next = reply {
            note(next)
            let read = try ReconcileMessage(packed: next.packed)
            let step = turnOfLeft ? try one.receive(read) : try other.receive(read)
            take(step, fromLeft: turnOfLeft, left, right)
            reply = step.reply
            turnOfLeft.toggle()
        }
        guard one.isFinished, other.isFinished else {
            error = PlasmidError(.syncStalled, "one side is not finished")
            return
        }
    }

    private mutating func note(_ message: ReconcileMessage) {
        sizes.append(message.packed.count)
        bytes += message.packed.count
        messages += 1
    }

    private mutating func take(_ step: ReconcileStep, fromLeft: Bool, _ left: OpIndex, _ right: OpIndex) {
        if fromLeft { expected.left += step.expected } else { expected.right += step.expected }
        for gift in step.gifts {
            var keys: [OpKey]
            switch gift {
            case .ops(let list): keys = list
            case .range(let range, let except):
                rangeGifts += 1
                let held = Set(except)
                keys = (fromLeft ? left : right).keys(in: range).filter { !held.contains($0) }
            }
            if fromLeft {
                given.left += keys.count
                for key in keys { self.right.insert(key) }
            } else {
                given.right += keys.count
                for key in keys { self.left.insert(key) }
            }
        }
    }
}
