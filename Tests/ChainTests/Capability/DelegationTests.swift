import Chain
import Integrity
import Sodium
import Testing

@Suite("capabilities that are passed on")
struct DelegationTests {
    /// Somebody who can sign.
    private final class Holder: Sendable {
        private let secret: SecretKey
        let key: AgentPubKey

        init() throws {
            guard let made = SecretKey(seed: SecretBytes.random(count: 32)) else {
                throw PlasmidError(.internal, "32 bytes are a seed")
            }
            key = AgentPubKey(core: made.publicKey)
            secret = made
        }

        /// Passes a capability on.
        func pass(
            _ claim: DelegatedClaim, to agent: AgentPubKey, functions: [ZomeFunction]? = nil,
            limits: GrantLimits = .none, dna: DnaHash = testDna, change: (inout Delegation) -> Void = { _ in }
        ) -> DelegatedClaim {
            var certificate = Delegation(
                dna: dna, grantor: claim.grantor, parent: claim.secret.fingerprint, from: key, to: agent,
                functions: functions, limits: limits, salt: SystemRandom.bytes(Delegation.saltBytes),
                signature: Signature(Bytes64()))
            change(&certificate)
            certificate.signature = Signature(secret.sign(certificate.signedBytes))
            return DelegatedClaim(
                grantor: claim.grantor, secret: claim.secret.derived(for: certificate),
                certificates: claim.certificates + [certificate])
        }
    }

    private let alice = testAgent(1)
    private let grantAddress = testActionHash(1)
    private let post = ZomeFunction(zome: "blog", function: "create_post")
    private let erase = ZomeFunction(zome: "blog", function: "delete_post")
    private let root: DelegatedClaim
    private let (bob, carol, dave): (Holder, Holder, Holder)

    init() throws {
        root = DelegatedClaim(grantor: alice, secret: .random(), certificates: [])
        (bob, carol, dave) = (try Holder(), try Holder(), try Holder())
    }

    private func book(_ limits: GrantLimits = .none, assignees: [AgentPubKey]? = nil) -> GrantBook {
        var book = GrantBook()
        let access: CapAccess =
            assignees.map { .assigned(secret: root.secret, assignees: $0) } ?? .transferable(secret: root.secret)
        book.add(
            ZomeCallCapGrant(tag: "t", access: access, functions: .listed([post, erase])), limits: limits,
            at: grantAddress)
        return book
    }

    private func verdict(
        _ claim: DelegatedClaim, by caller: AgentPubKey, _ function: ZomeFunction? = nil, book: GrantBook? = nil,
        at time: Int64 = 1
    ) -> CapabilityVerdict {
        CapabilityCheck.decide(
            CapabilityRequest(
                provenance: caller, secret: claim.secret, function: function ?? post, certificates: claim.certificates),
            author: alice, dna: testDna, access: .granted, grants: book ?? self.book(),
            now: Timestamp(microseconds: time))
    }

    @Test("a transferable capability is passed on, and on again; the grantor sees by whom")
    func passedOn() {
        let first = bob.pass(root, to: carol.key)
        #expect(verdict(first, by: carol.key) == .delegated(grantAddress, first.certificates))
        let second = carol.pass(first, to: dave.key)
        #expect(verdict(second, by: dave.key).grant == grantAddress)
        #expect(second.certificates.map(\.from) == [bob.key, carol.key])
        #expect(verdict(second, by: carol.key) == .refused(.notAssigned))
    }

