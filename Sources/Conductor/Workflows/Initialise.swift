import Chain
import Integrity
import Storage
import ZomeRuntime

/// `init`: run once in the life of a cell, before its first call; what it writes and `InitZomesComplete` are one commit.
extension Cell {
    /// Starts a call of one step as soon as what it uses up is durable and the cell is initialised.
    func startWhenInitialised(
        step: CallStep, caller: AgentPubKey?, secret: Bool, origin: CallOrigin = CallOrigin(),
        reply: @escaping (Result<ZomeOutcome, PlasmidError>) -> Void
    ) {
        guard let spending = origin.admission?.spending else {
            startInitialised(step: step, caller: caller, secret: secret, origin: origin, reply: reply)
            return
        }
        spend(spending) { [self] result in
            switch result {
            case .success: startInitialised(step: step, caller: caller, secret: secret, origin: origin, reply: reply)
            case .failure(let error): reply(.failure(error))
            }
        }
    }

    private func startInitialised(
        step: CallStep, caller: AgentPubKey?, secret: Bool, origin: CallOrigin,
        reply: @escaping (Result<ZomeOutcome, PlasmidError>) -> Void
    ) {
        if case .done = initialisation {
            start(
                ActiveCall(
                    number: conductor.nextCall(), cell: self, steps: [step], caller: caller, usedSecret: secret,
                    origin: origin, reply: reply))
            return
        }
        if case .running(let call?, _) = initialisation, call.outsideWaits > 0 {
            // Waiting here could wait for ourselves: `init` of this cell waits for an agent who now asks this cell.
            reply(
                .failure(
                    PlasmidError(
                        .cellNotReady, "`\(instanceID)` is still running its `init`, which waits for another agent",
                        hint: "try again shortly")))
            return
        }
        initialise { [self] result in
            switch result {
            case .success:
                startInitialised(step: step, caller: caller, secret: secret, origin: origin, reply: reply)
            case .failure(let error): reply(.failure(error))
            }
        }
    }

    /// Runs `init` unless it has run; everyone who asks meanwhile hears of the one result.
    func initialise(_ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        switch initialisation {
        case .done:
            done(.success(()))
        case .running(let call, let waiting):
            initialisation = .running(call, waiting: waiting + [done])
        case .needed:
            let call = ActiveCall(
                number: conductor.nextCall(), cell: self, steps: initSteps, caller: nil, isInit: true,
                epilogue: { [conductor] _, scratch throws(PlasmidError) in
                    try Genesis.completeInit(&scratch, now: conductor.options.clock())
                    return [0xc0]
                }
            ) { [self] result in
                initialised(result)
            }
            initialisation = .running(call, waiting: [done])
            start(call)
        }
    }

    private var initSteps: [CallStep] {
        zomes.enumerated().filter { $0.element.callbacks.contains(.initialize) }.map {
            CallStep(
                zome: $0.offset, kind: .initialize, name: "init",
                invocation: Invocation(caller: nil, payload: [0xc0]))
        }
    }

    /// Names the zome whose `init` it was; a refusal of everything together (by a validator) has none.
    private func initName(_ call: ActiveCall?) -> String {
        guard let step = call?.current else { return "`init` of \(instanceID)" }
        return "`init` of zome '\(zomes[step.zome].name)' of \(instanceID)"
    }

    private func initialised(_ result: Result<ZomeOutcome, PlasmidError>) {
        guard case .running(let call, let waiting) = initialisation else { return }
        let name = initName(call)
        let outcome: Result<Void, PlasmidError>
        switch result {
        case .success(.ok):
            initialisation = .done
            outcome = .success(())
        case .success(.appError(let error)):
            initialisation = .needed
            outcome = .failure(
                PlasmidError(
                    .initFailed, "\(name) refused: \(error.message)",
                    hint: "nothing was written; the next call tries again"))
        case .failure(let error) where runner?.descriptions == nil:
            // The module could not even be loaded: that is what is wrong, and `init` never ran.
            initialisation = .needed
            outcome = .failure(error)
        case .failure(let error):
            initialisation = .needed
            outcome = .failure(
                PlasmidError(.initFailed, "\(name) failed: \(error.message)", hint: error.hint))
        }
        for done in waiting { done(outcome) }
    }
}
