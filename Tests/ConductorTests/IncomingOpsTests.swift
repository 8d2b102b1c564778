import Foundation
import Integrity
import NIOCore
import NIOPosix
import Sodium
import Storage
import Testing
import Validation
import ZomeRuntime

@testable import Conductor

/// Somebody else's chain, made with a key at hand.
private struct OtherChain {
    private let seed: UInt8
    let agent: AgentPubKey
    private(set) var records: [Record] = []

    init(_ seed: UInt8, dna: DnaHash) {
        self.seed = seed
        agent = Self.withKey(seed) { AgentPubKey(core: $0.publicKey) }
        add(.dna(dna))
        add(.agentValidationPkg(membraneProof: nil))
        add(.create(entryType: .agentPubKey, entryHash: agent.entryHash), .agent(agent))
    }

    private static func withKey<R>(_ seed: UInt8, _ body: (borrowing SecretKey) -> R) -> R {
        var bytes = [UInt8](repeating: seed, count: 32)
        let secret = SecretBytes(moving: &bytes)
        guard let key = SecretKey(seed: secret) else { preconditionFailure("32 bytes are a seed") }
        return body(key)
    }

    func sign(_ bytes: [UInt8]) -> Signature { Signature(Self.withKey(seed) { $0.sign(bytes) }) }

    mutating func add(_ data: ActionData, _ entry: Entry? = nil) {
        let action = Action(
            header: ActionHeader(
                author: agent, timestamp: Timestamp(microseconds: 1_000 + Int64(records.count)),
                actionSeq: UInt32(records.count), prevAction: records.last?.hash), data: data)
        records.append(
            Record(
                signedAction: SignedAction(action: action, signature: sign(action.packed)),
                entry: entry.map { .present($0) } ?? .notApplicable))
    }

    mutating func add(note: String, index: UInt8 = 0) {
        let entry = Entry.app(note.packed)
        let type = EntryType.app(AppEntryDef(entryIndex: index, zomeIndex: 0, visibility: .public))
        add(.create(entryType: type, entryHash: entry.hash), entry)
    }

    var ops: [DhtOp] { records.flatMap { ChainOp.ops(for: $0) }.map { .chainOp($0) } }
}

/// The network of a test: remembers, and answers questions as it is told to.
private final class FakePeers: ValidationPeers {
    var asked: [AnyDhtHash] = []
    var receipts: [(receipts: [SignedReceipt], author: AgentPubKey, peer: PeerTag)] = []
    var spreadOps: [DhtOp] = []
    var faults: [(PeerTag, PeerFault)] = []
    var held: Set<DhtOpHash> = []
    var settledOps = 0
    var refusedOps: [DhtOpHash] = []
    var acknowledgedOps: [DhtOpHash] = []
    var blocked: [AgentPubKey] = []
    var whenAsked: ([AnyDhtHash]) -> Void = { _ in }
    /// Told after everything that happens.
    var changed: () -> Void = {}

    func fetch(_ missing: [AnyDhtHash]) {
        asked += missing
        whenAsked(missing)
    }

    func send(_ receipts: [SignedReceipt], to author: AgentPubKey, over peer: PeerTag) {
        self.receipts.append((receipts, author, peer))
        changed()
    }

    func spread(_ ops: [DhtOp]) {
        spreadOps += ops
        changed()
    }

    func fault(_ peer: PeerTag, _ fault: PeerFault) {
        faults.append((peer, fault))
        changed()
    }

    func integrated(_ ops: [(location: UInt32, hash: DhtOpHash)]) {
        held.formUnion(ops.map(\.hash))
        changed()
    }

    func refused(_ op: DhtOpHash, location: UInt32) { refusedOps.append(op) }

    func settled(_ batch: SettledOps) { settledOps += batch.integrated.count }

    func acknowledged(_ receipts: [(op: DhtOpHash, location: UInt32, by: AgentPubKey)]) {
        acknowledgedOps += receipts.map(\.op)
        changed()
    }

