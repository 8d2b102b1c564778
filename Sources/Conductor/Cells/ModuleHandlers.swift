import Integrity
import Logging
import ZomeRuntime

/// Takes what a cell's modules ask and brings it to the cell.
final class CellModules: ZomeHostHandler {
    private weak var cell: Cell?

    init(_ cell: Cell) {
        self.cell = cell
    }

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void
    ) {
        guard let cell else {
            answer(1, ModuleError(code: "callOver", message: "the cell is gone").packed)
            return
        }
        cell.serve(moduleCall: call, zome: zome, operation: operation, bytes: bytes, answer: answer)
    }

    func runnerStopped(_ reason: PlasmidError) {
        guard let cell else { return }
        cell.conductor.moduleEnded(cell, reason)
        cell.conductor.logger.warning(
            "a module process ended",
            metadata: [
                "cell": "\(cell.instanceID)", "code": "\(reason.code.rawValue)", "reason": "\(reason.message)",
                "cause": "\(reason.cause ?? "-")",
            ])
    }
}

/// Takes what a space's validators ask: they see what any node could see, and the writes that they judge.
final class ValidatorModules: ZomeHostHandler {
    private weak var space: SpaceContext?

    init(_ space: SpaceContext) {
        self.space = space
    }

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void
    ) {
        do {
            guard let space, let view = space.views[call] else {
                throw PlasmidError(.callOver, "the validation that this operation belongs to is over")
            }
            answer(0, try space.answerValidator(operation, bytes, zome: zome, view: view))
        } catch {
            answer(1, ModuleError(PlasmidError.from(error)).packed)
        }
    }

    func runnerStopped(_ reason: PlasmidError) {
        guard let space else { return }
        space.conductor.logger.warning(
            "a validator process ended",
            metadata: [
                "dna": "\(space.dna)", "code": "\(reason.code.rawValue)", "reason": "\(reason.message)",
                "cause": "\(reason.cause ?? "-")",
            ])
    }
}

extension SpaceContext {
    /// Only what is deterministic is answered.
    func answerValidator(
        _ number: UInt32, _ bytes: [UInt8], zome: Int, view: any ValidatorView
    ) throws(PlasmidError) -> [UInt8] {
        guard let operation = HostOperation(rawValue: number), operation.allowed(in: .validate) else {
            throw PlasmidError(
                .operationNotAllowed, "a validator may not use host operation \(number)",
                hint: "validators may only `mustGet…` and pure operations, so that every node decides alike")
        }
        let name = definition.integrity.zomes[zome].name
        switch operation {
        case .mustGetEntry, .mustGetAction, .mustGetValidRecord, .mustGetAgentActivity:
            return try view.answerMustGet(operation, bytes)
        case .log:
            conductor.zomeLog(try LogRequest(packed: bytes), cell: dna.text, zome: name)
            return [0xc0]
        default: return try answer(operation, bytes, zome: name)
        }
    }
}

/// What validators may look at while they judge.
protocol ValidatorView {
    /// Answers one of the `mustGet…` operations.
    /// - Throws: `missingDependency` for what is not here.
    func answerMustGet(_ operation: HostOperation, _ bytes: [UInt8]) throws(PlasmidError) -> [UInt8]
}

extension CallView: ValidatorView {
    func answerMustGet(_ operation: HostOperation, _ bytes: [UInt8]) throws(PlasmidError) -> [UInt8] {
        try shared().mustGet(operation, bytes)
    }
}
