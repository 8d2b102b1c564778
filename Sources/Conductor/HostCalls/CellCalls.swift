import Chain
import Integrity
import Sodium

/// `call` to a cell of this conductor: the own one, another role's, any other, or one that a bridge leads to.
///
/// The callee learns the caller's agent, cell and grant from here; nothing that the module says can change them.
extension Cell {
    /// An agent that nobody is: for calls that must not act with the caller's own rights.
    static var nobody: AgentPubKey { AgentPubKey(core: Bytes32(repeating: 0)) }

    func callCell(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(CallCellRequest.self)
        let origin = try nextOrigin(request)
        switch wanted.target {
        case .here: try callOwn(request, wanted, origin)
        case .role(let name):
            try call(try conductor.cell("\(appID)/\(name)"), request, wanted, origin)
        case .cell(let address):
            guard let cell = conductor.cellOfID[CellID(dna: address.dna, agent: address.agent)] else {
                throw PlasmidError(
                    .unknownInstance, "no cell of \(address.agent) in \(address.dna) runs here",
                    hint: "a cell is named by its DNA and its agent; an agent elsewhere is reached with call(to:)")
            }
            try call(try conductor.cell(cell.instanceID), request, wanted, origin)
        case .bridge(let handle):
            var origin = origin
            origin.bridge = handle
            try call(try conductor.cell(try conductor.bridged(from: self, handle)), request, wanted, origin)
        }
    }

    /// What a call that this request makes says of itself, one deeper than the function that asks.
    /// - Throws: `callTooDeep`.
    func nextOrigin(_ request: HostRequest) throws(PlasmidError) -> CallOrigin {
        let above = request.call.origin(of: request.moduleCall)
        guard above.depth < Limits.callDepth else {
            throw PlasmidError(
                .callTooDeep,
                "'\(request.step.name)' is the \(above.depth)th call within a call and may make no further",
                hint: "does it call itself without end? a loop needs no call")
        }
        guard above.budget.take() else {
            throw PlasmidError(
                .callTooDeep, "the call has caused \(Limits.callsPerCall) others already",
                hint: "split the work into several calls")
        }
        return CallOrigin(
            cell: CellAddress(dna: id.dna, agent: id.agent), instanceID: instanceID, depth: above.depth + 1,
            budget: above.budget)
    }

    /// A function of the own cell runs within the call. After a commit nothing may be written: there it is a call of its own.
    func callOwn(_ request: HostRequest, _ wanted: CallCellRequest, _ origin: CallOrigin) throws(PlasmidError) {
        guard request.call.steps.contains(where: { $0.kind == .postCommit }) else {
            return try callWithin(request, wanted, origin: origin)
        }
        try call(self, request, wanted, origin, mayBeOwn: false)
    }

    private func call(
        _ cell: Cell, _ request: HostRequest, _ wanted: CallCellRequest, _ origin: CallOrigin, mayBeOwn: Bool = true
    ) throws(PlasmidError) {
        if cell === self, mayBeOwn { return try callOwn(request, wanted, origin) }
        try checkWay(to: cell, wanted)
        var origin = origin
        let caller = wanted.asStranger ? Self.nobody : id.agent
        let admission = try cell.authorise(wish(wanted, caller))
        origin.admission = admission
        let step = CallStep(
            zome: admission.zome, kind: .function, name: wanted.function,
            invocation: Invocation(caller: caller, payload: wanted.payload))
        let what = "call of \(wanted.zome)/\(wanted.function) of \(cell.instanceID)"
        try waitOutside(request, timeoutMilliseconds: wanted.timeoutMilliseconds, what: what) { reply in
            cell.startWhenInitialised(step: step, caller: caller, secret: wanted.secret != nil, origin: origin) {
                switch $0 {
                case .success(.ok(let bytes)): reply(.success(bytes))
                case .success(.appError(let error)):
                    reply(.failure(PlasmidError(PlasmidError.Code(rawValue: error.code), error.message)))
                case .failure(let error): reply(.failure(error))
                }
            }
        }
    }

    /// Two apps of one person are two doors (docs/decisions/008). In a cell of another app with the same agent the caller
    /// would be the author, whatever the two apps know of each other: the operator says by a bridge that it may be.
    private func checkWay(to cell: Cell, _ wanted: CallCellRequest) throws(PlasmidError) {
        guard cell.appID != appID, cell.id.agent == id.agent, !wanted.asStranger,
            !conductor.isBridged(from: self, to: cell.instanceID)
        else { return }
        throw PlasmidError(
            .unknownBridge,
            "`\(instanceID)` has no bridge to `\(cell.instanceID)`, a cell of another app of the same agent",
            hint: "`admin/bridge/add` makes one; what is public there can be called as a stranger")
    }

    /// What is asked of the callee; a claim on this cell's chain shows itself how it was passed on.
    func wish(_ wanted: CallCellRequest, _ caller: AgentPubKey) -> CallWish {
        CallWish(
            zome: wanted.zome, function: wanted.function, caller: caller, secret: wanted.secret,
            certificates: wanted.secret.flatMap { claims.claim(with: $0)?.certificates } ?? [])
    }
}
