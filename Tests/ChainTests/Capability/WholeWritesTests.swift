import Chain
import Integrity
import Testing

@Suite("a capability and what stands beside it: both or neither")
struct WholeWritesTests {
    private let alice = testAgent(1)
    private let now = Timestamp(microseconds: 5)

    private static let transferable = ZomeCallCapGrant(
        tag: "t", access: .transferable(secret: .random()), functions: .all)

    /// A call that may write one action more.
    private func nearlyFull() throws -> Scratch {
        var scratch = Scratch(author: alice, head: testHead(1, seq: 2))
        for number in 1..<Limits.actionsPerCall { try scratch.create(noteType, note("\(number)"), now: now) }
        return scratch
    }

    @Test("a grant whose limits do not fit into the call any more is not made: without them it would have none")
    func grant() throws {
        var scratch = try nearlyFull()
        let before = scratch.actions.count
        for access in [CapAccess.unrestricted, .transferable(secret: .random())] {
            #expect(throws: PlasmidError.self) {
                try scratch.grant(
                    ZomeCallCapGrant(tag: "t", access: access, functions: .all), limits: GrantLimits(uses: 1), now: now)
            }
            #expect(scratch.actions.count == before)
        }
        var book = GrantBook()
        book.follow(scratch)
        #expect(book.count == 0)
        #expect(throws: Never.self) { try scratch.grant(Self.transferable, limits: .none, now: now) }
    }

    @Test("nor is a grant replaced by one without its limits")
    func update() throws {
        var book = GrantBook()
        book.add(Self.transferable, limits: GrantLimits(uses: 1), at: testActionHash(1))
        let original = try #require(book[testActionHash(1)])
        var scratch = try nearlyFull()
        let before = scratch.actions.count
        #expect(throws: PlasmidError.self) {
            try scratch.updateGrant(original, with: Self.transferable, limits: GrantLimits(uses: 1), now: now)
        }
        #expect(scratch.actions.count == before)
        book.follow(scratch)
        #expect(book[testActionHash(1)]?.limits == GrantLimits(uses: 1))
    }

    @Test("nor is a claim kept without the certificates by which it came")
    func claim() throws {
        let certificate = Delegation(
            dna: testDna, grantor: testAgent(2), parent: CapSecret.random().fingerprint, from: testAgent(3), to: alice,
            functions: nil, limits: .none, salt: Array(repeating: 1, count: Delegation.saltBytes),
            signature: testSignature)
        var scratch = try nearlyFull()
        let before = scratch.actions.count
        #expect(throws: PlasmidError.self) {
            try scratch.claim(
                CapClaim(tag: "t", grantor: testAgent(2), secret: .random()), certificates: [certificate], now: now)
        }
        #expect(scratch.actions.count == before)
    }
}
