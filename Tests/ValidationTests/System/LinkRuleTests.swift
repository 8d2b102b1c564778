import Integrity
import Testing
import Validation

@Suite("rules 14, 15, 24–28: links")
struct LinkRuleTests {
    private let world: World

    init() throws { world = try World() }

    private var bob: AnyLinkableHash { AnyLinkableHash(world.bob.key) }
    private var alice: AnyLinkableHash { AnyLinkableHash(world.alice.key) }
    private var note: AnyLinkableHash { .action(world.note.hash) }
    private var outside: AnyLinkableHash { .external(ExternalHash(hashing: [1])) }
    private var noteEntry: AnyLinkableHash { world.note.entryHash.map { .entry($0) } ?? outside }

    @Test("a link of each type is valid")
    func valid() throws {
        #expect(try world.check(world.link("inbox", bob, note)) == .valid)
        #expect(try world.check(world.link("inbox", alice, noteEntry)) == .valid)
        #expect(try world.check(world.link("mine", alice, outside)) == .valid)
        #expect(try world.check(world.link("mine", note, bob)) == .valid)
        #expect(try world.check(world.link("out", note, outside)) == .valid)
    }

    @Test("14: a tag has at most 1000 bytes")
    func tag() throws {
        let full = world.link("inbox", bob, note, tag: Array(repeating: 0, count: 1_000))
        #expect(try world.check(full) == .valid)
        #expect(try world.broken(world.link("inbox", bob, note, tag: Array(repeating: 0, count: 1_001))) == 14)
    }

    @Test("34: an address with a location that is not its own: nobody decides who keeps a link but its base")
    func astray() throws {
        let key = AgentPubKey(core: world.bob.key.core, location: world.bob.key.location &+ 1)
        #expect(try world.broken(world.link("inbox", AnyLinkableHash(key), note)) == 34)
    }

    @Test("§11.50 24: a link type that the app does not have")
    func unknownType() throws {
        #expect(try world.broken(world.link("unheard of", bob, note)) == 24)
        let elsewhere = world.next(.createLink(base: bob, target: note, zomeIndex: 1, linkType: 0, tag: []))
        #expect(try world.broken(elsewhere) == 24)
    }

    @Test("§11.50 25: both ends are of the kind that the type names, and are there")
    func ends() throws {
        #expect(try world.broken(world.link("inbox", noteEntry, note)) == 25)
        #expect(try world.broken(world.link("inbox", note, note)) == 25)
        #expect(try world.broken(world.link("inbox", outside, note)) == 25)
        #expect(try world.broken(world.link("inbox", bob, outside)) == 25)
        #expect(try world.broken(world.link("inbox", bob, alice)) == 25)
        #expect(try world.broken(world.link("out", note, note)) == 25)
        let nobody = TestAgent(9).key
        let toNobody = world.link("inbox", AnyLinkableHash(nobody), note)
        #expect(try world.check(toNobody) == .missing([.entry(nobody.entryHash)]))
        let gone = ActionHash(hashing: [3])
        #expect(try world.check(world.link("inbox", bob, .action(gone))) == .missing([.action(gone)]))
        var world = world
        let diary = world.create("diary", World.text("dear"))
        world.held.hold(diary, World.text("dear"))
        #expect(try world.broken(world.link("inbox", bob, .action(diary.hash))) == 25)
    }

    @Test("25: a private entry is no end of a link on its author's node either; its action is")
    func privateEnds() throws {
        let secret = World.text("dear")
        let diary = world.create("diary", secret)
        let link = world.link("about", .entry(secret.hash), note).changed {
            $0.header.actionSeq += 1
            $0.header.prevAction = diary.hash
        }
        let records = [world.record(diary, secret), world.record(link)]
        #expect(try World.rules.check(records, reads: world.held) == .missing([.entry(secret.hash)]))
        let named = world.link("about", .action(diary.hash), note).changed {
            $0.header.actionSeq += 1
            $0.header.prevAction = diary.hash
        }
        #expect(try World.rules.check([records[0], world.record(named)], reads: world.held) == .valid)
    }

    @Test("26: where only the author may link, the base is the author's key or an action of the author")
    func createAuthor() throws {
        #expect(try world.broken(world.link("mine", bob, outside)) == 26)
        #expect(try world.broken(world.link("mine", .action(world.bobsNote.hash), outside)) == 26)
        #expect(try world.broken(world.link("mine", noteEntry, outside)) == 26)
        #expect(try world.broken(world.link("mine", outside, outside)) == 26)
        let gone = ActionHash(hashing: [3])
        #expect(try world.check(world.link("mine", .action(gone), outside)) == .missing([.action(gone)]))
    }

    @Test("15, 27 and 28: a link is taken back by who may, from where it starts, and only a link is")
    func takeBack() throws {
        var world = world
        func back(_ add: Action, _ base: AnyLinkableHash) -> Action {
            world.next(.deleteLink(base: base, linkAdd: add.hash))
        }
        let mine = world.link("inbox", bob, note)
        world.held.hold(mine)
        let his = mine.changed { $0.header.author = world.bob.key }
        world.held.hold(his)
        let open = world.link("out", note, outside).changed { $0.header.author = world.bob.key }
        world.held.hold(open)
        #expect(try world.check(back(mine, bob)) == .valid)
        #expect(try world.check(back(open, note)) == .valid)
        #expect(try world.broken(back(world.note, bob)) == 15)
        #expect(try world.broken(back(his, bob)) == 27)
        #expect(try world.broken(back(mine, alice)) == 28)
        let gone = world.link("inbox", alice, note)
        #expect(try world.check(back(gone, alice)) == .missing([.action(gone.hash)]))
    }
}
