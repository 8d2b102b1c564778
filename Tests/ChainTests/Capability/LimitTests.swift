import Chain
import Integrity
import Testing

@Suite("grants that end by themselves")
struct LimitTests {
    private let alice = testAgent(1)
    private let bob = testAgent(2)
    private let post = ZomeFunction(zome: "blog", function: "create_post")
    private let erase = ZomeFunction(zome: "blog", function: "delete_post")
    private let secret = CapSecret.random()

    private func book(
        _ limits: GrantLimits, access: CapAccess? = nil, functions: GrantedFunctions? = nil, at n: UInt64 = 1
    ) -> GrantBook {
        var book = GrantBook()
        add(limits, access: access, functions: functions, at: n, to: &book)
        return book
    }

    private func add(
        _ limits: GrantLimits, access: CapAccess? = nil, functions: GrantedFunctions? = nil, at n: UInt64,
        to book: inout GrantBook
    ) {
        book.add(
            ZomeCallCapGrant(
                tag: "t", access: access ?? .transferable(secret: secret), functions: functions ?? .listed([post])),
            limits: limits, at: testActionHash(n))
    }

    private func request(_ secret: CapSecret?, _ function: ZomeFunction? = nil) -> CapabilityRequest {
        CapabilityRequest(provenance: bob, secret: secret, function: function ?? post)
    }

    private func verdict(
        _ book: GrantBook, at time: Int64, _ secret: CapSecret?, _ function: ZomeFunction? = nil
    ) -> CapabilityVerdict {
        CapabilityCheck.decide(
            request(secret, function), author: alice, dna: testDna, access: .granted, grants: book,
            now: Timestamp(microseconds: time))
    }

    @Test("a grant opens until its expiry, and not at that time any more")
    func expiry() {
        let book = book(GrantLimits(expiresAt: Timestamp(microseconds: 100)))
        #expect(verdict(book, at: 99, secret) == .granted(testActionHash(1)))
        #expect(verdict(book, at: 100, secret) == .refused(.expired))
        #expect(verdict(book, at: 101, secret) == .refused(.expired))
        #expect(verdict(book, at: 100, secret, erase) == .refused(.notForFunction))
        #expect(verdict(book, at: 100, .random()) == .refused(.wrong))
    }

    @Test("what has expired once stays so when the clock is set back, and after a restart")
    func clockSetBack() {
        let limits = GrantLimits(expiresAt: Timestamp(microseconds: 100))
        var known = book(limits)
        #expect(verdict(known, at: 100, secret) == .refused(.expired))
        let ends = known.noteEnds(request(secret), now: Timestamp(microseconds: 100))
        #expect(ends.map(\.id) == [testActionHash(1).core])
        #expect(ends.first?.count.hasEnded == true)
        #expect(verdict(known, at: 50, secret) == .refused(.expired))
        #expect(known.noteEnds(request(secret), now: Timestamp(microseconds: 100)).isEmpty, "stored once")
        var restarted = book(limits)
        for end in ends { restarted.restore(end.id, end.count) }
        #expect(verdict(restarted, at: 50, secret) == .refused(.expired))
    }