    @Test("what a holder left out stays left out for everybody after")
    func attenuated() {
        let narrow = bob.pass(
            root, to: carol.key, functions: [post], limits: GrantLimits(expiresAt: .init(microseconds: 50)))
        #expect(verdict(narrow, by: carol.key).allows)
        #expect(verdict(narrow, by: carol.key, erase) == .refused(.notForFunction))
        #expect(verdict(narrow, by: carol.key, at: 50) == .refused(.expired))
        let wider = carol.pass(
            narrow, to: dave.key, functions: [post, erase], limits: GrantLimits(expiresAt: .init(microseconds: 500)))
        #expect(verdict(wider, by: dave.key).allows)
        #expect(verdict(wider, by: dave.key, erase) == .refused(.notForFunction))
        #expect(verdict(wider, by: dave.key, at: 50) == .refused(.expired))
        let beyond = bob.pass(root, to: carol.key, functions: [ZomeFunction(zome: "blog", function: "other")])
        #expect(
            verdict(beyond, by: carol.key, ZomeFunction(zome: "blog", function: "other")) == .refused(.notForFunction))
    }

    @Test("the derived secret alone, or with other certificates than its own, opens nothing")
    func derivedSecret() {
        let claim = bob.pass(root, to: carol.key, functions: [post])
        var shown = claim
        shown.certificates = []
        #expect(verdict(shown, by: carol.key) == .refused(.wrong))
        shown.certificates = bob.pass(root, to: carol.key, functions: [post]).certificates
        #expect(verdict(shown, by: carol.key) == .refused(.wrong), "another salt is another secret")
        shown = claim
        shown.secret = root.secret
        #expect(verdict(shown, by: carol.key) == .refused(.wrong))
        shown.secret = .random()
        #expect(verdict(shown, by: carol.key) == .refused(.wrong))
    }

    @Test("a certificate of which any part was changed opens nothing")
    func changed() {
        let claim = bob.pass(
            root, to: carol.key, functions: [post], limits: GrantLimits(expiresAt: .init(microseconds: 50), uses: 1))
        let changes: [(inout Delegation) -> Void] = [
            { $0.dna = DnaHash(hashing: [9]) }, { $0.grantor = testAgent(7) }, { $0.parent = testAgent(7).core },
            { $0.from = testAgent(7) }, { $0.to = testAgent(7) }, { $0.functions = nil },
            { $0.functions = [ZomeFunction(zome: "blog", function: "delete_post")] }, { $0.limits.expiresAt = nil },
            { $0.limits.uses = nil }, { $0.limits.uses = 2 }, { $0.salt[0] ^= 1 }, { $0.salt.append(0) },
            { $0.signature = Signature(Bytes64()) },
        ]
        for (index, change) in changes.enumerated() {
            var copy = claim
            change(&copy.certificates[0])
            for caller in [carol.key, testAgent(7)] {
                let verdict = verdict(copy, by: caller)
                #expect(verdict == .refused(.wrong), "\(index)")
            }
        }
        #expect(verdict(claim, by: carol.key).allows)
    }

    @Test("a holder who signs nonsense gains nothing by it")
    func nonsense() {
        for (index, change)
            in ([
                { $0.dna = DnaHash(hashing: [9]) }, { $0.grantor = testAgent(7) }, { $0.salt = [] },
                { $0.parent = testAgent(7).core },
            ] as [(inout Delegation) -> Void]).enumerated()
        {
            #expect(
                verdict(bob.pass(root, to: carol.key, change: change), by: carol.key) == .refused(.wrong), "\(index)")
        }
        // In the name of somebody else: the signature is not his.
        let forged = bob.pass(root, to: carol.key) { [dave] in $0.from = dave.key }
        #expect(verdict(forged, by: carol.key) == .refused(.wrong))
        // Passed on by somebody to whom it was not passed.
        let stolen = dave.pass(bob.pass(root, to: carol.key), to: dave.key)
        #expect(verdict(stolen, by: dave.key) == .refused(.wrong))
        var reversed = carol.pass(bob.pass(root, to: carol.key), to: dave.key)
        reversed.certificates.reverse()
        #expect(verdict(reversed, by: dave.key) == .refused(.wrong))
        var cut = carol.pass(bob.pass(root, to: carol.key), to: dave.key)
        cut.certificates.removeFirst()
        #expect(verdict(cut, by: dave.key) == .refused(.wrong))
    }

    @Test("an assigned grant is not passed on, and a revoked one takes along what was passed on")
    func notTransferable() {
        let claim = bob.pass(root, to: carol.key)
        #expect(verdict(claim, by: carol.key, book: book(assignees: [bob.key])) == .refused(.notTransferable))
        #expect(verdict(claim, by: carol.key, book: book(assignees: [carol.key])) == .refused(.notTransferable))
        var revoked = book()
        revoked.remove(grantAddress)
        #expect(verdict(claim, by: carol.key, book: revoked) == .refused(.wrong))
    }

    @Test("uses are counted at every step: the certificate's own and the grant's")
    func uses() {
        var book = book(GrantLimits(uses: 3))
        let two = bob.pass(root, to: carol.key, limits: GrantLimits(uses: 2))
        let many = carol.pass(two, to: dave.key, limits: GrantLimits(uses: 100))
        for used in 1...2 as ClosedRange<UInt32> {
            let verdict = verdict(many, by: dave.key, book: book)
            #expect(verdict.allows)
            #expect(book.spend(verdict).map(\.count.used) == [used, used, used])
        }
        #expect(verdict(many, by: dave.key, book: book) == .refused(.spent))
        #expect(verdict(two, by: carol.key, book: book) == .refused(.spent), "the same two uses")
        let again = bob.pass(root, to: carol.key, limits: GrantLimits(uses: 2))
        let third = verdict(again, by: carol.key, book: book)
        #expect(third.allows)
        _ = book.spend(third)
        #expect(verdict(again, by: carol.key, book: book) == .refused(.spent), "the grant's three uses")
        #expect(verdict(root, by: bob.key, book: book) == .refused(.spent))
    }

    @Test("an expired certificate stays expired when the clock is set back")
    func clockSetBack() {
        var book = book()
        let claim = bob.pass(root, to: carol.key, limits: GrantLimits(expiresAt: .init(microseconds: 50)))
        let request = CapabilityRequest(
            provenance: carol.key, secret: claim.secret, function: post, certificates: claim.certificates)
        #expect(book.noteEnds(request, now: .init(microseconds: 50)).map(\.id) == claim.certificates.map(\.id))
        #expect(verdict(claim, by: carol.key, book: book, at: 1) == .refused(.expired))
        #expect(verdict(bob.pass(root, to: carol.key), by: carol.key, book: book).allows)
    }

    @Test("a holder who makes certificates without end fills the grant's places and nobody else's memory")
    func countedWithoutEnd() throws {
        var book = book()
        let first = bob.pass(root, to: carol.key, limits: GrantLimits(uses: 2))
        _ = book.spend(verdict(first, by: carol.key, book: book))
        for number in 1..<GrantBook.certificatesPerSecret {
            let id = EntryHash(hashing: Array("certificate \(number)".utf8)).core
            book.restore(id, UseCount(used: 1), root: root.secret.fingerprint)
        }
        let next = bob.pass(root, to: carol.key, limits: GrantLimits(uses: 2))
        #expect(verdict(next, by: carol.key, book: book) == .refused(.spent))
        #expect(verdict(first, by: carol.key, book: book).allows, "one that is counted goes on")
        #expect(verdict(bob.pass(root, to: carol.key), by: carol.key, book: book).allows, "so does what needs no count")
        let late = bob.pass(root, to: carol.key, limits: GrantLimits(expiresAt: .init(microseconds: 50)))
        let request = CapabilityRequest(
            provenance: carol.key, secret: late.secret, function: post, certificates: late.certificates)
        let ends = book.noteEnds(request, now: .init(microseconds: 50))
        #expect(ends.isEmpty)
    }

    @Test("counts of certificates go with the last grant of their secret, and with no replacement that keeps it")
    func orphans() throws {
        var book = book()
        let claim = bob.pass(root, to: carol.key, limits: GrantLimits(uses: 1))
        let spent = book.spend(verdict(claim, by: carol.key, book: book))
        #expect(spent.map(\.root) == [root.secret.fingerprint])
        let original = try #require(book[grantAddress])
        // Replaced by one with the same secret: what was used stays used.
        book.remove(grantAddress)
        book.add(original.entry, at: testActionHash(2))
        #expect(book.takeOrphans().isEmpty)
        #expect(verdict(claim, by: carol.key, book: book) == .refused(.spent))
        book.remove(testActionHash(2))
        #expect(book.takeOrphans() == spent.map(\.id))
        #expect(book.takeOrphans().isEmpty)
        // What storage still held of a secret that no grant has.
        book.restore(testAgent(9).core, UseCount(used: 1), root: testAgent(8).core)
        #expect(book.takeOrphans() == [testAgent(9).core])
    }

    @Test("a capability is passed on eight times and not nine, and no list of certificates costs more than that")
    func depth() throws {
        var claim = root
        var holder = bob
        for step in 1...9 {
            let next = try Holder()
            claim = holder.pass(claim, to: next.key)
            #expect(verdict(claim, by: next.key).allows == (step <= 8), "\(step)")
            holder = next
        }
        var endless = bob.pass(root, to: carol.key)
        endless.certificates = Array(repeating: endless.certificates[0], count: 100_000)
        #expect(verdict(endless, by: carol.key) == .refused(.wrong))
    }

    @Test("a certificate comes back from its bytes; its domain is its own")
    func bytes() throws {
        let claim = bob.pass(
            root, to: carol.key, functions: [post], limits: GrantLimits(expiresAt: .init(microseconds: -1), uses: 7))
        #expect(try DelegatedClaim(packed: claim.packed) == claim)
        let certificate = try #require(claim.certificates.first)
        #expect(certificate.signedBytes.starts(with: Array("plasmid:delegation:v1".utf8)))
        #expect(try DelegatedClaim(codableText: claim.codableText) == claim)
        for count in 0..<claim.packed.count {
            #expect(throws: PlasmidError.self) { try DelegatedClaim(packed: Array(claim.packed.prefix(count))) }
        }
    }
}
