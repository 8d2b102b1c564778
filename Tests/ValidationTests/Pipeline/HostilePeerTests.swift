import Integrity
import Sodium
import Testing

@testable import Validation

/// What a peer could do to a node, or a node to an honest peer, with ops, records and answers that are each well made (docs/spec/validation.md §7).
@Suite("well-made things in bad hands")
struct HostilePeerTests {
    private static let dna = World.dna
    private static let dnaHash = World.rules.dnaHash

    /// A chain with notes.
    private static func chain(_ n: UInt8, notes: [String] = []) -> TestChain {
        var chain = TestChain(TestAgent(n), dna: dnaHash)
        for note in notes {
            let entry = World.text(note)
            chain.add(.create(entryType: World.type("note"), entryHash: entry.hash), entry)
        }
        return chain
    }

    private static func link(_ type: String, _ base: AnyLinkableHash, _ target: AnyLinkableHash) -> ActionData {
        let indexes = dna.integrity.linkIndexes(named: type) ?? (0, 99)
        return .createLink(
            base: base, target: target, zomeIndex: indexes.zomeIndex, linkType: indexes.linkType, tag: [])
    }

    private static func node() -> TestNode {
        let node = TestNode(dna)
        node.makesWarrants = true
        return node
    }

    // MARK: Hashes passed off as keys

    /// Bob's note; what Mallory says of it: that its hash is a key; Alice's links, of which the first is good and the second is not.
    private struct PassedOff {
        let note = World.text("a note")
        var bob = HostilePeerTests.chain(2, notes: ["a note"])
        var mallory = HostilePeerTests.chain(66)
        var alice = HostilePeerTests.chain(1)
        let good: DhtOpHash
        let bad: DhtOpHash

        init() throws {
            let key = try #require(EntryHash(core: note.hash.core).agent as AgentPubKey?)
            mallory.add(.create(entryType: .agentPubKey, entryHash: note.hash), .agent(key))
            let me = AnyLinkableHash(alice.agent.key)
            alice.add(HostilePeerTests.link("inbox", me, .entry(note.hash)))
            alice.add(HostilePeerTests.link("inbox", .entry(note.hash), .entry(note.hash)))
            let links = alice.ops.filter { $0.type == .createLink }
            (good, bad) = (links[0].hash, links[1].hash)
        }

        var lie: Record { mallory.records[3].sent }
    }

    @Test("no entry is passed off as an agent's key by an op that is in the works beside those it would decide")
    func passedOffInTheWorks() throws {
        let scene = try PassedOff()
        for lies in [scene.mallory.ops, Array(scene.mallory.ops.suffix(3)), [scene.mallory.ops.last].compactMap { $0 }]
        {
            let node = Self.node()
            node.universe = scene.bob.records.map(\.sent)
            node.receive(lies + scene.alice.ops)
            node.settle()
            #expect(node.held.verdicts[scene.good] == "valid")
            #expect(node.held.verdicts[scene.bad]?.contains("rule 25") == true)
            #expect(node.held.entry(scene.note.hash) == scene.note)
        }
    }

    @Test("nor by a record that a member answers with")
    func passedOffRecord() throws {
        let scene = try PassedOff()
        let node = Self.node()
        node.universe = [scene.lie]
        node.receive(scene.alice.ops)
        node.settle()
        #expect(node.held.verdicts[scene.good] == nil)
        #expect(node.held.entry(scene.note.hash) == nil)
        #expect(node.faults.contains(.malformed("another agent's key than its author's")))
        #expect(node.charges.isEmpty)
        node.universe = scene.bob.records.map(\.sent)
        node.tick(after: 700_000_000)
        node.settle()
        #expect(node.held.verdicts[scene.good] == "valid")
        #expect(node.held.entry(scene.note.hash) == scene.note)
    }

    @Test("what is in the works under a hash is not taken away by what was never shown under it")
    func passedOffUses() throws {
        let scene = try PassedOff()
        let (true1, lie) = (scene.bob.records[3], scene.lie)
        var staged = StagedContent()
        staged.hold(lie.signedAction, lie.entry.entry)
        #expect(staged.entry(scene.note.hash) == nil)
        staged.hold(true1.signedAction, true1.entry.entry)
        #expect(staged.entry(scene.note.hash) == scene.note)
        staged.release(lie.signedAction, lie.entry.entry)
        #expect(staged.entry(scene.note.hash) == scene.note)
        staged.release(true1.signedAction, true1.entry.entry)
        #expect(staged.entry(scene.note.hash) == nil)
    }

    // MARK: Answers

    @Test("who answers after others did, with the chain behind, has done nothing that they should not")
    func lateAnswers() throws {
        let node = Self.node()
        node.asksPeers = false
        let alice = Self.chain(1, notes: (0..<40).map { "note \($0)" })
        node.receive([try #require(alice.ops.last { $0.type == .agentActivity })])
        node.tick(after: 300_000)
        let asked = node.questions
        let answer = Array(alice.records.map(\.sent).reversed().dropFirst().prefix(33))
        #expect(asked == [.action(answer[0].hash)])
        for peer: PeerTag in [21, 22, 23] { node.arrived(answer, from: peer, asked: asked) }
        #expect(node.faults.isEmpty)
        #expect(node.held.action(answer[32].hash) != nil)
        // What is neither asked for nor behind it is told of as before, and so is what is behind a gap.
        let bob = Self.chain(2, notes: ["one"]).records.map(\.sent)
        node.arrived(bob, from: 22, asked: asked)
        #expect(node.faults == bob.map { _ in .unsolicited })
        node.arrived([answer[0], answer[2]], from: 22, asked: asked)
        node.arrived(answer, from: 22)
        #expect(node.faults.count == bob.count + 1 + answer.count)
    }
}