    @Test("of many calls on the last use one is let in, and a use is not given back")
    func uses() {
        var book = book(GrantLimits(uses: 3))
        for used in 1...3 as ClosedRange<UInt32> {
            let verdict = verdict(book, at: 1, secret)
            #expect(verdict == .granted(testActionHash(1)))
            #expect(book.spend(verdict).map(\.count.used) == [used])
        }
        for _ in 0..<10 { #expect(verdict(book, at: 1, secret) == .refused(.spent)) }
        #expect(book.used(testActionHash(1).core).used == 3)
    }

    @Test("spent uses are those that storage held; a grant without a count stores nothing")
    func usesAfterRestart() {
        var counted = book(GrantLimits(uses: 3))
        counted.restore(testActionHash(1).core, UseCount(used: 2))
        let last = verdict(counted, at: 1, secret)
        #expect(counted.spend(last).map(\.count.used) == [3])
        #expect(verdict(counted, at: 1, secret) == .refused(.spent))
        var free = book(.none)
        #expect(free.spend(verdict(free, at: 1, secret)).isEmpty)
        #expect(free.spend(.author).isEmpty && free.spend(.open).isEmpty && free.spend(.refused(.spent)).isEmpty)
        #expect(counted.spend(.granted(testActionHash(99))).isEmpty)
    }

    @Test("a count that storage cannot have held is no way past the limit")
    func absurdCount() {
        var book = book(GrantLimits(uses: 3))
        book.restore(testActionHash(1).core, UseCount(used: .max))
        #expect(verdict(book, at: 1, secret) == .refused(.spent))
        #expect(book.spend(.granted(testActionHash(1))).map(\.count.used) == [.max])
    }

    @Test("a grant for everyone ends as well; a later one opens again; words say which")
    func open() {
        var book = book(GrantLimits(expiresAt: Timestamp(microseconds: 100)), access: .unrestricted)
        #expect(verdict(book, at: 1, nil) == .granted(testActionHash(1)))
        #expect(verdict(book, at: 100, nil) == .refused(.expired))
        let ended = book.settle(post, now: Timestamp(microseconds: 100))
        #expect(ended.map(\.id) == [testActionHash(1).core], "for good, also after a restart")
        #expect(ended.first?.count.hasEnded == true)
        #expect(verdict(book, at: 100, nil) == .refused(.expired), "the words stay the same")
        #expect(verdict(book, at: 1, nil) == .refused(.expired))
        #expect(book.noteEnds(request(nil), now: Timestamp(microseconds: 100)).isEmpty)
        add(GrantLimits(uses: 1), access: .unrestricted, functions: .all, at: 2, to: &book)
        #expect(verdict(book, at: 100, nil) == .granted(testActionHash(2)))
        _ = book.spend(.granted(testActionHash(2)))
        #expect(verdict(book, at: 100, nil) == .refused(.spent))
        book.remove(testActionHash(1))
        book.remove(testActionHash(2))
        #expect(verdict(book, at: 100, nil) == .refused(.missing))
    }

    @Test("ten thousand grants for everyone that have ended hide none that has not")
    func flood() {
        var book = GrantBook()
        add(.none, access: .unrestricted, at: 0, to: &book)
        for n in 1...10_000 as ClosedRange<UInt64> {
            add(GrantLimits(expiresAt: Timestamp(microseconds: 5)), access: .unrestricted, at: n, to: &book)
        }
        #expect(verdict(book, at: 5, nil) == .granted(testActionHash(0)))
        let ended = book.settle(post, now: Timestamp(microseconds: 5))
        #expect(ended.count == 10_000)
        #expect(verdict(book, at: 5, nil) == .granted(testActionHash(0)))
        for n in 1...10_000 as ClosedRange<UInt64> { book.remove(testActionHash(n)) }
        #expect(book.count == 1)
    }

    @Test("limits come from the note in the next action, about this very grant; any other note opens nothing")
    func fromTheChain() throws {
        let grant = ZomeCallCapGrant(tag: "t", access: .transferable(secret: secret), functions: .listed([post]))
        let limits = GrantLimits(uses: 1)
        let now = Timestamp(microseconds: 5)
        var scratch = Scratch(author: alice, head: testHead(1, seq: 2))
        let address = try scratch.grant(grant, limits: limits, now: now)
        #expect(scratch.actions.count == 2 && scratch.touchesCapabilities)
        var book = GrantBook()
        book.follow(scratch)
        #expect(book[address]?.limits == limits && book.grants(label: "t").map(\.address) == [address])
        let original = try #require(book[address])
        scratch = Scratch(author: alice, head: scratch.head)
        let updated = try scratch.updateGrant(original, with: grant, limits: .none, now: now)
        book.follow(scratch)
        #expect(book[address] == nil && book[updated]?.limits.isNone == true)

        for note in [
            CapNote.limits(grant: testActionHash(77), limits), .delegation(claim: testActionHash(77), []),
        ] {
            scratch = Scratch(author: alice, head: scratch.head)
            let lone = try scratch.create(.capGrant, .capGrant(grant), now: now)
            try scratch.create(.capNote, note.entry, now: now)
            book.follow(scratch)
            #expect(book[lone] == nil)
        }
        scratch = Scratch(author: alice, head: scratch.head)
        let lone = try scratch.create(.capGrant, .capGrant(grant), now: now)
        try scratch.create(.capNote, .app([0xc1]), now: now)
        book.follow(scratch)
        #expect(book[lone] == nil)
    }

    @Test("what is asked for: at least one use, an end that lies ahead")
    func asked() {
        let now = Timestamp(microseconds: 100)
        for bad in [GrantLimits(uses: 0), GrantLimits(expiresAt: now), GrantLimits(expiresAt: .init(microseconds: -1))]
        {
            #expect(throws: PlasmidError.self) { try bad.check(now: now) }
        }
        #expect(throws: Never.self) {
            try GrantLimits(expiresAt: .init(microseconds: 101), uses: 1).check(now: now)
            try GrantLimits.none.check(now: now)
        }
    }
}
