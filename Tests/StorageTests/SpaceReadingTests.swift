import Integrity
import Testing

@testable import Storage

/// What a space answers, asked of the space in memory and of the one on disk, before and after LMDB has the rows.
@Suite struct SpaceReadingTests {
    /// Runs `body` on a space in memory, on one on disk, and on that one opened again.
    private func onEachSpace(
        _ commits: [SpaceCommit], _ body: (RowSpace) throws -> Void
    ) throws {
        let memory = MemorySpace()
        for commit in commits { try memory.commit(commit) }
        try body(memory)
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                for commit in commits { #expect(database.commitNow(space, commit, loop).code == nil) }
                try body(space)
            }
            try withDatabase(folder) { database, _ in try body(try database.space(dna(1), mustExist: true)) }
        }
    }

    @Test("records, entries and the head of a chain are found by hash and by place")
    func records() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let note = alice.create("hello")
        let again = alice.create("hello")
        let commit = alice.take()
        try onEachSpace([commit]) { (space: RowSpace) throws in
            #expect(try space.head(of: alice.key) == alice.head)
            #expect(try space.record(note.action)?.signedAction == commit.records[1].signedAction)
            #expect(try space.record(note.action)?.entry == .present(TestAuthor.entry("hello")))
            #expect(try space.entry(note.entry) == TestAuthor.entry("hello"))
            #expect(try space.recordsOfEntry(note.entry).map(\.signedAction.hash) == [note.action, again.action])
            #expect(try space.chain(of: alice.key).map(\.signedAction.hash) == commit.records.map(\.signedAction.hash))
            #expect(try space.chain(of: alice.key, from: 1, to: 1).count == 1)
            let last = try space.chain(of: alice.key, from: 0, to: .max, descending: true, limit: 2)
            #expect(last.map(\.signedAction.action.header.actionSeq) == [2, 1])
            #expect(try space.chain(of: alice.key, from: 0, to: 1, descending: true).count == 2)
            #expect(try space.has(AnyDhtHash(note.entry)))
            // The same without the entry.
            #expect(try space.action(note.action) == commit.records[1].signedAction)
            #expect(try space.action(ActionHash(hashing: [1])) == nil)
            #expect(try space.actionsOfEntry(note.entry).map(\.hash) == [note.action, again.action])
            #expect(try space.entryKind(note.entry) == "App")
            #expect(try space.entryKind(EntryHash(hashing: [1])) == nil)
            let bare = try space.chain(of: alice.key, from: 0, to: .max, descending: false, limit: 9) {
                $0.hash == again.action
            }
            #expect(bare.map(\.entry) == [.notApplicable, .notStored, .present(TestAuthor.entry("hello"))])
            #expect(try space.has(AnyDhtHash(note.action)))
            #expect(try space.record(ActionHash(hashing: [1])) == nil)
            #expect(try space.authors() == [alice.key])
            #expect(try space.head(of: TestAuthor("bob").key) == nil)
        }
    }

    @Test("updates and deletes are found from the action and from the entry, and end a record's life")
    func updatesAndDeletes() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let note = alice.create("one")
        let other = alice.create("one")
        let first = alice.take()
        let update = alice.update(note.action, note.entry, "two")
        let delete = alice.act(.delete(deletesAction: note.action, deletesEntry: note.entry))
        try onEachSpace([first, alice.take()]) { (space: RowSpace) throws in
            #expect(try space.updates(of: AnyDhtHash(note.action)).map(\.hash) == [update])
            #expect(try space.updates(of: AnyDhtHash(note.entry)).map(\.hash) == [update])
            #expect(try space.deletes(of: AnyDhtHash(note.action)).map(\.hash) == [delete])
            #expect(try space.deletes(of: AnyDhtHash(note.entry)).map(\.hash) == [delete])
            #expect(try space.isDeleted(note.action))
            #expect(try space.isDeleted(other.action) == false)
            #expect(try space.liveRecord(AnyDhtHash(note.entry))?.signedAction.hash == other.action)
            #expect(try space.liveRecord(AnyDhtHash(note.action)) == nil)
            #expect(try space.liveRecord(AnyDhtHash(update))?.signedAction.hash == update)
        }
    }

    @Test("a private entry is sealed in a table of its own and nowhere else")
    func privateEntries() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let diary = alice.create("dear diary", type: TestAuthor.secret)
        try onEachSpace([alice.take()]) { (space: RowSpace) throws in
            #expect(try space.record(diary.action)?.entry == .hidden)
            #expect(try space.entry(diary.entry) == nil)
            #expect(try space.has(AnyDhtHash(diary.entry)) == false)
            #expect(try space.sealedEntry(author: alice.key, diary.entry) == Array("sealed dear diary".utf8))
            #expect(try space.sealedEntry(author: TestAuthor("bob").key, diary.entry) == nil)
            #expect(try space.recordsOfEntry(diary.entry).map(\.signedAction.hash) == [diary.action])
            let ops = try space.ops(from: 0, to: .max, limit: 100)
            #expect(ops.filter { $0.type == 2 }.isEmpty)
        }
    }

    @Test("grants and claims go out of effect with an update or delete by their author")
    func capabilities() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let grant = alice.create("grant", type: .capGrant)
        let kept = alice.create("kept", type: .capGrant)
        let claim = alice.create("claim", type: .capClaim)
        let first = alice.take()
        alice.act(.delete(deletesAction: grant.action, deletesEntry: grant.entry))
        try onEachSpace([first, alice.take()]) { (space: RowSpace) throws in
            #expect(try space.grants(of: alice.key).map(\.signedAction.hash) == [kept.action])
            let all = try space.grants(of: alice.key, includingRevoked: true)
            #expect(all.map(\.signedAction.hash) == [grant.action, kept.action])
            #expect(try space.claims(of: alice.key).map(\.signedAction.hash) == [claim.action])
            #expect(try space.grants(of: TestAuthor("bob").key).isEmpty)
        }
    }

    @Test("every op stands at its basis, and only there")
    func ops() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let note = alice.create("note")
        let base = AnyLinkableHash(note.entry)
        let link = alice.link(base, AnyLinkableHash(alice.key))
        alice.act(.deleteLink(base: base, linkAdd: link))
        let commit = alice.take()
        try onEachSpace([commit]) { (space: RowSpace) throws in
            let ops = try space.ops(from: 0, to: .max, limit: 1000)
            // Two for each of the four actions, one for the entry, the link and its delete.
            #expect(ops.count == 11)
            #expect(ops.map(\.location) == ops.map(\.location).sorted())
            let atEntry = try space.ops(from: note.entry.location, to: note.entry.location, limit: 10)
            #expect(Set(atEntry.map(\.type)) == [2, 8, 9])
            #expect(try space.ops(from: 0, to: .max, limit: 3) == Array(ops[..<3]))
        }
    }

    @Test("a commit that does not follow the head, or mixes authors, changes nothing")
    func refusals() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let first = alice.take()
        var rival = TestAuthor(alice.key, head: first.records.last.map { _ in alice.head } ?? nil)
        alice.create("mine")
        let mine = alice.take()
        rival.create("theirs")
        let theirs = rival.take()
        let mixed = SpaceCommit(author: TestAuthor("bob").key, records: mine.records)
        let memory = MemorySpace()
        try memory.commit(first)
        try memory.commit(mine)
        #expect(code { try memory.commit(theirs) } == .headMoved)
        #expect(code { try memory.commit(mixed) } == .commitMalformed)
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                for commit in [first, mine] { #expect(database.commitNow(space, commit, loop).code == nil) }
                #expect(database.commitNow(space, theirs, loop).code == .headMoved)
                #expect(database.commitNow(space, mixed, loop).code == .commitMalformed)
                #expect(try space.record(theirs.records[0].signedAction.hash) == nil)
                #expect(try space.head(of: alice.key) == alice.head)
            }
        }
    }
}
