import Foundation
import Integrity
import Testing

@testable import Storage

/// What a space keeps of ops besides what ordinary reads show.
@Suite struct OpHoldingTests {
    private static let when = Timestamp(microseconds: 1_800_000_000_000_000)

    private func ops(_ record: CommittedRecord) -> [ChainOpType: HeldOp] {
        Dictionary(uniqueKeysWithValues: OpWorld.ops(record).map { ($0.type, $0) })
    }

    private func chainOp(_ op: HeldOp) -> ChainOp {
        let entry = op.entryBytes.flatMap { try? Entry(packed: $0) }
        return ChainOp(
            type: op.type, action: op.signedAction.action, signature: op.signedAction.signature,
            entry: entry.map { .present($0) } ?? .actionOnly)
    }

    /// A chain of two: a DNA and a note.
    private func note(_ name: String = "alice", _ text: String = "note") -> (TestAuthor, [CommittedRecord]) {
        var author = TestAuthor(name)
        author.act(.dna(dna(1)))
        author.create(text)
        let records = author.take().records
        return (author, records)
    }

    @Test("each op shows its own rows, and no other")
    func visibility() throws {
        let (alice, records) = note()
        let action = records[1].signedAction.hash
        let entry = try #require(records[1].signedAction.action.entryHash)
        for type in [ChainOpType.createRecord, .createEntry, .agentActivity] {
            let space = MemorySpace()
            try space.take(OpBatch(integrated: [try #require(ops(records[1])[type])]))
            #expect(try (space.record(action) != nil) == (type == .createRecord))
            #expect(try (space.record(action)?.entry.entry != nil) == (type == .createRecord))
            #expect(try space.has(AnyDhtHash(action)) == (type == .createRecord))
            #expect(try (space.entry(entry) != nil) == (type == .createEntry))
            #expect(try space.has(AnyDhtHash(entry)) == (type == .createEntry))
            #expect(try space.recordsOfEntry(entry).count == (type == .createEntry ? 1 : 0))
            let chain = try space.chain(of: alice.key)
            #expect(chain.count == (type == .agentActivity ? 1 : 0))
            #expect(chain.allSatisfy { $0.entry == .notStored })
            // The number before it is missing: there is no head yet.
            #expect(try space.head(of: alice.key) == nil)
            #expect(try space.standing(of: action, type) == .integrated)
            #expect(try space.op(action, type).map(\.type) == type)
            #expect(try space.ops(from: 0, to: .max, limit: 9).map(\.type) == [type.rawValue])
        }
    }

    @Test(
        "an entry is what hashes to its address: a key that somebody made of the address is not, whichever came first")
    func passedOffAsKey() throws {
        let (_, records) = note()
        let entry = try #require(records[1].signedAction.action.entryHash)
        var mallory = TestAuthor("mallory")
        let key = Entry.agent(AgentPubKey(core: entry.core))
        mallory.act(.create(entryType: .agentPubKey, entryHash: entry), entry: key.packed)
        let lie = try #require(mallory.take().records.first)
        let cached = CachedRecord(
            signedAction: lie.signedAction, actionBytes: lie.actionBytes, entryBytes: lie.entryBytes)
        let brought = try #require(ops(records[1])[.createEntry])
        var lies = OpBatch()
        lies.cached = [cached]
        let good = OpBatch(integrated: [brought])
        for batches in [[lies, good], [good, lies]] {
            let space = MemorySpace()
            for batch in batches { try space.take(batch) }
            let (shown, known) = (try space.entry(entry), try space.knownEntry(entry))
            #expect(shown == TestAuthor.entry("note") && known == shown)
            #expect(try space.recordsOfEntry(entry).count == 1)
        }
    }

    @Test("a chain from outside: gaps, its head before the first gap, forks by the lower hash, the own chain untouched")
    func activity() throws {
        var author = TestAuthor("bob")
        author.act(.dna(dna(1)))
        for index in 0..<6 { author.create("\(index)") }
        let records = author.take().records
        let space = MemorySpace()
        func take(_ record: CommittedRecord) throws {
            try space.take(OpBatch(integrated: [try #require(ops(record)[.agentActivity])]))
        }
        for index in [0, 1, 2, 4, 5] { try take(records[index]) }
        #expect(try space.head(of: author.key)?.seq == 2)
        #expect(try space.chain(of: author.key).count == 5)
        try take(records[3])
        #expect(try space.head(of: author.key)?.seq == 5)
        try take(records[6])
        #expect(try space.head(of: author.key)?.hash == records[6].signedAction.hash)
        // Another action with the number 3.
        var other = TestAuthor(author.key, head: ChainHead(records[2].signedAction))
        other.create("another")
        let fork = try #require(other.take().records.first)
        try take(fork)
        let pair = [records[3].signedAction, fork.signedAction].sorted { $0.hash.core < $1.hash.core }
        #expect(try space.forks(of: author.key) == [pair])
        #expect(try space.chain(of: author.key, from: 3, to: 3).map(\.signedAction) == [pair[0]])
        #expect(try space.chain(of: author.key, from: 2, to: 4, descending: true, limit: 2)[1].signedAction == pair[0])

        // The same on the node where the chain is written.
        let own = MemorySpace()
        try own.commit(SpaceCommit(author: author.key, records: records))
        let head = try own.head(of: author.key)
        var later = TestAuthor(author.key, head: author.head)
        later.create("from another device")
        let stray = try #require(later.take().records.first)
        try own.take(OpBatch(integrated: OpWorld.ops(fork) + OpWorld.ops(stray)))
        #expect(try own.head(of: author.key) == head)
        #expect(try own.chain(of: author.key).map(\.signedAction) == records.map(\.signedAction))
        #expect(try own.forks(of: author.key) == [[records[3].signedAction, fork.signedAction]])
        var next = TestAuthor(author.key, head: author.head)
        next.create("mine")
        try own.commit(next.take())
        #expect(try own.head(of: author.key)?.seq == 7)
        #expect(try own.forks(of: author.key).count == 2)
    }

    @Test("rejected ops: kept with reason and entry, seen by no read, and no verdict is turned over")
    func rejected() throws {
        let (alice, records) = note()
        let action = records[1].signedAction.hash
        let entry = try #require(records[1].signedAction.action.entryHash)
        let create = try #require(ops(records[1])[.createEntry])
        let space = MemorySpace()
        var batch = OpBatch(
            integrated: OpWorld.ops(records[1]).filter { $0.type != .createEntry && $0.type != .createRecord })
        let reason = String(repeating: "é", count: 400)
        batch.rejected = [RejectedOp(op: create, reason: reason, when: Self.when)]
        try space.take(batch)
        #expect(try space.entry(entry) == nil && space.knownEntry(entry) == nil)
        #expect(try space.recordsOfEntry(entry).isEmpty)
        #expect(try space.chain(of: alice.key).map(\.entry) == [.notStored])
        #expect(try space.standing(of: action, .createEntry) == .rejected)
        let kept = try #require(try space.rejected(action, .createEntry))
        #expect(
            kept.reason == String(repeating: "é", count: 256) && kept.op == chainOp(create) && kept.when == Self.when)
        #expect(try space.rejected(limit: 10) == [kept])
        #expect(try space.op(action, .createEntry) == nil)
        #expect(code { try space.take(OpBatch(integrated: [create])) } == .opRefused)
        var turned = OpBatch()
        turned.rejected = [RejectedOp(op: try #require(ops(records[1])[.agentActivity]), reason: "", when: Self.when)]
        #expect(code { try space.take(turned) } == .opRefused)
    }

    @Test("dependencies are known and not seen; they go when they are forgotten")
    func cached() throws {
        let (_, records) = note()
        let signed = records[1].signedAction
        let entry = try #require(signed.action.entryHash)
        let space = MemorySpace()
        var batch = OpBatch()
        batch.cached = [
            CachedRecord(signedAction: signed, actionBytes: records[1].actionBytes, entryBytes: records[1].entryBytes)
        ]
        batch.cachedEntries = [TestAuthor.entry("alone").packed]
        try space.take(batch)
        #expect(try space.record(signed.hash) == nil && space.entry(entry) == nil && !space.has(AnyDhtHash(entry)))
        #expect(try space.knownAction(signed.hash) == signed && space.knows(AnyDhtHash(entry)))
        #expect(try space.knownRecord(signed.hash)?.entry.entry == TestAuthor.entry("note"))
        #expect(try space.knownEntry(TestAuthor.entry("alone").hash) != nil)
        #expect(try space.entry(TestAuthor.entry("alone").hash) == nil)
        #expect(try space.standing(of: signed.hash, .createRecord) == nil)
        #expect(try space.ops(from: 0, to: .max, limit: 9).isEmpty)
        var forget = OpBatch()
        forget.forgotten = [signed.hash]
        try space.take(forget)
        #expect(try space.knownAction(signed.hash) == nil && space.knownEntry(entry) == nil)
    }

    @Test("parked ops: found by what they wait for, counted, kept over a restart, gone when settled")
    func parked() throws {
        try withFolder { folder in
            let (alice, records) = note()
            let missing = (0..<3 as Range<UInt8>).map { AnyDhtHash(ActionHash(hashing: [$0])) }
            let parked = OpWorld.ops(records[1]).enumerated().map { index, op in
                ParkedOp(
                    op: .chainOp(chainOp(op)), missing: [missing[0], missing[min(index, 2)]],
                    since: Self.when.advanced(byMicroseconds: Int64(9 - index)))
            }
            try withDatabase(folder) { database, loop in
                var batch = OpBatch()
                batch.parked = parked
                let space = try database.space(dna(1))
                #expect(database.takeNow(space, batch, loop).code == nil)
            }
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                #expect(try space.parked(limit: 9).map(\.since) == parked.reversed().map(\.since))
                #expect(try space.parked(limit: 2).count == 2)
                #expect(try space.parked(waitingFor: missing[1], limit: 9).map(\.hash) == [parked[1].hash])
                #expect(try space.parked(waitingFor: missing[0], limit: 9).count == 3)
                #expect(try space.parkedCount(of: alice.key) == 3 && space.parkedCount() == 3)
                // Parked again: it waits for other things, and since the first time.
                var batch = OpBatch()
                batch.parked = [ParkedOp(op: parked[1].op, missing: [missing[2]], since: .init(microseconds: .max))]
                batch.settled = [parked[0].hash, DhtOpHash(hashing: [1])]
                #expect(database.takeNow(space, batch, loop).code == nil)
                #expect(try space.parked(waitingFor: missing[1], limit: 9).isEmpty)
                #expect(try space.parked(parked[1].hash)?.since == parked[1].since)
                #expect(try space.parkedCount(of: alice.key) == 2)
                batch = OpBatch(integrated: OpWorld.ops(records[1]))
                batch.settled = parked.map(\.hash)
                #expect(database.takeNow(space, batch, loop).code == nil)
                #expect(try space.parked(limit: 9).isEmpty && space.parkedCount() == 0)
                // What is held waits for nothing.
                batch = OpBatch()
                batch.parked = [parked[2]]
                #expect(database.takeNow(space, batch, loop).code == nil)
                #expect(try space.parkedCount() == 0)
            }
            #expect(try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false).faults == [])
        }
    }

    @Test("receipts and warrants, once each, over a restart and through a check")
    func verdicts() throws {
        try withFolder { folder in
            let (alice, records) = note()
            let op = try #require(ops(records[1])[.createEntry])
            let hash = chainOp(op).hash
            let receipts = (0..<3 as Range<UInt8>).map { index in
                SignedReceipt(
                    receipt: ValidationReceipt(
                        op: hash, status: .valid, validator: AgentPubKey(hashing: [index]), whenIntegrated: Self.when),
                    signature: op.signedAction.signature)
            }
            let warrants = [OpStanding.integrated, .rejected].map { standing in
                let proof = WarrantProof.invalidChainOp(
                    author: alice.key, action: WarrantedAction(op.signedAction), type: .createEntry,
                    reason: "\(standing)")
                let warrant = Warrant(
                    proof: proof, author: TestAuthor("bob").key, timestamp: Self.when, warrantee: alice.key)
                return StoredWarrant(
                    signed: SignedWarrant(
                        warrant: warrant, signature: op.signedAction.signature, evidence: .op(chainOp(op))),
                    standing: standing, when: Self.when)
            }
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                var batch = OpBatch()
                batch.receipts = receipts + receipts
                batch.warrants = warrants + warrants
                #expect(database.takeNow(space, batch, loop).code == nil)
                batch = OpBatch()
                batch.warrants = [
                    StoredWarrant(signed: warrants[0].signed, standing: .rejected, when: Self.when)
                ]
                #expect(database.takeNow(space, batch, loop).code == .opRefused)
            }
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults == [])
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                #expect(Set(try space.receipts(of: hash)) == Set(receipts))
                #expect(try space.warrants(against: alice.key) == [warrants[0]])
                #expect(try space.warrants(against: alice.key, includingRejected: true).count == 2)
                let charge = warrants[0].signed.warrant.hash
                #expect(try space.standing(ofWarrant: charge) == .integrated)
                var places: [HeldOpPlace] = []
                try space.eachOp(in: 0...UInt32.max) { place in
                    places.append(place)
                    return true
                }
                #expect(places.map(\.hash) == [charge] && places.map(\.location) == [alice.key.location])
                #expect(try space.op(id: places[0].id) == .warrant(warrants[0].signed))
                var batch = OpBatch()
                batch.droppedWarrants = warrants.map { $0.signed.warrant.hash }
                #expect(database.takeNow(space, batch, loop).code == nil)
                #expect(try space.op(id: places[0].id) == nil && space.standing(ofWarrant: charge) == nil)
            }
        }
    }

    @Test("own ops are unpublished until they are marked, in the order of the chain, over restarts")
    func publishing() throws {
        try withFolder { folder in
            var (alice, records) = note()
            alice.create("secret", type: TestAuthor.secret)
            alice.create("last")
            records += alice.take().records
            let all = records.flatMap { record in
                ChainOpType.produced(by: record.signedAction.action).map { ($0, record.signedAction.hash) }
            }.sorted { left, right in
                let places = [left, right].map { op in records.firstIndex { $0.signedAction.hash == op.1 } ?? 0 }
                return places[0] != places[1] ? places[0] < places[1] : left.0.rawValue < right.0.rawValue
            }
            #expect(all.count == 2 + 3 + 2 + 3)
            var open = all.map { "\($0.0) \($0.1)" }
            for step in 0..<all.count {
                try withDatabase(folder) { database, loop in
                    let space = try database.space(dna(1))
                    if step == 0 {
                        let commit = SpaceCommit(author: alice.key, records: records)
                        #expect(database.commitNow(space, commit, loop).code == nil)
                        // Ops of others are not ours to publish.
                        let others = OpWorld.ops(note("bob").1[1])
                        #expect(database.takeNow(space, OpBatch(integrated: others), loop).code == nil)
                        var wrong = OpBatch()
                        wrong.publishing = [PublishMark(action: others[0].signedAction.hash, type: .createRecord)]
                        #expect(database.takeNow(space, wrong, loop).code == .opRefused)
                    }
                    let found = try space.unpublished(limit: 100)
                    #expect(found.map { "\($0.type) \($0.action)" } == open)
                    let first = try #require(found.first)
                    let rest = try space.unpublished(of: alice.key, after: first, limit: 100)
                    #expect(rest == Array(found.dropFirst()))
                    #expect(try space.unpublished(limit: 2) == Array(found.prefix(2)))
                    // The last, then the first, and so on.
                    let done = try #require(step % 2 == 0 ? found.last : found.first)
                    open.removeAll { $0 == "\(done.type) \(done.action)" }
                    var batch = OpBatch()
                    batch.publishing = [
                        PublishMark(action: first.action, type: first.type, isComplete: false),
                        PublishMark(action: done.action, type: done.type),
                    ]
                    if step % 2 == 1 { batch.publishing.removeFirst() }
                    #expect(database.takeNow(space, batch, loop).code == nil)
                }
            }
            #expect(open.isEmpty)
            #expect(try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false).faults == [])
        }
    }
}

extension ChainHead {
    init(_ signed: SignedAction) {
        let header = signed.action.header
        self.init(hash: signed.hash, seq: header.actionSeq, timestamp: header.timestamp)
    }
}
