import Integrity
import Testing

@testable import Storage

/// The space on disk against the space in memory: the same commits, then the same questions.
@Suite struct ModelTests {
    @Test("random commits and reads: memory over LMDB answers as memory alone", arguments: [UInt64](1...6))
    func model(round: UInt64) throws {
        let seed = round &* 7919 &+ UInt64.random(in: 0..<1_000_000) &* 1000
        try withFolder { folder in
            var model = Model(seed: seed)
            for _ in 0..<4 {
                var options = smallOptions()
                options.applyDelayMilliseconds = [0, 0, 3, 50][Int.random(in: 0..<4, using: &model.random)]
                options.pendingBytesMax = [1 << 20, 20_000][Int.random(in: 0..<2, using: &model.random)]
                try withDatabase(folder, options) { database, loop in
                    let space = try database.space(dna(1))
                    try model.run(60, space, database, loop)
                }
            }
            // The seed is all that is needed to see a failure again.
            #expect(model.faults.isEmpty, "seed \(seed)")
        }
    }
}

/// Random commits to both stores, and every question about what they touched.
private struct Model {
    var random: SeededRandom
    var faults: [String] = []
    private let memory = MemorySpace()
    private var authors = ["alice", "bob", "carol"].map { TestAuthor($0) }
    private var actions: [(action: ActionHash, entry: EntryHash?)] = []
    private var links: [(create: ActionHash, base: AnyLinkableHash)] = []
    private var bases: [AnyLinkableHash] = (0..<4).map { AnyLinkableHash(EntryHash(hashing: [$0])) }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func run(_ steps: Int, _ space: Space, _ database: Database, _ loop: TestLoop) throws {
        var due = 0
        var answered = 0
        for _ in 0..<steps {
            let commit = nextCommit()
            try memory.commit(commit)
            due += 1
            var failed: PlasmidError?
            space.commit(commit) { result in
                answered += 1
                if case .failure(let error) = result { failed = error }
            }
            // A commit that waits for room is not visible yet: let it in first.
            if try space.head(of: commit.author) != memory.head(of: commit.author) { loop.pump { answered == due } }
            if let failed { faults.append("\(failed)") }
            if Bool.random(using: &random) { loop.pumpReady() }
            if Int.random(in: 0..<10, using: &random) == 0 { loop.pump { answered == due } }
            try compare(space)
        }
        loop.pump { answered == due }
        if answered != due { faults.append("\(due - answered) commits were not answered") }
    }

    private mutating func nextCommit() -> SpaceCommit {
        let index = Int.random(in: 0..<authors.count, using: &random)
        var author = authors[index]
        if author.head == nil { author.act(.dna(dna(1))) }
        for _ in 0..<Int.random(in: 1...4, using: &random) { act(&author) }
        let commit = author.take()
        authors[index] = author
        return commit
    }

    private mutating func act(_ author: inout TestAuthor) {
        let old = actions.randomElement(using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:
            let made = author.create("text \(Int.random(in: 0..<20, using: &random))")
            actions.append((made.action, made.entry))
            bases.append(AnyLinkableHash(made.entry))
        case 3:
            let type = [TestAuthor.secret, .capGrant, .capClaim][Int.random(in: 0..<3, using: &random)]
            let made = author.create("hidden \(Int.random(in: 0..<20, using: &random))", type: type)
            actions.append((made.action, made.entry))
        case 4:
            guard let old, let entry = old.entry else { return }
            actions.append((author.update(old.action, entry, "new \(Int.random(in: 0..<9, using: &random))"), nil))
        case 5:
            guard let old, let entry = old.entry else { return }
            author.act(.delete(deletesAction: old.action, deletesEntry: entry))
        case 6, 7, 8:
            guard let base = bases.randomElement(using: &random) else { return }
            let tag = [UInt8](
                repeating: UInt8.random(in: 0...2, using: &random),
                count: [0, 1, 3, 401][Int.random(in: 0..<4, using: &random)])
            links.append((author.link(base, bases[0], type: UInt8.random(in: 0...2, using: &random), tag: tag), base))
        default:
            guard let link = links.randomElement(using: &random) else { return }
            author.act(.deleteLink(base: link.base, linkAdd: link.create))
        }
    }

    private mutating func check<Value: Equatable>(
        _ what: String, _ ask: (any SpaceReading) throws -> Value, _ space: Space
    ) throws {
        let stored = try ask(space)
        let expected = try ask(memory)
        if stored != expected { faults.append("\(what): \(stored) is not \(expected)") }
    }

    private mutating func compare(_ space: Space) throws {
        for author in authors {
            try check("head", { try $0.head(of: author.key) }, space)
            try check("grants", { try $0.grants(of: author.key) }, space)
            try check("claims", { try $0.claims(of: author.key) }, space)
        }
        let author = authors[Int.random(in: 0..<authors.count, using: &random)].key
        let from = UInt32.random(in: 0..<40, using: &random)
        let to = from + UInt32.random(in: 0..<40, using: &random)
        let descending = Bool.random(using: &random)
        try check("chain", { try $0.chain(of: author, from: from, to: to, descending: descending, limit: 17) }, space)
        try check("authors", { try $0.authors() }, space)
        try check("ops", { try $0.ops(from: from << 26, to: .max, limit: 50) }, space)
        if let old = actions.randomElement(using: &random) {
            try check("record", { try $0.record(old.action) }, space)
            try check("updates", { try $0.updates(of: AnyDhtHash(old.action)) }, space)
            try check("deletes", { try $0.deletes(of: AnyDhtHash(old.action)) }, space)
            try check("live", { try $0.liveRecord(AnyDhtHash(old.action)) }, space)
            if let entry = old.entry {
                try check("entry", { try $0.entry(entry) }, space)
                try check("records of entry", { try $0.recordsOfEntry(entry) }, space)
                try check("sealed", { try $0.sealedEntry(author: author, entry) }, space)
                try check("live entry", { try $0.liveRecord(AnyDhtHash(entry)) }, space)
                try check("has", { try $0.has(AnyDhtHash(entry)) }, space)
            }
        }
        guard let base = bases.randomElement(using: &random) else { return }
        var request = LinkRequest(base: base, limit: Int.random(in: 1...5, using: &random))
        if Bool.random(using: &random) { request.types = [LinkTypeNumber(zomeIndex: 0, linkType: 1)] }
        if Bool.random(using: &random) { request.tagPrefix = [1] }
        if Bool.random(using: &random) { request.author = author }
        request.order = LinkOrder.allCases.randomElement(using: &random) ?? .byTag
        request.status = LinkStatus.allCases.randomElement(using: &random) ?? .live
        try check("count of links", { try $0.countLinks(request) }, space)
        repeat {
            try check("links", { try $0.links(request) }, space)
            request.cursor = try memory.links(request).next
        } while request.cursor != nil
        if let link = links.randomElement(using: &random) {
            try check("link deletes", { try $0.linkDeletes(of: link.create) }, space)
        }
    }
}
