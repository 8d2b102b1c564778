import Integrity
import Testing

@testable import Storage

/// A check finds whatever is wrong with the rows of ops.
@Suite struct OpCheckTests {
    private func filled() throws -> MemorySpace {
        let space = MemorySpace()
        let world = OpWorld(seed: 7, actions: 60)
        var batch = OpBatch(integrated: Array(world.ops.dropFirst(12)))
        batch.rejected = world.ops.prefix(4).map {
            RejectedOp(op: $0, reason: "no", when: Timestamp(microseconds: 1))
        }
        batch.parked = world.ops[4..<12].filter { $0.entryBytes == nil }.map { op in
            let action = op.signedAction
            let chainOp = ChainOp(type: op.type, action: action.action, signature: action.signature)
            let missing = [AnyDhtHash(ActionHash(hashing: [1])), AnyDhtHash(EntryHash(hashing: [op.type.rawValue]))]
            return ParkedOp(op: .chainOp(chainOp), missing: missing, since: Timestamp(microseconds: 1))
        }
        let signed = world.actions[0].signedAction
        let proof = WarrantProof.chainFork(
            author: world.authors[0].key, first: WarrantedAction(signed), second: WarrantedAction(signed), seq: 0)
        let warrant = Warrant(
            proof: proof, author: world.authors[1].key, timestamp: Timestamp(microseconds: 1),
            warrantee: world.authors[0].key)
        let evidence = SignedWarrant(warrant: warrant, signature: signed.signature, evidence: .actions(signed, signed))
        batch.warrants = [StoredWarrant(signed: evidence, standing: .integrated, when: Timestamp(microseconds: 1))]
        try space.take(batch)
        return space
    }

    private func faults(_ space: MemorySpace) throws -> [CheckReport.Fault] {
        var check = SpaceCheck(space, "here", verifiesSignatures: false, report: CheckReport()) { _ in }
        try check.run()
        return check.report.faults
    }

    @Test("a row that is gone, one that is changed, one that stands for nothing: each is found, in each table")
    func rows() throws {
        #expect(try faults(try filled()).isEmpty)
        for table in [
            SpaceTables.hashes, SpaceTables.activity, SpaceTables.forks, SpaceTables.rejected, SpaceTables.ops,
            SpaceTables.creators, SpaceTables.parkedTimes, SpaceTables.waiting, SpaceTables.parkedCounts,
            SpaceTables.warrants, SpaceTables.links, SpaceTables.linkDeletes, SpaceTables.updates, SpaceTables.deletes,
        ] {
            for way in 0..<3 {
                let space = try filled()
                var stored: [(key: [UInt8], value: [UInt8])] = []
                try space.rows.scan(table, RowRange(prefix: [])) { key, value in
                    stored.append(([UInt8](key), [UInt8](value)))
                    return true
                }
                let row = try #require(stored.last, "\(table.name) has no row to change")
                switch way {
                case 0: space.put(RowDeriver.Row(table: table, key: row.key, value: nil))
                case 1: space.put(RowDeriver.Row(table: table, key: row.key, value: row.value + [9]))
                default:
                    var key = row.key
                    key[3] ^= 0x55
                    space.put(RowDeriver.Row(table: table, key: key, value: row.value))
                }
                #expect(try !faults(space).isEmpty, "\(table.name), way \(way)")
            }
        }
    }
}
