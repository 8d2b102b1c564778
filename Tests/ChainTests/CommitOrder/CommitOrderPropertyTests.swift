import Chain
import Integrity
import Testing

@Suite("the order of commits, under random interleavings")
struct CommitOrderPropertyTests {
    @Test("§11.54 whatever the interleaving: one linear chain, whole calls, every call ends once, no deadlock")
    func randomInterleavings() {
        var tally: [String: Int] = [:]
        for seed in 1...3_000 as ClosedRange<UInt64> {
            var model = CommitOrderModel(seed: seed)
            do {
                try play(&model)
                tally.merge(model.tally, uniquingKeysWith: +)
            } catch {
                var again = CommitOrderModel(seed: seed, logging: true)
                try? play(&again)
                Issue.record("seed \(seed): \(error)\n\((again.log ?? []).suffix(60).joined(separator: "\n"))")
                return
            }
        }
        // A run of the dice that never met a case proves nothing about it.
        for outcome in ["commit", "rerun", "certain", "headMoved", "invalid", "failed", "chainReset"] {
            #expect(tally[outcome, default: 0] > 100, "\(outcome) hardly ever happened: \(tally)")
        }
    }

    private func script(_ dice: inout Dice) -> CommitOrderModel.Script {
        var steps: [CommitOrderModel.Step] = []
        for _ in 0..<Int.random(in: 0...5, using: &dice) {
            steps.append(
                [.read, .write, .write, .write, .write, .read, .wait, .aside].randomElement(using: &dice) ?? .read)
        }
        let last = Int.random(in: 0..<12, using: &dice)
        steps.append(last == 0 ? .fail : last == 1 ? .crash : .answer)
        return .init(steps: steps, valid: !dice.chance(15), validatorCrashes: dice.chance(4))
    }

    private func play(_ model: inout CommitOrderModel) throws {
        let total = UInt64.random(in: 1...24, using: &model.dice)
        let arrivals = Int.random(in: 5...60, using: &model.dice)
        let verdicts = Int.random(in: 5...60, using: &model.dice)
        var started: UInt64 = 0
        var turns = 0
        while started < total || !model.live.isEmpty {
            turns += 1
            try model.check(turns < 20_000, "no end: \(model.live.values.map { "\($0)" })")
            model.now += UInt64.random(in: 0...9, using: &model.dice)
            if started < total, model.dice.chance(arrivals) {
                started += 1
                var dice = model.dice
                let next = script(&dice)
                model.dice = dice
                try model.start(started, next)
            }
            if model.dice.chance(verdicts), let run = model.validating.randomElement(using: &model.dice) {
                try model.judge(run)
            }
            // Sorted, since a dictionary's order is not the same in two processes and a seed must be.
            let ids = model.live.keys.sorted()
            if let id = ids.randomElement(using: &model.dice) { try model.step(id) }
            let waiting = ids.filter { model.live[$0].map { $0.blocked == .network || $0.asides > 0 } == true }
            if model.dice.chance(30), let id = waiting.randomElement(using: &model.dice) { try model.answerNetwork(id) }
            if model.dice.chance(20) { try model.feed(.tick) }
            if model.dice.chance(10) { try model.sayStale() }
            if Int.random(in: 0..<500, using: &model.dice) == 0 { try model.loseStorage() }
            if model.dice.chance(1), let id = ids.randomElement(using: &model.dice), model.live[id] != nil {
                try model.feed(.cancelled(call: id))
            }
        }
        try model.check(model.ended.count == Int(total), "\(total) calls began, \(model.ended.count) ended")
        try model.check(model.order.openCalls == 0, "the machine still holds calls")
    }
}
