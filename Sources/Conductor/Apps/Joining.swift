import Chain
import Integrity
import Keystore
import NIOCore
import Storage
import Validation
import ZomeRuntime

/// One cell that is about to begin: everything its first three actions are made of.
struct NewCell {
    let instanceID: String
    let role: InstalledRole
    let agent: AgentPubKey
    let membraneProof: [UInt8]?
}

/// What an agent has to pass before the first action of a chain is written: every integrity zome's genesis self-check, and
/// the validators, shown the genesis as any node will see it. In a process of its own, so that a refusal leaves nothing.
final class Joining: ZomeHostHandler {
    private let conductor: Conductor
    private let new: NewCell
    private let genesis: [Record]
    private var runner: (any ZomeRunner)?
    private var selfChecks: Set<UInt64> = []
    private var done: ((Result<Void, PlasmidError>) -> Void)?

    /// - Parameter genesis: the signed genesis actions.
    init(
        _ conductor: Conductor, _ new: NewCell, genesis: [Record], done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        self.conductor = conductor
        self.new = new
        self.genesis = genesis
        self.done = done
    }

    private var zomes: [IntegrityZomeDef] { new.role.definition.integrity.zomes }

    /// Keeps itself until it has ended.
    func start() {
        guard !zomes.isEmpty else { return end(.success(())) }
        let runner = conductor.validatorRunner(new.role, handler: self)
        self.runner = runner
        runner.load { result in
            switch result {
            case .success(let modules): self.check(0, modules)
            case .failure(let error): self.end(.failure(error))
            }
        }
    }

    private func end(_ result: Result<Void, PlasmidError>) {
        conductor.retire(runner)
        runner = nil
        let done = done
        self.done = nil
        done?(result)
    }

    // MARK: The self-checks, zome after zome

    private func check(_ zome: Int, _ modules: [ModuleDescription]) {
        guard zome < zomes.count else { return validate(modules) }
        guard modules[zome].callbacks.contains("genesis_self_check") else { return check(zome + 1, modules) }
        let call = conductor.nextModuleCall()
        selfChecks.insert(call)
        let input = GenesisCheckInput(membraneProof: new.membraneProof, agentKey: new.agent)
        runner?.invoke(
            call: call, zome: zome, kind: .genesisSelfCheck, name: "",
            invocation: Invocation(caller: nil, payload: input.packed), timeout: nil
        ) { result in
            do {
                let outcome = try ValidateOutcome(packed: try self.answer(result, zome, "genesis self-check"))
                try self.take(outcome, zome)
                self.check(zome + 1, modules)
            } catch {
                self.end(.failure(PlasmidError.from(error)))
            }
        }
    }

    private func answer(
        _ result: Result<ModuleReply, PlasmidError>, _ zome: Int, _ what: String
    ) throws(PlasmidError) -> [UInt8] {
        switch try result.get() {
        case .ok(let bytes): return bytes
        case .appError(let error):
            throw PlasmidError(
                .joinRefused,
                "the \(what) of zome '\(zomes[zome].name)' failed for \(new.instanceID): \(error.message)",
                hint: "nothing was written")
        }
    }

    private func take(_ outcome: ValidateOutcome, _ zome: Int) throws(PlasmidError) {
        switch outcome {
        case .valid: return
        case .invalid(let reason):
            throw PlasmidError(
                .joinRefused, "zome '\(zomes[zome].name)' lets nobody begin \(new.instanceID) like this: \(reason)",
                hint: "nothing was written; does it ask for a membrane proof?")
        case .unresolved:
            throw PlasmidError(
                .joinRefused, "zome '\(zomes[zome].name)' cannot judge the genesis of \(new.instanceID) yet",
                hint: "it asks for something that is not held here; nothing was written")
        }
    }

    // MARK: The validators

    private func validate(_ modules: [ModuleDescription]) {
        do {
            let plan = try OpPlan(
                genesis, dna: new.role.definition, modules: modules, reads: NothingHeld())
            ask(ArraySlice(plan.requests))
        } catch {
            end(.failure(PlasmidError.from(error)))
        }
    }

    private func ask(_ requests: ArraySlice<OpPlan.Request>) {
        guard let request = requests.first else { return end(.success(())) }
        runner?.invoke(
            call: conductor.nextModuleCall(), zome: request.zomeIndex, kind: .validate, name: "",
            invocation: Invocation(caller: nil, payload: request.ops.packed), timeout: nil
        ) { result in
            do {
                let bytes = try self.answer(result, request.zomeIndex, "validator")
                for outcome in try [ValidateOutcome](packed: bytes) { try self.take(outcome, request.zomeIndex) }
                self.ask(requests.dropFirst())
            } catch {
                self.end(.failure(PlasmidError.from(error)))
            }
        }
    }

