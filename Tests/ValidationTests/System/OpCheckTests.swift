import Integrity
import Testing
import Validation

@Suite("rules 16, 17, 30, 31: an op is what it says, and signed")
struct OpCheckTests {
    private let world: World
    private let hello = World.text("hello")

    init() throws { world = try World() }

    private func broken(_ verdict: Verdict) -> Int? {
        if case .rejected(let violation) = verdict { violation.rule } else { nil }
    }

    private func op(_ type: ChainOpType, _ action: Action, _ entry: OpEntry = .actionOnly) -> ChainOp {
        ChainOp(type: type, action: action, signature: world.alice.sign(action.packed), entry: entry)
    }

    /// A record of every kind that Alice could write next.
    private var records: [Record] {
        let grant = Entry.capGrant(ZomeCallCapGrant(tag: "", access: .unrestricted, functions: .all))
        let noteEntry = world.note.entryHash ?? hello.hash
        return [
            world.record(world.create("note", hello), hello), world.record(world.create("diary", hello), hello),
            world.record(world.next(.create(entryType: .capGrant, entryHash: grant.hash)), grant),
            world.record(
                world.next(
                    .update(
                        originalAction: world.note.hash, originalEntry: noteEntry, entryType: World.type("note"),
                        entryHash: hello.hash)), hello),
            world.record(world.next(.delete(deletesAction: world.note.hash, deletesEntry: noteEntry))),
            world.record(world.link("mine", AnyLinkableHash(world.alice.key), .action(world.note.hash))),
            world.record(world.next(.closeChain(nil))), world.record(world.next(.initZomesComplete)),
        ]
    }

    @Test("every op of every record has a sound structure and signature and is valid by its own rules")
    func own() throws {
        for record in records {
            #expect(try World.rules.check(record, reads: world.held) == .valid)
            #expect(OpChecks.checkSignature(record.signedAction) == .valid)
            for op in ChainOp.ops(for: record) {
                #expect(OpChecks.checkStructure(op) == .valid)
                #expect(OpChecks.checkSignature(op.action, op.signature) == .valid)
                #expect(try World.rules.check(op: op, reads: world.held) == .valid)
            }
        }
    }

    @Test("16: an op's type fits its action")
    func type() {
        for record in records {
            let produced = ChainOpType.produced(by: record.action)
            for type in ChainOpType.allCases where !produced.contains(type) {
                #expect(broken(OpChecks.checkStructure(op(type, record.action, .present(hello)))) == 16)
            }
        }
    }

    @Test("§11.53 17: a public entry comes with its op, a private one never does")
    func visibility() {
        let open = world.create("note", hello)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, open, .present(hello)))) == nil)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, open, .hidden))) == 17)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, open))) == 17)
        #expect(broken(OpChecks.checkStructure(op(.createEntry, open))) == 17)
        let hidden = world.create("diary", hello)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, hidden, .hidden))) == nil)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, hidden, .present(hello)))) == 17)
        #expect(broken(OpChecks.checkStructure(op(.createEntry, hidden, .present(hello)))) == 16)
        let bare = world.next(.initZomesComplete)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, bare, .present(hello)))) == 17)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, bare, .hidden))) == 17)
        let key = world.next(.create(entryType: .agentPubKey, entryHash: world.alice.key.entryHash))
        #expect(broken(OpChecks.checkStructure(op(.createRecord, key))) == nil)
        #expect(broken(OpChecks.checkStructure(op(.createRecord, key, .hidden))) == 17)
    }

    @Test("§11.55 30 and 31: an action that was changed after it was signed is refused")
    func signature() {
        let signed = world.record(world.link("mine", AnyLinkableHash(world.alice.key), .action(world.note.hash)))
            .signedAction
        let changes: [(inout Action) -> Void] = [
            { $0.header.timestamp = $0.header.timestamp.advanced(byMicroseconds: 1) },
            { $0.header.actionSeq += 1 }, { $0.header.prevAction = ActionHash(hashing: [1]) },
            { $0.header.author = world.bob.key }, { $0.data = .initZomesComplete },
        ]
        for change in changes {
            let changed = signed.action.changed(change)
            #expect(broken(OpChecks.checkSignature(changed, signed.signature)) == 31)
            let kept = SignedAction(action: changed, hash: signed.hash, signature: signed.signature)
            #expect(broken(OpChecks.checkSignature(kept)) == 30)
        }
        let forged = SignedAction(action: signed.action, signature: world.bob.sign(signed.action.packed))
        #expect(broken(OpChecks.checkSignature(forged)) == 31)
    }

    @Test("31: closing a chain for a new key is signed by that key")
    func closing() {
        let close = world.next(.closeChain(.agent(world.bob.key)))
        #expect(OpChecks.checkSignature(close, world.bob.sign(close.packed)) == .valid)
        #expect(broken(OpChecks.checkSignature(close, world.alice.sign(close.packed))) == 31)
    }

    @Test("an op answers for the rules of its type and leaves the others to the ops that have them")
    func division() throws {
        func rule(_ type: ChainOpType, _ action: Action, _ entry: OpEntry = .actionOnly) throws -> Int? {
            broken(try World.rules.check(op: op(type, action, entry), reads: world.held))
        }
        let late = world.create("note", hello).changed { $0.header.timestamp = Timestamp(microseconds: 0) }
        #expect(try rule(.agentActivity, late) == 5)
        #expect(try rule(.createRecord, late, .present(hello)) == nil)
        let wrong = world.create("note", hello)
        #expect(try rule(.createEntry, wrong, .present(World.text("other"))) == 10)
        #expect(try rule(.agentActivity, wrong) == nil)
        let link = world.link("mine", AnyLinkableHash(world.bob.key), .action(world.note.hash))
        #expect(try rule(.createLink, link) == 26)
        #expect(try rule(.createRecord, link) == nil)
        let delete = world.next(.delete(deletesAction: world.note.hash, deletesEntry: hello.hash))
        #expect(try rule(.deleteRecord, delete) == 28 && rule(.deleteEntry, delete) == 28)
    }
}
