import Gossip
import Integrity
import Testing

@Suite("Which arc an agent keeps")
struct ArcPlanTests {
    /// Plans of many agents that see each other's claims at once; what is to be fetched or handed over is, by the next step.
    struct World {
        var plans: [AgentPubKey: ArcPlan] = [:]
        var now = seconds(0)
        var changes = 0
        var drops = 0

        /// In any order: nothing depends on it.
        var claims: [ArcClaim] {
            plans.values.filter { !$0.announced.isEmpty }.map { ArcClaim(agent: $0.agent, arc: $0.announced) }
        }

        /// Everybody looks once, in a random order; true when nobody has anything left to do.
        mutating func step(_ random: inout Seeded) -> Bool {
            now = now.advanced(byMicroseconds: 10_000_000)
            var isQuiet = true
            for agent in plans.keys.sorted().shuffled(using: &random) {
                guard var plan = plans[agent] else { continue }
                let claims = claims.filter { $0.agent != agent }
                var effects = plan.review(claims, now: now)
                var index = 0
                while index < effects.count {
                    switch effects[index] {
                    case .announce: changes += 1
                    case .drop: drops += 1
                    case .fetch(let ranges), .handOver(let ranges):
                        for other in claims {
                            let shared = ranges.intersection(ArcSet([other.arc]))
                            guard !shared.isEmpty else { continue }
                            effects += plan.reconciled(shared, with: other.agent, claims: claims, now: now)
                        }
                    }
                    index += 1
                }
                isQuiet = isQuiet && effects.isEmpty
                plans[agent] = plan
            }
            return isQuiet
        }

        /// How many agents keep each location that matters: just before and at each agent.
        func coverage(_ of: (ArcPlan) -> ArcSet) -> (least: Int, most: Int) {
            let sets = plans.values.map(of)
            let counts = plans.keys.flatMap { [$0.location, $0.location &- 1] }
                .map { place in sets.filter { $0.contains(place) }.count }
            return (counts.min() ?? 0, counts.max() ?? 0)
        }
    }

    @Test(
        "up to 27 agents everybody keeps everything, and nobody is asked to fetch from nobody",
        arguments: [1, 2, 25, 27])
    func small(count: Int) {
        var random = Seeded(3)
        var world = World()
        for agent in agents(count, &random) { world.plans[agent] = ArcPlan(agent: agent) }
        for _ in 0..<4 { _ = world.step(&random) }
        for plan in world.plans.values {
            #expect(plan.announced == .full)
            #expect(plan.isSteady)
        }
    }

    @Test("25 to 40 holders everywhere as a network grows, and then nothing moves", arguments: [1, 2, 3] as [UInt64])
    func grows(seed: UInt64) {
        var random = Seeded(seed)
        var world = World()
        for (number, agent) in agents(120, &random).enumerated() {
            world.plans[agent] = ArcPlan(agent: agent)
            if number % 12 == 11 { for _ in 0..<3 { _ = world.step(&random) } }
        }
        var steps = 0
        while !world.step(&random), steps < 40 { steps += 1 }
        #expect(steps < 10, "seed \(seed): not quiet after \(steps) steps")
        let (least, most) = world.coverage { $0.kept }
        #expect(least >= 25 && most <= 40, "seed \(seed): \(least) to \(most)")
        #expect(world.drops > 0)
        let lengths = world.plans.values.map { Double($0.announced.length) }
        let mean = lengths.reduce(0, +) / Double(lengths.count)
        #expect(lengths.allSatisfy { $0 < 3 * mean }, "seed \(seed)")
        let before = world.changes
        for _ in 0..<10 { _ = world.step(&random) }
        #expect(world.changes == before, "seed \(seed): arcs swing")
    }

    @Test(
        "nobody goes on holding everything once the others hold their parts, whoever comes last",
        arguments: [(3, 8), (3, 12), (25, 36), (25, 80)])
    func nobodyIsLeft(holders: Int, count: Int) {
        for seed in 1...6 as ClosedRange<UInt64> {
            var random = Seeded(seed)
            var world = World()
            for agent in agents(count, &random) {
                world.plans[agent] = ArcPlan(agent: agent, settings: ArcSettings(holders: holders))
                _ = world.step(&random)
            }
            for _ in 0..<8 { _ = world.step(&random) }
            let full = world.plans.values.count { $0.announced.isFull }
            #expect(full == 0, "seed \(seed): \(full) of \(count) hold everything")
            let (least, most) = world.coverage { $0.kept }
            #expect(least >= holders && most <= 2 * holders + 2, "seed \(seed): \(least) to \(most)")
        }
    }

