import Integrity
import Sodium
import Testing

@testable import Validation

@Suite("the pipeline, step by step")
struct PipelineTests {
    private static let note = RuledWorld.type("note")
    private let mallory = TestAgent(66)

    private static func text(_ text: String) -> Entry {
        .app(MessagePackValue.map([MessagePackValue.Pair("text", .string(text))]).packed)
    }

    private func chain(_ n: UInt8, notes: Int = 1) -> TestChain {
        var chain = TestChain(TestAgent(n), dna: RuledWorld.dnaHash)
        for note in 0..<notes {
            let entry = Self.text("note \(note)")
            chain.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        }
        return chain
    }

    @Test("an op waits for exactly what it names, is shown so, and goes on when that is here")
    func wakes() throws {
        let node = TestNode(RuledWorld.dna)
        node.asksPeers = false
        let alice = chain(1)
        let activity = alice.ops.filter { $0.type == .agentActivity }
        node.receive(Array(activity.suffix(2)))
        let before = alice.records[1].hash
        #expect(node.pipeline.step(of: activity[2].hash) == .waiting([.action(before)]))
        // The last one waits for nothing: what is before it has arrived, if not been judged.
        #expect(node.held.verdicts[activity[3].hash] == "valid")
        node.receive([activity[0]])
        #expect(node.pipeline.step(of: activity[2].hash) == .waiting([.action(before)]))
        node.receive([activity[1]])
        #expect(node.held.verdicts.count == 4)
        #expect(node.pipeline.inWork(limit: 9).isEmpty)
        #expect(node.pipeline.nextTick == nil || node.held.parked.isEmpty)
    }

    @Test("nothing that is missing is asked for without end: the pauses grow, and after seven days the op is given up")
    func endlessRetries() throws {
        let node = TestNode(RuledWorld.dna)
        let alice = chain(1)
        let op = try #require(alice.ops.last { $0.type == .agentActivity })
        node.receive([op])
        var ticks = 0
        while node.pipeline.step(of: op.hash) != nil, ticks < 100_000 {
            node.tick(after: 30_000_000)
            ticks += 1
        }
        // Seven days of a question every ten minutes, and a few more at the start.
        #expect((900...1_100).contains(node.questions.count), "\(node.questions.count) questions")
        #expect(node.dropped.map(\.1) == [.abandoned])
        #expect(node.held.verdicts.isEmpty, "giving up is no verdict")
        #expect(node.held.parked.isEmpty)
        #expect(node.faults.isEmpty)
        // It may come again.
        node.universe = alice.records
        node.receive([op])
        node.settle()
        #expect(node.held.verdicts[op.hash] == "valid")
    }

    @Test("one author's missing things do not crowd out another's")
    func fetchQuota() {
        var limits = PipelineLimits()
        limits.fetchesPerAuthor = 4
        let node = TestNode(RuledWorld.dna, limits: limits)
        node.asksPeers = false
        var greedy = TestChain(TestAgent(1), dna: RuledWorld.dnaHash)
        for n in 0..<40 {
            let target = ActionHash(core: Bytes32(repeating: UInt8(n + 1)))
            greedy.add(.delete(deletesAction: target, deletesEntry: EntryHash(core: Bytes32(repeating: 1))))
        }
        var modest = chain(2)
        let lost = ActionHash(core: Bytes32(repeating: 200))
        modest.add(.delete(deletesAction: lost, deletesEntry: EntryHash(core: Bytes32(repeating: 1))))
        node.receive(greedy.ops)
        node.receive(modest.ops)
        node.tick(after: 300_000)
        #expect(node.questions.count == 5)
        #expect(node.questions.contains(.action(lost)))
        for _ in 0..<60 { node.tick(after: 300_000) }
        #expect(Set(node.questions).count == 41, "the others have their turn")
    }

