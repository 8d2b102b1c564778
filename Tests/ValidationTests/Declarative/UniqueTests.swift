import Integrity
import Testing
import Validation

@Suite("declarative rules: uniqueness on the author's chain")
struct UniqueTests {
    private typealias W = RuledWorld

    private static func note(_ slug: String?, _ text: String = "x") -> Entry {
        W.entry(["text": .string(text), "slug": slug.map { .string($0) } ?? .null])
    }

    private static func create(_ entry: Entry) -> ActionData { W.create("note", entry) }

    @Test("a value is taken once among the author's live entries of the type, and free for others and other types")
    func once() throws {
        var world = W()
        let a = Self.note("a")
        #expect(try world.word(Self.create(a), a) == "valid")
        world.write(Self.create(a), a)
        let again = Self.note("a", "another text")
        #expect(try world.word(Self.create(again), again) == "notUnique")
        #expect(
            try world.sentence(Self.create(again), again)
                == "`slug` is taken: another 'note' of the same author has this value.")
        // The very same entry is a second one too.
        #expect(try world.word(Self.create(a), a) == "notUnique")
        #expect(try world.word(Self.create(Self.note("b")), Self.note("b")) == "valid")
        for _ in 0..<2 { world.write(Self.create(Self.note(nil)), Self.note(nil)) }
        #expect(try world.word(Self.create(Self.note(nil)), Self.note(nil)) == "valid")
        let wiki = W.entry(["slug": "a"])
        #expect(try world.word(W.create("wiki", wiki), wiki) == "valid")
        // Bob's chain is another.
        let bobs = W.record(world.bob.next(Self.create(a)), a)
        #expect(try W.rules.check([bobs], own: world.held, shared: world.shared) == .valid)
        // Two fields are two matters.
        let numbered = W.entry(["text": "x", "number": 7])
        world.write(Self.create(numbered), numbered)
        let other = W.entry(["text": "y", "number": 7, "slug": "c"])
        #expect(try world.word(Self.create(other), other) == "notUnique")
        let texted = W.entry(["text": "y", "slug": "7"])
        #expect(try world.word(Self.create(texted), texted) == "valid")
    }

    @Test("versions of one entry are one: updates by root or by the last version, deletions of either")
    func versions() throws {
        var world = W()
        let a = Self.note("a")
        let root = world.write(Self.create(a), a)
        let longer = Self.note("a", "longer")
        #expect(try world.word(W.update("note", root, longer), longer) == "valid")
        let second = world.write(W.update("note", root, longer), longer)
        let third = Self.note("b", "third")
        #expect(try world.word(W.update("note", second, third), third) == "valid")
        let last = world.write(W.update("note", root, third), third)
        // "a" is free again, "b" is taken.
        #expect(try world.word(Self.create(a), a) == "valid")
        #expect(try world.word(Self.create(third), third) == "notUnique")
        // An old version's deletion changes nothing, the last one's frees the value until there is a newer.
        var older = world
        older.write(W.delete(second))
        #expect(try older.word(Self.create(third), third) == "notUnique")
        var deleted = world
        deleted.write(W.delete(last))
        #expect(try deleted.word(Self.create(third), third) == "valid")
        deleted.write(W.update("note", last, third), third)
        #expect(try deleted.word(Self.create(third), third) == "notUnique")
        // The root's deletion ends it for good.
        deleted.write(W.delete(root))
        #expect(try deleted.word(Self.create(third), third) == "valid")
        deleted.write(W.update("note", root, third), third)
        #expect(try deleted.word(Self.create(third), third) == "valid")
    }

    @Test("private versions whose entries are lost take nothing, and do not stand in the way of new ones")
    func lostPrivateEntries() throws {
        var world = W()
        let first = W.entry(["day": 1])
        let second = W.entry(["day": 2])
        for entry in [first, second] { world.write(W.create("diary", entry), entry) }
        var held = world.held
        held.entries[first.hash] = nil
        func word(_ day: MessagePackValue, _ more: String = "another") throws -> String {
            let entry = more.isEmpty ? W.entry(["day": day]) : W.entry(["day": day, "more": .string(more)])
            let record = W.record(world.alice.next(W.create("diary", entry)), entry)
            let memory = UniqueMemory()
            try W.rules.settle(memory, author: world.alice.agent.key, head: world.alice.last.hash, reads: held)
            let verdict = try W.rules.check([record], own: held, shared: world.shared, memory: memory)
            #expect(try W.rules.check([record], own: held, shared: world.shared) == verdict)
            return W.word(verdict)
        }
        #expect(try word(1) == "valid")
        #expect(try word(2) == "notUnique")
        #expect(try word(3) == "valid")
        // The very same bytes show what was lost.
        #expect(try word(1, "") == "notUnique")
    }

    @Test("somebody else's entry, updated, is one of one's own; what others do to one's own does not count")
    func others() throws {
        var world = W()
        let a = W.entry(["slug": "a"])
        let his = world.bob.add(W.create("wiki", a), a)
        #expect(try world.word(W.create("wiki", a), a) == "valid")
        world.write(W.update("wiki", his, a), a)
        #expect(try world.word(W.create("wiki", a), a) == "notUnique")
        #expect(try world.word(W.update("wiki", his, a), a) == "valid", "the same document, once more")
        // Bob deletes and changes what Alice wrote: her chain alone counts, which every node sees alike.
        let mine = W.entry(["slug": "mine"])
        let page = world.write(W.create("wiki", mine), mine)
        world.bob.add(W.delete(page))
        world.bob.add(W.update("wiki", page, W.entry(["slug": "his"])), W.entry(["slug": "his"]))
        #expect(try world.word(W.create("wiki", mine), mine) == "notUnique")
    }

    @Test("entries that break the rules of their fields take nothing")
    func faulty() throws {
        var world = W()
        let wrong = W.entry(["text": "", "slug": "a"])
        world.write(Self.create(wrong), wrong)
        #expect(try world.word(Self.create(Self.note("a")), Self.note("a")) == "valid")
    }

    @Test("private entries are unique for their author alone")
    func privateEntries() throws {
        var world = W()
        let day = W.entry(["day": 5])
        world.write(W.create("diary", day), day)
        let again = W.entry(["day": 5, "x": 1])
        #expect(try world.word(W.create("diary", again), again) == "notUnique")
        let op = ChainOp(
            type: .createRecord, action: world.alice.next(W.create("diary", again)),
            signature: W.record(world.alice.last, nil).signedAction.signature, entry: .hidden)
        #expect(try W.rules.check(op: op, reads: world.shared) == .valid)
    }

    @Test("the records of one commit see each other, in their order")
    func commit() throws {
        var world = W()
        var records: [Record] = []
        let (held, shared) = (world.held, world.shared)
        func write(_ data: ActionData, _ entry: Entry?) -> Action {
            let action = world.write(data, entry)
            records.append(W.record(action, entry))
            return action
        }
        let first = write(Self.create(Self.note("a")), Self.note("a"))
        _ = write(W.create("comment", W.entry([:])), W.entry([:]))
        _ = write(W.update("note", first, Self.note("b")), Self.note("b"))
        _ = write(Self.create(Self.note("a", "y")), Self.note("a", "y"))
        #expect(try W.rules.check(records, own: held, shared: shared) == .valid)
        _ = write(Self.create(Self.note("b", "z")), Self.note("b", "z"))
        #expect(W.word(try W.rules.check(records, own: held, shared: shared)) == "notUnique")
    }

    // MARK: Against a second implementation

    private static let slugs: [String?] = ["a", "b", "c", nil]

    /// A chain at random: notes, updates of any version or of Bob's, deletions of anything.
    private static func chain(_ dice: inout RuleDice, length: Int) -> W {
        var world = W()
        for _ in 0..<3 {
            let entry = W.entry(["slug": dice.pick(slugs).map { .string($0) } ?? .null])
            world.bob.add(W.create("wiki", entry), entry)
        }
        var targets = world.bob.actions.dropFirst(3).map(\.action)
        for index in 0..<length {
            let slug = dice.pick(slugs).map { MessagePackValue.string($0) } ?? .null
            let entry = W.entry(["slug": dice.once(in: 12) ? 5 : slug, "n": .int(Int64(index % 5))])
            switch dice.below(6) {
            case 0, 1: targets.append(world.write(W.create("wiki", entry), entry))
            case 2, 3: targets.append(world.write(W.update("wiki", dice.pick(targets), entry), entry))
            case 4: world.write(W.delete(dice.pick(targets)))
            default: world.write(W.create("comment", entry), entry)
            }
        }
        return world
    }

    /// §6 of the page, sentence by sentence, with nothing kept between the steps.
    private static func isTaken(_ slug: String, by next: Action, on chain: [(action: Action, entry: Entry?)]) -> Bool {
        func isVersion(_ action: Action) -> Bool { action.entryType == W.type("wiki") }
        func root(_ action: Action, _ before: [Action]) -> ActionHash {
            guard case .update(let original, _, _, _) = action.data else { return action.hash }
            guard let at = before.firstIndex(where: { $0.hash == original && isVersion($0) }) else { return original }
            return root(before[at], Array(before[..<at]))
        }
        let actions = chain.map(\.action)
        let own = root(next, actions)
        var documents: [ActionHash: [Int]] = [:]
        for (index, action) in actions.enumerated() where isVersion(action) {
            documents[root(action, Array(actions[..<index])), default: []].append(index)
        }
        for (name, versions) in documents where name != own {
            guard let first = versions.first, let current = versions.last else { continue }
            let deleted = actions[first...].compactMap { action -> ActionHash? in
                if case .delete(let target, _) = action.data { target } else { nil }
            }
            if deleted.contains(name) || deleted.contains(actions[current].hash) { continue }
            guard let bytes = chain[current].entry?.appBytes, let value = try? MessagePackValue(packed: bytes) else {
                continue
            }
            if value["slug"] == .string(slug) { return true }
        }
        return false
    }

    @Test("random chains: the same verdict as a second implementation, with and without a memory, at any head")
    func random() throws {
        var counts = (free: 0, taken: 0)
        for seed in 1...400 as ClosedRange<UInt64> {
            var dice = RuleDice(seed)
            let world = Self.chain(&dice, length: 4 + dice.below(24))
            let memory = UniqueMemory()
            for _ in 0..<4 {
                let settled = world.alice.actions[dice.below(world.alice.actions.count)].action
                try W.rules.settle(memory, author: world.alice.agent.key, head: settled.hash, reads: world.held)
                let slug = dice.pick(["a", "b", "c"])
                let entry = W.entry(["slug": .string(slug)])
                let versions = world.alice.actions.map(\.action).filter { $0.entryType == W.type("wiki") }
                let data =
                    versions.isEmpty || dice.once(in: 2)
                    ? W.create("wiki", entry) : W.update("wiki", dice.pick(versions), entry)
                let next = world.alice.next(data)
                let expected = Self.isTaken(slug, by: next, on: world.alice.actions) ? "notUnique" : "valid"
                let record = [W.record(next, entry)]
                let plain = W.word(try W.rules.check(record, own: world.held, shared: world.shared))
                let remembered = W.word(
                    try W.rules.check(record, own: world.held, shared: world.shared, memory: memory))
                guard plain == expected, remembered == expected else {
                    Issue.record("seed \(seed): \(plain), with memory \(remembered), not \(expected)")
                    return
                }
                if expected == "valid" { counts.free += 1 } else { counts.taken += 1 }
            }
        }
        #expect(counts.free > 200 && counts.taken > 200, "\(counts)")
    }

    @Test("§7 the same op gets the same verdict, in whatever order the data came")
    func anyOrder() throws {
        for seed in 1...60 as ClosedRange<UInt64> {
            var dice = RuleDice(seed)
            let world = Self.chain(&dice, length: 10)
            let ops = world.alice.actions.suffix(8).map { action, entry in
                let slot = entry.map(OpEntry.present) ?? .actionOnly
                let type: ChainOpType = if case .delete = action.data { .deleteRecord } else { .createRecord }
                return ChainOp(
                    type: type, action: action, signature: W.record(action, nil).signedAction.signature, entry: slot)
            }
            let final = try ops.map { try W.rules.check(op: $0, reads: world.shared) }
            var held = HeldData()
            var arrivals: [(Action?, Entry?)] = (world.alice.actions + world.bob.actions).flatMap {
                [($0.action, nil), (nil, $0.entry)]
            }
            arrivals.shuffle(using: &dice)
            var before = try ops.map { try W.rules.check(op: $0, reads: held) }
            for (action, entry) in arrivals {
                if let action { held.hold(action) }
                if let entry { held.entries[entry.hash] = entry }
                let now = try ops.map { try W.rules.check(op: $0, reads: held) }
                for (index, pair) in zip(before, now).enumerated() {
                    if case .missing = pair.0 { continue }
                    guard pair.0 == pair.1, pair.1 == final[index] else {
                        Issue.record("seed \(seed): \(pair.0) became \(pair.1), in the end \(final[index])")
                        return
                    }
                }
                before = now
            }
            #expect(before == final, "seed \(seed)")
        }
    }

    @Test("a memory of another chain is not used, and one that is far behind catches up")
    func memory() throws {
        var world = W()
        let memory = UniqueMemory()
        world.write(Self.create(Self.note("a")), Self.note("a"))
        let author = world.alice.agent.key
        try W.rules.settle(memory, author: author, head: world.alice.last.hash, reads: world.held)
        // The same author, another chain: as after a restore of an older state.
        var other = W()
        other.write(W.create("comment", W.entry([:])), W.entry([:]))
        let record = [W.record(other.alice.next(Self.create(Self.note("a"))), Self.note("a"))]
        #expect(try W.rules.check(record, own: other.held, shared: other.shared, memory: memory) == .valid)
        try W.rules.settle(memory, author: author, head: other.alice.last.hash, reads: other.held)
        #expect(try W.rules.check(record, own: other.held, shared: other.shared, memory: memory) == .valid)
        other.write(Self.create(Self.note("a")), Self.note("a"))
        try W.rules.settle(memory, author: author, head: other.alice.last.hash, reads: other.held)
        let second = [W.record(other.alice.next(Self.create(Self.note("a", "y"))), Self.note("a", "y"))]
        #expect(W.word(try W.rules.check(second, own: other.held, shared: other.shared, memory: memory)) == "notUnique")
        // A hole in what is held leaves the memory as it was.
        try W.rules.settle(memory, author: author, head: ActionHash(hashing: [1]), reads: other.held)
        #expect(W.word(try W.rules.check(second, own: other.held, shared: other.shared, memory: memory)) == "notUnique")
    }

    @Test("an action that says otherwise of an entry's visibility than its type takes nothing, whoever holds the entry")
    func otherVisibility() throws {
        var world = W()
        let a = Self.note("a")
        guard case .app(let app) = W.type("note") else { return }
        let secret = AppEntryDef(entryIndex: app.entryIndex, zomeIndex: app.zomeIndex, visibility: .private)
        // Breaks rule 21, and is not seen by who holds other ops of it.
        world.write(.create(entryType: .app(secret), entryHash: a.hash), a)
        let again = Self.note("a", "another text")
        let record = W.record(world.alice.next(Self.create(again)), again)
        for isHeld in [true, false] {
            var held = world.shared
            // By way of somebody else, who wrote the same.
            held.entries[a.hash] = isHeld ? a : nil
            #expect(try W.rules.check([record], own: held, shared: held) == .valid, "held: \(isHeld)")
            let memory = UniqueMemory()
            try W.rules.settle(memory, author: world.alice.agent.key, head: world.alice.last.hash, reads: held)
            #expect(try W.rules.check([record], own: held, shared: held, memory: memory) == .valid, "held: \(isHeld)")
        }
    }
}
