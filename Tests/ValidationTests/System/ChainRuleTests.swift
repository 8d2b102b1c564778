import Integrity
import Testing
import Validation

@Suite("rules 1–8: an action's place in its chain")
struct ChainRuleTests {
    private let world: World

    init() throws { world = try World() }

    private var plain: Action { world.next(.initZomesComplete) }

    @Test("a genesis chain and what follows it are valid")
    func valid() throws {
        for action in world.held.actions.values {
            let entry = action.entryHash.flatMap { world.held.entries[$0] }
            #expect(try world.check(action, entry) == .valid)
        }
        #expect(try world.check(plain) == .valid)
    }

    @Test("1: only the DNA action begins a chain, and it stands nowhere else")
    func first() throws {
        #expect(try world.broken(world.next(.dna(World.rules.dnaHash))) == 1)
        #expect(try world.broken(plain.changed { $0.header.prevAction = nil }) == 1)
        #expect(try world.broken(plain.changed { $0.header.actionSeq = 0 }) == 1)
        let begin = Action(
            header: ActionHeader(
                author: world.alice.key, timestamp: Timestamp(microseconds: 1), actionSeq: 0, prevAction: nil),
            data: .dna(World.rules.dnaHash))
        #expect(try world.check(begin) == .valid)
        #expect(try world.broken(begin.changed { $0.data = .initZomesComplete }) == 1)
        #expect(try world.broken(begin.changed { $0.header.actionSeq = 1 }) == 1)
    }

    @Test("2: the DNA is that of the space")
    func dna() throws {
        let foreign = Action(
            header: ActionHeader(
                author: world.alice.key, timestamp: Timestamp(microseconds: 1), actionSeq: 0, prevAction: nil),
            data: .dna(DnaHash(hashing: [9])))
        #expect(try world.broken(foreign) == 2)
    }

    @Test("3: without the previous action there is no verdict yet")
    func previous() throws {
        let unknown = ActionHash(hashing: [7])
        let action = plain.changed { $0.header.prevAction = unknown }
        #expect(try world.check(action) == .missing([.action(unknown)]))
    }

    @Test("4: nobody continues another's chain")
    func author() throws {
        #expect(try world.broken(plain.changed { $0.header.author = world.bob.key }) == 4)
    }

    @Test("5: time does not go back; it may stand still")
    func time() throws {
        let same = plain.changed { $0.header.timestamp = world.head.timestamp }
        #expect(try world.check(same) == .valid)
        let back = plain.changed { $0.header.timestamp = world.head.timestamp.advanced(byMicroseconds: -1) }
        #expect(try world.broken(back) == 5)
    }

    @Test("6: numbers go up by one")
    func sequence() throws {
        for wrong in [world.head.seq, world.head.seq + 2, .max] {
            #expect(try world.broken(plain.changed { $0.header.actionSeq = wrong }) == 6)
        }
        var world = world
        let last = plain.changed { $0.header.actionSeq = .max }
        world.held.hold(last)
        #expect(try world.broken(plain.changed { $0.header.prevAction = last.hash }) == 6)
    }

    @Test("7: the membrane proof and the agent's key stand together")
    func membrane() throws {
        var world = world
        #expect(
            try world.broken(
                world.next(.create(entryType: .agentPubKey, entryHash: world.alice.key.entryHash)),
                .agent(world.alice.key)) == 7)
        let proof = world.next(.agentValidationPkg(membraneProof: nil))
        world.held.hold(proof)
        let after = plain.changed {
            $0.header.prevAction = proof.hash
            $0.header.actionSeq = proof.actionSeq + 1
        }
        #expect(try world.broken(after) == 7)
        let key = after.changed { $0.data = .create(entryType: .agentPubKey, entryHash: world.alice.key.entryHash) }
        #expect(try world.check(key, .agent(world.alice.key)) == .valid)
    }

    @Test("8: nothing follows the closing of a chain")
    func closed() throws {
        var world = world
        let close = world.next(.closeChain(nil))
        #expect(try world.check(close) == .valid)
        world.held.hold(close)
        let after = plain.changed {
            $0.header.prevAction = close.hash
            $0.header.actionSeq = close.actionSeq + 1
        }
        #expect(try world.broken(after) == 8)
    }
}
