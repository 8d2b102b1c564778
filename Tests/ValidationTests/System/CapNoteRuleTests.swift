import Chain
import Integrity
import Sodium
import Testing
import Validation

@Suite("rule 32: what stands beside a capability")
struct CapNoteRuleTests {
    private var world: World
    private let grant = Entry.capGrant(
        ZomeCallCapGrant(tag: "t", access: .transferable(secret: .random()), functions: .all))
    private let granted: Action

    init() throws {
        world = try World()
        var scratch = Scratch(author: world.alice.key, head: world.head)
        try scratch.create(.capGrant, grant, now: world.head.timestamp)
        granted = scratch.actions[0].action
        world.held.hold(scratch)
    }

    /// The action after the grant.
    private func after(_ data: ActionData) -> Action {
        Action(
            header: ActionHeader(
                author: world.alice.key, timestamp: granted.timestamp.advanced(byMicroseconds: 5),
                actionSeq: granted.actionSeq + 1, prevAction: granted.hash), data: data)
    }

    private func broken(_ note: CapNote) throws -> Int? { try broken(note.entry) }

    private func broken(_ entry: Entry) throws -> Int? {
        try world.broken(after(.create(entryType: .capNote, entryHash: entry.hash)), entry)
    }

    private func certificate(to agent: AgentPubKey, dna: DnaHash = World.rules.dnaHash) -> Delegation {
        Delegation(
            dna: dna, grantor: world.bob.key, parent: Bytes32(), from: world.bob.key, to: agent, functions: nil,
            limits: .none, salt: Array(repeating: 0, count: 16), signature: Signature(Bytes64()))
    }

    @Test("limits right after their grant are valid")
    func valid() throws {
        #expect(try broken(.limits(grant: granted.hash, GrantLimits(uses: 1))) == nil)
        #expect(try broken(.limits(grant: granted.hash, GrantLimits(expiresAt: Timestamp(microseconds: 0)))) == nil)
    }

    @Test("a note about another grant, of nothing, or that cannot be read is refused")
    func malformed() throws {
        #expect(try broken(.limits(grant: world.note.hash, GrantLimits(uses: 1))) == 32)
        #expect(try broken(.limits(grant: granted.hash, GrantLimits(uses: 0))) == 32)
        #expect(try broken(.limits(grant: granted.hash, .none)) == 32)
        for bytes in [[], [0xc0], [0xc1], [0x80], CapNote.limits(grant: granted.hash, .none).packed + [0]] as [[UInt8]]
        {
            #expect(try broken(.app(bytes)) == 32, "\(bytes.count) bytes")
        }
    }

    @Test("a note that follows no capability is refused by everyone, whether its entry is seen or not")
    func place() throws {
        let entry = CapNote.limits(grant: world.note.hash, GrantLimits(uses: 1)).entry
        let lone = world.next(.create(entryType: .capNote, entryHash: entry.hash))
        #expect(try world.broken(lone, entry) == 32)
    }

    @Test("a note is neither changed nor taken away")
    func kept() throws {
        var world = world
        var scratch = Scratch(author: world.alice.key, head: world.head)
        let address = try scratch.grant(
            ZomeCallCapGrant(tag: "t", access: .unrestricted, functions: .all), limits: GrantLimits(uses: 1),
            now: world.head.timestamp)
        world.held.hold(scratch)
        let (note, last) = (scratch.actions[1], scratch.actions[1])
        let entryHash = try #require(note.action.entryHash)
        func next(_ data: ActionData) -> Action {
            Action(
                header: ActionHeader(
                    author: world.alice.key, timestamp: last.action.timestamp.advanced(byMicroseconds: 5),
                    actionSeq: last.action.actionSeq + 1, prevAction: last.hash), data: data)
        }
        let wider = CapNote.limits(grant: address, GrantLimits(uses: 1_000)).entry
        let update = next(
            .update(
                originalAction: note.hash, originalEntry: entryHash, entryType: .capNote, entryHash: wider.hash))
        #expect(try world.broken(update, wider) == 32)
        let delete = next(.delete(deletesAction: note.hash, deletesEntry: entryHash))
        #expect(try world.check(delete, nil) != .valid)
    }

    @Test("what was passed on is claimed by whom it was passed on to, in its own app")
    func delegation() throws {
        var world = world
        let claim = CapClaim(tag: "t", grantor: world.bob.key, secret: .random())
        for (certificates, rule) in [
            ([certificate(to: world.alice.key)], nil), ([], 32), ([certificate(to: world.bob.key)], 32),
            ([certificate(to: world.alice.key, dna: DnaHash(hashing: [1]))], 32),
            (Array(repeating: certificate(to: world.alice.key), count: 9), 32),
        ] as [([Delegation], Int?)] {
            var scratch = Scratch(author: world.alice.key, head: world.head)
            let address = try scratch.create(.capClaim, .capClaim(claim), now: world.head.timestamp)
            let entry = CapNote.delegation(claim: address, certificates).entry
            try scratch.create(.capNote, entry, now: world.head.timestamp)
            world.held.hold(scratch)
            #expect(try world.broken(scratch.actions[1].action, entry) == rule, "\(certificates.count)")
        }
    }
}
