import Integrity
import Testing
import Validation

/// splitmix64: small, seedable, the same everywhere.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("verdicts and the order of arrival")
struct OrderTests {
    /// Valid and invalid records that lean on each other and on the held chains.
    private func candidates(_ world: inout World) -> [Record] {
        let hello = World.text("hello")
        let first = world.create("note", hello)
        let noteEntry = world.note.entryHash ?? hello.hash
        let bob = AnyLinkableHash(world.bob.key)
        let made = world.link("inbox", bob, .action(first.hash))
        let actions: [(Action, Entry?)] = [
            (first, hello), (made, nil), (world.link("inbox", bob, bob), nil), (world.link("mine", bob, bob), nil),
            (world.next(.delete(deletesAction: first.hash, deletesEntry: hello.hash)), nil),
            (world.next(.delete(deletesAction: made.hash, deletesEntry: hello.hash)), nil),
            (world.next(.deleteLink(base: bob, linkAdd: made.hash)), nil),
            (world.next(.deleteLink(base: bob, linkAdd: first.hash)), nil),
            (
                world.next(
                    .update(
                        originalAction: world.bobsNote.hash, originalEntry: noteEntry, entryType: World.type("note"),
                        entryHash: hello.hash)), hello
            ),
            (first.changed { $0.header.actionSeq = 9 }, hello),
        ]
        return actions.map { world.record($0.0, $0.1) }
    }

    @Test("§7 the same record gets the same verdict, in whatever order the data came and however often it is asked")
    func anyOrder() throws {
        var world = try World()
        let records = candidates(&world)
        var all = world.held
        for record in records { all.hold(record.action, record.entry.entry) }
        let final = try records.map { try World.rules.check($0, reads: all) }
        #expect(final.contains(.valid) && final.contains { if case .rejected = $0 { true } else { false } })
        for seed in 1...300 as ClosedRange<UInt64> {
            var dice = Dice(state: seed)
            var held = HeldData()
            var arrivals = all.actions.values.map { ($0, $0.entryHash.flatMap { all.entries[$0] }) }
                .sorted { $0.0.hash < $1.0.hash }
            arrivals.shuffle(using: &dice)
            var before = try records.map { try World.rules.check($0, reads: held) }
            for (action, entry) in arrivals {
                held.hold(action, entry)
                let now = try records.map { try World.rules.check($0, reads: held) }
                for (old, new) in zip(before, now) where !mayFollow(old, new) {
                    Issue.record("seed \(seed): \(old) became \(new) when \(action.hash) arrived")
                    return
                }
                before = now
            }
            for (record, (last, expected)) in zip(records, zip(before, final)) where !isSame(last, expected) {
                Issue.record("seed \(seed): \(record.hash) came to \(last) instead of \(expected)")
                return
            }
        }
    }

    /// Only "missing" may change.
    private func mayFollow(_ old: Verdict, _ new: Verdict) -> Bool {
        switch (old, new) {
        case (.missing, _), (.valid, .valid), (.rejected, .rejected): true
        default: false
        }
    }

    private func isSame(_ left: Verdict, _ right: Verdict) -> Bool {
        left == right
    }

    @Test("the records of one commit see each other, in any order")
    func together() throws {
        let world = try World()
        let hello = World.text("hello")
        let note = world.record(world.create("note", hello), hello)
        let next = ActionHeader(
            author: world.alice.key, timestamp: note.action.timestamp, actionSeq: note.action.actionSeq + 1,
            prevAction: note.hash)
        let link = world.record(
            world.link("inbox", AnyLinkableHash(world.bob.key), .action(note.hash)).changed { $0.header = next })
        #expect(try World.rules.check([note, link], reads: world.held) == .valid)
        #expect(try World.rules.check([link, note], reads: world.held) == .valid)
        #expect(try World.rules.check([link], reads: world.held) == .missing([.action(note.hash)]))
        let bad = world.record(world.create("note", hello), World.text("other"))
        let verdict = try World.rules.check([note, bad], reads: world.held)
        #expect(verdict == (try World.rules.check(bad, reads: world.held)))
    }
}
