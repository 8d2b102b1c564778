import Integrity
import Testing
import Validation

@Suite("rules 9–13, 18, 20–23, 28: entries, updates and deletions")
struct EntryRuleTests {
    private let world: World

    init() throws { world = try World() }

    private let hello = World.text("hello")

    @Test("a public and a private entry are valid")
    func valid() throws {
        #expect(try world.check(world.create("note", hello), hello) == .valid)
        #expect(try world.check(world.create("diary", hello), hello) == .valid)
    }

    @Test("9: the entry is of the type that the action says")
    func variant() throws {
        let key = Entry.agent(world.alice.key)
        #expect(try world.broken(world.create("note", key), key) == 9)
        #expect(try world.broken(world.next(.initZomesComplete), hello) == 9)
        #expect(try world.broken(world.create("note", hello)) == 9)
        let withheld = Record(signedAction: world.record(world.create("diary", hello)).signedAction, entry: .hidden)
        #expect(try World.rules.check(withheld, reads: world.held) == .valid)
    }

    @Test("10: the entry is the one whose hash the action gives")
    func hash() throws {
        #expect(try world.broken(world.create("note", hello), World.text("other")) == 10)
    }

    @Test("11: no entry is larger than 4,000,000 bytes, which is still allowed")
    func size() throws {
        let largest = Entry.app(Array(repeating: 0, count: Limits.entryBytes))
        #expect(try world.check(world.create("diary", largest), largest) == .valid)
        let tooLarge = Entry.app(Array(repeating: 0, count: Limits.entryBytes + 1))
        let action = world.next(.create(entryType: World.type("diary"), entryHash: hello.hash))
        #expect(try world.broken(action, tooLarge) == 11)
    }

    @Test("12: an update replaces an entry by one of the same type")
    func update() throws {
        func update(_ original: Action, _ entry: EntryHash?, _ type: String = "note") -> Action {
            world.next(
                .update(
                    originalAction: original.hash, originalEntry: entry ?? hello.hash, entryType: World.type(type),
                    entryHash: hello.hash))
        }
        #expect(try world.check(update(world.note, world.note.entryHash), hello) == .valid)
        #expect(try world.check(update(world.bobsNote, world.bobsNote.entryHash), hello) == .valid)
        #expect(try world.broken(update(world.note, world.note.entryHash, "diary"), hello) == 12)
        #expect(try world.broken(update(world.note, hello.hash), hello) == 12)
        let unknown = world.create("note", World.text("unknown"))
        #expect(try world.check(update(unknown, unknown.entryHash), hello) == .missing([.action(unknown.hash)]))
    }

    @Test("12: an action without an entry has nothing to update")
    func updateOfNothing() throws {
        var world = world
        let bare = world.next(.initZomesComplete)
        world.held.hold(bare)
        let action = world.next(
            .update(
                originalAction: bare.hash, originalEntry: hello.hash, entryType: World.type("note"),
                entryHash: hello.hash))
        #expect(try world.broken(action, hello) == 12)
    }

    @Test("13 and 28: a deletion names a record with an entry, and that entry")
    func delete() throws {
        var world = world
        func delete(_ target: Action, _ entry: EntryHash?) -> Action {
            world.next(.delete(deletesAction: target.hash, deletesEntry: entry ?? hello.hash))
        }
        #expect(try world.check(delete(world.note, world.note.entryHash)) == .valid)
        #expect(try world.broken(delete(world.note, hello.hash)) == 28)
        let unknown = world.create("note", World.text("unknown"))
        #expect(try world.check(delete(unknown, unknown.entryHash)) == .missing([.action(unknown.hash)]))
        let bare = world.next(.initZomesComplete)
        world.held.hold(bare)
        #expect(try world.broken(delete(bare, nil)) == 13)
    }

    @Test("§11.57 18: countersigned entries are refused: further signers are not supported")
    func countersigned() throws {
        let entry = Entry.counterSign(session: [0xC0], bytes: [1])
        #expect(try world.broken(world.create("note", entry), entry) == 18)
    }

    @Test("§11.46 20: an entry type that the app does not have")
    func unknownType() throws {
        for app in [
            AppEntryDef(entryIndex: 3, zomeIndex: 0, visibility: .public),
            AppEntryDef(entryIndex: 0, zomeIndex: 1, visibility: .public),
        ] {
            let action = world.next(.create(entryType: .app(app), entryHash: hello.hash))
            #expect(try world.broken(action, hello) == 20)
        }
    }

    @Test("21: public and private are as the app says")
    func visibility() throws {
        let app = AppEntryDef(entryIndex: 1, zomeIndex: 0, visibility: .public)
        #expect(try world.broken(world.next(.create(entryType: .app(app), entryHash: hello.hash)), hello) == 21)
    }

    @Test("22: an entry is no larger than its type allows")
    func typeSize() throws {
        let full = Entry.app(Array(repeating: 0, count: 100))
        #expect(try world.check(world.create("note", full), full) == .valid)
        let over = Entry.app(Array(repeating: 0, count: 101))
        #expect(try world.broken(world.create("note", over), over) == 22)
    }

    @Test("23: a type that is published without an author is not signed")
    func publishing() throws {
        #expect(try world.broken(world.create("tip", hello), hello) == 23)
    }
}
