import Chain
import Integrity
import Testing

@Suite("chains of agents through scratch and store")
struct ActivityTests {
    private let me = testAgent(1)

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    /// Genesis at 1…3, notes at 10, 20, … 60: the last two in the scratch.
    private func chain() throws -> (view: CascadeView<MemoryChain>, head: ChainHead, hashes: [ActionHash]) {
        var stored = MemoryChain()
        var first = try Genesis.scratch(dna: DnaHash(hashing: [1]), agent: me, membraneProof: nil, now: time(1))
        for n in 1...4 as ClosedRange<Int64> { try first.create(noteType, note("\(n)"), now: time(n * 10)) }
        first.sign { _ in testSignature }
        stored.commit(first)
        var scratch = Scratch(author: me, head: first.head)
        for n in 5...6 as ClosedRange<Int64> { try scratch.create(noteType, note("\(n)"), now: time(n * 10)) }
        scratch.sign { _ in testSignature }
        return (
            CascadeView(layers: [scratch], stored: stored), try #require(scratch.head),
            first.actions.map(\.hash) + scratch.actions.map(\.hash)
        )
    }

    @Test("a chain that nobody holds is empty; the own one ends with the call's writes; one that was closed is closed")
    func status() throws {
        let (view, head, hashes) = try chain()
        #expect(try view.activity(of: testAgent(7), ChainFilter(), head: nil) == AgentActivity(status: .empty))
        let own = try view.activity(of: me, ChainFilter(entryTypes: [noteType], descending: true, limit: 3), head: head)
        #expect(own.status == .valid(ActivityPlace(seq: 8, hash: hashes[8])))
        #expect(own.valid.map(\.seq) == [8, 7, 6] && own.valid.map(\.hash) == hashes[6...].reversed())
        #expect(own.highestObserved == HighestObserved(seq: 8, hashes: [hashes[8]]) && own.rejected.isEmpty)
        // Somebody else's view of the same chain: what is stored.
        let theirs = try view.activity(of: me, ChainFilter(), head: nil)
        #expect(theirs.status == .valid(ActivityPlace(seq: 6, hash: hashes[6])) && theirs.valid.count == 7)
        #expect(try view.activity(of: me, nil, head: head).valid.isEmpty)
        var last = Scratch(author: me, head: head)
        let closing = try last.append(.closeChain(nil), now: time(70))
        last.sign { _ in testSignature }
        let closed = CascadeView(layers: view.layers + [last], stored: view.stored)
        #expect(
            try closed.activity(of: me, nil, head: last.head).status == .closed(ActivityPlace(seq: 9, hash: closing)))
        for status in [ChainStatus.empty, .forked(seq: 3, first: hashes[0], second: hashes[1]), own.status] {
            #expect(try ChainStatus(packed: status.packed) == status)
        }
    }

    @Test("what must be there: to genesis, so many, until a time, until an action; newest first, without a gap")
    func mustGet() throws {
        let (view, _, hashes) = try chain()
        func seqs(_ limit: ActivityLimit, top: Int = 8) throws -> [UInt32] {
            let answer = try view.mustGetActivity(of: me, ActivityFilter(top: hashes[top], limit: limit))
            #expect(answer.missing == nil)
            return answer.activity.map(\.action.action.actionSeq)
        }
        #expect(try seqs(.toGenesis) == [8, 7, 6, 5, 4, 3, 2, 1, 0])
        #expect(try seqs(.toGenesis, top: 0) == [0])
        #expect(try seqs(.take(3)) == [8, 7, 6])
        #expect(try seqs(.take(100), top: 2) == [2, 1, 0])
        #expect(try seqs(.untilTimestamp(time(40))) == [8, 7, 6])
        #expect(try seqs(.untilTimestamp(time(41))) == [8, 7])
        #expect(try seqs(.untilTimestamp(time(-5)), top: 4) == [4, 3, 2, 1, 0])
        #expect(try seqs(.untilHash(hashes[5])) == [8, 7, 6, 5])
        #expect(try seqs(.untilHash(hashes[8])) == [8])
        let bare = try view.mustGetActivity(of: me, ActivityFilter(top: hashes[8], limit: .take(1)))
        #expect(bare.activity.first?.entry == nil)
        let full = try view.mustGetActivity(
            of: me, ActivityFilter(top: hashes[8], limit: .take(1), includeEntries: true))
        #expect(full.activity.first?.entry == note("6"))
    }

    @Test("a limit that the chain cannot meet is an error; what is not held is named, and nothing is decided")
    func cannotMeet() throws {
        let (view, _, hashes) = try chain()
        func code(_ limit: ActivityLimit, top: ActionHash, author: AgentPubKey? = nil) -> PlasmidError.Code? {
            do throws(PlasmidError) {
                _ = try view.mustGetActivity(of: author ?? me, ActivityFilter(top: top, limit: limit))
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(.take(0), top: hashes[8]) == .badInput)
        #expect(code(.untilTimestamp(time(61)), top: hashes[8]) == .badInput)
        #expect(code(.untilHash(hashes[7]), top: hashes[6]) == .badInput)
        #expect(code(.untilHash(testActionHash(50)), top: hashes[8]) == .badInput)
        #expect(code(.toGenesis, top: hashes[8], author: testAgent(2)) == .badInput)
        let away = testActionHash(51)
        let answer = try view.mustGetActivity(of: me, ActivityFilter(top: away, limit: .toGenesis))
        #expect(answer == MustGetAgentActivityAnswer(missing: away))
        var gap = view.stored
        gap.records.removeAll { $0.hash == hashes[4] }
        let torn = CascadeView(layers: view.layers, stored: gap)
        #expect(
            try torn.mustGetActivity(of: me, ActivityFilter(top: hashes[8], limit: .toGenesis))
                == MustGetAgentActivityAnswer(missing: hashes[4]))
        #expect(
            try torn.mustGetActivity(of: me, ActivityFilter(top: hashes[8], limit: .take(3))).activity.count == 3)
        for limit in [ActivityLimit.toGenesis, .take(2), .untilTimestamp(time(3)), .untilHash(away)] {
            #expect(try ActivityLimit(packed: limit.packed) == limit)
        }
    }

    @Test("§11.52 a query leaves out the first that fit, then takes so many; kinds of record join by or")
    func startAndKinds() throws {
        let (view, head, _) = try chain()
        func seqs(_ filter: ChainFilter) throws -> [UInt32] {
            try view.query(filter, author: me, head: head).map(\.action.actionSeq)
        }
        #expect(try seqs(ChainFilter(descending: true, limit: 2, start: 3)) == [5, 4])
        #expect(try seqs(ChainFilter(entryTypes: [noteType], limit: 2, start: 1)) == [4, 5])
        #expect(try seqs(ChainFilter(start: 9)).isEmpty)
        #expect(try seqs(ChainFilter(kinds: [.action(.dna), .entry(noteType)], limit: 3)) == [0, 3, 4])
        #expect(try seqs(ChainFilter(kinds: [.entry(.agentPubKey)])) == [2])
        #expect(try seqs(ChainFilter(kinds: [])).isEmpty)
    }

    @Test("entries that are not part of the answer are not read: they are large, and the one loop waits for them")
    func entriesLeftAlone() throws {
        let (view, head, hashes) = try chain()
        func read(_ ask: () throws -> Void) rethrows -> Int {
            let before = view.stored.entriesRead.count
            try ask()
            return view.stored.entriesRead.count - before
        }
        let other = ChainFilter(entryTypes: [.capGrant])
        let lastNote = ActivityFilter(top: hashes[6], limit: .take(2), includeEntries: true)
        #expect(try read { _ = try view.query(other, author: me, head: head) } == 0)
        #expect(try read { _ = try view.query(ChainFilter(includeEntries: false), author: me, head: head) } == 0)
        #expect(try read { _ = try view.query(ChainFilter(entryTypes: [noteType]), author: me, head: head) } == 4)
        #expect(try read { _ = try view.activity(of: me, ChainFilter(), head: nil) } == 0)
        let all = ActivityFilter(top: hashes[8], limit: .toGenesis)
        #expect(try read { _ = try view.mustGetActivity(of: me, all) } == 0)
        #expect(try read { _ = try view.mustGetActivity(of: me, lastNote) } == 2)
        #expect(try read { _ = try view.action(hashes[3]) } == 0)
    }

    @Test("an answer that would not fit is an error that says so; in parts, or without entries, it is given")
    func large() throws {
        var scratch = try Genesis.scratch(dna: DnaHash(hashing: [1]), agent: me, membraneProof: nil, now: time(1))
        var last: ActionHash?
        for byte in 0..<4 as Range<UInt8> {
            let large = Entry.app([UInt8](repeating: byte, count: Limits.entryBytes))
            if let before = last, let original = scratch.action(before)?.action.entryHash {
                last = try scratch.update(before, originalEntry: original, noteType, large, now: time(10))
            } else {
                last = try scratch.create(noteType, large, now: time(10))
            }
        }
        scratch.sign { _ in testSignature }
        let view = CascadeView(layers: [scratch], stored: MemoryChain())
        let first = try #require(scratch.actions.dropFirst(3).first?.hash)
        let top = try #require(last)
        for ask in [
            { _ = try view.query(ChainFilter(), author: me, head: scratch.head) },
            { _ = try view.history(of: .action(first)) },
            { _ = try view.mustGetActivity(of: me, ActivityFilter(top: top, limit: .toGenesis, includeEntries: true)) },
        ] as [() throws -> Void] {
            let error = #expect(throws: PlasmidError.self) { try ask() }
            #expect(error?.code == .tooLarge)
        }
        // Capabilities can be large as well: each of these names ten thousand agents.
        var granting = Scratch(author: me, head: scratch.head)
        let assignees = [AgentPubKey](repeating: me, count: Limits.capAssignees)
        let secret = try #require(CapSecret([UInt8](repeating: 7, count: 64)))
        for number in 0..<45 {
            let access = CapAccess.assigned(secret: secret, assignees: assignees)
            let grant = ZomeCallCapGrant(tag: "\(number)", access: access, functions: .all)
            try granting.create(.capGrant, .capGrant(grant), now: time(20))
        }
        granting.sign { _ in testSignature }
        let granted = CascadeView(layers: [granting], stored: MemoryChain())
        let error = #expect(throws: PlasmidError.self) {
            _ = try granted.query(ChainFilter(entryTypes: [.capGrant]), author: me, head: granting.head)
        }
        #expect(error?.code == .tooLarge)
        #expect(try view.query(ChainFilter(limit: 6), author: me, head: scratch.head).count == 6)
        #expect(try view.query(ChainFilter(includeEntries: false), author: me, head: scratch.head).count == 7)
        #expect(try view.latest(of: .action(first))?.hash == top)
        #expect(try view.mustGetActivity(of: me, ActivityFilter(top: top, limit: .toGenesis)).activity.count == 7)
    }
}
