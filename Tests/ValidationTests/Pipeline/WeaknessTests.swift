import Integrity
import Sodium
import Testing

@testable import Validation

/// Weaknesses of other implementations that have names, each shown absent (docs/spec/validation.md §7–9).
@Suite("known weaknesses")
struct WeaknessTests {
    private static let note = RuledWorld.type("note")

    private static func text(_ text: String) -> Entry {
        .app(MessagePackValue.map([MessagePackValue.Pair("text", .string(text))]).packed)
    }

    private func chain(_ n: UInt8, notes: [String] = ["one"]) -> TestChain {
        var chain = TestChain(TestAgent(n), dna: RuledWorld.dnaHash)
        for note in notes {
            let entry = Self.text(note)
            chain.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        }
        return chain
    }

    private func node() -> TestNode {
        let node = TestNode(RuledWorld.dna)
        node.makesWarrants = true
        return node
    }

    private func signed(
        _ made: (warrant: Warrant, evidence: WarrantEvidence), by agent: TestAgent
    ) -> SignedWarrant {
        SignedWarrant(
            warrant: made.warrant, signature: agent.sign(made.warrant.signedBytes), evidence: made.evidence)
    }

    // MARK: Warrants

    @Test("a fork warrant that names one action twice is not believed, and its sender is told")
    func forkOfOneAction() {
        let node = node()
        let alice = chain(1)
        node.receive(alice.ops)
        let action = alice.records[3].signedAction
        let mallory = TestAgent(66)
        let made = Warrant.fork(action, action, author: mallory.key, now: node.now)
        node.receive([.warrant(signed(made, by: mallory))])
        #expect(node.blocked.isEmpty)
        #expect(node.held.warrants.isEmpty)
        #expect(node.faults == [.badWarrant("a fork of one action with itself")])
        node.receive(chain(1, notes: ["one", "two"]).ops)
        #expect(node.held.verdicts.values.filter { $0 == "valid" }.count == chain(1, notes: ["one", "two"]).ops.count)
    }

    @Test("a fork warrant needs both signatures, one author and one place")
    func forgedForks() throws {
        let mallory = TestAgent(66)
        let (alice, bob) = (chain(1, notes: ["one", "two"]), chain(2))
        let one = alice.records[3].signedAction
        // Signed by somebody else in Alice's name.
        var forged = alice.next(.initZomesComplete)
        forged.header.actionSeq = one.action.actionSeq
        forged.header.prevAction = one.action.prevAction
        let false1 = SignedAction(action: forged, signature: mallory.sign(forged.packed))
        let others = [false1, alice.records[4].signedAction, bob.records[3].signedAction]
        for other in others {
            let node = node()
            node.receive(alice.ops + bob.ops)
            node.receive([.warrant(signed(Warrant.fork(one, other, author: mallory.key, now: node.now), by: mallory))])
            #expect(node.blocked.isEmpty)
            #expect(node.held.warrants.isEmpty)
            #expect(node.faults.count == 1)
        }
    }

    @Test("a real fork is found, charged with both actions, and the charge convinces others by itself")
    func realFork() throws {
        let honest = chain(1)
        var (left, right) = (honest, honest)
        let (one, two) = (Self.text("left"), Self.text("right"))
        left.add(.create(entryType: Self.note, entryHash: one.hash), one)
        right.add(.create(entryType: Self.note, entryHash: two.hash), two)
        let node = node()
        node.receive(left.ops)
        #expect(node.charges.isEmpty)
        node.receive(right.ops)
        let warrant = try #require(node.charges.first)
        #expect(node.charges.count == 1)
        #expect(node.blocked == [honest.agent.key])
        #expect(node.held.warrants[warrant.warrant.hash] == .valid)
        // Both actions stay.
        #expect(node.held.actions(of: honest.agent.key, at: 4).count == 2)
        // One that has seen nothing but the warrant asks for the chain, and believes it.
        let other = self.node()
        other.universe = honest.records.map(\.sent)
        other.receive([.warrant(warrant)])
        other.settle()
        #expect(other.blocked == [honest.agent.key])
        // Later ops are refused, and shown.
        right.add(.initZomesComplete)
        other.receive(right.ops)
        #expect(other.dropped.contains { $0.1 == .refusedAuthor })
        #expect(other.held.verdicts[right.ops.last?.hash ?? warrant.warrant.hash] == nil)
    }

