import Chain
import Integrity
import Testing

@Suite("claims by grantor and label")
struct ClaimBookTests {
    private func claim(_ label: String, _ grantor: Int) -> CapClaim {
        CapClaim(tag: label, grantor: testAgent(grantor), secret: .random())
    }

    @Test("claims are found by grantor, by label, by both and by secret, oldest first")
    func found() {
        var book = ClaimBook()
        let entries = [claim("read", 2), claim("read", 3), claim("write", 2), claim("read", 2)]
        for (n, entry) in entries.enumerated() { book.add(entry, at: testActionHash(UInt64(n))) }
        #expect(book.claims(grantor: testAgent(2), label: "read").map(\.entry) == [entries[0], entries[3]])
        #expect(book.claims(grantor: testAgent(2)).map(\.entry) == [entries[0], entries[2], entries[3]])
        #expect(book.claims(label: "read").map(\.entry) == [entries[0], entries[1], entries[3]])
        #expect(book.claims().map(\.entry) == entries)
        #expect(book.claims(grantor: testAgent(9)).isEmpty && book.claims(label: "none").isEmpty)
        #expect(book.claim(with: entries[2].secret)?.entry == entries[2])
        #expect(book.claim(with: .random()) == nil)
        book.remove(testActionHash(0))
        #expect(book.claims(grantor: testAgent(2), label: "read").map(\.entry) == [entries[3]])
        #expect(book.claim(with: entries[0].secret) == nil && book.count == 3)
    }

    @Test("the book follows a chain: a claim comes with its certificates, an updated or deleted one goes")
    func followed() throws {
        let (alice, now) = (testAgent(1), Timestamp(microseconds: 5))
        let certificate = Delegation(
            dna: testDna, grantor: testAgent(2), parent: testAgent(4).core, from: testAgent(3), to: alice,
            functions: nil,
            limits: .none, salt: Array(repeating: 1, count: 16),
            signature: try #require(Signature(Array(repeating: 0, count: 64))))
        var scratch = Scratch(author: alice, head: testHead(1, seq: 2))
        let first = try scratch.claim(claim("a", 2), certificates: [certificate], now: now)
        let plain = claim("b", 2)
        let second = try scratch.claim(plain, certificates: [], now: now)
        var book = ClaimBook()
        book.follow(scratch)
        #expect(book[first]?.certificates == [certificate])
        #expect(book[second]?.certificates == [] && book.count == 2)
        scratch = Scratch(author: alice, head: scratch.head)
        try scratch.delete(second, entry: Entry.capClaim(plain).hash, now: now)
        book.follow(scratch)
        #expect(book[second] == nil && book.count == 1)
    }
}
