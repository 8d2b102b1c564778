import Integrity

@testable import Storage

/// Ops of a few authors, with everything that depends on each other: entries twice, updates, deletes, links taken back, forks.
struct OpWorld {
    var random: SeededRandom
    private(set) var ops: [HeldOp] = []
    private(set) var actions: [CommittedRecord] = []
    private var made: [(action: ActionHash, entry: EntryHash)] = []
    private var links: [(create: ActionHash, base: AnyLinkableHash)] = []
    private(set) var bases: [AnyLinkableHash] = (0..<3 as Range<UInt8>).map {
        AnyLinkableHash(EntryHash(hashing: [$0]))
    }
    var authors: [TestAuthor] = ["alice", "bob", "carol"].map { TestAuthor($0) }

    init(seed: UInt64, actions count: Int) {
        random = SeededRandom(seed: seed)
        for index in authors.indices { authors[index].act(.dna(dna(1))) }
        for _ in 0..<count {
            let index = Int.random(in: 0..<authors.count, using: &random)
            var author = authors[index]
            // Now and then the same author goes on from an earlier place: a fork.
            let isFork = Int.random(in: 0..<12, using: &random) == 0
            let before = author
            act(&author)
            authors[index] = author
            if isFork {
                var other = before
                other.create("fork \(Int.random(in: 0..<1000, using: &random))")
                if let record = other.records.last { actions.append(record) }
            }
        }
        for index in authors.indices { actions += authors[index].take().records }
        ops = actions.flatMap(Self.ops)
    }

    /// Every op of a record, as it comes from outside.
    static func ops(_ record: CommittedRecord) -> [HeldOp] {
        ChainOpType.produced(by: record.signedAction.action).map {
            HeldOp(
                signedAction: record.signedAction, actionBytes: record.actionBytes, type: $0,
                entryBytes: record.entryBytes)
        }
    }

    private mutating func act(_ author: inout TestAuthor) {
        let old = made.randomElement(using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:
            let new = author.create("text \(Int.random(in: 0..<6, using: &random))")
            made.append((new.action, new.entry))
            bases.append(AnyLinkableHash(new.entry))
        case 3:
            let new = author.create("hidden \(Int.random(in: 0..<6, using: &random))", type: TestAuthor.secret)
            made.append((new.action, new.entry))
        case 4:
            guard let old else { return }
            author.update(old.action, old.entry, "text \(Int.random(in: 0..<6, using: &random))")
        case 5:
            guard let old else { return }
            author.act(.delete(deletesAction: old.action, deletesEntry: old.entry))
        case 6, 7, 8:
            guard let base = bases.randomElement(using: &random) else { return }
            let tag = [UInt8](
                repeating: UInt8.random(in: 0...1, using: &random),
                count: [0, 1, 401][Int.random(in: 0..<3, using: &random)])
            links.append((author.link(base, bases[0], type: UInt8.random(in: 0...1, using: &random), tag: tag), base))
        default:
            guard let link = links.randomElement(using: &random) else { return }
            author.act(.deleteLink(base: link.base, linkAdd: link.create))
        }
    }

    /// Every answer of a space about this world, as text: two spaces that hold the same give the same.
    func answers(_ space: any SpaceReading) throws -> [String] {
        var out: [String] = []
        func note(_ what: String, _ value: some Any) { out.append("\(what): \(value)") }
        note("authors", try space.authors())
        note("ops", try space.ops(from: 0, to: .max, limit: 100_000))
        var places: [String] = []
        try space.eachOp(in: 0...UInt32.max) { place in
            places.append("\(place.location) \(place.hash)")
            return true
        }
        note("places", places.sorted())
        for author in authors.map(\.key) {
            note("head", String(describing: try space.head(of: author)))
            note("chain", try space.chain(of: author, from: 0, to: .max, descending: false, limit: .max))
            note("part", try space.chain(of: author, from: 3, to: 9, descending: true, limit: 4))
            note("forks", try space.forks(of: author))
            note("grants", try space.grants(of: author))
            note("warrants", try space.warrants(against: author))
        }
        for record in actions {
            let action = record.signedAction.hash
            note("record", String(describing: try space.record(action)))
            note("known", String(describing: try space.knownRecord(action)))
            note("has", try space.has(AnyDhtHash(action)))
            note("updates", try space.updates(of: AnyDhtHash(action)))
            note("deletes", try space.deletes(of: AnyDhtHash(action)))
            note("live", String(describing: try space.liveRecord(AnyDhtHash(action))))
            note("link deletes", try space.linkDeletes(of: action))
            for type in ChainOpType.allCases {
                note("standing", String(describing: try space.standing(of: action, type)))
                note("op", String(describing: try space.op(action, type)))
                note("reason", String(describing: try space.rejected(action, type)))
            }
            guard let entry = record.signedAction.action.entryHash else { continue }
            note("entry", String(describing: try space.entry(entry)))
            note("kind of entry", String(describing: try space.recordsOfEntry(entry)))
            note("known entry", String(describing: try space.knownEntry(entry)))
            note("updates of entry", try space.updates(of: AnyDhtHash(entry)))
            note("deletes of entry", try space.deletes(of: AnyDhtHash(entry)))
            note("live entry", String(describing: try space.liveRecord(AnyDhtHash(entry))))
            note("has entry", try space.has(AnyDhtHash(entry)))
        }
        for base in bases {
            for order in LinkOrder.allCases {
                for status in LinkStatus.allCases {
                    var request = LinkRequest(base: base, limit: 3, status: status, order: order)
                    note("count", try space.countLinks(request))
                    repeat {
                        let page = try space.links(request)
                        note("links", page)
                        request.cursor = page.next
                    } while request.cursor != nil
                }
            }
        }
        return out
    }
}

extension Database {
    /// Takes a batch and waits for the answer.
    func takeNow(_ space: Space, _ batch: OpBatch, _ loop: TestLoop) -> Result<Void, PlasmidError> {
        var answer: Result<Void, PlasmidError>?
        space.take(batch) { answer = $0 }
        loop.pump { answer != nil }
        return answer ?? .failure(StorageFault.failed("no answer"))
    }
}

extension OpBatch {
    init(integrated: [HeldOp]) {
        self.init()
        self.integrated = integrated
    }
}
