import Chain
import Integrity
import Testing

@Suite("reads through scratch, line and store")
struct CascadeTests {
    private let me = testAgent(1)
    private let base = AnyLinkableHash(testAgent(9))

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    /// A stored chain of genesis and one note, and an empty scratch on top.
    private func start() throws -> (stored: MemoryChain, scratch: Scratch, note: ActionHash) {
        var stored = MemoryChain()
        var first = try Genesis.scratch(dna: DnaHash(hashing: [1]), agent: me, membraneProof: nil, now: time(1))
        let hash = try first.create(noteType, note("stored"), now: time(10))
        first.sign { _ in testSignature }
        stored.commit(first)
        return (stored, Scratch(author: me, head: first.head), hash)
    }

    private func view(_ stored: MemoryChain, _ scratches: Scratch...) -> CascadeView<MemoryChain> {
        CascadeView(
            layers: scratches.map {
                var signed = $0
                signed.sign { _ in testSignature }
                return signed
            }, stored: stored)
    }

    @Test("§11.44 an entry is got by its hash and by its action's, from the store and from the scratch")
    func get() throws {
        var (stored, scratch, hash) = try start()
        let fresh = try scratch.create(noteType, note("fresh"), now: time(20))
        let view = view(stored, scratch)
        #expect(try view.get(hash)?.entry == .present(note("stored")))
        #expect(try view.get(note("stored").hash)?.hash == hash)
        #expect(try view.get(fresh)?.entry == .present(note("fresh")))
        #expect(try view.get(AnyDhtHash(note("fresh").hash))?.hash == fresh)
        #expect(try view.get(note("never").hash) == nil && view.get(testActionHash(99)) == nil)
    }

    @Test("§11.48 a deleted record is not got; its action and entry are still there for those who must have them")
    func deleted() throws {
        var (stored, scratch, hash) = try start()
        try scratch.delete(hash, entry: note("stored").hash, now: time(20))
        let view = view(stored, scratch)
        #expect(try view.get(hash) == nil && view.get(note("stored").hash) == nil)
        #expect(try view.anyRecord(hash) != nil && view.entry(note("stored").hash) == note("stored"))
        #expect(try view.deletes(of: hash).count == 1)
    }

    @Test("an entry is live while one of the actions that brought it is not deleted; the oldest of them is got")
    func liveness() throws {
        var (stored, scratch, hash) = try start()
        let again = try scratch.create(noteType, note("stored"), now: time(20))
        #expect(try view(stored, scratch).get(note("stored").hash)?.hash == hash)
        try scratch.delete(hash, entry: note("stored").hash, now: time(21))
        #expect(try view(stored, scratch).get(note("stored").hash)?.hash == again)
        try scratch.update(again, originalEntry: note("stored").hash, noteType, note("new"), now: time(22))
        #expect(try view(stored, scratch).get(note("stored").hash)?.hash == again)
        #expect(try view(stored, scratch).updates(of: again).count == 1)
    }

    @Test("a call built on the line sees the writes of the calls before it")
    func line() throws {
        var (stored, below, hash) = try start()
        let early = try below.create(noteType, note("early"), now: time(20))
        var scratch = Scratch(author: me, head: below.head)
        try scratch.delete(early, entry: note("early").hash, now: time(21))
        #expect(try view(stored, below).get(early) != nil)
        #expect(try view(stored, below, scratch).get(early) == nil)
        let all = try view(stored, below, scratch).query(ChainFilter(), author: me, head: scratch.head)
        #expect(all.map(\.action.actionSeq) == [0, 1, 2, 3, 4, 5])
        #expect(all[3].hash == hash)
    }

    @Test("links are filtered, then sorted, then paged: every page is full and none is lost or told twice")
    func links() throws {
        var (stored, scratch, hash) = try start()
        var committed = Scratch(author: me, head: scratch.head)
        var expected: [ActionHash] = []
        for n in 0..<7 as Range<Int64> {
            let add = try committed.createLink(
                base: base, target: .action(hash), zomeIndex: 0, linkType: UInt8(n % 2), tag: [UInt8(n)],
                now: time(100 + n))
            expected.append(add)
        }
        committed.sign { _ in testSignature }
        stored.commit(committed)
        scratch = Scratch(author: me, head: committed.head)
        for n in 0..<4 as Range<Int64> {
            expected.append(
                try scratch.createLink(
                    base: base, target: .action(hash), zomeIndex: 0, linkType: UInt8(n % 2), tag: [0, UInt8(n)],
                    now: time(200 + n)))
        }
        for gone in [expected[1], expected[8]] {
            try scratch.deleteLink(gone, base: base, now: time(300))
        }
        expected.removeAll { scratch.isLinkDeleted($0) }
        let view = view(stored, scratch)
        var pages: [[ActionHash]] = []
        var cursor: [UInt8]?
        repeat {
            let page = try view.links(LinkFilter(base: base), cursor: cursor, limit: 2)
            pages.append(page.links.map(\.createLinkHash))
            cursor = page.next
        } while cursor != nil
        #expect(pages.flatMap { $0 } == expected)
        #expect(pages.dropLast().allSatisfy { $0.count == 2 })
    }

