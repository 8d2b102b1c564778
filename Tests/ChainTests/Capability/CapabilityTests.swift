import Chain
import Integrity
import Testing

@Suite("who may call")
struct CapabilityTests {
    private let alice = testAgent(1)
    private let bob = testAgent(2)
    private let carol = testAgent(3)
    private let post = ZomeFunction(zome: "blog", function: "create_post")
    private let erase = ZomeFunction(zome: "blog", function: "delete_post")

    private func grant(_ access: CapAccess, _ functions: [ZomeFunction]) -> ZomeCallCapGrant {
        ZomeCallCapGrant(tag: "test", access: access, functions: .listed(functions))
    }

    private func verdict(
        _ caller: AgentPubKey, _ function: ZomeFunction, _ secret: CapSecret?, _ book: GrantBook,
        _ access: FunctionAccess = .granted
    ) -> CapabilityVerdict {
        CapabilityCheck.decide(
            CapabilityRequest(provenance: caller, secret: secret, function: function), author: alice,
            dna: testDna, access: access, grants: book, now: Timestamp(microseconds: 1))
    }

    @Test("§11.67 without a secret only the author calls a granted function; a public one is open to all")
    func withoutSecret() {
        let book = GrantBook()
        #expect(verdict(alice, post, nil, book) == .author)
        #expect(verdict(alice, post, nil, book, .author) == .author)
        #expect(verdict(bob, post, nil, book) == .refused(.missing))
        #expect(verdict(bob, post, nil, book, .author) == .refused(.missing))
        #expect(verdict(bob, post, nil, book, .public) == .open)
        let words = CapabilityRefusal.missing.error(post, caller: bob)
        #expect(words.message.contains("does not have Capability") && words.code == .capabilityMissing)
        #expect(words.message.contains("'create_post'") && words.message.contains("'blog'"))
    }

    @Test("§11.68 whoever knows the secret of a transferable grant may call; equal grants have different secrets")
    func transferable() {
        var book = GrantBook()
        let (first, second) = (CapSecret.random(), CapSecret.random())
        book.add(grant(.transferable(secret: first), [post]), at: testActionHash(1))
        book.add(grant(.transferable(secret: second), [post]), at: testActionHash(2))
        #expect(first != second)
        #expect(verdict(bob, post, first, book) == .granted(testActionHash(1)))
        #expect(verdict(carol, post, second, book) == .granted(testActionHash(2)))
        #expect(verdict(carol, post, .random(), book) == .refused(.wrong))
        #expect(verdict(carol, post, nil, book) == .refused(.missing))
        #expect(verdict(bob, post, first, book, .author) == .refused(.notForFunction))
    }

    @Test("§11.69 an assigned grant works for those it names and for nobody else")
    func assigned() {
        var book = GrantBook()
        let secret = CapSecret.random()
        book.add(grant(.assigned(secret: secret, assignees: [bob]), [post]), at: testActionHash(1))
        #expect(verdict(bob, post, secret, book) == .granted(testActionHash(1)))
        #expect(verdict(carol, post, secret, book) == .refused(.notAssigned))
        #expect(verdict(bob, post, nil, book) == .refused(.missing))
    }

    @Test("§11.70 a grant opens the functions that it lists and no other")
    func functions() {
        var book = GrantBook()
        let secret = CapSecret.random()
        book.add(grant(.transferable(secret: secret), [post]), at: testActionHash(1))
        #expect(verdict(bob, erase, secret, book) == .refused(.notForFunction))
        let elsewhere = ZomeFunction(zome: "other", function: "create_post")
        #expect(verdict(bob, elsewhere, secret, book) == .refused(.notForFunction))
        let all = CapSecret.random()
        book.add(
            ZomeCallCapGrant(tag: "all", access: .transferable(secret: all), functions: .all), at: testActionHash(2))
        #expect(verdict(bob, elsewhere, all, book) == .granted(testActionHash(2)))
    }

    @Test("§11.72 the author's key is no secret: showing it opens nothing, only being the author does")
    func authorKeyIsNoToken() throws {
        let book = GrantBook()
        let key = try #require(CapSecret(alice.bytes + Array(repeating: 0, count: 64 - 39)))
        #expect(verdict(bob, post, key, book) == .refused(.wrong))
        #expect(verdict(alice, post, key, book) == .author)
    }

    @Test("an open grant lets anyone call what it lists, as long as no secret is shown")
    func unrestricted() {
        var book = GrantBook()
        book.add(grant(.unrestricted, [post]), at: testActionHash(1))
        #expect(verdict(bob, post, nil, book) == .granted(testActionHash(1)))
        #expect(verdict(bob, erase, nil, book) == .refused(.missing))
        #expect(verdict(bob, post, .random(), book) == .refused(.wrong))
        book.remove(testActionHash(1))
        #expect(verdict(bob, post, nil, book) == .refused(.missing))
    }

    @Test("§11.74 a grant that is deleted or updated stops working with the commit; its successor works")
    func revocation() throws {
        var book = GrantBook()
        let (first, second) = (CapSecret.random(), CapSecret.random())
        let old = Entry.capGrant(grant(.transferable(secret: first), [post]))
        let new = Entry.capGrant(grant(.transferable(secret: second), [post]))
        var scratch = Scratch(author: alice, head: testHead(1, seq: 2))
        let now = Timestamp(microseconds: 5)
        let granted = try scratch.create(.capGrant, old, now: now)
        book.follow(scratch)
        #expect(verdict(bob, post, first, book).allows)
        scratch = Scratch(author: alice, head: scratch.head)
        let updated = try scratch.update(granted, originalEntry: old.hash, .capGrant, new, now: now)
        book.follow(scratch)
        #expect(verdict(bob, post, first, book) == .refused(.wrong))
        #expect(verdict(bob, post, second, book) == .granted(updated))
        scratch = Scratch(author: alice, head: scratch.head)
        try scratch.delete(updated, entry: new.hash, now: now)
        book.follow(scratch)
        #expect(verdict(bob, post, second, book) == .refused(.wrong))
        #expect(book.count == 0 && book.all.isEmpty)
    }

    @Test("the book finds the one grant among ten thousand by what is shown")
    func manyGrants() {
        var book = GrantBook()
        var secrets: [CapSecret] = []
        for n in 0..<10_000 as Range<UInt64> {
            secrets.append(.random())
            book.add(grant(.transferable(secret: secrets[Int(n)]), [post]), at: testActionHash(n))
        }
        for n in stride(from: 0, to: 10_000, by: 997) {
            #expect(verdict(bob, post, secrets[n], book) == .granted(testActionHash(UInt64(n))))
            book.remove(testActionHash(UInt64(n)))
            #expect(verdict(bob, post, secrets[n], book) == .refused(.wrong))
        }
    }

    @Test("each refusal has a code and says what to do, and no refusal shows a secret")
    func words() {
        let refusals: [CapabilityRefusal] = [
            .missing, .wrong, .notAssigned, .notForFunction, .expired, .spent, .notTransferable,
        ]
        let errors = refusals.map { $0.error(post, caller: bob) }
        let codes: [PlasmidError.Code] = [
            .capabilityMissing, .capabilityWrong, .capabilityNotAssigned, .capabilityNotForFunction, .capabilityExpired,
            .capabilitySpent, .capabilityNotTransferable,
        ]
        #expect(errors.map(\.code) == codes)
        #expect(errors.allSatisfy { $0.hint != nil && $0.message.contains(bob.text) })
    }
}