    func block(_ agent: AgentPubKey) {
        blocked.append(agent)
        changed()
    }
}

/// One conductor with one cell, and ops that come from nowhere.
private final class IncomingScene {
    let bench: CellBench
    let peers = FakePeers()
    private let promise: EventLoopPromise<Void>

    var incoming: IncomingOps { bench.cell.space.incoming }
    var store: Space { bench.cell.space.store }

    init(_ bench: CellBench, _ promise: EventLoopPromise<Void>) {
        self.bench = bench
        self.promise = promise
        incoming.network = peers
    }

    /// Goes on once this is so.
    func when(_ condition: @escaping () -> Bool, _ then: @escaping () throws -> Void) {
        peers.changed = { [self] in
            guard condition() else { return }
            peers.changed = {}
            // Not in the middle of what is being done.
            bench.conductor.loop.assumeIsolated().execute { [self] in
                do {
                    try then()
                } catch {
                    promise.fail(error)
                }
            }
        }
        peers.changed()
    }

    /// Puts something into the storage, past the pipeline.
    func take(_ batch: OpBatch, _ then: @escaping () throws -> Void) {
        store.take(batch) { [promise] result in
            do {
                try result.get()
                try then()
            } catch {
                promise.fail(error)
            }
        }
    }

    /// What an operator is shown of the ops that wait.
    func waiting() throws -> [MessagePackValue] {
        var answer: Result<MessagePackValue, PlasmidError>?
        let params: [MessagePackValue.Pair] = [
            .init("instance_id", .string(bench.cell.instanceID)), .init("state", .string("waiting")),
        ]
        bench.conductor.admin("admin/network/ops", params: .map(params)) { answer = $0 }
        guard case .array(let rows)? = try answer?.get() else { return [] }
        return rows
    }

    func end() {
        incoming.stop()
        bench.close()
        promise.succeed(())
    }
}

