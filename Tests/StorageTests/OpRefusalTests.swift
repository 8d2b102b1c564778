import Foundation
import Integrity
import Testing

@testable import Storage

/// What cannot be held, what leaves, and what never gets in.
@Suite struct OpRefusalTests {
    private func batch(_ op: HeldOp) -> OpBatch { OpBatch(integrated: [op]) }

    private func records() -> (author: TestAuthor, records: [CommittedRecord]) {
        var author = TestAuthor("alice")
        author.act(.dna(dna(1)))
        let note = author.create("note")
        author.create("secret", type: TestAuthor.secret)
        author.update(note.action, note.entry, "newer")
        author.link(AnyLinkableHash(note.entry), AnyLinkableHash(note.action))
        let records = author.take().records
        return (author, records)
    }

    @Test("ops that are not what they say are refused, and nothing of their batch is written")
    func refused() throws {
        let (_, records) = records()
        let (note, secret) = (records[1], records[2])
        let other = TestAuthor.entry("other").packed
        func op(
            _ record: CommittedRecord, _ type: ChainOpType, _ entry: [UInt8]?, bytes: [UInt8]? = nil
        ) -> HeldOp {
            HeldOp(
                signedAction: record.signedAction, actionBytes: bytes ?? record.actionBytes, type: type,
                entryBytes: entry)
        }
        let bad: [(String, HeldOp)] = [
            ("another entry", op(note, .createEntry, other)),
            ("no entry", op(note, .createRecord, nil)),
            ("bytes that are no entry", op(note, .createRecord, [1, 2, 3])),
            ("an entry in other bytes", op(note, .createRecord, (note.entryBytes ?? []) + [0xC0])),
            ("bytes of another action", op(note, .createRecord, note.entryBytes, bytes: secret.actionBytes)),
            ("a private entry", op(secret, .createRecord, TestAuthor.entry("secret").packed)),
            ("CreateEntry of a private entry", op(secret, .createEntry, nil)),
            ("a type that the action does not give", op(note, .updateEntry, note.entryBytes)),
            ("a link that is none", op(note, .createLink, nil)),
            ("an entry of an action without one", op(records[0], .createRecord, other)),
        ]
        let space = MemorySpace()
        for (what, op) in bad {
            var batch = OpBatch(integrated: OpWorld.ops(records[4]))
            batch.integrated.append(op)
            #expect(code { try space.take(batch) } == .opRefused, "\(what)")
            #expect(try space.ops(from: 0, to: .max, limit: 9).isEmpty, "\(what)")
        }
        var parked = OpBatch()
        let action = secret.signedAction
        parked.parked = [
            ParkedOp(
                op: .chainOp(
                    ChainOp(
                        type: .createRecord, action: action.action, signature: action.signature,
                        entry: .present(TestAuthor.entry("secret")))), missing: [], since: Timestamp(microseconds: 0))
        ]
        #expect(code { try space.take(parked) } == .opRefused)
        // The same batches without the bad op are taken.
        try space.take(OpBatch(integrated: OpWorld.ops(records[4])))
        #expect(try space.ops(from: 0, to: .max, limit: 9).count == 3)
    }

    @Test("of two valid signatures of one action the lower stays, whichever came first")
    func signatures() throws {
        let (_, records) = records()
        let ops = OpWorld.ops(records[1])
        let low = try #require(Signature([UInt8](repeating: 1, count: 64)))
        let again = HeldOp(
            signedAction: SignedAction(
                action: ops[0].signedAction.action, hash: ops[0].signedAction.hash, signature: low),
            actionBytes: ops[0].actionBytes, type: ops[1].type)
        for order in [[ops[0], again], [again, ops[0]]] {
            let space = MemorySpace()
            for op in order { try space.take(batch(op)) }
            #expect(try space.record(ops[0].signedAction.hash)?.signedAction.signature == low)
        }
    }

