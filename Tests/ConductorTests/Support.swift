import Chain
import Foundation
import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Sodium
import Storage
import Testing
import ZomeRuntime

@testable import Conductor

/// Modules whose every step the test decides: it sees what is invoked, asks the host in the module's name, and returns.
final class ScriptedRunner: ZomeRunner {
    struct Invoked {
        let number: UInt64
        let name: String
        let completion: (Result<ModuleReply, PlasmidError>) -> Void
    }

    private(set) var invoked: [Invoked] = []
    private(set) var cancelled: [UInt64] = []
    /// Told of each invocation.
    var whenInvoked: ((Invoked) -> Void)?
    var descriptions: [ModuleDescription]? { [] }
    var statistics: RunnerStatistics { RunnerStatistics() }

    func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: Invocation, timeout: TimeAmount?,
        completion: @escaping (Result<ModuleReply, PlasmidError>) -> Void
    ) {
        let invoked = Invoked(number: call, name: name, completion: completion)
        self.invoked.append(invoked)
        whenInvoked?(invoked)
    }

    func cancel(call: UInt64) { cancelled.append(call) }
    func pauseDeadline(call: UInt64) {}
    func resumeDeadline(call: UInt64) {}
    func flush() {}
    func stop() {}

    /// The latest attempt at the function.
    func latest(_ name: String) -> Invoked? { invoked.last { $0.name == name } }
}

/// What one call of the test came to.
final class Ending {
    var results: [Result<ZomeOutcome, PlasmidError>] = []

    /// The code of the one refusal that it came to.
    var code: PlasmidError.Code? {
        if results.count == 1, case .failure(let error) = results[0] { return error.code }
        return nil
    }

    var isSuccess: Bool {
        if results.count == 1, case .success(.ok) = results[0] { return true }
        return false
    }
}

/// One cell on a chain of its own in a temporary folder, with scripted modules.
///
/// Used on its loop only.
final class CellBench {
    let conductor: Conductor
    let cell: Cell
    let runner = ScriptedRunner()
    let agent: AgentPubKey
    private let database: Database

    /// Begins a chain; `ready` comes when its genesis is durable.
    static func make(
        on loop: any EventLoop, folder: String, hold: Int64, functions: [String], access: FunctionAccess = .author,
        callbacks: [Callback] = [.postCommit], ready: @escaping (Result<CellBench, any Error>) -> Void
    ) {
        do {
            var passphrase = Array("passphrase".utf8)
            let keystore = try Keystore.create(
                at: folder + "/keys", passphrase: SecretBytes(moving: &passphrase), cost: .forTests)
            let database = try Database(folder: folder + "/data") { work in loop.execute(work) }
            let options = ConductorOptions(
                dataFolder: folder, zomeHostPath: "", moduleFolders: [], limits: RuntimeLimits(),
                writerPositionMicroseconds: hold, clock: { Keystore.now() },
                randomBytes: { SystemRandom.bytes($0) })
            let conductor = try Conductor(
                loop: loop, options: options, keystore: keystore, database: database,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let agent = try keystore.newAgent(tag: "alice")
            let definition = DnaDefinition(
                name: "bench", integrity: IntegritySection(entryTypes: [EntryTypeDef(name: "note")]),
                coordinator: [
                    CoordinatorZomeDef(
                        name: "zome", module: "Zome",
                        functions: functions.map { FunctionDef(name: $0, access: access) }, callbacks: callbacks)
                ])
            let dna = definition.hash()
            let store = try database.space(dna)
            let space = SpaceContext(dna: dna, definition: definition, store: store, conductor: conductor)
            var genesis = try Genesis.scratch(dna: dna, agent: agent, membraneProof: nil, now: Keystore.now())
            try genesis.sign { bytes throws(PlasmidError) in try keystore.sign(bytes, by: agent) }
            store.commit(try conductor.spaceCommit(of: genesis, agent: agent)) { result in
                ready(Result { try CellBench(conductor, space, agent, database, after: result.get()) })
            }
        } catch {
            ready(.failure(error))
        }
    }

    private init(
        _ conductor: Conductor, _ space: SpaceContext, _ agent: AgentPubKey, _ database: Database, after: Void
    ) throws {
        self.conductor = conductor
        self.agent = agent
        self.database = database
        guard let head = try space.store.head(of: agent) else {
            throw PlasmidError(.internal, "the genesis is not there")
        }
        cell = Cell(
            id: CellID(dna: space.dna, agent: agent), appID: "app", instanceID: "app/role", space: space,
            conductor: conductor, zomes: space.definition.coordinator, head: head)
        cell.runner = runner
        cell.initialisation = .done
        space.cells[agent] = cell
    }

    func close() { database.close() }

    /// Calls a function; what it comes to gathers in the result.
    func call(
        _ function: String, origin: CallOrigin = CallOrigin(), then: @escaping () -> Void = {}
    ) -> Ending {
        let ending = Ending()
        let step = CallStep(
            zome: 0, kind: .function, name: function, invocation: Invocation(caller: agent, payload: [0xc0]))
        cell.startWhenInitialised(step: step, caller: agent, secret: false, origin: origin) { result in
            ending.results.append(result)
            then()
        }
        return ending
    }

    /// Asks the host in the name of an attempt; the list gathers the statuses of the answers.
    func ask(_ attempt: ScriptedRunner.Invoked?, _ operation: HostOperation, _ bytes: [UInt8]) -> Answers {
        let answers = Answers()
        cell.serve(moduleCall: attempt?.number ?? 0, zome: 0, operation: operation.rawValue, bytes: bytes) {
            status, bytes in
            answers.all.append((status, bytes))
        }
        return answers
    }

    func create(_ attempt: ScriptedRunner.Invoked?, _ text: String) -> Answers {
        ask(attempt, .create, CreateRequest(entryType: "note", entry: Array(text.utf8)).packed)
    }

    /// How many actions the chain has.
    func chainLength() throws -> Int { try cell.space.store.chain(of: agent).count }
}

/// The answers to one request.
final class Answers {
    var all: [(status: UInt32, bytes: [UInt8])] = []
    var statuses: [UInt32] { all.map(\.status) }
    /// The codes of those that are errors.
    var codes: [String] { all.filter { $0.status == 1 }.compactMap { try? ModuleError(packed: $0.bytes).code } }
}

/// Capabilities on the bench's cell.
extension CellBench {
    /// Calls a function as somebody else, who shows a secret.
    func call(
        _ function: String, as caller: AgentPubKey, secret: CapSecret, then: @escaping () -> Void
    ) throws(PlasmidError) -> Ending {
        let wish = CallWish(zome: "zome", function: function, caller: caller, secret: secret)
        let admission = try cell.authorise(wish)
        let ending = Ending()
        let step = CallStep(
            zome: 0, kind: .function, name: function, invocation: Invocation(caller: caller, payload: [0xc0]))
        cell.startWhenInitialised(
            step: step, caller: caller, secret: true, origin: CallOrigin(admission: admission)
        ) { result in
            ending.results.append(result)
            then()
        }
        return ending
    }

