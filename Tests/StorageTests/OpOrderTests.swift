import Foundation
import Integrity
import Testing

@testable import Storage

/// What a space answers depends on the ops that it holds, never on the order in which they came.
@Suite struct OpOrderTests {
    /// What happens to each op: most are valid, some rejected, some known only as a dependency.
    private enum Fate { case integrated, rejected, cached }

    private static let when = Timestamp(microseconds: 1_800_000_000_000_000)

    private func batches(
        _ ops: [(op: HeldOp, fate: Fate)], _ random: inout SeededRandom, repeating: Bool
    ) -> [OpBatch] {
        var order = ops
        if repeating { order += (0..<ops.count / 3).compactMap { _ in ops.randomElement(using: &random) } }
        order.shuffle(using: &random)
        var batches: [OpBatch] = []
        while !order.isEmpty {
            var batch = OpBatch()
            for (op, fate) in order.prefix(Int.random(in: 1...9, using: &random)) {
                switch fate {
                case .integrated: batch.integrated.append(op)
                case .rejected: batch.rejected.append(RejectedOp(op: op, reason: "no", when: Self.when))
                case .cached:
                    batch.cached.append(
                        CachedRecord(
                            signedAction: op.signedAction, actionBytes: op.actionBytes, entryBytes: op.entryBytes))
                }
            }
            order.removeFirst(min(order.count, batch.integrated.count + batch.rejected.count + batch.cached.count))
            batches.append(batch)
        }
        return batches
    }

    @Test("any order of arrival gives the same answers", arguments: [UInt64](1...6))
    func memory(round: UInt64) throws {
        let seed = round &* 104_729 &+ UInt64.random(in: 0..<1_000_000)
        var world = OpWorld(seed: seed, actions: 45)
        // Not every op comes to this node, and not every one is valid.
        var ops: [(op: HeldOp, fate: Fate)] = []
        for op in world.ops {
            switch Int.random(in: 0..<12, using: &world.random) {
            case 0, 1: continue
            case 2: ops.append((op, .rejected))
            case 3: ops.append((op, .cached))
            default: ops.append((op, .integrated))
            }
        }
        var expected: [String]?
        for turn in 0..<4 {
            let space = MemorySpace()
            for batch in batches(ops, &world.random, repeating: turn > 0) { try space.take(batch) }
            let answers = try world.answers(space)
            let first = expected ?? answers
            expected = first
            let differs = zip(first, answers).first { $0 != $1 }
            #expect(differs == nil && first.count == answers.count, "seed \(seed), turn \(turn)")
        }
    }

    @Test("on disk as in memory, with own commits in between and after a restart", arguments: [UInt64](1...3))
    func disk(round: UInt64) throws {
        let seed = round &* 15_485_863 &+ UInt64.random(in: 0..<1_000_000)
        var world = OpWorld(seed: seed, actions: 40)
        let alice = world.authors[0].key
        // Alice writes here; what comes back of her from the network is nothing new.
        let own = world.actions.filter { $0.signedAction.action.author == alice }
        let ownChain = own.reduce(into: [CommittedRecord]()) { chain, record in
            if record.signedAction.action.prevAction == chain.last?.signedAction.hash { chain.append(record) }
        }
        let memory = MemorySpace()
        for record in ownChain { try memory.commit(SpaceCommit(author: alice, records: [record])) }
        try memory.take(OpBatch(integrated: world.ops))
        let expected = try world.answers(memory)

        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                var waiting = ownChain[...]
                var steps = batches(world.ops.map { ($0, .integrated) }, &world.random, repeating: true)
                while !steps.isEmpty || !waiting.isEmpty {
                    if let record = waiting.first, steps.isEmpty || Bool.random(using: &world.random) {
                        waiting.removeFirst()
                        let commit = SpaceCommit(author: alice, records: [record])
                        #expect(database.commitNow(space, commit, loop).code == nil, "seed \(seed)")
                    } else {
                        #expect(database.takeNow(space, steps.removeLast(), loop).code == nil, "seed \(seed)")
                    }
                }
                #expect(try world.answers(space) == expected, "seed \(seed)")
            }
            try withDatabase(folder) { database, _ in
                let answers = try world.answers(try database.space(dna(1)))
                #expect(answers == expected, "seed \(seed)")
            }
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults.isEmpty, "seed \(seed): \(report.faults)")
        }
    }
}
