import Foundation
import Gossip
import Integrity
import Keystore
import Validation

/// The validation of others' ops for itself, without network and disk: bodies of frames in, verdicts out, on one thread.
enum PipelineFigure {
    /// Nothing is held: what an op builds on is in the works.
    private struct Nothing: PipelineReads {
        func action(_ hash: ActionHash) -> Action? { nil }
        func entry(_ hash: EntryHash) -> Entry? { nil }
        func kind(of hash: EntryHash) -> HeldEntry? { nil }
        func standing(of action: ActionHash, _ type: ChainOpType) -> ValidationStatus? { nil }
        func standing(ofWarrant hash: DhtOpHash, against agent: AgentPubKey) -> ValidationStatus? { nil }
        func actions(of author: AgentPubKey, at seq: UInt32) -> [SignedAction] { [] }
    }

    static func measure(_ place: BenchPlace) throws -> Figure {
        let dna = DnaDefinition(
            name: "declared",
            integrity: IntegritySection(entryTypes: [EntryTypeDef(name: "note", maxBytes: 16_384)]))
        let keystore = try BenchKeys.make(place)
        var (values, floors, ratios) = ([Double](), [Double](), [Double]())
        for _ in 0..<place.rounds {
            // A chain, in one frame after the other; each is durable when the next has been judged.
            let author = try BenchAuthor(space: dna.hash(), keystore: keystore)
            let now = Keystore.now()
            let ops = try author.write(place.count(6_000, quick: 3_000), now: now)
            let most = OpsBody.opsMaximum / 3 * 3
            let bodies = stride(from: 0, to: ops.count, by: most).map {
                OpsBody(receiptsWanted: false, ops: Array(ops[$0..<min(ops.count, $0 + most)])).packed
            }
            let begin = ProcessFacts.threadSeconds
            _ = try author.verifyRate(author.actions.count)
            let floor = Double(author.actions.count) / (ProcessFacts.threadSeconds - begin)
            let start = ProcessFacts.threadSeconds
            let valid = try judge(bodies, dna, now)
            let value = Double(author.actions.count) / (ProcessFacts.threadSeconds - start)
            guard valid == ops.count else {
                throw PlasmidError(.internal, "\(valid) of the \(ops.count) ops of a figure were found valid")
            }
            values.append(value)
            floors.append(floor)
            ratios.append(value / floor)
        }
        return Figure(
            name: "incoming.pipeline", unit: "/s", value: median(values), floor: median(floors),
            floorName: "signatures of the same actions, verified; processor time of one thread",
            measuredRatio: median(ratios), budget: .ratioAtLeast(0.7),
            note: "actions of three ops each, decoded, named, verified, judged and settled on one thread, without "
                + "network and disk; processor time, which other work on the machine changes least")
    }

    /// Ops that are found valid.
    private static func judge(_ bodies: [[UInt8]], _ dna: DnaDefinition, _ now: Timestamp) throws -> Int {
        var pipeline = OpPipeline(
            system: SystemRules(dna: dna), declared: DeclarativeRules(dna: dna), asksModules: false)
        var (valid, storing) = (0, [UInt64]())
        for body in bodies {
            let ops = try OpsBody(packed: body).ops.map { try DhtOp(packed: $0) }
            var effects = pipeline.receive(ops, from: 1, receiptsWanted: false, held: Nothing(), now: now)
            while let effect = effects.popLast() {
                switch effect {
                case .check(let id, let arrived):
                    let results = ArrivalChecks.check(arrived)
                    effects += pipeline.checked(id, results, held: Nothing(), now: now)
                case .store(let batch):
                    valid += batch.integrated.count
                    storing.append(batch.id)
                case .integrated: break
                default: throw PlasmidError(.internal, "the ops of a figure are not valid")
                }
            }
            // The next one builds on the last of this one, which nothing but the works holds.
            if storing.count > 1 {
                _ = pipeline.stored(storing.removeFirst(), held: Nothing(), now: now)
            }
        }
        return valid
    }
}
