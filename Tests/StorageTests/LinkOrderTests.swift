import Integrity
import Testing

@testable import Storage

/// Links in every order, by every filter, page by page, against a list that is filtered and sorted.
@Suite struct LinkOrderTests {
    @Test("random links and questions: every page is full, in order, and what a naive model gives", arguments: 1...12)
    func model(round: Int) throws {
        let seed = UInt64.random(in: 0..<1_000_000) &* 100 &+ UInt64(round)
        var model = LinkModel(seed: seed)
        try model.fill(120)
        for _ in 0..<150 { try model.ask() }
        // The seed is all that is needed to see a failure again.
        #expect(model.faults.isEmpty, "seed \(seed)")
    }

    @Test("a page in the order of time reads no further than it has to, whatever other types the base has links of")
    func bounded() throws {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        let base = AnyLinkableHash(EntryHash(hashing: [1]))
        for index in 0..<3_000 {
            alice.link(base, base, type: UInt8(index % 100 == 0 ? 1 : 0), tag: [UInt8(index % 7)])
        }
        let rows = CountingRows()
        let space = RowSpace(rows: rows)
        var deriver = RowDeriver(space, next: 1)
        try deriver.derive(alice.take())
        for row in deriver.rows { rows.put(row.table, row.key, row.value) }
        for order in [LinkOrder.oldestFirst, .newestFirst] {
            var request = LinkRequest(
                base: base, types: [LinkTypeNumber(zomeIndex: 0, linkType: 1)], limit: 10, order: order)
            rows.seen = 0
            #expect(try space.links(request).links.count == 10)
            #expect(rows.seen <= 12)
            // Of two types, one look at each, and then as far as the page reaches.
            request.types = nil
            rows.seen = 0
            #expect(try space.links(request).links.count == 10)
            #expect(rows.seen <= 2 + 2 * 12)
        }
    }

    @Test("cursors of another order and mangled ones are refused or harmless, never a crash")
    func cursors() throws {
        var model = LinkModel(seed: 5)
        try model.fill(30)
        var request = LinkRequest(base: model.bases[0], limit: 2, order: .newestFirst)
        for cursor in [[], [1], [UInt8](repeating: 0, count: 47), [UInt8](repeating: 255, count: 600)] as [[UInt8]] {
            request.cursor = cursor
            #expect(code { _ = try model.space.links(request) } == .badInput)
        }
        request.order = .byTag
        for cursor in [[], [1], [UInt8](repeating: 255, count: 600)] as [[UInt8]] {
            request.cursor = cursor
            #expect(try model.space.links(request).links.count <= 2)
        }
    }