    /// Whether a call would be let in; it uses up what it would.
    func admits(_ function: String, _ caller: AgentPubKey, _ secret: CapSecret) -> Bool {
        (try? cell.authorise(CallWish(zome: "zome", function: function, caller: caller, secret: secret))) != nil
    }

    /// Makes a transferable grant of every function, and goes on when it is durable.
    func grants(uses: UInt32? = nil, _ then: @escaping (ActionHash, CapSecret) throws -> Void) {
        do {
            let request = GrantRequest(
                tag: "t", access: .transferable, assignees: [], functions: .all, limits: GrantLimits(uses: uses))
            let (grant, secret) = try cell.makeGrant(request)
            let clock = conductor.options.clock
            cell.writeForOperator { _, scratch throws(PlasmidError) in
                try scratch.grant(grant, limits: request.limits, now: clock()).packed
            } _: { result in
                do {
                    guard let secret else { throw PlasmidError(.internal, "a transferable grant has a secret") }
                    try then(try ActionHash(packed: result.get()), secret)
                } catch {
                    Issue.record(error)
                }
            }
        } catch {
            Issue.record(error)
        }
    }

    /// Revokes as the operator does, whether `init` has run or not, and goes on when it is durable.
    func revokes(_ name: GrantName, _ then: @escaping () -> Void) {
        let before = cell.initialisation
        cell.initialisation = .done
        conductor.cells[cell.instanceID] = cell
        var params: [MessagePackValue.Pair] = [.init(key: .string("instance_id"), value: .string(cell.instanceID))]
        switch name {
        case .address(let address): params.append(.init(key: .string("address"), value: .string(address.text)))
        case .label(let label): params.append(.init(key: .string("label"), value: .string(label)))
        }
        conductor.admin("admin/revoke", params: .map(params)) { result in
            if case .failure(let error) = result { Issue.record(error) }
            then()
        }
        cell.initialisation = before
    }

    /// Ends an `init` that calls waited for.
    func finishInit() {
        guard case .running(_, let waiting) = cell.initialisation else { return }
        cell.initialisation = .done
        for done in waiting { done(.success(())) }
    }
}
