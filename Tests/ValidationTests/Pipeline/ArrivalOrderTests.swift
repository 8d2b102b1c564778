import Foundation
import Integrity
import Sodium
import Testing

@testable import Validation

/// Chains at random, full of faults: wrong places, foreign updates, taken slugs, forks, things that nobody has.
private struct RandomNetwork {
    var dice: RuleDice
    var chains: [TestChain] = []
    /// Actions that exist nowhere.
    private var lost: [ActionHash] = []

    init(seed: UInt64) {
        dice = RuleDice(seed)
        for n in 1...3 { chains.append(TestChain(TestAgent(UInt8(n)), dna: RuledWorld.dnaHash)) }
        for n in 0..<4 { lost.append(ActionHash(core: Bytes32(repeating: UInt8(200 + n)))) }
        for _ in 0..<45 {
            let index = dice.below(chains.count)
            // A chain that forks goes on twice.
            if dice.once(in: 14), chains.count < 6 { chains.append(chains[index]) }
            var chain = chains[index]
            step(&chain)
            chains[index] = chain
        }
    }

    var records: [Record] {
        var seen: Set<ActionHash> = []
        return chains.flatMap(\.records).filter { seen.insert($0.hash).inserted }
    }

    private mutating func anyAction() -> (hash: ActionHash, action: Action?) {
        if dice.once(in: 8) { return (dice.pick(lost), nil) }
        let action = dice.pick(dice.pick(chains).actions).action
        return (action.hash, action)
    }

    private mutating func note() -> Entry {
        var fields: [(String, MessagePackValue)] = []
        if !dice.once(in: 12) { fields.append(("text", .string(dice.once(in: 12) ? "" : "t\(dice.below(9))"))) }
        if dice.once(in: 2) { fields.append(("slug", .string("s\(dice.below(4))"))) }
        if dice.once(in: 5) { fields.append(("act", .binary(anyAction().hash.bytes))) }
        if dice.once(in: 5) { fields.append(("about", .binary(anyAction().hash.bytes))) }
        if dice.once(in: 6), let entry = anyAction().action?.entryHash {
            fields.append(("source", .binary(entry.bytes)))
        }
        return .app(MessagePackValue.map(fields.map { MessagePackValue.Pair($0.0, $0.1) }).packed)
    }

    private mutating func step(_ chain: inout TestChain) {
        let names = ["note", "note", "comment", "law", "wiki"]
        switch dice.below(10) {
        case 0...4:
            let entry = note()
            chain.add(.create(entryType: RuledWorld.type(dice.pick(names)), entryHash: entry.hash), entry)
        case 5, 6:
            let (hash, original) = anyAction()
            let entry = note()
            let type = dice.once(in: 4) ? RuledWorld.type(dice.pick(names)) : original?.entryType
            chain.add(
                .update(
                    originalAction: hash, originalEntry: original?.entryHash ?? entry.hash,
                    entryType: type ?? RuledWorld.type("note"), entryHash: entry.hash), entry)
        case 7, 8:
            let (hash, target) = anyAction()
            let entry = target?.entryHash ?? EntryHash(core: Bytes32(repeating: 3))
            chain.add(.delete(deletesAction: hash, deletesEntry: entry))
        default:
            let entry = Entry.app(
                MessagePackValue.map([MessagePackValue.Pair("day", .int(Int64(dice.below(3))))]).packed)
            chain.add(.create(entryType: RuledWorld.type("diary"), entryHash: entry.hash), entry)
        }
        // Now and then the clock went back.
        if dice.once(in: 15) { chain.add(.initZomesComplete) }
    }
}

@Suite("any order of arrival")
struct ArrivalOrderTests {
    static let seed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["PLASMID_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        FileHandle.standardError.write(Data("order of arrival: PLASMID_SEED=\(seed)\n".utf8))
        return seed
    }()

