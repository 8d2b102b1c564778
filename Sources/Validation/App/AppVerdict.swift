import Integrity

/// What the validators of a commit come to together.
public enum AppVerdict: Hashable, Sendable {
    /// Every validator accepts every op.
    case valid
    /// A validator rejects an op: which, and in its own words.
    case invalid(AppViolation)
    /// No validator rejects, and some need data that is not held here.
    case unresolved([AnyDhtHash])
}

/// An op that a validator rejects, told as fully as it is known.
public struct AppViolation: Error, Hashable, Sendable {
    /// The validator's own words.
    public let reason: String
    /// The integrity zome that rejects.
    public let zome: String
    /// The op's name, such as `CreateEntry`.
    public let op: String
    /// The action rejected.
    public let action: ActionHash

    /// The violation as an error for whoever wrote the action: the validator's words as they are.
    public var error: PlasmidError {
        PlasmidError(.validationFailed, reason, cause: "\(zome) rejected \(op) of action \(action)")
    }
}

extension OpPlan {
    /// Folds the validators' answers, one list for each of ``requests``, in the same order: any rejection wins (that of the
    /// earliest action), then what is unresolved, else all is valid.
    /// - Throws: `moduleGarbage` when a zome gave another number of answers than it was asked.
    public func fold(_ answers: [[ValidateOutcome]]) throws(PlasmidError) -> AppVerdict {
        guard answers.count == requests.count else {
            throw PlasmidError(.moduleGarbage, "\(answers.count) of \(requests.count) validators answered.")
        }
        var violation: (seq: UInt32, violation: AppViolation)?
        var missing: [AnyDhtHash] = []
        var isUnresolved = false
        for (request, outcomes) in zip(requests, answers) {
            guard outcomes.count == request.ops.count else {
                throw PlasmidError(
                    .moduleGarbage,
                    "The integrity zome '\(request.zome)' was asked about \(request.ops.count) ops and answered \(outcomes.count)."
                )
            }
            for (op, outcome) in zip(request.ops, outcomes) {
                let signed = op.signedAction
                switch outcome {
                case .valid: continue
                case .unresolved(let hashes):
                    isUnresolved = true
                    missing += hashes.filter { !missing.contains($0) }
                case .invalid(let reason):
                    if let violation, violation.seq <= signed.action.actionSeq { continue }
                    let found = AppViolation(reason: reason, zome: request.zome, op: "\(op.name)", action: signed.hash)
                    violation = (signed.action.actionSeq, found)
                }
            }
        }
        if let violation { return .invalid(violation.violation) }
        return isUnresolved ? .unresolved(missing) : .valid
    }
}
