import Chain
import Integrity
import Testing

@Suite("a scratch from which the end is taken back")
struct TruncateTests {
    private let me = testAgent(1)
    private let base = AnyLinkableHash(testAgent(2))

    /// Writes one of every kind that is indexed.
    private func write(_ scratch: inout Scratch, _ text: String) throws -> [ActionHash] {
        let now = Timestamp(microseconds: 5)
        let first = try scratch.create(noteType, note(text), now: now)
        let entry = note(text).hash
        let second = try scratch.update(first, originalEntry: entry, noteType, note("\(text) 2"), now: now)
        let third = try scratch.delete(second, entry: entry, now: now)
        let link = try scratch.createLink(
            base: base, target: base, zomeIndex: 0, linkType: 0, tag: Array(text.utf8), now: now)
        let gone = try scratch.deleteLink(link, base: base, now: now)
        return [first, second, third, link, gone]
    }

    @Test("what is left is as if the rest had never been written, and goes on with the same hashes")
    func truncated() throws {
        var scratch = Scratch(
            author: me,
            head: ChainHead(
                hash: testActionHash(1), seq: 2, timestamp: Timestamp(microseconds: 1)))
        let kept = try write(&scratch, "kept")
        var expected = scratch
        scratch.sign { _ in testSignature }
        expected.sign { _ in testSignature }
        let gone = try write(&scratch, "gone")
        scratch.sign { _ in testSignature }
        scratch.truncate(to: kept.count)

        #expect(scratch.head == expected.head && scratch.byteCount == expected.byteCount)
        #expect(scratch.actions.map(\.hash) == kept)
        for hash in gone { #expect(scratch.action(hash) == nil && scratch.record(hash) == nil) }
        #expect(scratch.entry(note("gone").hash) == nil && scratch.entry(note("kept").hash) != nil)
        #expect(scratch.updates(of: gone[0]).isEmpty && scratch.updates(of: kept[0]).count == 1)
        #expect(!scratch.isDeleted(gone[1]) && scratch.isDeleted(kept[1]))
        #expect(scratch.links(on: base).count == 1 && scratch.linkDeleteCount == 1)
        #expect(try write(&scratch, "again") == write(&expected, "again"))
        scratch.sign { _ in testSignature }
        for action in scratch.actions { #expect(action.signature != nil) }
    }

    @Test("an entry that stood before keeps its first action; nothing, and too much, may be asked for")
    func edges() throws {
        var scratch = Scratch(author: me, head: nil)
        let now = Timestamp(microseconds: 5)
        let first = try scratch.create(noteType, note("same"), now: now)
        try scratch.create(noteType, note("same"), now: now)
        scratch.truncate(to: 1)
        #expect(scratch.creates(of: note("same").hash).map(\.hash) == [first])
        scratch.truncate(to: 7)
        #expect(scratch.actions.count == 1)
        scratch.truncate(to: -1)
        #expect(scratch.isEmpty && scratch.head == nil && scratch.byteCount == 0)
    }
}