    @Test("a third of the agents gone: the others take their part, and give it back when they return")
    func churn() {
        var random = Seeded(17)
        var world = World()
        for agent in agents(120, &random) { world.plans[agent] = ArcPlan(agent: agent) }
        for _ in 0..<6 { _ = world.step(&random) }
        for _ in 0..<4 {
            let gone = world.plans.keys.sorted().shuffled(using: &random).prefix(40)
            let away = gone.map { ($0, world.plans[$0]?.kept ?? .empty) }
            for agent in gone { world.plans[agent] = nil }
            for _ in 0..<4 { _ = world.step(&random) }
            let (least, most) = world.coverage { ArcSet([$0.announced]) }
            #expect(least >= 25 && most <= 40, "\(least) to \(most)")
            for (agent, kept) in away {
                let range = kept.ranges.count == 1 ? kept.ranges[0] : 0...UInt32.max
                let held = Arc(start: agent.location, length: UInt64(range.upperBound) - UInt64(range.lowerBound) + 1)
                world.plans[agent] = ArcPlan(agent: agent, held: held)
            }
            for _ in 0..<6 { _ = world.step(&random) }
            let back = world.coverage { $0.kept }
            #expect(back.least >= 25 && back.most <= 40, "\(back)")
        }
    }

    @Test("where some claim little, those behind them take their part and no more")
    func lite() {
        var random = Seeded(23)
        let everybody = agents(150, &random)
        var world = World()
        for agent in everybody.prefix(100) { world.plans[agent] = ArcPlan(agent: agent) }
        for _ in 0..<6 { _ = world.step(&random) }
        // Claims of agents that hold a sliver, in the middle of the others.
        let lite = everybody.suffix(50).map { ArcClaim(agent: $0, arc: Arc(start: $0.location, length: 1_000)) }
        for _ in 0..<12 {
            world.now = world.now.advanced(byMicroseconds: 10_000_000)
            for agent in world.plans.keys.sorted() {
                let claims = (world.claims + lite).filter { $0.agent != agent }
                guard var plan = world.plans[agent] else { continue }
                var effects = plan.review(claims, now: world.now)
                var index = 0
                while index < effects.count {
                    if case .fetch(let ranges) = effects[index] {
                        for other in claims {
                            let shared = ranges.intersection(ArcSet([other.arc]))
                            guard !shared.isEmpty else { continue }
                            effects += plan.reconciled(shared, with: other.agent, claims: claims, now: world.now)
                        }
                    }
                    index += 1
                }
                world.plans[agent] = plan
            }
        }
        let (least, most) = world.coverage { ArcSet([$0.announced]) }
        #expect(least >= 24 && most <= 60, "\(least) to \(most)")
    }

    @Test("what grows is announced once it was fetched, what shrinks is kept until others have it")
    func order() {
        var random = Seeded(29)
        let others = agents(60, &random)
        let me = agent(1_000, at: 0x8000_0000)
        let claims = others.map { ArcClaim(agent: $0, arc: .full) }.sorted { $0.agent < $1.agent }
        var plan = ArcPlan(agent: me)
        let first = plan.review(claims, now: seconds(0))
        guard case .fetch(let ranges)? = first.first else {
            Issue.record("nothing is fetched: \(first)")
            return
        }
        #expect(first.count == 1)
        #expect(plan.announced == .empty)
        #expect(plan.kept == ranges)
        #expect(plan.review(claims, now: seconds(5)).isEmpty)
        let done = plan.reconciled(ranges, with: others[0], claims: claims, now: seconds(6))
        #expect(done == [.announce(plan.target)])
        #expect(plan.isSteady)

        // Alone with what it holds: everything is fetched from nobody, and kept.
        var alone = ArcPlan(agent: me)
        #expect(alone.review([], now: seconds(0)) == [.fetch(.full), .announce(.full)])
        // Who held a part does not take everything before it has heard of the others.
        var back = ArcPlan(agent: me, held: plan.announced)
        #expect(back.review(Array(claims.prefix(3)), now: seconds(0)) == [.fetch(ArcSet([plan.announced]))])
        #expect(
            back.review(Array(claims.prefix(3)), now: seconds(40)).contains {
                if case .fetch = $0 { true } else { false }
            })
        // The others come: the arc shrinks, and what is dropped is first handed over to two that claim it.
        let effects = alone.review(claims, now: seconds(10))
        guard case .handOver(let over)? = effects.last else {
            Issue.record("nothing is handed over: \(effects)")
            return
        }
        #expect(effects.first == .announce(alone.announced))
        #expect(alone.kept == .full)
        #expect(alone.reconciled(over, with: others[1], claims: claims, now: seconds(11)).isEmpty)
        #expect(alone.reconciled(over, with: others[1], claims: claims, now: seconds(12)).isEmpty)
        #expect(alone.reconciled(over, with: others[2], claims: claims, now: seconds(13)) == [.drop(over)])
        #expect(alone.kept == ArcSet([alone.announced]))
    }
}