    @Test("§11.49 links by type, tag, author and time: exact sets")
    func linkFilters() throws {
        var (stored, scratch, hash) = try start()
        let tags: [(type: UInt8, tag: [UInt8], at: Int64)] = [
            (0, Array("a".utf8), 100), (1, Array("A".utf8), 101), (0, Array("ab".utf8), 102), (1, [], 103),
        ]
        var adds: [ActionHash] = []
        for each in tags {
            adds.append(
                try scratch.createLink(
                    base: base, target: .action(hash), zomeIndex: 0, linkType: each.type, tag: each.tag,
                    now: time(each.at)))
        }
        let view = view(stored, scratch)
        func found(_ filter: LinkFilter) throws -> [Int] {
            try view.links(filter, limit: 100).links.compactMap { adds.firstIndex(of: $0.createLinkHash) }
        }
        #expect(try found(LinkFilter(base: base)) == [0, 1, 2, 3])
        #expect(try found(LinkFilter(base: base, tagPrefix: Array("a".utf8))) == [0, 2])
        #expect(try found(LinkFilter(base: base, types: [.init(zomeIndex: 0, linkType: 1)])) == [1, 3])
        #expect(try found(LinkFilter(base: base, types: [])).isEmpty)
        #expect(try found(LinkFilter(base: base, author: me)) == [0, 1, 2, 3])
        #expect(try found(LinkFilter(base: base, author: testAgent(2))).isEmpty)
        #expect(try found(LinkFilter(base: base, after: time(101), before: time(102))) == [1, 2])
        #expect(try found(LinkFilter(base: .action(hash))).isEmpty)
        #expect(try view.link(adds[0])?.tag == Array("a".utf8))
    }

    @Test("a cursor comes back as it went; other bytes are refused")
    func cursor() throws {
        let link = Link(
            author: me, base: base, target: base, timestamp: time(-5), zomeIndex: 0, linkType: 0, tag: [],
            createLinkHash: testActionHash(4))
        let position = LinkPosition(link)
        #expect(try LinkPosition(cursor: position.cursor) == position)
        for wrong in [[], [1, 2, 3], Array(repeating: 0, count: 47)] as [[UInt8]] {
            #expect(throws: PlasmidError.self) { try LinkPosition(cursor: wrong) }
        }
    }

    @Test(
        "§11.52 the own chain is queried by range, types and entries, in either direction, and no further than the head"
    )
    func query() throws {
        var (stored, scratch, _) = try start()
        let early = scratch.head
        try scratch.create(noteType, note("x"), now: time(20))
        try scratch.createLink(base: base, target: base, zomeIndex: 0, linkType: 0, tag: [], now: time(21))
        let view = view(stored, scratch)
        func found(_ filter: ChainFilter, _ head: ChainHead?) throws -> [UInt32] {
            try view.query(filter, author: me, head: head).map(\.action.actionSeq)
        }
        let head = scratch.head
        #expect(try found(ChainFilter(), head) == [0, 1, 2, 3, 4, 5])
        #expect(try found(ChainFilter(descending: true), head) == [5, 4, 3, 2, 1, 0])
        #expect(try found(ChainFilter(descending: true, limit: 3), head) == [5, 4, 3])
        #expect(try found(ChainFilter(limit: 5), head) == [0, 1, 2, 3, 4])
        #expect(try found(ChainFilter(range: 2...4), head) == [2, 3, 4])
        #expect(try found(ChainFilter(range: 4...9, descending: true), head) == [5, 4])
        #expect(try found(ChainFilter(entryTypes: [noteType]), head) == [3, 4])
        #expect(try found(ChainFilter(entryTypes: [.agentPubKey]), head) == [2])
        #expect(try found(ChainFilter(actionTypes: [.dna, .createLink]), head) == [0, 5])
        #expect(try found(ChainFilter(entryHashes: [note("x").hash]), head) == [4])
        #expect(try found(ChainFilter(), early) == [0, 1, 2, 3])
        #expect(try found(ChainFilter(), nil).isEmpty)
        let bare = try view.query(ChainFilter(includeEntries: false), author: me, head: head).map(\.entry)
        #expect(bare == [.notApplicable, .notApplicable, .notStored, .notStored, .notStored, .notApplicable])
    }
}
