import Chain
import Integrity
import Testing

@Suite("the scratch of a call")
struct ScratchTests {
    private let me = testAgent(1)
    private let dna = DnaHash(hashing: [1])

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    @Test("genesis is Dna, AgentValidationPkg and the agent's key, linked from the first action on")
    func genesis() throws {
        let scratch = try Genesis.scratch(dna: dna, agent: me, membraneProof: [9], now: time(100))
        let data = scratch.actions.map(\.action.data)
        let expected: [ActionData] = [
            .dna(dna), .agentValidationPkg(membraneProof: [9]),
            .create(entryType: .agentPubKey, entryHash: me.entryHash),
        ]
        #expect(data == expected)
        #expect(scratch.actions.map(\.action.actionSeq) == [0, 1, 2])
        #expect(scratch.actions.map(\.action.prevAction) == [nil, scratch.actions[0].hash, scratch.actions[1].hash])
        #expect(scratch.actions[2].entry == .agent(me))
        #expect(scratch.actions.count == Int(Genesis.actionCount))
    }

    @Test("init ends with InitZomesComplete after what the callbacks wrote")
    func completeInit() throws {
        var scratch = Scratch(author: me, head: testHead(1, seq: 2))
        try scratch.create(noteType, note("first"), now: time(5))
        try Genesis.completeInit(&scratch, now: time(6))
        #expect(scratch.actions.last?.action.data == .initZomesComplete)
        #expect(scratch.head?.seq == 4)
    }

    @Test("an action's time is now, or one microsecond after the one before where the clock stood still or went back")
    func clock() throws {
        let head = ChainHead(hash: testActionHash(1), seq: 2, timestamp: time(1_000))
        var scratch = Scratch(author: me, head: head)
        for now in [5_000, 5_000, 10, 6_000] as [Int64] { try scratch.append(.initZomesComplete, now: time(now)) }
        #expect(scratch.actions.map(\.action.timestamp.microseconds) == [5_000, 5_001, 5_002, 6_000])
        #expect(scratch.actions.first?.action.prevAction == head.hash)
        #expect(
            scratch.head
                == scratch.actions.last.map {
                    ChainHead(hash: $0.hash, seq: 6, timestamp: time(6_000))
                })
    }

    @Test("bytes and hashes are those of the action and the entry themselves")
    func bytes() throws {
        var scratch = Scratch(author: me, head: testHead(1, seq: 2))
        let hash = try scratch.create(noteType, note("hello"), now: time(1))
        let pending = try #require(scratch.action(hash))
        #expect(pending.actionBytes == pending.action.packed && pending.hash == pending.action.hash)
        #expect(pending.entryBytes == note("hello").packed)
        #expect(pending.action.entryHash == note("hello").hash)
        #expect(scratch.byteCount == pending.actionBytes.count + note("hello").packed.count)
    }

    @Test("what was written is read back: entries, updates, deletes, links")
    func overlay() throws {
        var scratch = Scratch(author: me, head: testHead(1, seq: 2))
        #expect(scratch.isEmpty && scratch.head == testHead(1, seq: 2))
        let first = try scratch.create(noteType, note("a"), now: time(1))
        let second = try scratch.update(first, originalEntry: note("a").hash, noteType, note("b"), now: time(2))
        let removal = try scratch.delete(first, entry: note("a").hash, now: time(3))
        let base = AnyLinkableHash(me)
        let add = try scratch.createLink(
            base: base, target: .action(first), zomeIndex: 0, linkType: 1, tag: [1, 2], now: time(4))
        try scratch.deleteLink(add, base: base, now: time(5))
        #expect(scratch.entry(note("b").hash) == note("b") && scratch.entry(note("c").hash) == nil)
        #expect(scratch.updates(of: first).map(\.hash) == [second])
        #expect(scratch.deletes(of: first).map(\.hash) == [removal] && scratch.isDeleted(first))
        #expect(scratch.creates(of: note("a").hash).map(\.hash) == [first])
        #expect(scratch.links(on: base).map(\.createLinkHash) == [add] && scratch.isLinkDeleted(add))
        #expect(scratch.linkDeleteCount == 1 && !scratch.isDeleted(second))
        #expect(scratch.actions.count == 5)
    }

    @Test("records carry a signature each, made once")
    func signing() throws {
        var scratch = Scratch(author: me, head: testHead(1, seq: 2))
        let first = try scratch.create(noteType, note("a"), now: time(1))
        #expect(scratch.record(first) == nil)
        var signed: [[UInt8]] = []
        func sign(_ bytes: [UInt8]) -> Signature {
            signed.append(bytes)
            return testSignature
        }
        scratch.sign(sign)
        try scratch.append(.initZomesComplete, now: time(2))
        scratch.sign(sign)
        #expect(signed == scratch.actions.map(\.actionBytes))
        #expect(scratch.record(first)?.entry == .present(note("a")))
        #expect(scratch.actions.last?.record?.entry == .notApplicable)
    }

    @Test("a call that would commit too many actions or bytes is stopped, and what it wrote stays")
    func bounds() throws {
        var many = Scratch(author: me, head: testHead(1, seq: 2))
        for _ in 0..<Limits.actionsPerCall { try many.append(.initZomesComplete, now: time(1)) }
        #expect(code { _ = try many.append(.initZomesComplete, now: time(1)) } == .tooManyWrites)
        #expect(many.actions.count == Limits.actionsPerCall)

        var large = Scratch(author: me, head: testHead(1, seq: 2))
        let entry = Entry.app(Array(repeating: 0, count: Limits.bytesPerCall / 2))
        try large.create(noteType, entry, now: time(1))
        #expect(code { try large.create(noteType, entry, now: time(1)) } == .tooLarge)
        #expect(large.actions.count == 1)
    }

    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }
}