    @Test("a space of schema 2: its links get new keys, and all ops of its chains are held")
    func upgradeToOps() throws {
        try withFolder { folder in
            let base = AnyLinkableHash(EntryHash(hashing: [1]))
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            for index in 0..<20 { alice.link(base, base, tag: [UInt8](repeating: 7, count: index / 4 * 150)) }
            alice.act(.deleteLink(base: base, linkAdd: alice.records[5].signedAction.hash))
            alice.create("note")
            let records = alice.take().records
            let commit = SpaceCommit(author: alice.key, records: records)
            var options = smallOptions()
            options.spaceUpgrades = []
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(1))
                #expect(database.commitNow(space, commit, loop).code == nil)
            }
            // As schema 2 had them: the number of the action in the place of time and hash.
            let aged = SchemaUpgrade { old throws(PlasmidError) in
                var batch = WriteBatch()
                let space = RowSpace(rows: old)
                try old.scan(SpaceTables.links, RowRange(prefix: [])) { key, value throws(PlasmidError) in
                    let create = try ActionHash(bytes39: try LinkRow.View(value).createBytes)
                    let number = try space.number(create.coreBytes, HashByte.action) ?? 0
                    batch.add(SpaceTables.links, [UInt8](key), nil)
                    let start = [UInt8](key.slice(0, key.count - 41))
                    batch.add(SpaceTables.links, start + SpaceKey.number(number), [UInt8](value))
                    return true
                }
                return batch
            }
            options.spaceUpgrades = [aged]
            try withDatabase(folder, options) { database, _ in _ = try database.space(dna(1)) }
            options.spaceUpgrades = SchemaUpgrade.spaces
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(1))
                let memory = MemorySpace()
                try memory.commit(commit)
                for order in LinkOrder.allCases {
                    let request = LinkRequest(base: base, status: .all, order: order)
                    #expect(try space.links(request) == memory.links(request))
                }
                let ops = records.flatMap(OpWorld.ops)
                for op in ops { #expect(try space.standing(of: op.signedAction.hash, op.type) == .integrated) }
                #expect(try space.unpublished(limit: 1000).count == ops.count)
                // The same from the network is nothing new; what is taken and written afterwards stands beside it.
                #expect(database.takeNow(space, OpBatch(integrated: ops), loop).code == nil)
                var bob = TestAuthor("bob")
                bob.act(.dna(dna(1)))
                bob.link(base, base, tag: [7])
                let told = bob.take().records.flatMap(OpWorld.ops)
                #expect(database.takeNow(space, OpBatch(integrated: told), loop).code == nil)
                #expect(try space.ops(from: 0, to: .max, limit: 1000).count == ops.count + told.count)
            }
            #expect(try Database.check(folder: folder, options: options, verifiesSignatures: false).faults.isEmpty)
        }
    }

    @Test("a space of the schema before gets its links by time from those by tag")
    func upgrade() throws {
        try withFolder { folder in
            let base = AnyLinkableHash(EntryHash(hashing: [1]))
            var options = smallOptions()
            options.spaceUpgrades = []
            try withDatabase(folder, options) { database, loop in
                var alice = TestAuthor("alice")
                alice.act(.dna(dna(1)))
                var links: [ActionHash] = []
                for index in 0..<20 {
                    let tag = [UInt8](repeating: UInt8(19 - index), count: index * 50)
                    links.append(alice.link(base, base, type: UInt8(index % 3), tag: tag))
                }
                alice.act(.deleteLink(base: base, linkAdd: links[4]))
                let space = try database.space(dna(1))
                #expect(database.commitNow(space, alice.take(), loop).code == nil)
            }
            // What the older version wrote had no such table: it is emptied first.
            let emptied = SchemaUpgrade { old throws(PlasmidError) in
                var batch = WriteBatch()
                try old.scan(SpaceTables.linkTimes, RowRange(prefix: [])) { key, _ in
                    batch.add(SpaceTables.linkTimes, [UInt8](key), nil)
                    return true
                }
                return batch
            }
            options.spaceUpgrades = [emptied]
            try withDatabase(folder, options) { database, _ in
                let space = try database.space(dna(1))
                #expect(try space.links(LinkRequest(base: base, order: .oldestFirst)).links.isEmpty)
            }
            options.spaceUpgrades += [SchemaUpgrade.linksByTime]
            #expect(try Database.check(folder: folder, options: options).faults.map(\.code) == ["storageVersion"])
            try withDatabase(folder, options) { database, _ in
                let space = try database.space(dna(1))
                let found = try space.links(LinkRequest(base: base, status: .all, order: .oldestFirst)).links
                #expect(found.map(\.tag.count) == (0..<20).map { $0 * 50 })
                #expect(try space.links(LinkRequest(base: base, order: .newestFirst)).links.count == 19)
            }
            #expect(try Database.check(folder: folder, options: options, verifiesSignatures: false).faults.isEmpty)
        }
    }
}

/// Links of three authors on two bases, and questions about them.
private struct LinkModel {
    struct Known {
        let link: Link
        var isDeleted = false
    }

