import Integrity

/// Which integrity zome judges which of the ops of others, and what their answers come to: docs/spec/validation.md §5. Many ops are shown
/// in one call, and each has a verdict of its own.
public struct OpBatchPlan: Sendable {
    /// What one zome is asked.
    public struct Request: Sendable {
        /// The integrity zome, in the DNA's order.
        public let zomeIndex: Int
        /// The zome's name.
        public let zome: String
        /// What it is shown.
        public fileprivate(set) var ops: [Op]
        /// Of each, the place of the DHT's op among those that are judged.
        fileprivate var owners: [Int]
    }

    /// What to ask; no zome stands here twice.
    public private(set) var requests: [Request] = []
    private var outcomes: [JudgeOutcome]

    /// Plans for ops that broke no rule. `modules` are what the DNA's integrity zomes declare, in the DNA's order, nil for one that has no
    /// validators.
    /// - Throws: what `reads` throws.
    public init(
        _ ops: [CheckedOp], dna: DnaDefinition, modules: [ModuleDescription?], reads: some ValidationReads
    ) throws(PlasmidError) {
        outcomes = ops.map { _ in .valid }
        let router = Router(dna: dna, modules: modules)
        for (index, op) in ops.enumerated() {
            switch try router.route(op, reads) {
            case .nobody: continue
            case .missing(let hash): outcomes[index] = .unresolved([.action(hash)])
            case .asked(let zomes, let shown):
                for zome in zomes {
                    if let place = requests.firstIndex(where: { $0.zomeIndex == zome }) {
                        requests[place].ops.append(shown)
                        requests[place].owners.append(index)
                    } else {
                        requests.append(
                            Request(zomeIndex: zome, zome: router.name(zome), ops: [shown], owners: [index]))
                    }
                }
            }
        }
    }

    /// What the answers come to, op by op in the order in which they were given: any rejection wins, then what is unresolved.
    /// - Throws: `moduleGarbage` when a zome gave another number of answers than it was asked.
    public func fold(_ answers: [[ValidateOutcome]]) throws(PlasmidError) -> [JudgeOutcome] {
        var outcomes = outcomes
        guard answers.count == requests.count else {
            throw PlasmidError(.moduleGarbage, "\(answers.count) of \(requests.count) validators answered.")
        }
        for (request, answer) in zip(requests, answers) {
            guard answer.count == request.ops.count else {
                throw PlasmidError(
                    .moduleGarbage,
                    "The integrity zome '\(request.zome)' was asked about \(request.ops.count) ops and answered \(answer.count)."
                )
            }
            for (owner, outcome) in zip(request.owners, answer) {
                switch (outcomes[owner], outcome) {
                case (_, .valid), (.invalid, _): continue
                case (_, .invalid(let reason)): outcomes[owner] = .invalid(reason)
                case (.unresolved(let before), .unresolved(let more)):
                    outcomes[owner] = .unresolved(before + more.filter { !before.contains($0) })
                case (_, .unresolved(let hashes)): outcomes[owner] = .unresolved(hashes)
                }
            }
        }
        return outcomes
    }
}
