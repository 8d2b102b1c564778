import Gossip
import Integrity
import Testing

@Suite("A round of reconciliation")
struct ReconcileRoundTests {
    static func pair(
        _ random: inout Seeded, shared: Int, left: Int, right: Int, at location: UInt32? = nil
    ) -> (OpIndex, OpIndex) {
        let common = random.keys(shared, at: location)
        return (
            OpIndex(common + random.keys(left, at: location)), OpIndex(common + random.keys(right, at: location))
        )
    }

    func expectSame(_ run: RoundRun, _ note: String) {
        #expect(run.error == nil, "\(note)")
        #expect(run.left.total == run.right.total, "\(note)")
        #expect(run.expected.left == UInt64(run.given.right), "\(note)")
        #expect(run.expected.right == UInt64(run.given.left), "\(note)")
    }

    @Test(
        "100,000 ops that differ in 100 random ones: under 64 KiB and 3 round trips", arguments: [1, 2, 3] as [UInt64])
    func budget(seed: UInt64) throws {
        var random = Seeded(seed)
        let (left, right) = Self.pair(&random, shared: 99_950, left: 50, right: 50)
        let run = try RoundRun(left, right, salt: random.bytes(16))
        expectSame(run, "seed \(seed)")
        #expect(run.left.count == 100_050)
        #expect(run.bytes <= 65_536, "\(run.sizes)")
        #expect(run.messages <= 6, "\(run.sizes)")
        let oneSided = try RoundRun(
            OpIndex(left.keys(in: OpRange(0...UInt32.max))), run.left, salt: random.bytes(16))
        expectSame(oneSided, "seed \(seed), one-sided")
        #expect(oneSided.bytes <= 65_536 && oneSided.messages <= 6, "\(oneSided.sizes)")
    }

    @Test("a hot base, 100,000 ops at one location, costs the same")
    func hotBase() throws {
        var random = Seeded(5)
        let (left, right) = Self.pair(&random, shared: 99_950, left: 50, right: 50, at: 0xdead_beef)
        let run = try RoundRun(left, right, salt: random.bytes(16))
        expectSame(run, "hot")
        #expect(run.bytes <= 65_536 && run.messages <= 6, "\(run.sizes)")
    }

    @Test("equal sets: one small message each way", arguments: [0, 1, 30, 5_000])
    func equal(count: Int) throws {
        var random = Seeded(9)
        let index = OpIndex(random.keys(count))
        let run = try RoundRun(index, index, salt: random.bytes(16))
        #expect(run.messages == 2)
        #expect(run.bytes <= 64 + (count <= 48 ? count * 6 : 0), "\(run.sizes)")
        #expect(run.given.left == 0 && run.given.right == 0)
    }

    @Test("empty against full, from either side: one range, no ids")
    func lateJoiner() throws {
        var random = Seeded(13)
        let full = OpIndex(random.keys(20_000))
        for (left, right) in [(OpIndex(), full), (full, OpIndex())] {
            let run = try RoundRun(left, right, salt: random.bytes(16))
            expectSame(run, "late joiner")
            #expect(run.rangeGifts == 1)
            #expect(run.left.count == 20_000)
            #expect(run.bytes < 200 && run.messages <= 3, "\(run.sizes)")
        }
    }

    @Test("a few ops against many: the few are named, the many come as they are")
    func fewAgainstMany() throws {
        var random = Seeded(17)
        let (few, many) = Self.pair(&random, shared: 3, left: 4, right: 30_000)
        for (left, right) in [(few, many), (many, few)] {
            let run = try RoundRun(left, right, salt: random.bytes(16))
            expectSame(run, "few against many")
            #expect(run.left.count == 30_007)
            #expect(run.bytes < 400, "\(run.sizes)")
        }
    }

    @Test("half of the ops differ: no message beyond its bound, about six bytes an op")
    func half() throws {
        var random = Seeded(19)
        let (left, right) = Self.pair(&random, shared: 40_000, left: 20_000, right: 20_000)
        let run = try RoundRun(left, right, salt: random.bytes(16))
        expectSame(run, "half")
        #expect(run.left.count == 80_000)
        #expect(run.bytes <= 80_000 * 8, "\(run.bytes), \(run.messages)")
        let limit = GossipLimits.reconcileMessage
        #expect(run.sizes.allSatisfy { $0 <= limit }, "\(run.sizes)")
    }

