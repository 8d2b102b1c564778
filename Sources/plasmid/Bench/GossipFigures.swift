import Foundation
import Gossip
import Integrity
import Sodium

/// Two nodes of 100,000 ops that differ in 100 random ones: what it takes to find those.
enum GossipFigures {
    private static let shared = 99_950
    private static let apart = 50

    private static func keys(_ count: Int, _ random: inout SystemRandomNumberGenerator) -> [OpKey] {
        (0..<count).map { _ in
            var core = Bytes32()
            core.withUnsafeMutableBytes { raw in
                for at in stride(from: 0, to: 32, by: 8) {
                    raw.storeBytes(of: random.next(), toByteOffset: at, as: UInt64.self)
                }
            }
            let hash = DhtOpHash(core: core, location: 0)
            return OpKey(location: UInt32.random(in: 0...UInt32.max, using: &random), hash: hash)
        }
    }

    /// Bytes and messages of one round, every message through its bytes; fails when an op is not found.
    private static func round(
        _ left: OpIndex, _ right: OpIndex, _ random: inout SystemRandomNumberGenerator
    ) throws -> (bytes: Int, messages: Int) {
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        var (one, first) = try ReconcileRound.begin(left, arcs: .full, peerArcs: .full, salt: salt)
        var packed = first.packed
        var (bytes, messages, given) = (packed.count, 1, 0)
        var (other, step) = try ReconcileRound.join(right, arcs: .full, message: try ReconcileMessage(packed: packed))
        var isLeft = true
        while true {
            for case .ops(let ops) in step.gifts { given += ops.count }
            guard let reply = step.reply else { break }
            packed = reply.packed
            bytes += packed.count
            messages += 1
            let message = try ReconcileMessage(packed: packed)
            step = isLeft ? try one.receive(message) : try other.receive(message)
            isLeft.toggle()
        }
        guard given == 2 * apart else {
            throw PlasmidError(.syncStalled, "a round of reconciliation found \(given) of \(2 * apart) ops")
        }
        return (bytes, messages)
    }

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        var random = SystemRandomNumberGenerator()
        let common = keys(shared, &random)
        let left = OpIndex(common + keys(apart, &random))
        let right = OpIndex(common + keys(apart, &random))
        var (time, floors) = (Samples(), Samples())
        var (bytes, messages) = (0, 0)
        for _ in 0..<place.count(40, quick: 8) {
            let start = monotonicSeconds()
            let result = try round(left, right, &random)
            time.add(monotonicSeconds() - start)
            bytes = max(bytes, result.bytes)
            messages = max(messages, result.messages)
            let hash = monotonicSeconds()
            for key in common.prefix(4_000) { _ = Blake2b.hash256(key.core.bytes.array) }
            floors.add(monotonicSeconds() - hash)
        }
        var grown = OpIndex()
        for key in common { grown.insert(key) }
        return [
            Figure(
                name: "gossip.reconcile", unit: "bytes", value: Double(bytes), floor: Double(2 * apart * 32),
                floorName: "the hashes of the 100 ops that differ", budget: .atMost(65_536)),
            Figure(
                name: "gossip.round_trips", unit: "trips", value: Double(messages) / 2, floor: 1,
                floorName: "a question and its answer", budget: .atMost(3)),
            Figure(
                name: "gossip.round_time", unit: "ms", value: time.median * 1e3, p50: time.median * 1e3,
                p99: time.quantile(0.99) * 1e3, floor: floors.median * 1e3,
                floorName: "4,000 hashes, about as many as there are fingerprints at both ends", budget: .none),
            Figure(
                name: "gossip.index", unit: "bytes", value: Double(grown.byteCount) / Double(grown.count), floor: 36,
                floorName: "an op's location and hash", budget: .atMost(60)),
        ]
    }
}
