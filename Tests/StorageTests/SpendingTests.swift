import Integrity
import Testing

@testable import Storage

@Suite("what a call uses up")
struct SpendingTests {
    private let alice = TestAuthor("alice").key
    private let bob = TestAuthor("bob").key

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    private func nonce(_ byte: UInt8, expires: Int64) -> SpaceSpending.Nonce {
        SpaceSpending.Nonce(agent: bob, nonce: [UInt8](repeating: byte, count: 32), expires: time(expires))
    }

    private func use(_ byte: UInt8, _ count: UInt32, hasEnded: Bool = false) -> SpaceSpending.Use {
        SpaceSpending.Use(
            author: alice, id: [UInt8](repeating: byte, count: 32), count: count, hasEnded: hasEnded)
    }

    private func onEachSpace(_ spendings: [SpaceSpending], _ body: (RowSpace) throws -> Void) throws {
        let memory = MemorySpace()
        for spending in spendings { try memory.spend(spending) }
        try body(memory)
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                for spending in spendings {
                    var answer: Result<Void, PlasmidError>?
                    space.spend(spending) { answer = $0 }
                    loop.pump { answer != nil }
                    #expect(answer.map { (try? $0.get()) != nil } == true)
                }
                try body(space)
            }
            try withDatabase(folder) { database, _ in try body(try database.space(dna(1), mustExist: true)) }
        }
    }

    @Test("a nonce is used once, for its agent and expiry, after a restart too")
    func nonces() throws {
        let (first, second) = (nonce(9, expires: 77), nonce(8, expires: 99))
        try onEachSpace([SpaceSpending(nonces: [first, second], uses: [], forgetBefore: time(0))]) {
            (space: RowSpace) throws in
            #expect(try space.isUsed(first))
            #expect(try space.isUsed(nonce(9, expires: 78)) == false)
            #expect(
                try space.isUsed(SpaceSpending.Nonce(agent: alice, nonce: first.nonce, expires: first.expires)) == false
            )
            #expect(try space.nonces(limit: 10) == [first, second])
            #expect(try space.nonces(limit: 1) == [second], "those that may still be asked for")
            #expect(try space.nonceFloor() == nil)
        }
    }

    @Test("old nonces go, a few with each new one, and the latest expiry of those stays behind")
    func forgetting() throws {
        let old = (0..<40).map { nonce(UInt8($0), expires: Int64($0)) }
        let first = SpaceSpending(nonces: old, uses: [], forgetBefore: time(-1))
        let next = SpaceSpending(nonces: [nonce(200, expires: 500)], uses: [], forgetBefore: time(100))
        try onEachSpace([first, next]) { (space: RowSpace) throws in
            #expect(try space.nonces(limit: 100).count == 40 - SpaceSpending.forgottenAtOnce + 1)
            #expect(try space.nonceFloor() == old[SpaceSpending.forgottenAtOnce - 1].expires)
        }
        let last = (201...205).map { nonce($0, expires: 500) }.map {
            SpaceSpending(nonces: [$0], uses: [], forgetBefore: time(100))
        }
        try onEachSpace([first, next] + last) { (space: RowSpace) throws in
            #expect(try space.nonces(limit: 100).count == 6)
            #expect(try space.nonceFloor() == time(39))
        }
    }

    @Test("the count of a certificate says which secret it goes back to, and can be forgotten")
    func certificates() throws {
        let root = [UInt8](repeating: 5, count: 32)
        let certificate = SpaceSpending.Use(
            author: alice, id: [UInt8](repeating: 4, count: 32), count: 2, hasEnded: true, root: root)
        let made = SpaceSpending(nonces: [], uses: [use(1, 1), certificate], forgetBefore: time(0))
        try onEachSpace([made]) { (space: RowSpace) throws in
            #expect(try space.uses(of: alice) == [use(1, 1), certificate])
        }
        let gone = SpaceSpending(
            nonces: [], uses: [],
            forgotten: [.init(author: alice, id: certificate.id), .init(author: bob, id: use(1, 1).id)],
            forgetBefore: time(0))
        try onEachSpace([made, gone]) { (space: RowSpace) throws in
            #expect(try space.uses(of: alice) == [use(1, 1)])
        }
    }

    @Test("counts are those that were written last, of one author, after a restart too")
    func uses() throws {
        let spendings = [use(1, 1), use(2, 7), use(1, 2), use(3, 0, hasEnded: true)].map {
            SpaceSpending(nonces: [], uses: [$0], forgetBefore: time(0))
        }
        try onEachSpace(spendings) { (space: RowSpace) throws in
            #expect(try space.uses(of: alice) == [use(1, 2), use(2, 7), use(3, 0, hasEnded: true)])
            #expect(try space.uses(of: bob).isEmpty)
        }
    }
}