    /// A validator that rejects some ops, and asks for data of which some exists nowhere.
    private static func module(_ request: JudgeRequest, _ holds: (ActionHash) -> Bool) -> JudgeOutcome {
        let hash = request.op.signedAction.hash
        if hash.core.array[0] % 9 == 0 { return .invalid("the validator does not like it") }
        if hash.core.array[1] % 4 == 0, let previous = request.op.action.prevAction, !holds(previous) {
            return .unresolved([.action(previous)])
        }
        return .valid
    }

    /// Which of several broken rules is named may differ; whether any is may not.
    private static func isValid(_ verdict: String?) -> Bool? { verdict.map { $0 == "valid" } }

    private func run(
        _ records: [Record], seed: UInt64, modules: Bool, asksPeers: Bool
    ) -> (verdicts: [DhtOpHash: String], announced: Set<DhtOpHash>, waiting: Set<DhtOpHash>) {
        var dice = RuleDice(seed)
        let node = TestNode(RuledWorld.dna, modules: modules)
        node.universe = records.map(\.sent)
        node.asksPeers = asksPeers
        node.modules = Self.module
        node.dice = RuleDice(seed &+ 1)
        var ops = records.flatMap { ChainOp.ops(for: $0) }
        ops += (0..<ops.count / 3).map { _ in dice.pick(ops) }
        ops.shuffle(using: &dice)
        while !ops.isEmpty {
            let count = min(ops.count, 1 + dice.below(12))
            node.receive(Array(ops.prefix(count)), from: PeerTag(dice.below(3)))
            ops.removeFirst(count)
            if dice.once(in: 6) { node.tick(after: 300_000) }
        }
        node.settle()
        let waiting = node.pipeline.inWork(limit: .max).map(\.hash)
        return (node.held.verdicts, node.announced, Set(waiting))
    }

    @Test("the same verdicts and the same ops held", arguments: [false, true])
    func sameVerdicts(modules: Bool) {
        var (valid, rejected, waited) = (0, 0, 0)
        for round in 0..<4 {
            let seed = Self.seed &+ UInt64(round * 1_000)
            let records = RandomNetwork(seed: seed).records
            let first = run(records, seed: seed, modules: modules, asksPeers: true)
            for other: UInt64 in 1...4 {
                let again = run(records, seed: seed &+ other, modules: modules, asksPeers: other != 2)
                let hashes = Set(first.verdicts.keys).union(again.verdicts.keys)
                for hash in hashes.sorted()
                where Self.isValid(first.verdicts[hash]) != Self.isValid(again.verdicts[hash]) {
                    let op = records.flatMap { ChainOp.ops(for: $0) }.first { $0.hash == hash }
                    Issue.record(
                        """
                        seed \(seed), order \(other): \(first.verdicts[hash] ?? "-") and \(again.verdicts[hash] ?? "-") \
                        of \(op.map { "\($0.type) of \($0.action)" } ?? "\(hash)")
                        """)
                }
                #expect(first.announced == again.announced, "seed \(seed), order \(other)")
                #expect(first.waiting == again.waiting, "seed \(seed), order \(other)")
            }
            valid += first.announced.count
            rejected += first.verdicts.count - first.announced.count
            waited += first.waiting.count
        }
        #expect(valid > 200 && rejected > 40 && waited > 8, "seed \(Self.seed): \(valid) \(rejected) \(waited)")
    }

    @Test("a node that holds one op alone comes to the same verdict by asking")
    func aloneByAsking() {
        for round in 0..<3 {
            let seed = Self.seed &+ UInt64(round * 1_000)
            let records = RandomNetwork(seed: seed).records
            let all = run(records, seed: seed, modules: false, asksPeers: true)
            var dice = RuleDice(seed)
            for _ in 0..<15 {
                let op = dice.pick(dice.pick(records.map { ChainOp.ops(for: $0) }))
                let node = TestNode(RuledWorld.dna)
                node.universe = records.map(\.sent)
                node.receive([op])
                node.settle()
                #expect(
                    Self.isValid(node.held.verdicts[op.hash]) == Self.isValid(all.verdicts[op.hash]),
                    "seed \(seed): \(node.pipeline.inWork(limit: 1)), faults \(node.faults)")
            }
        }
    }
}