    @Test("ops that are dropped leave no row; what another op or the own chain needs stays", arguments: [UInt64](1...4))
    func dropped(round: UInt64) throws {
        let seed = round &* 6_700_417 &+ UInt64.random(in: 0..<1_000_000)
        var world = OpWorld(seed: seed, actions: 40)
        let kept = world.ops.filter { _ in Int.random(in: 0..<3, using: &world.random) > 0 }
        let names = Set(kept.map { "\($0.type) \($0.signedAction.hash)" })
        let gone = world.ops.filter { !names.contains("\($0.type) \($0.signedAction.hash)") }
        let expected = MemorySpace()
        try expected.take(OpBatch(integrated: kept))
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                #expect(
                    database.takeNow(space, OpBatch(integrated: world.ops.shuffled(using: &world.random)), loop).code
                        == nil)
                var drop = OpBatch()
                drop.dropped = (gone + gone.prefix(3)).map { ($0.signedAction.hash, $0.type) }
                #expect(database.takeNow(space, drop, loop).code == nil)
                let (found, wanted) = (try world.answers(space), try world.answers(expected))
                let differs = zip(found, wanted).first { $0 != $1 }
                #expect(differs == nil, "seed \(seed)")
            }
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults.isEmpty, "seed \(seed): \(report.faults)")
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                var drop = OpBatch()
                drop.dropped = kept.map { ($0.signedAction.hash, $0.type) }
                #expect(database.takeNow(space, drop, loop).code == nil)
                var rows = 0
                try space.rows.reading { () throws(PlasmidError) in
                    for table in SpaceTables.all where table != SpaceTables.meta && table != SpaceTables.outsiders {
                        try space.rows.scan(table, RowRange(prefix: [])) { _, _ in
                            rows += 1
                            return true
                        }
                    }
                }
                #expect(rows == 0, "seed \(seed)")
            }
        }
        // An own chain cannot be dropped.
        let (author, records) = records()
        let own = MemorySpace()
        try own.commit(SpaceCommit(author: author.key, records: records))
        var drop = OpBatch()
        drop.dropped = records.flatMap { record in ChainOpType.allCases.map { (record.signedAction.hash, $0) } }
        drop.forgotten = records.map(\.signedAction.hash)
        try own.take(drop)
        #expect(try own.chain(of: author.key).count == records.count)
        #expect(try own.ops(from: 0, to: .max, limit: 99).count == records.flatMap(OpWorld.ops).count)
    }

    @Test("no op and no file has a private entry's text: own ones sealed, others' refused")
    func privateEntries() throws {
        try withFolder { folder in
            let text = "the plain text of a diary that nobody may read"
            var author = TestAuthor("alice")
            author.act(.dna(dna(1)))
            let secret = author.create(text, type: TestAuthor.secret)
            // The helper seals by writing a word before it: here it has to be nothing like the text.
            var record = try #require(author.take().records.last)
            let first = record
            record = CommittedRecord(
                signedAction: first.signedAction, actionBytes: first.actionBytes, sealedEntry: [9, 9, 9])
            var plain = TestAuthor("alice")
            plain.act(.dna(dna(1)))
            var other = TestAuthor("bob")
            other.act(.dna(dna(1)))
            let theirs = other.create(text, type: TestAuthor.secret)
            let bytes = TestAuthor.entry(text).packed
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                let commit = SpaceCommit(author: author.key, records: plain.take().records + [record])
                #expect(database.commitNow(space, commit, loop).code == nil)
                let records = other.take().records
                for op in records.flatMap(OpWorld.ops) {
                    #expect(database.takeNow(space, batch(op), loop).code == nil)
                    let carrying = HeldOp(
                        signedAction: op.signedAction, actionBytes: op.actionBytes, type: op.type, entryBytes: bytes)
                    var rejected = OpBatch()
                    rejected.rejected = [
                        RejectedOp(op: carrying, reason: "private", when: Timestamp(microseconds: 1))
                    ]
                    #expect(database.takeNow(space, rejected, loop).code == .opRefused)
                }
                let bad = try rejectPrivate(text, bytes, database, space, loop)
                for action in [secret.action, theirs.action, bad] {
                    for type in ChainOpType.allCases {
                        let packed = try space.op(action, type).map(\.packed) ?? []
                        #expect(!contains(packed, Array(text.utf8)))
                    }
                }
                #expect(try space.op(secret.action, .createRecord)?.entry == .hidden)
                #expect(try space.op(secret.action, .createEntry) == nil)
            }
            for path in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                guard let data = FileManager.default.contents(atPath: folder + "/" + path) else { continue }
                #expect(!contains([UInt8](data), Array(text.utf8)), "\(path)")
            }
        }
    }

    /// An op that is rejected for the private entry that came with it keeps its reason, never the entry; a dependency with one is
    /// refused.
    private func rejectPrivate(
        _ text: String, _ bytes: [UInt8], _ database: Database, _ space: Space, _ loop: TestLoop
    ) throws -> ActionHash {
        var third = TestAuthor("carol")
        third.act(.dna(dna(1)))
        third.create(text, type: TestAuthor.secret)
        let bad = try #require(third.take().records.last)
        var rejected = OpBatch()
        let op = HeldOp(
            signedAction: bad.signedAction, actionBytes: bad.actionBytes, type: .createRecord, entryBytes: bytes
        )
        rejected.rejected = [RejectedOp(op: op, reason: "private", when: Timestamp(microseconds: 1))]
        #expect(database.takeNow(space, rejected, loop).code == nil)
        var cached = OpBatch()
        cached.cached = [
            CachedRecord(signedAction: bad.signedAction, actionBytes: bad.actionBytes, entryBytes: bytes)
        ]
        #expect(database.takeNow(space, cached, loop).code == .opRefused)
        return bad.signedAction.hash
    }

    private func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
        Data(bytes).range(of: Data(wanted)) != nil
    }

    @Test("a batch larger than a journal record is taken in parts, each whole")
    func parts() throws {
        try withFolder { folder in
            var author = TestAuthor("alice")
            author.act(.dna(dna(1)))
            for index in 0..<100 { author.create("\(index)" + String(repeating: "x", count: 3000)) }
            let records = author.take().records
            let whole = OpBatch(integrated: records.flatMap(OpWorld.ops))
            let parts = whole.parts(of: 16 << 10)
            #expect(parts.count > 10 && parts.reduce(0) { $0 + $1.integrated.count } == whole.integrated.count)
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                #expect(database.takeNow(space, whole, loop).code == nil)
                #expect(try space.head(of: author.key)?.seq == 100)
                // A part that is refused ends it: what came before stands.
                var last = TestAuthor("bob")
                last.act(.dna(dna(1)))
                for index in 0..<100 { last.create("\(index)" + String(repeating: "y", count: 3000)) }
                var ops = last.take().records.flatMap(OpWorld.ops)
                let bad = ops[150]
                ops[150] = HeldOp(signedAction: bad.signedAction, actionBytes: [1], type: .deleteLink)
                #expect(database.takeNow(space, OpBatch(integrated: ops), loop).code == .opRefused)
                let head = try #require(try space.head(of: last.key))
                #expect(head.seq > 5 && head.seq < 51)
            }
        }
    }

    @Test("rows that cannot be what was written are an error, in every read, and a fault of a check")
    func malformed() throws {
        var random = SeededRandom(seed: 42)
        let world = OpWorld(seed: 42, actions: 30)
        for table in [
            SpaceTables.hashes, SpaceTables.rows, SpaceTables.activity, SpaceTables.ops, SpaceTables.rejected,
            SpaceTables.parked, SpaceTables.creators, SpaceTables.links,
        ] {
            for _ in 0..<12 {
                let space = MemorySpace()
                var batch = OpBatch(integrated: Array(world.ops.dropFirst(10)))
                batch.rejected = world.ops.prefix(5).map {
                    RejectedOp(op: $0, reason: "no", when: Timestamp(microseconds: 1))
                }
                batch.parked = world.ops[5..<10].map { op in
                    let action = op.signedAction
                    let chainOp = ChainOp(type: op.type, action: action.action, signature: action.signature)
                    return ParkedOp(op: .chainOp(chainOp), missing: [], since: Timestamp(microseconds: 1))
                }
                try space.take(batch)
                var stored: [(key: [UInt8], value: [UInt8])] = []
                try space.rows.scan(table, RowRange(prefix: [])) { key, value in
                    stored.append(([UInt8](key), [UInt8](value)))
                    return true
                }
                guard var row = stored.randomElement(using: &random) else { continue }
                switch Int.random(in: 0..<3, using: &random) {
                case 0: row.value = Array(row.value.dropLast(Int.random(in: 1...9, using: &random)))
                case 1 where !row.value.isEmpty:
                    let at = Int.random(in: 0..<row.value.count, using: &random)
                    row.value[at] ^= UInt8.random(in: 1...255, using: &random)
                default: row.value.append(7)
                }
                space.put(RowDeriver.Row(table: table, key: row.key, value: row.value))
                // Whatever it is, reading ends: with an answer or with an error that says that storage is damaged.
                let found = code { _ = try world.answers(space) }
                #expect(found == nil || found == .storageCorrupt, "\(table.name): \(String(describing: found))")
                _ = try? space.parked(limit: 99)
                _ = try? space.rejected(limit: 99)
                var check = SpaceCheck(space, "here", verifiesSignatures: false, report: CheckReport()) { _ in }
                let ended = code { try check.run() }
                #expect(ended == nil || ended == .storageCorrupt, "\(table.name): \(String(describing: ended))")
            }
        }
    }
}