    @Test("a fork whose two sides come at once, neither stored yet, is found as well")
    func forkAtOnce() {
        let node = node()
        node.holdsBack = true
        var (left, right) = (chain(1), chain(1))
        left.add(.initZomesComplete)
        right.add(.openChain(.dna(RuledWorld.dnaHash), right.last.hash))
        node.receive(left.ops)
        node.receive(right.ops)
        node.storeAll()
        node.storeAll()
        #expect(node.charges.count == 1)
        #expect(node.blocked == [left.agent.key])
        #expect(node.pipeline.unstored.isEmpty)
    }

    @Test("chains of the same key in another space are no evidence in this one")
    func otherSpaces() throws {
        let alice = TestAgent(1)
        let elsewhere = TestChain(alice, dna: DnaHash(core: Bytes32(repeating: 9)))
        var (left, right) = (elsewhere, elsewhere)
        left.add(.initZomesComplete)
        right.add(.openChain(.dna(RuledWorld.dnaHash), left.last.hash))
        let mallory = TestAgent(66)
        let forks = [
            (left.records[3].signedAction, right.records[3].signedAction),
            (elsewhere.records[0].signedAction, chain(1).records[0].signedAction),
        ]
        for (one, two) in forks {
            let node = node()
            node.universe = (left.records + right.records + chain(1).records).map(\.sent)
            node.receive([.warrant(signed(Warrant.fork(one, two, author: mallory.key, now: node.now), by: mallory))])
            node.settle()
            #expect(node.blocked.isEmpty)
            #expect(node.held.warrants.values.allSatisfy { $0 == .rejected })
        }
        // An op of there that breaks a rule of here.
        var broken = elsewhere
        let entry = Self.text("")
        broken.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        let node = node()
        node.universe = broken.records.map(\.sent)
        node.receive(broken.ops)
        node.settle()
        #expect(node.charges.isEmpty)
        #expect(node.blocked.isEmpty)
    }

