import Integrity
import Sodium
import Testing
import Validation

@Suite("declarative rules: records, references, permissions")
struct DeclaredRecordTests {
    private typealias W = RuledWorld
    private let good = W.entry(["text": "hello"])

    @Test("a type without rules takes anything; one with rules what they allow, as the error says")
    func records() throws {
        let world = W()
        #expect(try world.word(W.create("comment", .app([0xC1])), .app([0xC1])) == "valid")
        #expect(try world.word(W.create("note", good), good) == "valid")
        let bad = W.entry(["text": .string(String(repeating: "x", count: 5_000))])
        guard case .rejected(let violation) = try world.check(W.create("note", bad), bad) else {
            Issue.record("the text is too long")
            return
        }
        #expect(violation.rule == 44 && violation.code == .validationFailed)
        #expect(violation.refusal?.path == "text" && violation.refusal?.word == .tooLong)
        #expect(violation.error.message == "`text` is too long: 5,000 bytes, at most 4,000.")
        #expect(violation.error.cause?.hasSuffix("tooLong at text") == true)
        // An update is an entry like any other.
        var held = world
        let note = held.write(W.create("note", good), good)
        #expect(try held.word(W.update("note", note, bad), bad) == "tooLong")
    }

    @Test("addresses that must exist are waited for, and must then name what the rule says")
    func references() throws {
        var world = W()
        let comment = W.entry(["a": 1])
        let about = world.write(W.create("comment", comment), comment)
        let other = world.write(W.create("note", good), good)
        func note(_ field: String, _ bytes: [UInt8]) throws -> String {
            let entry = W.entry(["text": "x"])
            guard case .app = entry else { return "" }
            let value = MessagePackValue.map([.init("text", "x"), .init(field, .binary(bytes))])
            return try world.word(W.create("note", .app(value.packed)), .app(value.packed))
        }
        let unknown = ActionHash(hashing: [9])
        #expect(try note("about", about.hash.bytes) == "valid")
        #expect(try note("about", other.hash.bytes) == "wrongReference")
        #expect(try note("about", unknown.bytes) == "missing")
        #expect(try note("act", other.hash.bytes) == "valid")
        #expect(try note("act", unknown.bytes) == "missing")
        #expect(try note("source", comment.hash.bytes) == "valid")
        #expect(try note("source", EntryHash(hashing: [9]).bytes) == "missing")
        #expect(try note("to", world.bob.agent.key.bytes) == "valid")
        #expect(try note("to", world.alice.agent.key.bytes) == "valid")
        #expect(try note("to", AgentPubKey(hashing: [9]).bytes) == "missing")
        // Bytes of an entry that is no agent's, named as an agent's key.
        let entryHash = comment.hash
        #expect(try note("to", entryHash.agent.bytes) == "wrongReference")
        let value = MessagePackValue.map([.init("text", "x"), .init("about", .binary(other.hash.bytes))])
        #expect(
            try world.sentence(W.create("note", .app(value.packed)), .app(value.packed))
                == "`about` must name a 'comment', and names something else.")
    }

    @Test("what is missing is named, and a fault of the entry wins over it")
    func missing() throws {
        let world = W()
        let (one, two) = (ActionHash(hashing: [8]), EntryHash(hashing: [9]))
        let fields: [MessagePackValue.Pair] = [.init("act", .binary(one.bytes)), .init("source", .binary(two.bytes))]
        let waiting = Entry.app(MessagePackValue.map(fields + [.init("text", "x")]).packed)
        #expect(try world.check(W.create("note", waiting), waiting) == .missing([.action(one), .entry(two)]))
        let faulty = Entry.app(MessagePackValue.map(fields + [.init("text", "")]).packed)
        #expect(try world.word(W.create("note", faulty), faulty) == "tooShort")
    }

    @Test("a public entry cannot lean on a private one: nobody else could tell; a private one can")
    func privateReferences() throws {
        var world = W()
        let diary = W.entry(["day": 1])
        world.write(W.create("diary", diary), diary)
        let source = diary.hash.bytes
        let note = Entry.app(MessagePackValue.map(["text": "x", "source": .binary(source)]).packed)
        #expect(try world.check(W.create("note", note), note) == .missing([.entry(diary.hash)]))
        let page = Entry.app(MessagePackValue.map(["day": 2, "entry": .binary(source)]).packed)
        #expect(try world.word(W.create("diary", page), page) == "valid")
        // In one commit as well.
        let first = world.alice.next(W.create("diary", W.entry(["day": 3])))
        let leaning = Entry.app(
            MessagePackValue.map(["text": "x", "source": .binary(W.entry(["day": 3]).hash.bytes)]).packed)
        let second = first.changed {
            $0.data = W.create("note", leaning)
            $0.header.actionSeq += 1
            $0.header.prevAction = first.hash
        }
        let records = [W.record(first, W.entry(["day": 3])), W.record(second, leaning)]
        let verdict = try W.rules.check(records, own: world.held, shared: world.shared)
        #expect(verdict == .missing([.entry(W.entry(["day": 3]).hash)]))
    }

    @Test("who may update and delete: anyone, the author, nobody")
    func permissions() throws {
        var world = W()
        let his = world.bob.add(W.create("note", good), good)
        let mine = world.write(W.create("note", good), good)
        let law = world.write(W.create("law", good), good)
        let wiki = world.bob.add(W.create("wiki", W.entry([:])), W.entry([:]))
        let told: [(ActionData, Entry?, String)] = [
            (W.update("note", mine, good), good, "valid"), (W.update("note", his, good), good, "update"),
            (W.delete(mine), nil, "valid"), (W.delete(his), nil, "delete"),
            (W.update("law", law, good), good, "update"),
            (W.delete(law), nil, "delete"), (W.update("wiki", wiki, W.entry([:])), W.entry([:]), "valid"),
            (W.delete(wiki), nil, "valid"),
        ]
        for (data, entry, word) in told { #expect(try world.word(data, entry) == word, "\(data)") }
        #expect(try world.sentence(W.update("note", his, good), good) == "Only its author may change a 'note'.")
        #expect(try world.sentence(W.delete(his)) == "Only its author may delete a 'note'.")
        #expect(try world.sentence(W.update("law", law, good), good) == "A 'law' cannot be changed.")
        #expect(try world.sentence(W.delete(law)) == "A 'law' cannot be deleted.")
        let far = world.bob.next(W.create("note", good))
        #expect(try world.check(W.update("note", far, good), good) == .missing([.action(far.hash)]))
        #expect(try world.check(W.delete(far)) == .missing([.action(far.hash)]))
        // Nobody is nobody, whatever it names.
        #expect(try world.word(W.update("law", far, good), good) == "update")
    }

    @Test("ops answer for the rules of their type, and a withheld entry is not judged")
    func ops() throws {
        var world = W()
        let his = world.bob.add(W.create("note", good), good)
        let bad = W.entry(["text": ""])
        let create = world.alice.next(W.create("note", bad))
        let update = world.alice.next(W.update("note", his, good))
        let delete = world.alice.next(W.delete(his))
        let diary = world.alice.next(W.create("diary", bad))
        func word(_ type: ChainOpType, _ action: Action, _ entry: OpEntry) throws -> String {
            let op = ChainOp(type: type, action: action, signature: Signature(Bytes64()), entry: entry)
            return W.word(try W.rules.check(op: op, reads: world.shared))
        }
        #expect(try word(.createRecord, create, .present(bad)) == "tooShort")
        #expect(try word(.createEntry, create, .present(bad)) == "tooShort")
        #expect(try word(.agentActivity, create, .actionOnly) == "valid")
        for type in [ChainOpType.createRecord, .createEntry, .updateEntry, .updateRecord] {
            #expect(try word(type, update, .present(good)) == "update")
        }
        #expect(try word(.deleteEntry, delete, .actionOnly) == "delete")
        #expect(try word(.deleteRecord, delete, .actionOnly) == "delete")
        #expect(try word(.createRecord, delete, .actionOnly) == "valid")
        #expect(try word(.createRecord, diary, .hidden) == "valid")
    }
}
