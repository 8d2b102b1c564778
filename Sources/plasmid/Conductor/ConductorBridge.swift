import Conductor
import ConductorAPI
import Integrity
import NIOCore
import ZomeRuntime

/// Joins the service to the conductor: neither knows the other.
///
/// Confined to the conductor loop, like both.
final class ConductorBridge: ConductorHandling {
    private let conductor: Conductor
    /// nil: `auth: none`.
    private let adminToken: String?
    private let config: LiveConfig?
    private var listening: UInt64?

    init(conductor: Conductor, adminToken: String?, config: LiveConfig? = nil) {
        self.config = config
        self.conductor = conductor
        self.adminToken = adminToken
    }

    var isTestMode: Bool { conductor.options.testMode }

    func adminTokenMatches(_ token: String) -> Bool {
        guard let adminToken else { return true }
        // Hashes are compared, so that the time says nothing about where two tokens differ.
        return EntryHash(hashing: Array(token.utf8)) == EntryHash(hashing: Array(adminToken.utf8))
    }

    func appToken(_ token: String) -> APIScope? {
        conductor.app(forToken: token).map { .app($0) }
    }

    func tokenOpens(_ token: String, interface: String) -> Bool { conductor.tokenOpens(token, interface: interface) }

    func origins(ofInterface interface: String) -> [String] { conductor.origins(ofInterface: interface) }

    func isMounted(_ instanceID: String, on interface: String) -> Bool {
        conductor.isMounted(instanceID, onInterface: interface)
    }

    func connections(ofPages id: String) -> [UInt8] {
        (try? JSONText.json(fromMessagePack: conductor.connections(ofPages: id).packed)) ?? Array("null".utf8)
    }

    func instances(_ scope: APIScope) -> [InstanceInfo] {
        if case .interface(let id, _) = scope {
            return conductor.instances(onInterface: id).map { line($0.id, $0.cell, alias: $0.alias) }
        }
        return conductor.instances(of: scope.app).map { line($0.id, $0.cell, alias: nil) }
    }

    private func line(_ id: String, _ cell: CellID, alias: String?) -> InstanceInfo {
        InstanceInfo(
            id: id, dna: cell.dna, agent: cell.agent,
            registered: conductor.registeredIDs(id).map { .init(dna: $0.dna, agent: $0.agent) }, alias: alias)
    }

    /// The instance that a call names: over an interface by the name it has there.
    private func instance(_ request: ZomeCallRequest) throws(PlasmidError) -> String {
        guard case .interface(let id, _) = request.scope else { return request.instanceID }
        return try conductor.instance(named: request.instanceID, onInterface: id)
    }

    func call(_ request: ZomeCallRequest, reply: @escaping (Result<CallOutcome, PlasmidError>) -> Void) {
        let provenance = request.provenance.map {
            ClientProvenance(
                agent: $0.agent, signature: $0.signature, nonce: $0.nonce,
                expiresAt: Timestamp(microseconds: $0.expiresAt))
        }
        let instance: String
        do throws(PlasmidError) {
            instance = try self.instance(request)
        } catch {
            return reply(.failure(error))
        }
        let call = ClientRequest(
            app: request.scope.app, instanceID: instance, zome: request.zome, function: request.function,
            payload: request.args, secret: request.capSecret, certificates: request.certificates,
            provenance: provenance)
        conductor.call(call) { result in reply(result.map(Self.outcome).mapError(Self.inOldWords)) }
    }

    /// What befell a module, under the words that clients of 2019 look for.
    private static func inOldWords(_ error: PlasmidError) -> PlasmidError {
        let codes: [PlasmidError.Code] = [
            .moduleTrapped, .moduleTimedOut, .moduleOutOfMemory, .moduleGarbage, .moduleForbidden,
        ]
        guard codes.contains(error.code) else { return error }
        return PlasmidError(
            error.code, "Zome function failure: \(error.message)", hint: error.hint, cause: error.cause)
    }

    private static func outcome(_ outcome: ZomeOutcome) -> CallOutcome {
        switch outcome {
        case .ok(let bytes): return .ok(bytes)
        case .appError(let error):
            let kind: CallErrorKind =
                switch error.code {
                case PlasmidError.Code.validationFailed.rawValue: .validationFailed
                case PlasmidError.Code.timeout.rawValue: .timeout
                default: .internal
                }
            return .err(kind: kind, code: error.code, message: error.message)
        }
    }

    func admin(
        _ method: String, params: MessagePackValue, reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        if let config, method.hasPrefix("admin/config/") { return config.answer(method, params, reply) }
        conductor.admin(method, params: params, reply: reply)
    }

    var signalReceiver: ((InstanceSignal) -> Void)? {
        didSet {
            if let listening { conductor.stopHearing(listening) }
            listening = signalReceiver.map { receive in
                conductor.hearSignals { receive(Self.shown($0)) }
            }
        }
    }

    var systemSignalReceiver: ((SystemSignal) -> Void)? {
        didSet { conductor.hearSystemSignals(systemSignalReceiver) }
    }

    var accessReceiver: ((EndedAccess) -> Void)? {
        didSet {
            conductor.hearTokenEnds(
                accessReceiver.map { receive in
                    { ended in
                        switch ended {
                        case .token(let token): receive(.token(token))
                        case .app(let app): receive(.app(app))
                        }
                    }
                })
        }
    }

    func metrics() -> [Metric] { ConductorMetrics.all(conductor.statistics()) }

    func health() -> Health {
        let now = conductor.condition()
        if let failure = now.failure { return .failing(code: failure.code.rawValue) }
        guard now.faults > 0 || now.interfaces > 0 else { return .ok }
        return .degraded(cells: now.faults, of: now.instances, interfaces: now.interfaces)
    }

    var bootID: String { conductor.bootID }

    func replay(of instanceID: String, since: UInt64, boot: String?) -> SignalReplay {
        let kept = conductor.signals(of: instanceID, since: since, boot: boot)
        return SignalReplay(signals: kept.signals.map(Self.shown), missed: kept.missed)
    }

    func wantSystemSignals(_ kinds: Set<SystemSignal.Kind>) { conductor.wantSystemSignals(kinds) }

    private static func shown(_ signal: UserSignal) -> InstanceSignal {
        InstanceSignal(
            app: signal.appID, instanceID: signal.instanceID, zome: signal.zome, name: signal.name,
            arguments: signal.payload, sequence: signal.sequence, from: signal.from?.text)
    }
}

extension APIScope {
    /// The app that the connection may act for; nil for the operator.
    fileprivate var app: String? {
        if case .app(let appID) = self { return appID }
        return nil
    }
}