    @Test(
        "ops of a chain that is seen to be of another space are let go, in whatever order they come, and nobody is blamed"
    )
    func foreignOps() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chain = TestChain(TestAgent(1), dna: DnaHash(core: Bytes32(repeating: 9)))
        for number in 0..<5 {
            let entry = Self.text("note \(number)")
            chain.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        }
        // The same key has a chain here, too.
        let own = self.chain(1, notes: ["here"])
        for round in 0..<20 {
            var random = RuleDice(seed &+ UInt64(round))
            let node = node()
            var ops = chain.ops + own.ops
            ops.shuffle(using: &random)
            node.receive(ops)
            node.settle()
            #expect(Set(node.held.verdicts.keys) == Set(own.ops.map(\.hash)), "seed \(seed), round \(round)")
            #expect(node.held.verdicts.values.allSatisfy { $0 == "valid" })
            #expect(Set(node.refusedOps) == Set(chain.ops.map(\.hash)), "seed \(seed), round \(round)")
            #expect(node.faults.isEmpty && node.charges.isEmpty && node.blocked.isEmpty)
        }
    }

    @Test("a warrant for a valid op blocks nobody, and counts against who made it")
    func falseWarrant() throws {
        let node = node()
        let alice = chain(1, notes: ["a", "b", "c"])
        node.receive(alice.ops)
        let mallory = TestAgent(66)
        let ops = ArrivalChecks.check(ArrivedOp.named(alice.ops.map { .chainOp($0) })).compactMap {
            check -> CheckedOp? in
            if case .op(let op) = check { return op }
            return nil
        }
        for (index, op) in ops.filter({ $0.type == .createRecord }).suffix(3).enumerated() {
            let made = Warrant.invalid(op, reason: "I do not like it", author: mallory.key, now: node.now)
            node.receive([.warrant(signed(made, by: mallory))])
            #expect(node.held.warrants[made.warrant.hash] == .rejected)
            #expect(node.faults.count == index + 1)
        }
        #expect(node.blocked == [mallory.key])
    }

    @Test("a warrant for an invalid op is judged again by whoever receives it, and then believed")
    func trueWarrant() throws {
        var alice = chain(1)
        let entry = Self.text("")
        alice.add(.create(entryType: Self.note, entryHash: entry.hash), entry)
        let node = node()
        node.receive(alice.ops)
        let warrant = try #require(node.charges.first)
        #expect(node.blocked == [alice.agent.key])
        #expect(node.held.verdicts.values.contains { $0.contains("`text`") && $0.contains("rule") })
        let other = self.node()
        other.universe = alice.records.map(\.sent)
        other.receive([.warrant(warrant)])
        #expect(other.blocked.isEmpty, "not before the chain is known to be of this space")
        other.settle()
        #expect(other.blocked == [alice.agent.key])
        // With evidence that is something else it is nothing.
        var altered = warrant
        altered.evidence = .op(alice.ops[0])
        let third = self.node()
        third.receive([.warrant(altered)])
        third.settle()
        #expect(third.blocked.isEmpty && third.faults.count == 1)
    }

    // MARK: What a sender can do to an op

    @Test("one bad op of a batch is dropped alone, and its sender scored")
    func oneBadOp() {
        let node = node()
        var ops = chain(1, notes: ["a", "b", "c"]).ops
        let count = ops.count
        ops[4].signature = Signature(Bytes64())
        ops[7].entry = .present(Self.text("not this one"))
        node.receive(ops)
        #expect(node.held.verdicts.count == count - 2)
        #expect(node.faults.count == 2)
        #expect(node.faults.contains(.badSignature))
        #expect(node.charges.isEmpty, "what a sender does to an op is no deed of its author")
        // The same ops as they are.
        node.receive(chain(1, notes: ["a", "b", "c"]).ops)
        #expect(node.held.verdicts.count == count)
    }

    @Test("an entry beside an op that is not its action's is never held against its author")
    func otherEntries() {
        let alice = chain(1)
        let op = alice.ops.first { $0.type == .createEntry && $0.action.entryType == Self.note }
        guard let op, let hash = op.action.entryHash else { return }
        // Any hash could be passed off as an agent's key.
        for entry in [Self.text("other"), .agent(hash.agent), .counterSign(session: [0xC0], bytes: [1])] {
            let node = node()
            var changed = op
            changed.entry = .present(entry)
            node.receive([changed])
            #expect(node.held.verdicts.isEmpty)
            #expect(node.faults.count == 1)
            #expect(node.charges.isEmpty && node.blocked.isEmpty)
        }
    }

    @Test("a private entry that comes over the network is dropped with its op, and told")
    func privateEntries() {
        let node = node()
        var alice = chain(1)
        let secret = Entry.app(MessagePackValue.map([MessagePackValue.Pair("day", .int(1))]).packed)
        alice.add(.create(entryType: RuledWorld.type("diary"), entryHash: secret.hash), secret)
        var ops = alice.ops
        let place = ops.lastIndex { $0.type == .createRecord } ?? 0
        ops[place].entry = .present(secret)
        node.receive(ops)
        #expect(node.faults == [.privateEntry])
        #expect(node.held.entry(secret.hash) == nil)
        // Nor with a record that was asked for.
        let other = self.node()
        var next = chain(2)
        next.add(.delete(deletesAction: alice.last.hash, deletesEntry: secret.hash))
        other.receive(next.ops)
        other.arrived([alice.records[alice.records.count - 1]])
        #expect(other.faults == [.privateEntry])
        #expect(other.held.entry(secret.hash) == nil)
        #expect(other.held.action(alice.last.hash) != nil, "the action is as good without it")
    }

    @Test("nobody closes another's chain in favour of a key of their own")
    func foreignClose() {
        let node = node()
        let (alice, mallory) = (chain(1), TestAgent(66))
        node.receive(alice.ops)
        let close = alice.next(.closeChain(.agent(mallory.key)))
        node.receive([ChainOp(type: .agentActivity, action: close, signature: mallory.sign(close.packed))])
        #expect(node.faults.count == 1)
        #expect(node.held.action(close.hash) == nil)
    }

    @Test("a key is announced by its agent alone")
    func foreignKey() {
        let node = node()
        var alice = TestChain(TestAgent(1), dna: RuledWorld.dnaHash)
        alice = TestChain(TestAgent(1), dna: RuledWorld.dnaHash)
        alice.add(.agentValidationPkg(membraneProof: nil))
        let bob = TestAgent(2).key
        alice.add(.create(entryType: .agentPubKey, entryHash: bob.entryHash), .agent(bob))
        node.receive(alice.ops)
        let op = alice.ops.first { $0.type == .createEntry && $0.action.entryHash == bob.entryHash }
        #expect(node.held.verdicts[op?.hash ?? alice.ops[0].hash]?.contains("rule 33") == true)
    }

    // MARK: Fetched data

    @Test("data that nobody asked for is not taken, not even when it is good")
    func unsolicited() {
        let node = node()
        let alice = chain(1)
        node.arrived(alice.records.map(\.sent))
        #expect(node.held.actions.isEmpty)
        #expect(node.faults == alice.records.map { _ in .unsolicited })
        #expect(node.checkedActions == 0)
    }

    @Test("what was asked for is taken with the chain behind it, if there is no gap")
    func chainBehind() throws {
        let node = node()
        let alice = chain(1, notes: ["a", "b", "c"])
        let op = try #require(alice.ops.last { $0.type == .agentActivity })
        node.receive([op])
        let records = alice.records.map(\.sent)
        node.arrived([records[4], records[3], records[1]])
        #expect(node.held.action(records[4].hash) != nil && node.held.action(records[3].hash) != nil)
        #expect(node.held.action(records[1].hash) == nil)
        #expect(node.faults == [.unsolicited])
    }

    @Test("who answers is not blamed when what was asked for came another way meanwhile, nor for the chain behind it")
    func answeredLate() throws {
        let node = node()
        let alice = chain(1, notes: ["a", "b"])
        node.receive(alice.ops)
        let (verdicts, actions) = (node.held.verdicts, node.held.actions.count)
        let records = alice.records.map(\.sent)
        let asked = AnyDhtHash.action(records[4].hash)
        node.arrived([records[4], records[3], records[2]], asked: [asked])
        #expect(node.faults.isEmpty)
        #expect(node.held.verdicts == verdicts && node.held.actions.count == actions)
        // A gap is another matter, and so is what stands before what was asked for.
        node.arrived([records[4], records[1]], asked: [asked])
        node.arrived([records[3], records[4]], asked: [asked])
        #expect(node.faults == [.unsolicited, .unsolicited])
    }

    @Test("activity is believed by hash, author and signature, never because somebody sent it")
    func unverifiedActivity() throws {
        let alice = chain(1, notes: ["a", "b"])
        let op = try #require(alice.ops.last { $0.type == .agentActivity })
        let mallory = TestAgent(66)
        let wanted = alice.records[3].sent
        var otherSignature = wanted
        otherSignature.signedAction.signature = mallory.sign(wanted.action.packed)
        var otherContent = wanted
        otherContent.signedAction.action.header.timestamp = Timestamp(microseconds: 1)
        for (forged, fault) in [(otherSignature, PeerFault.badSignature), (otherContent, nil)] {
            let node = node()
            node.receive([op])
            node.arrived([forged])
            #expect(node.held.actions.isEmpty)
            #expect(node.held.verdicts.isEmpty)
            #expect(node.faults.count == 1)
            if let fault { #expect(node.faults == [fault]) }
            // The true one does.
            node.arrived([wanted])
            #expect(node.held.verdicts[op.hash] == "valid")
        }
    }
}