    var random: SeededRandom
    var faults: [String] = []
    let space = MemorySpace()
    let bases = (0..<2 as Range<UInt8>).map { AnyLinkableHash(EntryHash(hashing: [$0])) }
    private var known: [Known] = []
    private var authors = ["alice", "bob", "carol"].map { TestAuthor($0) }
    private let tags = [
        "", "a", "A", "ab", "b", String(repeating: "x", count: 400), String(repeating: "x", count: 500),
    ]
    .map { Array($0.utf8) }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func fill(_ count: Int) throws {
        for index in authors.indices { authors[index].act(.dna(dna(1))) }
        for _ in 0..<count {
            let index = Int.random(in: 0..<authors.count, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0, let old = known.indices.randomElement(using: &random) {
                known[old].isDeleted = true
                authors[index].act(.deleteLink(base: known[old].link.base, linkAdd: known[old].link.createLinkHash))
            } else {
                let base = bases[Int.random(in: 0..<2, using: &random)]
                let tag = tags[Int.random(in: 0..<tags.count, using: &random)]
                authors[index].link(base, bases[0], type: UInt8.random(in: 0..<4, using: &random), tag: tag)
                if let made = authors[index].records.last.flatMap({ Link($0.signedAction) }) {
                    known.append(Known(link: made))
                }
            }
            try space.commit(authors[index].take())
        }
        for index in authors.indices { try space.commit(authors[index].take()) }
    }

    mutating func ask() throws {
        var request = question()
        let wanted = expected(request)
        if try space.countLinks(request) != wanted.count { faults.append("count of \(request)") }
        var given: [Link] = []
        repeat {
            let page = try space.links(request)
            if page.next != nil, page.links.count != request.limit { faults.append("a page is not full: \(request)") }
            given += page.links
            request.cursor = page.next
        } while request.cursor != nil && given.count <= known.count
        let isSame =
            request.order == .byTag
            ? given.map(\.createLinkHash).sorted() == wanted.map(\.createLinkHash).sorted() : given == wanted
        if !isSame { faults.append("\(given.count) of \(wanted.count): \(request)") }
    }

    private mutating func question() -> LinkRequest {
        var request = LinkRequest(base: bases[Int.random(in: 0..<2, using: &random)])
        request.limit = Int.random(in: 1...9, using: &random)
        request.order = LinkOrder.allCases.randomElement(using: &random) ?? .byTag
        request.status = LinkStatus.allCases.randomElement(using: &random) ?? .live
        if Bool.random(using: &random) {
            request.types = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                LinkTypeNumber(zomeIndex: 0, linkType: UInt8.random(in: 0..<5, using: &random))
            }
        }
        let tag = tags[Int.random(in: 0..<tags.count, using: &random)]
        switch Int.random(in: 0..<4, using: &random) {
        case 0: request.tag = tag
        case 1: request.tagPrefix = tag
        default: break
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            request.author = authors[Int.random(in: 0..<authors.count, using: &random)].key
        }
        if Bool.random(using: &random) { request.after = known.randomElement(using: &random)?.link.timestamp }
        if Bool.random(using: &random) { request.before = known.randomElement(using: &random)?.link.timestamp }
        return request
    }

    /// Filter, sort: no more than what the words say.
    private func expected(_ request: LinkRequest) -> [Link] {
        let found = known.filter { each in
            let link = each.link
            let isWanted = [LinkStatus.all, each.isDeleted ? .deleted : .live].contains(request.status)
            let type = LinkTypeNumber(zomeIndex: link.zomeIndex, linkType: link.linkType)
            return isWanted && link.base == request.base && request.types?.contains(type) ?? true
                && link.tag.starts(with: request.tagPrefix) && request.tag ?? link.tag == link.tag
                && request.author ?? link.author == link.author && link.timestamp >= request.after ?? link.timestamp
                && link.timestamp <= request.before ?? link.timestamp
        }.map(\.link).sorted { ($0.timestamp, $0.createLinkHash) < ($1.timestamp, $1.createLinkHash) }
        return request.order == .newestFirst ? found.reversed() : found
    }
}

/// Rows in memory that count how many were looked at.
private final class CountingRows: RowSource {
    private let memory = MemoryRows()
    var seen = 0

    func put(_ table: TableID, _ key: [UInt8], _ value: [UInt8]?) { memory.put(table, key, value) }

    func reading<Value>(_ body: () throws(PlasmidError) -> Value) throws(PlasmidError) -> Value { try body() }

    func get<Value>(
        _ table: TableID, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        try memory.get(table, key, body)
    }

    func scan(
        _ table: TableID, _ range: RowRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        try memory.scan(table, range) { key, value throws(PlasmidError) in
            self.seen += 1
            return try body(key, value)
        }
    }
}