    @Test("what there is no room for is dropped and told: for a peer, for an author, in all")
    func bounds() {
        var limits = PipelineLimits()
        limits.opsPerPeer = 10
        limits.ops = 25
        limits.waitingPerAuthor = 6
        let node = TestNode(RuledWorld.dna, limits: limits)
        node.asksPeers = false
        let alice = chain(1, notes: 60).ops.filter { $0.type == .agentActivity }
        // Every second one, so that each waits.
        let waiting = stride(from: 3, to: alice.count, by: 2).map { alice[$0] }
        node.receive(waiting, from: 1)
        #expect(node.dropped.filter { $0.1 == .noRoom }.count == waiting.count - 6)
        #expect(node.pipeline.inWork(limit: 99).count == 6)
        let bob = chain(2, notes: 60).ops.filter { $0.type == .agentActivity }
        node.receive(stride(from: 3, to: bob.count, by: 2).map { bob[$0] }, from: 2)
        let carol = chain(3, notes: 60).ops.filter { $0.type == .agentActivity }
        node.receive(stride(from: 3, to: carol.count, by: 2).map { carol[$0] }, from: 3)
        #expect(node.pipeline.inWork(limit: 99).count == 18)
        #expect(node.pipeline.counts.crowdedOut == node.dropped.count)
        #expect(node.pipeline.room == 7)
        #expect(node.pipeline.busy == 0, "who waits keeps nobody from sending what it waits for")
        // Nobody is blamed, and once there is room they are taken.
        #expect(node.faults.isEmpty)
        node.receive(alice, from: 4)
        #expect(node.held.verdicts.count > 0)
    }

    @Test("a receipt is ordered when the op is durable, not before, and again when it is asked for again")
    func receiptsAfterDurable() {
        let node = TestNode(RuledWorld.dna)
        node.holdsBack = true
        let alice = chain(1)
        node.receive(alice.ops, from: 3, receipts: true)
        #expect(node.receipts.isEmpty && node.announced.isEmpty)
        node.failStoring()
        #expect(node.receipts.isEmpty && node.announced.isEmpty)
        node.tick(after: 3_000_000)
        node.storeAll()
        #expect(node.receipts.count == alice.ops.count)
        #expect(node.announced == Set(alice.ops.map(\.hash)))
        #expect(node.receipts.allSatisfy { $0.peer == 3 && $0.author == alice.agent.key && $0.status == .valid })
        node.receive([alice.ops[2]], from: 5, receipts: true)
        #expect(node.receipts.last?.peer == 5)
        #expect(node.receipts.count == alice.ops.count + 1)
        node.receive(alice.ops, from: 5)
        #expect(node.receipts.count == alice.ops.count + 1)
    }