    @Test("random sets of random size at random spread become equal", arguments: 1...40 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var random = Seeded(seed &* 7_919)
        let sizes = [0, 1, 2, 47, 48, 49, 50, 200, 800, 3_000]
        let spread: [UInt32] = [0, 3, 1_000, .max]
        let width = spread.randomElement(using: &random) ?? 0
        func some(_ random: inout Seeded) -> [OpKey] {
            (0..<(sizes.randomElement(using: &random) ?? 0)).map { _ in
                random.key(at: UInt32.random(in: 0...width, using: &random))
            }
        }
        let common = some(&random)
        let left = OpIndex(common + some(&random))
        let right = OpIndex(common + some(&random))
        let run = try RoundRun(left, right, salt: random.bytes(16))
        expectSame(run, "seed \(seed)")
        #expect(run.left.keys(in: OpRange(0...UInt32.max)) == run.right.keys(in: OpRange(0...UInt32.max)))
    }

    @Test("only what both arcs hold is compared, also past the top and where one was wrong about the other")
    func arcs() throws {
        var random = Seeded(23)
        let (left, right) = Self.pair(&random, shared: 4_000, left: 1_000, right: 1_000)
        let one = ArcSet([Arc(start: 0xc000_0000, length: 1 << 31)])
        let other = ArcSet([Arc(start: 0x1000_0000, length: 0xd000_0000)])
        let shared = one.intersection(other)
        #expect(shared.ranges == [0x1000_0000...0x3fff_ffff, 0xc000_0000...0xdfff_ffff])
        for believed in [other, .full, ArcSet([Arc(start: 0, length: 1 << 30)])] {
            let run = try RoundRun(left, right, arcs: (one, other), believed: believed, salt: random.bytes(16))
            #expect(run.error == nil)
            for range in shared.ranges {
                #expect(run.left.tally(in: OpRange(range)) == run.right.tally(in: OpRange(range)))
            }
            for range in ArcSet.full.subtracting(shared).ranges {
                #expect(run.left.tally(in: OpRange(range)) == left.tally(in: OpRange(range)))
                #expect(run.right.tally(in: OpRange(range)) == right.tally(in: OpRange(range)))
            }
        }
        #expect(throws: PlasmidError.self) {
            _ = try RoundRun(
                left, right, arcs: (ArcSet([Arc(start: 0, length: 9)]), ArcSet([Arc(start: 20, length: 9)])),
                believed: .full, salt: random.bytes(16))
        }
    }

    @Test("what is parked or rejected is neither asked for nor sent")
    func aside() throws {
        var random = Seeded(29)
        let common = random.keys(3_000)
        let mine = random.keys(20)
        let refused = random.keys(20)
        let left = OpIndex(common + mine)
        let right = OpIndex(common + refused)
        for (one, other) in [(true, false), (false, true), (true, true)] {
            let run = try RoundRun(
                left, right, leftAside: one ? OpIndex(refused) : OpIndex(),
                rightAside: other ? OpIndex(mine) : OpIndex(), salt: random.bytes(16))
            #expect(run.error == nil)
            #expect(refused.filter { run.left.contains($0) }.count == (one ? 0 : 20))
            #expect(mine.filter { run.right.contains($0) }.count == (other ? 0 : 20))
        }
    }

    @Test("ids that collide hide an op for one round, and the next salt shows it")
    func collisions() throws {
        var random = Seeded(31)
        var settings = ReconcileSettings.standard
        settings.idBytes = 1
        var (left, right) = Self.pair(&random, shared: 2_000, left: 200, right: 200)
        var rounds = 0
        var hidden = 0
        while left.total != right.total, rounds < 40 {
            let run = try RoundRun(left, right, salt: random.bytes(16), settings: settings)
            #expect(run.error == nil)
            left = run.left
            right = run.right
            rounds += 1
            if left.total != right.total { hidden += 1 }
        }
        #expect(left.total == right.total)
        #expect(left.count == 2_400)
        #expect(hidden > 0, "no id of one byte collided: the test shows nothing")
    }
}
