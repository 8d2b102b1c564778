import Chain
import Integrity
import Storage
import Validation
import ZomeRuntime

extension CallView: ValidationReads {
    func action(_ hash: ActionHash) throws(PlasmidError) -> Action? { try cascade.action(hash) }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? { try cascade.entry(hash) }

    /// The call's own records, as its author sees them.
    func records(of call: ActiveCall) throws(PlasmidError) -> [Record] {
        var records: [Record] = []
        for pending in call.scratch?.actions ?? [] {
            guard let record = pending.record else {
                throw PlasmidError(.internal, "an action reached validation without its signature")
            }
            records.append(record)
        }
        return records
    }
}

/// What any node could hold: private entries are not seen, the author's own neither, but dependencies of others' ops are.
private struct SharedReads: ValidationReads {
    let view: CallView

    func action(_ hash: ActionHash) throws(PlasmidError) -> Action? {
        if let action = try view.cascade.action(hash) { return action }
        return try view.space.store.knownAction(hash)?.action
    }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        if let entry = try view.heldEntry(hash) { return entry }
        return try view.space.store.knownEntry(hash)
    }

    func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? {
        if let pending = view.pendingEntry(hash) { return HeldEntry(pending) }
        return try view.space.knownKind(of: hash)
    }
}

extension SpaceContext {
    /// Of what kind an entry is that is here for whatever reason; those that are held are not read for it.
    func knownKind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? {
        switch try store.entryKind(hash) {
        case nil: try store.knownEntry(hash).map { HeldEntry($0) }
        case "Agent": .agent
        case "App", "CounterSign": .app
        default: .other
        }
    }
}

/// What is stored of an author's chain, as the author sees it.
private struct StoredReads: ValidationReads {
    let chain: StoredChain

    func action(_ hash: ActionHash) throws(PlasmidError) -> Action? { try chain.action(hash)?.action }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? { try chain.entry(hash) }
}

extension Cell {
    /// What the conductor itself holds a commit to, with the code that other nodes will use: the rules of every app, then those
    /// that this app's manifest declares.
    func judge(_ records: [Record], _ view: CallView) throws(PlasmidError) -> Verdict {
        let shared = SharedReads(view: view.shared())
        let verdict = try rules.check(records, reads: shared)
        let declared = space.declaredRules
        guard verdict == .valid, !declared.isEmpty else { return verdict }
        if declared.needsChain, let head = try space.store.head(of: id.agent) {
            let stored = StoredReads(chain: StoredChain(space: space, reader: id.agent))
            try declared.settle(space.uniqueValues, author: id.agent, head: head.hash, reads: stored)
        }
        return try declared.check(records, own: view, shared: shared, memory: space.uniqueValues)
    }
}

/// What the validators of a commit say, in the words for its author.
enum WriteVerdict {
    case valid
    case invalid(String)
    case unresolved([AnyDhtHash])
}

/// The modules' own validators: asked in a process that holds no agent's state and may only look things up.
extension SpaceContext {
    func startValidators(modules: [String: String]) {
        validatorFiles = definition.integrity.zomes.map { modules[$0.name] }
        guard !definition.integrity.zomes.isEmpty else { return }
        let specs = definition.integrity.zomes.map {
            conductor.moduleSpec($0.name, modules, functions: [], callbacks: [])
        }
        validatorSpecs = specs
        validators = conductor.makeRunner(role: .validator, modules: specs, handler: keep(ValidatorModules(self)))
    }

    /// Runners hold their handler weakly or not, as they like: the space keeps it.
    private func keep(_ handler: ValidatorModules) -> ValidatorModules {
        validatorModules = handler
        return handler
    }

    func validate(
        _ records: [Record], view: CallView, _ done: @escaping (Result<WriteVerdict, PlasmidError>) -> Void
    ) {
        guard let validators else {
            done(.success(.valid))
            return
        }
        guard let modules = validators.descriptions else {
            loadValidators { [self] result in
                if case .failure(let error) = result {
                    done(.failure(error))
                } else {
                    validate(records, view: view, done)
                }
            }
            return
        }
        do {
            let plan = try OpPlan(records, dna: definition, modules: modules, reads: view)
            ask(plan, answers: [], view: view, attempt: 1, done)
        } catch {
            done(.failure(PlasmidError.from(error)))
        }
    }

    /// Starts the validators' process by asking the first about nothing; what they judge is known afterwards.
    func loadValidators(_ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        validators?.invoke(
            call: conductor.nextModuleCall(), zome: 0, kind: .validate, name: "validate",
            invocation: Invocation(caller: nil, payload: [0x90]), timeout: conductor.options.limits.callTimeout
        ) { [self] result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success:
                guard validators?.descriptions != nil else {
                    done(.failure(PlasmidError(.moduleRefused, "the validators of \(dna) do not describe themselves")))
                    return
                }
                done(.success(()))
            }
        }
    }

    /// Asks zome after zome. A trap or time-out is no verdict: the ops are shown once more, to a fresh process, and then the
    /// call fails.
    private func ask(
        _ plan: OpPlan, answers: [[ValidateOutcome]], view: CallView, attempt: Int,
        _ done: @escaping (Result<WriteVerdict, PlasmidError>) -> Void
    ) {
        guard answers.count < plan.requests.count else {
            done(Result { () throws(PlasmidError) in try Self.verdict(plan, answers) })
            return
        }
        let request = plan.requests[answers.count]
        let call = conductor.nextModuleCall()
        views[call] = view
        validators?.invoke(
            call: call, zome: request.zomeIndex, kind: .validate, name: "validate",
            invocation: Invocation(caller: nil, payload: request.ops.packed),
            timeout: conductor.options.limits.callTimeout
        ) { [self] result in
            views[call] = nil
            do {
                let outcomes = try Self.outcomes(result, zome: request.zome)
                ask(plan, answers: answers + [outcomes], view: view, attempt: attempt, done)
            } catch {
                guard attempt < 2 else {
                    done(.failure(PlasmidError.from(error)))
                    return
                }
                ask(plan, answers: answers, view: view, attempt: attempt + 1, done)
            }
        }
    }

    static func outcomes(
        _ result: Result<ModuleReply, PlasmidError>, zome: String
    ) throws(PlasmidError) -> [ValidateOutcome] {
        switch try result.get() {
        case .ok(let bytes): return try [ValidateOutcome](packed: bytes)
        case .appError(let error):
            throw PlasmidError(
                .unvalidatable, "the validator `\(zome)` gave no verdict: \(error.message)",
                hint: "a validator answers valid or invalid; what it throws otherwise is a fault of its own")
        }
    }

    private static func verdict(_ plan: OpPlan, _ answers: [[ValidateOutcome]]) throws(PlasmidError) -> WriteVerdict {
        switch try plan.fold(answers) {
        case .valid: .valid
        case .invalid(let violation): .invalid(violation.reason)
        case .unresolved(let hashes): .unresolved(hashes)
        }
    }
}