    @Test("a rejected op has a receipt that says so, and its reason is kept")
    func rejectedReceipt() throws {
        let node = TestNode(RuledWorld.dna)
        var alice = chain(1)
        let entry = Self.text("")
        alice.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        node.receive(alice.ops, receipts: true)
        let rejected = node.receipts.filter { $0.status == .rejected }
        #expect(rejected.count == 2, "CreateRecord and CreateEntry; the step of the chain is valid")
        for order in rejected { #expect(node.held.verdicts[order.op]?.contains("must not be empty") == true) }
        #expect(node.announced.isDisjoint(with: rejected.map(\.op)))
    }

    @Test("each action's signature is verified once, however many of its ops come")
    func oneVerification() {
        let alice = chain(1)
        var ops = alice.ops
        // A second op of the action with another signature is looked at for itself.
        ops[1].signature = Signature(Bytes64())
        let results = ArrivalChecks.check(ArrivedOp.named(ops.map { .chainOp($0) }))
        var bad = 0
        for result in results { if case .fault(.badSignature, _) = result { bad += 1 } }
        #expect(bad == 1)
    }

    // MARK: Modules

    private func judged(_ outcomes: [JudgeOutcome]) -> (node: TestNode, runs: [JudgeRun], op: ChainOp) {
        let node = TestNode(RuledWorld.dna, modules: true)
        var runs: [JudgeRun] = []
        let alice = chain(1)
        guard let op = alice.ops.last(where: { $0.type == .createRecord }) else { return (node, [], alice.ops[0]) }
        node.modules = { request, _ in
            guard request.ticket == op.hash else { return .valid }
            runs.append(request.run)
            return runs.count <= outcomes.count ? outcomes[runs.count - 1] : .valid
        }
        node.receive(alice.ops)
        return (node, runs, op)
    }

    @Test("what one process rejects is rejected when two fresh ones agree")
    func twoFreshProcesses() {
        let (node, runs, op) = judged([.invalid("no"), .invalid("no!"), .invalid("no?")])
        #expect(runs == [.shared, .fresh, .fresh])
        #expect(node.held.verdicts[op.hash] == "rejected: no")
        #expect(node.charges.count == 1)
    }

    @Test("a validator that says now this, now that, gives no verdict and no warrant")
    func notDeterministic() {
        for outcomes in [[JudgeOutcome.invalid("no"), .valid], [.invalid("no"), .invalid("no"), .valid]] {
            let (node, _, op) = judged(outcomes)
            guard case .unvalidatable(let code, _)? = node.pipeline.step(of: op.hash) else {
                Issue.record("it has a verdict")
                continue
            }
            #expect(code == .validatorNotDeterministic)
            #expect(node.held.verdicts[op.hash] == nil && node.charges.isEmpty)
            #expect(node.held.parked[op.hash] != nil)
        }
    }

    @Test("a validator that traps is tried once more, then the op is set aside until other modules are there")
    func traps() {
        let (node, runs, op) = judged([.failed("it trapped"), .failed("it trapped again")])
        #expect(runs == [.shared, .fresh])
        #expect(node.pipeline.step(of: op.hash) == .unvalidatable(.unvalidatable, "it trapped again"))
        #expect(node.held.verdicts[op.hash] == nil && node.charges.isEmpty)
        node.run(node.pipeline.modulesChanged(held: node.held, now: node.now))
        #expect(node.held.verdicts[op.hash] == "valid")
        #expect(node.held.parked[op.hash] == nil)
        let (second, _, other) = judged([.failed("it trapped"), .valid])
        #expect(second.held.verdicts[other.hash] == "valid")
    }

    @Test("a validator that lacks something is asked again when it is here, and never in a circle")
    func unresolved() {
        let node = TestNode(RuledWorld.dna, modules: true)
        let alice = chain(1)
        let bob = chain(2)
        var asked = 0
        let needed = bob.records[3].hash
        guard let op = alice.ops.last(where: { $0.type == .createRecord }) else { return }
        node.modules = { request, holds in
            guard request.ticket == op.hash else { return .valid }
            asked += 1
            return holds(needed) && asked > 3 ? .valid : .unresolved([.action(needed)])
        }
        node.receive(alice.ops)
        #expect(node.pipeline.step(of: op.hash) == .waiting([.action(needed)]))
        node.receive(bob.ops)
        let before = asked
        #expect(before < 10)
        for _ in 0..<6 { node.tick(after: 3_000_000) }
        #expect(node.held.verdicts[op.hash] == "valid")
    }

    @Test("parked ops are kept across restarts with the time since which they wait")
    func restarts() throws {
        let node = TestNode(RuledWorld.dna)
        node.asksPeers = false
        let alice = chain(1)
        let op = try #require(alice.ops.last { $0.type == .agentActivity })
        node.receive([op])
        #expect(node.held.parked.isEmpty, "what comes soon is not written down")
        node.tick(after: 3_000_000)
        let parked = try #require(node.held.parked[op.hash])
        let next = TestNode(RuledWorld.dna)
        next.universe = alice.records
        next.now = node.now
        next.run(next.pipeline.restore([parked], held: next.held, now: next.now))
        #expect(next.pipeline.inWork(limit: 1).first?.since == parked.since)
        next.settle()
        #expect(next.held.verdicts[op.hash] == "valid")
    }
}