    // MARK: What the modules ask

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void
    ) {
        do {
            answer(0, try serve(selfChecks.contains(call) ? .genesisSelfCheck : .validate, zome, operation, bytes))
        } catch {
            answer(1, ModuleError(PlasmidError.from(error)).packed)
        }
    }

    private func serve(
        _ kind: InvocationKind, _ zome: Int, _ number: UInt32, _ bytes: [UInt8]
    ) throws(PlasmidError) -> [UInt8] {
        guard let operation = HostOperation(rawValue: number), operation.allowed(in: kind) else {
            throw PlasmidError(
                .operationNotAllowed, "host operation \(number) may not be used before the chain begins",
                hint: "docs/spec/zome-abi.md §6 lists what may be asked")
        }
        switch operation {
        case .log:
            conductor.zomeLog(try LogRequest(packed: bytes), cell: new.instanceID, zome: zomes[zome].name)
            return [0xc0]
        case .mustGetEntry:
            let hash = try MustGetEntryRequest(packed: bytes).hash
            let found = genesis.first { $0.action.entryHash == hash }?.entry.entry
            return try held(found, hash.text).packed
        case .mustGetAction:
            let hash = try MustGetActionRequest(packed: bytes).hash
            return try held(genesis.first { $0.hash == hash }, hash.text).signedAction.packed
        case .mustGetValidRecord:
            let hash = try MustGetActionRequest(packed: bytes).hash
            return try held(genesis.first { $0.hash == hash }, hash.text).packed
        default:
            let facts = DnaFacts(dna: new.role.dna, definition: new.role.definition)
            return try facts.answer(operation, bytes, zome: zomes[zome].name)
        }
    }

    private func held<Value>(_ value: Value?, _ name: String) throws(PlasmidError) -> Value {
        guard let value else {
            throw PlasmidError(.missingDependency, "\(name) is not held before the chain begins")
        }
        return value
    }

    func runnerStopped(_ reason: PlasmidError) {}
}

/// Genesis refers to nothing but itself.
private struct NothingHeld: ValidationReads {
    func action(_ hash: ActionHash) throws(PlasmidError) -> Action? { nil }
    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? { nil }
}

/// Beginning chains: everything that can refuse is asked for every cell before anything of any of them is written.
extension Conductor {
    /// Begins the chain of each role for the app's agent, unless it is there already (an app that was uninstalled, or an
    /// installation that was cut off): a chain is begun once.
    func writeGenesis(
        of app: InstalledApp, roles: ArraySlice<InstalledRole>,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        do {
            var fresh: [(cell: NewCell, scratch: Scratch)] = []
            for role in roles {
                guard try !hasChain(of: app.agent, in: role.dna) else { continue }
                let cell = NewCell(
                    instanceID: app.instanceID(role), role: role, agent: app.agent, membraneProof: role.membraneProof)
                var scratch = try Genesis.scratch(
                    dna: role.dna, agent: app.agent, membraneProof: role.membraneProof, now: options.clock())
                try scratch.sign { bytes throws(PlasmidError) in try keystore.sign(bytes, by: app.agent) }
                fresh.append((cell, scratch))
            }
            join(fresh[...]) { [self] result in
                if case .failure = result { done(result) } else { commitGenesis(fresh[...], done) }
            }
        } catch {
            done(.failure(PlasmidError.from(error)))
        }
    }

    private func hasChain(of agent: AgentPubKey, in dna: DnaHash) throws(PlasmidError) -> Bool {
        if let space = spaces[dna] { return try space.store.head(of: agent) != nil }
        guard try database.spaces().contains(dna) else { return false }
        return try database.space(dna, mustExist: true).head(of: agent) != nil
    }

    private func join(
        _ cells: ArraySlice<(cell: NewCell, scratch: Scratch)>, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        guard let next = cells.first else { return done(.success(())) }
        let genesis = next.scratch.actions.compactMap(\.record)
        Joining(self, next.cell, genesis: genesis) { [self] result in
            if case .failure = result { done(result) } else { join(cells.dropFirst(), done) }
        }.start()
    }

    private func commitGenesis(
        _ cells: ArraySlice<(cell: NewCell, scratch: Scratch)>, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        guard let next = cells.first else { return done(.success(())) }
        do {
            let space = try space(next.cell.role, isNew: true)
            let commit = try spaceCommit(of: next.scratch, agent: next.cell.agent)
            space.store.commit(commit) { [self] result in
                if case .success = result { space.network?.authored(commit) }
                if case .failure = result { done(result) } else { commitGenesis(cells.dropFirst(), done) }
            }
        } catch {
            done(.failure(PlasmidError.from(error)))
        }
    }

    /// Validators of a role's DNA in a process of their own.
    func validatorRunner(_ role: InstalledRole, handler: any ZomeHostHandler) -> any ZomeRunner {
        let specs = role.definition.integrity.zomes.map {
            moduleSpec($0.name, role.modules, functions: [], callbacks: [])
        }
        return makeRunner(role: .validator, modules: specs, handler: handler)
    }
}