@Suite("ops of others in a conductor")
struct IncomingOpsTests {
    private func run(_ body: @escaping @Sendable (IncomingScene) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("incoming-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            CellBench.make(on: loop, folder: folder.path, hold: 0, functions: ["a"]) { made in
                do {
                    try body(IncomingScene(try made.get(), promise))
                } catch {
                    promise.fail(error)
                }
            }
        }
        try promise.futureResult.wait()
    }

    @Test("a chain that comes backwards is held whole, read as written here, and every op has its receipt")
    func wholeChain() throws {
        try run { scene in
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            other.add(note: "hello")
            other.add(note: "again")
            let ops = other.ops
            scene.incoming.receive(ops.reversed(), from: 3, receiptsWanted: true)
            scene.when({ scene.peers.held.count == ops.count && !scene.peers.receipts.isEmpty }) {
                #expect(scene.peers.held == Set(ops.map(\.hash)))
                #expect(scene.peers.faults.isEmpty)
                let record = try scene.store.record(other.records[3].hash)
                #expect(record?.record == other.records[3])
                let length = try scene.store.chain(of: other.agent).count
                #expect(length == 5)
                let receipts = scene.peers.receipts.flatMap(\.receipts)
                #expect(Set(receipts.map(\.receipt.op)) == Set(ops.map(\.hash)))
                #expect(receipts.allSatisfy { $0.hasTrueSignature && $0.receipt.validator == scene.bench.agent })
                #expect(scene.peers.receipts.allSatisfy { $0.author == other.agent && $0.peer == 3 })
                scene.end()
            }
        }
    }

    @Test("what is missing is asked for, and what was not asked for is refused")
    func dependencies() throws {
        try run { scene in
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            other.add(note: "hello")
            let last = ChainOp.ops(for: other.records[3])[1]
            scene.peers.whenAsked = { hashes in
                #expect(hashes == [.action(other.records[2].hash)])
                scene.incoming.arrived(records: [other.records[0], other.records[2]], from: 4, asked: hashes)
            }
            scene.incoming.receive([.chainOp(last)], from: 3, receiptsWanted: false)
            scene.when({ scene.peers.held.contains(last.hash) }) {
                #expect(scene.peers.faults.map(\.1) == [.unsolicited])
                let known = try scene.store.knownAction(other.records[2].hash)
                let shown = try scene.store.action(other.records[2].hash)
                let unasked = try scene.store.knownAction(other.records[0].hash)
                #expect(known != nil && unasked == nil)
                #expect(shown == nil, "a dependency is not held")
                scene.end()
            }
        }
    }

    @Test("who breaks a rule is charged by an agent here, refused from then on, and the op kept with its reason")
    func warrants() throws {
        try run { scene in
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            other.add(note: "of a type that there is not", index: 9)
            scene.incoming.receive(other.ops, from: 3, receiptsWanted: false)
            scene.when({ !scene.peers.spreadOps.isEmpty }) {
                guard case .warrant(let signed)? = scene.peers.spreadOps.first else {
                    throw PlasmidError(.internal, "that was no warrant")
                }
                #expect(signed.hasTrueSignature && signed.warrant.author == scene.bench.agent)
                #expect(WarrantChecks.fault(signed) == nil)
                #expect(scene.peers.blocked == [other.agent])
                let kept = try scene.store.warrants(against: other.agent, includingRejected: true)
                #expect(kept.map(\.signed) == [signed])
                let rejected = try scene.store.rejected(limit: 9)
                #expect(rejected.count == 2)
                #expect(rejected.allSatisfy { $0.reason.contains("rule 20") })
                #expect(scene.peers.faults.isEmpty)
                other.add(note: "later")
                let later = ChainOp.ops(for: other.records[4])
                scene.incoming.receive(later.map { .chainOp($0) }, from: 3, receiptsWanted: false)
                #expect(scene.peers.faults.map(\.1) == later.map { _ in .refusedAuthor })
                #expect(Set(scene.peers.refusedOps) == Set(later.map(\.hash)))
                scene.end()
            }
        }
    }

    @Test("receipts count when their validator signed them, for an op of an agent here, once for each validator")
    func receipts() throws {
        try run { scene in
            let records = try scene.store.chain(of: scene.bench.agent).map(\.record)
            let ops = ChainOp.ops(for: records[0])
            scene.incoming.published(ops)
            let dna = scene.bench.cell.space.dna
            func receipt(_ chain: OtherChain, of op: DhtOpHash, by signer: OtherChain? = nil) -> SignedReceipt {
                let receipt = ValidationReceipt(
                    op: op, status: .valid, validator: chain.agent, whenIntegrated: Timestamp(microseconds: 9))
                return SignedReceipt(receipt: receipt, signature: (signer ?? chain).sign(receipt.signedBytes))
            }
            let (one, two) = (OtherChain(40, dna: dna), OtherChain(41, dna: dna))
            let good = receipt(one, of: ops[0].hash)
            var unsigned = receipt(two, of: ops[0].hash)
            unsigned.signature = Signature(Bytes64())
            let foreign = receipt(two, of: ops[0].hash, by: one)
            let strange = receipt(two, of: DhtOpHash(core: Bytes32(repeating: 4)))
            scene.incoming.take(receipts: [good, good, unsigned, foreign, strange], from: 6)
            scene.when({ scene.peers.faults.count == 2 && !scene.peers.acknowledgedOps.isEmpty }) {
                #expect(scene.peers.faults.allSatisfy { $0 == (6, .badReceipt) })
                let kept = try scene.store.receipts(of: ops[0].hash)
                #expect(kept == [good])
                #expect(scene.incoming.receiptBook.tally(of: ops[0].hash)?.valid == [one.agent])
                scene.end()
            }
        }
    }

    @Test("who rejects an op does not hold it for others: its author's node goes on looking for those who do")
    func rejections() throws {
        try run { scene in
            let ops = ChainOp.ops(for: try scene.store.chain(of: scene.bench.agent).map(\.record)[0])
            scene.incoming.published(ops)
            let dna = scene.bench.cell.space.dna
            let all = (40..<46 as Range<UInt8>).map { seed -> SignedReceipt in
                let chain = OtherChain(seed, dna: dna)
                let receipt = ValidationReceipt(
                    op: ops[0].hash, status: seed == 45 ? .valid : .rejected, validator: chain.agent,
                    whenIntegrated: Timestamp(microseconds: 9))
                return SignedReceipt(receipt: receipt, signature: chain.sign(receipt.signedBytes))
            }
            scene.incoming.take(receipts: all, from: 6)
            scene.when({ !scene.peers.acknowledgedOps.isEmpty }) {
                #expect(scene.peers.acknowledgedOps == [ops[0].hash])
                #expect(scene.peers.faults.isEmpty)
                let tally = scene.incoming.receiptBook.tally(of: ops[0].hash)
                #expect(tally?.valid.count == 1 && tally?.rejected.count == 5)
                scene.end()
            }
        }
    }

    @Test("what one process of validators rejects is shown to two others; a trap costs the ops beside it nothing")
    func validators() throws {
        try run { scene in
            let shared = ScriptedValidators { ops in
                // It traps where it sees the second note, alone or among others.
                if ops.contains(where: { Self.note($0) == "trap" }) { return nil }
                return ops.map { Self.note($0) == "bad" ? .invalid("bad words") : .valid }
            }
            var fresh = 0
            scene.bench.cell.space.validators = shared
            scene.incoming.makeFreshValidators = { _ in
                fresh += 1
                return ScriptedValidators { ops in
                    ops.map {
                        Self.note($0) == "bad" ? .invalid("bad words, again") : .valid
                    }
                }
            }
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            for text in ["good", "bad", "trap", "fine"] { other.add(note: text) }
            let ops = other.ops
            scene.incoming.receive(ops, from: 3, receiptsWanted: false)
            scene.when({ !scene.peers.blocked.isEmpty && scene.peers.held.count >= ops.count - 2 }) {
                let rejected = try scene.store.rejected(limit: 9)
                #expect(rejected.map(\.reason) == ["bad words", "bad words"])
                #expect(fresh == 6, "two for each rejected op, one for each that trapped: \(fresh)")
                scene.end()
            }
        }
    }

    @Test("an op that the storage refuses is set aside alone, with its code; the others of its batch are stored")
    func refusedByStorage() throws {
        try run { scene in
            scene.bench.conductor.cells[scene.bench.cell.instanceID] = scene.bench.cell
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            other.add(note: "hello")
            let ops = other.ops
            let culprit = ChainOp.ops(for: other.records[3])[0]
            scene.incoming.receive(ops, from: 3, receiptsWanted: true)
            // Behind the pipeline's back it is judged otherwise, which no storage takes back.
            var batch = OpBatch()
            batch.rejected = [
                RejectedOp(op: HeldOp(culprit), reason: "so", when: Timestamp(microseconds: 1))
            ]
            scene.take(batch) {}
            scene.when({ scene.peers.held.count == ops.count - 1 && !scene.peers.receipts.isEmpty }) {
                #expect(scene.peers.held == Set(ops.map(\.hash)).subtracting([culprit.hash]))
                let receipts = scene.peers.receipts.flatMap(\.receipts)
                #expect(Set(receipts.map(\.receipt.op)) == scene.peers.held)
                let rows = try scene.waiting()
                #expect(rows.map { $0["op"] } == [.string(culprit.hash.text)])
                #expect(rows.first?["code"] == .string("opRefused"))
                #expect(scene.peers.faults.isEmpty && scene.peers.blocked.isEmpty)
                scene.end()
            }
        }
    }

    @Test("an op that waits is shown at once, before it is kept across restarts")
    func waitingInMemory() throws {
        try run { scene in
            scene.bench.conductor.cells[scene.bench.cell.instanceID] = scene.bench.cell
            var other = OtherChain(40, dna: scene.bench.cell.space.dna)
            other.add(note: "hello")
            let last = ChainOp.ops(for: other.records[3])[1]
            let missing = AnyDhtHash(other.records[2].hash)
            scene.peers.whenAsked = { _ in
                let rows = (try? scene.waiting()) ?? []
                #expect(rows.map { $0["op"] } == [.string(last.hash.text)])
                #expect(rows.first?["missing"] == .array([.string(missing.text)]))
                #expect((try? scene.store.parked(limit: 9))?.isEmpty == true)
                scene.end()
            }
            scene.incoming.receive([.chainOp(last)], from: 3, receiptsWanted: false)
        }
    }

    @Test("after a restart a charge that waited is made, and who made false warrants is known")
    func restart() throws {
        try run { scene in
            let space = scene.bench.cell.space
            var other = OtherChain(40, dna: space.dna)
            other.add(note: "of a type that there is not", index: 9)
            let mallory = OtherChain(66, dna: space.dna)
            var batch = OpBatch()
            batch.integrated = other.records.prefix(3).flatMap { ChainOp.ops(for: $0) }.map { HeldOp($0) }
            let bad = ChainOp.ops(for: other.records[3])[0]
            batch.rejected = [RejectedOp(op: HeldOp(bad), reason: "rule 20", when: Timestamp(microseconds: 1))]
            let lies = other.records.map { record in
                let charge = Charge.invalid(CheckedOp(held: ChainOp.ops(for: record)[0]), reason: "I say so")
                let (warrant, evidence) = charge.warrant(by: mallory.agent, now: Timestamp(microseconds: 5))
                return SignedWarrant(
                    warrant: warrant, signature: mallory.sign(warrant.signedBytes), evidence: evidence)
            }
            batch.warrants = lies.prefix(3).map {
                StoredWarrant(signed: $0, standing: .rejected, when: Timestamp(microseconds: 6))
            }
            scene.take(batch) {
                let again = IncomingOps(space)
                again.network = scene.peers
                scene.when({ scene.peers.spreadOps.count == 1 }) {
                    guard case .warrant(let signed)? = scene.peers.spreadOps.first else {
                        throw PlasmidError(.internal, "that was no warrant")
                    }
                    #expect(signed.warrant.warrantee == other.agent && signed.warrant.author == scene.bench.agent)
                    #expect(scene.peers.blocked == [other.agent])
                    again.receive([.warrant(lies[3])], from: 5, receiptsWanted: false)
                    #expect(scene.peers.faults.map(\.1) == [.refusedAuthor])
                    again.stop()
                    scene.end()
                }
            }
        }
    }

    private static func note(_ op: Op) -> String? {
        op.entry?.appBytes.flatMap { try? String(packed: $0) }
    }
}

/// Validators that answer at once, or trap.
private final class ScriptedValidators: ZomeRunner {
    private let answer: ([Op]) -> [ValidateOutcome]?
    var statistics: RunnerStatistics { RunnerStatistics() }
    var descriptions: [ModuleDescription]? {
        [
            ModuleDescription(
                abi: 1, hdk: "1", zome: "rules", kind: .integrity, functions: [], callbacks: ["validate"],
                validates: ["note"], validatesLinks: [], validatesActivity: false)
        ]
    }

    init(_ answer: @escaping ([Op]) -> [ValidateOutcome]?) { self.answer = answer }

    func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: Invocation, timeout: TimeAmount?,
        completion: @escaping (Result<ModuleReply, PlasmidError>) -> Void
    ) {
        guard let ops = try? [Op](packed: invocation.payload), let outcomes = answer(ops) else {
            completion(.failure(PlasmidError(.moduleTrapped, "the validators trapped")))
            return
        }
        completion(.success(.ok(outcomes.packed)))
    }

    func cancel(call: UInt64) {}
    func pauseDeadline(call: UInt64) {}
    func resumeDeadline(call: UInt64) {}
    func flush() {}
    func stop() {}
}
