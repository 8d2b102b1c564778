import Gossip
import Integrity
import Sodium
import Testing

@Suite("The index of held ops")
struct OpIndexTests {
    /// The plain thing that the tree must agree with.
    struct Model {
        var keys: Set<OpKey> = []

        func tally(in range: OpRange) -> (count: Int, sum: [UInt8]) {
            var sum = [UInt8](repeating: 0, count: 32)
            var count = 0
            for key in keys where range.contains(key) {
                count += 1
                var carry = 0
                let bytes = key.core.bytes.array
                for index in (0..<32).reversed() {
                    let digit = Int(sum[index]) + Int(bytes[index]) + carry
                    sum[index] = UInt8(digit & 0xff)
                    carry = digit >> 8
                }
            }
            return (count, sum)
        }
    }

    static func randomRange(_ random: inout Seeded, _ keys: [OpKey]) -> OpRange {
        let one = Bool.random(using: &random) ? random.key() : keys.randomElement(using: &random) ?? random.key()
        let other = Bool.random(using: &random) ? random.key() : keys.randomElement(using: &random) ?? random.key()
        return OpRange(
            lower: min(one, other), upper: UInt8.random(in: 0..<8, using: &random) == 0 ? nil : max(one, other))
    }

    @Test(
        "agrees with a plain set at every step of random inserts and removals", arguments: 1...6 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        var random = Seeded(seed)
        // Few locations in some runs, so that many ops share one.
        let spread: UInt32 = [0, 1, 7, 255, .max, .max][Int(seed) % 6]
        var index = OpIndex()
        var model = Model()
        var all: [OpKey] = []
        for step in 0..<4_000 {
            let grows = step < 2_500 ? 5 : 1
            if Int.random(in: 0..<6, using: &random) < grows {
                let key = random.key(at: UInt32.random(in: 0...spread, using: &random))
                all.append(key)
                let isNew = index.insert(key)
                let isNewAgain = index.insert(key)
                #expect(isNew && !isNewAgain)
                model.keys.insert(key)
            } else if let key = all.randomElement(using: &random) {
                let wasThere = model.keys.remove(key) != nil
                let isGone = index.remove(key)
                #expect(isGone == wasThere)
            }
            if step % 40 == 0 {
                let range = Self.randomRange(&random, all)
                let wanted = model.tally(in: range)
                let found = index.tally(in: range)
                #expect(found.count == wanted.count, "seed \(seed), step \(step)")
                #expect(found.sum.bytes.array == wanted.sum, "seed \(seed), step \(step)")
                #expect(index.count == model.keys.count)
            }
        }
        let sorted = model.keys.sorted()
        #expect(index.keys(in: OpRange(0...UInt32.max)) == sorted)
        for position in stride(from: 0, to: sorted.count, by: 17) {
            #expect(index.key(at: position) == sorted[position])
            #expect(index.contains(sorted[position]))
            #expect(index.tally(before: sorted[position]).count == position)
        }
        #expect(index.key(at: sorted.count) == nil)
        for key in sorted {
            let isGone = index.remove(key)
            #expect(isGone)
        }
        #expect(index.isEmpty)
        #expect(index.total == .zero)
    }

    @Test("a bulk build, sorted or not and with repeats, holds what inserts would")
    func bulk() {
        var random = Seeded(7)
        let keys = random.keys(5_000)
        var one = OpIndex()
        for key in keys { one.insert(key) }
        let range = OpRange(0x2000_0000...0x9fff_ffff)
        for built in [OpIndex(keys), OpIndex(keys.sorted()), OpIndex(keys + keys.prefix(100))] {
            #expect(built.total == one.total)
            #expect(built.tally(in: range) == one.tally(in: range))
            #expect(built.keys(in: range) == one.keys(in: range))
        }
        #expect(OpIndex([]).isEmpty)
    }

    @Test("100,000 ops take at most 60 bytes each, however they came")
    func memory() {
        var random = Seeded(11)
        let keys = random.keys(100_000)
        #expect(OpIndex(keys).byteCount <= 60 * keys.count)
        var grown = OpIndex()
        for key in keys { grown.insert(key) }
        #expect(grown.byteCount <= 60 * keys.count)
        var ordered = OpIndex()
        for key in keys.sorted() { ordered.insert(key) }
        #expect(ordered.byteCount <= 60 * keys.count)
        // A copy that is written to shares all but the blocks written.
        var copy = grown
        for key in keys.prefix(50_000) { copy.remove(key) }
        #expect(grown.count == 100_000)
        #expect(copy.count == 50_000)
    }

    @Test("arithmetic modulo 2^256 carries, borrows and wraps")
    func words() {
        let top = Word256(Bytes32(repeating: 0xff))
        var index = OpIndex()
        let one = OpKey(location: 1, hash: DhtOpHash(core: top.bytes, location: 0))
        var small = Bytes32()
        small.withUnsafeMutableBytes { $0[31] = 1 }
        let two = OpKey(location: 2, hash: DhtOpHash(core: small, location: 0))
        index.insert(one)
        index.insert(two)
        #expect(index.total.sum == .zero)
        #expect(index.total.count == 2)
        #expect(index.tally(in: OpRange(2...2)).sum.bytes == small)
        #expect(index.tally(in: OpRange(1...1)).sum == top)
    }
}
