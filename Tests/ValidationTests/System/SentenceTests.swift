import Integrity
import Testing
import Validation

/// What people read when a rule refuses what they did: golden, since wording is part of the product.
@Suite("the sentences of the rules")
struct SentenceTests {
    private let world: World

    init() throws { world = try World() }

    @Test("each refusal says in one sentence what is wrong, in the app's own names")
    func golden() throws {
        var world = world
        let hello = World.text("hello")
        let bob = AnyLinkableHash(world.bob.key)
        let bobsKey = world.bob.key
        let note = AnyLinkableHash.action(world.note.hash)
        let long = Entry.app(Array(repeating: 0, count: 70_000))
        let his = world.link("inbox", bob, note).changed { $0.header.author = bobsKey }
        world.held.hold(his)
        let told = [
            try world.words(world.create("note", long), long),
            try world.words(world.create("tip", hello), hello),
            try world.words(world.create("note", hello), World.text("other")),
            try world.words(world.link("inbox", note, note)),
            try world.words(world.link("inbox", bob, bob)),
            try world.words(world.link("mine", bob, note)),
            try world.words(world.link("inbox", bob, note, tag: Array(repeating: 0, count: 1_001))),
            try world.words(world.next(.deleteLink(base: bob, linkAdd: his.hash))),
            try world.words(
                world.next(
                    .update(
                        originalAction: world.note.hash, originalEntry: world.note.entryHash ?? hello.hash,
                        entryType: World.type("diary"), entryHash: hello.hash)), hello),
            try world.words(
                world.next(
                    .create(
                        entryType: .app(AppEntryDef(entryIndex: 9, zomeIndex: 0, visibility: .public)),
                        entryHash: hello.hash)), hello),
        ]
        let expected = [
            "This 'note' has 70000 bytes; the app allows 100.",
            "A 'tip' is published without an author in this app, yet it was signed.",
            "The 'note' that comes with an action is not the one whose hash it gives.",
            "A link 'inbox' can only start from an agent.",
            "A link 'inbox' can only lead to a 'note'.",
            "Only the author of what a link 'mine' starts from may make it, by the author's key or an action.",
            "The tag of a link has 1001 bytes; at most 1000 are allowed.",
            "Only who made a link 'inbox' may take it back.",
            "A 'diary' cannot replace a 'note'.",
            "The app has no entry type 9 in its zome 0.",
        ]
        #expect(told == expected)
    }

    @Test("§11.45 the error that a caller gets has the sentence, a stable code, the rule and the action")
    func error() throws {
        let long = Entry.app(Array(repeating: 0, count: 101))
        let action = world.create("note", long)
        guard case .rejected(let violation) = try world.check(action, long) else {
            Issue.record("the entry is too large for its type")
            return
        }
        let error = violation.error
        #expect(error.code == .entryTooLarge)
        #expect(error.message == "This 'note' has 101 bytes; the app allows 100.")
        #expect(error.cause == "rule 22, action \(action.hash)")
    }
}
