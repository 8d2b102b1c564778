import Chain
import Integrity

/// Answers one host operation: status 0 with the value, or status 1 with a `ModuleError`.
typealias HostAnswer = (_ status: UInt32, _ bytes: [UInt8]) -> Void

/// Where a module's requests arrive: finds the call, checks that its kind may ask, and passes the request on.
extension Cell {
    func serve(moduleCall: UInt64, zome: Int, operation: UInt32, bytes: [UInt8], answer: @escaping HostAnswer) {
        guard let call = callOfModuleCall[moduleCall], call.isRunning, let step = call.step(of: moduleCall),
            step.zome == zome
        else {
            Self.refuse(answer, PlasmidError(.callOver, "the call that this operation belongs to is over"))
            return
        }
        guard let known = HostOperation(rawValue: operation) else {
            Self.refuse(
                answer,
                PlasmidError(
                    .unknownOperation, "this conductor has no host operation \(operation)",
                    hint: "the module was built against a newer HDK"))
            return
        }
        guard known.allowed(in: step.kind) else {
            Self.refuse(
                answer,
                PlasmidError(
                    .operationNotAllowed, "`\(known)` may not be used in `\(step.name)`",
                    hint: "the table in docs/spec/zome-abi.md lists which operations each callback may use"))
            return
        }
        do {
            try dispatch(
                known,
                HostRequest(
                    cell: self, call: call, step: step, moduleCall: moduleCall, bytes: bytes, answer: answer))
        } catch {
            Self.refuse(answer, error)
        }
    }

    static func refuse(_ answer: HostAnswer, _ error: PlasmidError) {
        answer(1, ModuleError(code: error.code.rawValue, message: error.message).packed)
    }

    private func dispatch(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        switch operation {
        case .create, .update, .delete, .createLink, .createLinks, .deleteLink, .commitCapabilityGrant,
            .commitCapabilityClaim, .revokeCapability, .closeChain, .openChain,
            .updateCapabilityGrant, .revokeCapabilities:
            try write(operation, request)
        case .get: try get(request)
        case .query: try query(request)
        case .getLinks: try getLinks(request)
        case .getLinksDetails: try getLinksDetails(request)
        case .countLinks: try countLinks(request)
        case .getDetails, .getLatest, .getHistory: try readVersions(operation, request)
        case .getAgentActivity: try agentActivity(request)
        case .encrypt, .decrypt, .seal, .unseal, .signOneTime: try useKeys(operation, request)
        case .zomeInfo: try zomeInfo(request)
        case .agentInfo: try agentInfo(request)
        case .mustGetEntry, .mustGetAction, .mustGetValidRecord, .mustGetAgentActivity:
            try mustGet(operation, request)
        case .dnaInfo, .properties, .verify, .hash:
            request.succeed(try space.answer(operation, request.bytes, zome: zomes[request.step.zome].name))
        case .sign: try sign(request)
        case .randomBytes: try randomBytes(request)
        case .time: request.succeed(conductor.options.clock().packed)
        case .emitSignal: try emitSignal(request)
        case .remoteSignal: try remoteSignal(request)
        case .send: try send(request)
        case .call: try callOther(request)
        case .callCell: try callCell(request)
        case .schedule: try schedule(request)
        case .unschedule: try unschedule(request)
        case .createClone, .enableClone, .disableClone, .deleteClone: try changeClones(operation, request)
        case .callInfo: callInfo(request)
        case .capabilityGrants: try capabilityGrants(request)
        case .capabilityClaims: try capabilityClaims(request)
        case .capabilityInfo: try capabilityInfo(request)
        case .delegate: try delegate(request)
        case .keystoreGetPublicKey: try publicKey(request)
        case .log: try log(request)
        }
    }
}

/// One request of a module, with what is needed to answer it once.
struct HostRequest {
    let cell: Cell
    let call: ActiveCall
    let step: CallStep
    let bytes: [UInt8]
    private let answer: HostAnswer
    /// The attempt, or the function within it, that asked: an abandoned one learns only that it is over.
    let moduleCall: UInt64

    init(
        cell: Cell, call: ActiveCall, step: CallStep, moduleCall: UInt64, bytes: [UInt8], answer: @escaping HostAnswer
    ) {
        self.cell = cell
        self.call = call
        self.step = step
        self.bytes = bytes
        self.answer = answer
        self.moduleCall = moduleCall
    }

    /// Whether the attempt that asked is still the present one.
    var isCurrent: Bool { call.step(of: moduleCall) != nil && !call.isOver }

    /// What the call sees: its scratch over the calls it builds on over the stored space.
    func view() throws(PlasmidError) -> CallView { try CallView(call: call) }

    func succeed(_ bytes: [UInt8]) {
        guard isCurrent else { return drop() }
        answer(0, bytes)
    }

    func fail(_ error: PlasmidError) {
        guard isCurrent else { return drop() }
        answer(1, ModuleError(code: error.code.rawValue, message: error.message).packed)
    }

    /// Answers a request whose attempt is over. The module no longer waits, but the runner counts its open requests.
    func drop() {
        Cell.refuse(answer, PlasmidError(.callOver, "the call that this operation belongs to is over"))
    }

    /// The request's own structure.
    func decode<Request: Packable>(_ type: Request.Type = Request.self) throws(PlasmidError) -> Request {
        try Request(packed: bytes)
    }
}
