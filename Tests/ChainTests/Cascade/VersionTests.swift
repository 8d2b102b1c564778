import Chain
import Integrity
import Testing

@Suite("details and versions through scratch, line and store")
struct VersionTests {
    private let me = testAgent(1)

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    /// A post with two updates: the first two stored, the last in the scratch of the call.
    private struct Post {
        var stored = MemoryChain()
        var scratch: Scratch
        let versions: [ActionHash]

        init(_ me: AgentPubKey) throws {
            func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }
            var first = try Genesis.scratch(dna: DnaHash(hashing: [1]), agent: me, membraneProof: nil, now: time(1))
            let one = try first.create(noteType, note("one"), now: time(10))
            let two = try first.update(one, originalEntry: note("one").hash, noteType, note("two"), now: time(20))
            first.sign { _ in testSignature }
            stored.commit(first)
            scratch = Scratch(author: me, head: first.head)
            let three = try scratch.update(two, originalEntry: note("two").hash, noteType, note("three"), now: time(30))
            versions = [one, two, three]
        }

        var view: CascadeView<MemoryChain> {
            var signed = scratch
            signed.sign { _ in testSignature }
            return CascadeView(layers: [signed], stored: stored)
        }
    }

    @Test("§11.47 the latest version is found from any; the history from the first has all three, in order")
    func latest() throws {
        let post = try Post(me)
        for (version, text) in zip(post.versions, ["one", "two", "three"]) {
            #expect(try post.view.latest(of: .action(version))?.entry == .present(note("three")))
            #expect(try post.view.latest(of: .entry(note(text).hash))?.hash == post.versions[2])
        }
        let history = try #require(try post.view.history(of: .action(post.versions[0])))
        #expect(history.items.map(\.record.hash) == post.versions)
        #expect(history.items.map(\.status) == [.modified, .modified, .live])
        #expect(
            history.links == [
                VersionLink(from: post.versions[0], to: post.versions[1]),
                VersionLink(from: post.versions[1], to: post.versions[2]),
            ])
        #expect(try post.view.history(of: .action(post.versions[1]))?.items.count == 2)
        #expect(try post.view.latest(of: .action(testActionHash(99))) == nil)
        #expect(try post.view.history(of: .entry(note("never").hash)) == nil)
    }

    @Test("§11.48 when the latest was removed there is none, from whichever version; the history says so")
    func removed() throws {
        var post = try Post(me)
        try post.scratch.delete(post.versions[2], entry: note("three").hash, now: time(40))
        for version in post.versions { #expect(try post.view.latest(of: .action(version)) == nil) }
        let history = try #require(try post.view.history(of: .action(post.versions[0])))
        #expect(history.items.map(\.status) == [.modified, .modified, .deleted])
        #expect(try post.view.get(post.versions[0]) != nil)
    }

    @Test(
        "of two versions that replace the same, and of those by others, the newest counts, or the named author's newest"
    )
    func branches() throws {
        var post = try Post(me)
        let other = testAgent(2)
        var theirs = Scratch(author: other, head: nil)
        let branch = try theirs.update(
            post.versions[0], originalEntry: note("one").hash, noteType, note("branch"), now: time(25))
        let newest = try theirs.update(
            branch, originalEntry: note("branch").hash, noteType, note("newest"), now: time(50))
        theirs.sign { _ in testSignature }
        post.stored.commit(theirs)
        #expect(try post.view.latest(of: .action(post.versions[0]))?.hash == newest)
        #expect(try post.view.latest(of: .action(post.versions[1]))?.hash == post.versions[2])
        #expect(try post.view.latest(of: .action(post.versions[0]), author: me)?.hash == post.versions[2])
        let history = try #require(try post.view.history(of: .action(post.versions[0])))
        #expect(history.items.count == 5 && history.links.count == 4)
        // Back to the first bytes: another version, though the same entry.
        let again = try post.scratch.update(
            newest, originalEntry: note("newest").hash, noteType, note("one"), now: time(60))
        #expect(try post.view.latest(of: .entry(note("one").hash))?.hash == again)
    }

    @Test("details of a record and of an entry: all that brought, replaced and deleted it, live or dead")
    func details() throws {
        var post = try Post(me)
        let twin = try post.scratch.create(noteType, note("one"), now: time(40))
        guard case .record(let record)? = try post.view.details(of: .action(post.versions[0])) else {
            Issue.record("no details of a record")
            return
        }
        #expect(record.validationStatus == .valid && record.deletes.isEmpty)
        #expect(record.record.hash == post.versions[0] && record.updates.map(\.hash) == [post.versions[1]])
        func entry() throws -> EntryDetails? {
            guard case .entry(let details)? = try post.view.details(of: .entry(note("one").hash)) else { return nil }
            return details
        }
        var details = try #require(try entry())
        #expect(details.entry == note("one") && details.status == .live && details.rejectedActions.isEmpty)
        #expect(details.actions.map(\.hash) == [post.versions[0], twin])
        #expect(details.updates.map(\.hash) == [post.versions[1]])
        let first = try post.scratch.delete(post.versions[0], entry: note("one").hash, now: time(50))
        #expect(try entry()?.status == .live)
        let second = try post.scratch.delete(twin, entry: note("one").hash, now: time(51))
        details = try #require(try entry())
        #expect(details.status == .dead && details.deletes.map(\.hash) == [first, second])
        #expect(try post.view.details(of: .entry(note("never").hash)) == nil)
        #expect(try Details(packed: Details.entry(details).packed) == .entry(details))
        #expect(try Details(packed: Details.record(record).packed) == .record(record))
    }

    @Test("what a crowd wrote does not fit into one answer of details: it is refused, and `get` still gives the first")
    func crowd() throws {
        let header = ActionHeader(author: me, timestamp: time(1), actionSeq: 3, prevAction: testActionHash(1))
        let crowd = Crowd(
            shared: note("hello"),
            actions: (0..<25_000).map { number in
                var action = Action(header: header, data: .create(entryType: noteType, entryHash: note("hello").hash))
                action.header.timestamp = time(Int64(30_000 - number))
                return SignedAction(action: action, signature: testSignature)
            })
        let view = CascadeView(layers: [], stored: crowd)
        let error = #expect(throws: PlasmidError.self) {
            _ = try view.details(of: .entry(note("hello").hash))
        }
        #expect(error?.code == .tooLarge)
        #expect(try view.get(note("hello").hash)?.hash == crowd.actions.last?.hash)
        let few = CascadeView(layers: [], stored: Crowd(shared: note("hello"), actions: Array(crowd.actions.prefix(3))))
        guard case .entry(let details)? = try few.details(of: .entry(note("hello").hash)) else {
            Issue.record("no details of an entry that three wrote")
            return
        }
        #expect(details.actions.count == 3 && details.status == .live)
    }
}

/// One entry that many actions brought.
private struct Crowd: ChainReads {
    let shared: Entry
    let actions: [SignedAction]

    func record(_ hash: ActionHash) -> Record? {
        actions.last { $0.hash == hash }.map { Record(signedAction: $0, entry: .present(shared)) }
    }

    func entry(_ hash: EntryHash) -> Entry? { hash == shared.hash ? shared : nil }
    func creates(of entry: EntryHash) -> [SignedAction] { entry == shared.hash ? actions : [] }
    func updates(of original: ActionHash) -> [SignedAction] { [] }
    func deletes(of original: ActionHash) -> [SignedAction] { [] }
    func updates(ofEntry original: EntryHash) -> [SignedAction] { [] }
    func deletes(ofEntry original: EntryHash) -> [SignedAction] { [] }
    func linkDeletes(of add: ActionHash) -> [SignedAction] { [] }
    func links(_ filter: LinkFilter, behind: LinkPosition?, newestFirst: Bool, limit: Int) -> [Link] { [] }
    func countLinks(_ filter: LinkFilter) -> Int { 0 }
    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool, entriesOf: (Action) -> Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) {}
}
