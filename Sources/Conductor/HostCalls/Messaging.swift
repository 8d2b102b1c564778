import Chain
import Integrity
import NIOCore
import ZomeRuntime

/// `send` and `call`: how a zome reaches another agent of its space.
///
/// The sender's agent id is the cell's own, set here: nothing that the module says can change it. The path from
/// `deliver` on takes only what a network peer could give it: who sent, to whom, and bytes.
extension Cell {
    func send(_ request: HostRequest) throws(PlasmidError) {
        let send = try request.decode(SendRequest.self)
        guard send.payload.count <= Limits.directMessageBytes else {
            throw PlasmidError(
                .messageTooLarge,
                "the message has \(send.payload.count) bytes, a direct message at most \(Limits.directMessageBytes)",
                hint: "store it as an entry and send its hash")
        }
        let zome = zomes[request.step.zome].name
        let message = DirectMessage(from: id.agent, to: send.to, zome: zome, payload: send.payload)
        try waitOutside(request, timeoutMilliseconds: send.timeoutMilliseconds, what: "send to \(send.to)") {
            [space] reply in
            space.deliver(message, reply)
        }
    }

    func callOther(_ request: HostRequest) throws(PlasmidError) {
        let call = try request.decode(CallRequest.self)
        var origin = try nextOrigin(request)
        guard call.to != id.agent else {
            let own = CallCellRequest(
                target: .here, zome: call.zome, function: call.function, payload: call.payload, secret: call.secret,
                timeoutMilliseconds: call.timeoutMilliseconds)
            return try callOwn(request, own, origin)
        }
        // Of a peer one knows the agent and so the cell; what the cell is called there is nobody else's business.
        if space.cells[call.to]?.appID != appID { origin.instanceID = nil }
        let remote = RemoteCall(
            from: id.agent, to: call.to, zome: call.zome, function: call.function, payload: call.payload,
            secret: call.secret, certificates: call.secret.flatMap { claims.claim(with: $0)?.certificates } ?? [],
            origin: origin)
        try waitOutside(request, timeoutMilliseconds: call.timeoutMilliseconds, what: "call to \(call.to)") {
            [space] reply in
            space.deliver(remote, reply)
        }
    }

    /// Messages and calls of one cell that may wait for their answers at a time.
    private static var messagesUnderWayMaximum: Int { 1_024 }
    /// Longest time that a zome may wait for another agent's answer: ten minutes.
    private static var timeoutMillisecondsMaximum: UInt32 { 600_000 }

    /// Gives the writer position up, starts the wait and answers the module once: with the reply, an error, or
    /// `timeout`. A reply that comes later is dropped.
    func waitOutside(
        _ request: HostRequest, timeoutMilliseconds: UInt32, what: String,
        _ start: (@escaping (Result<[UInt8], PlasmidError>) -> Void) -> Void
    ) throws(PlasmidError) {
        guard timeoutMilliseconds <= Self.timeoutMillisecondsMaximum else {
            throw PlasmidError(
                .badInput, "a timeout of \(timeoutMilliseconds) ms is too long",
                hint: "at most \(Self.timeoutMillisecondsMaximum) ms; who is offline is told at once anyway")
        }
        guard messagesUnderWay < Self.messagesUnderWayMaximum else {
            throw PlasmidError(
                .overloaded, "\(messagesUnderWay) messages of `\(instanceID)` wait for their answers already",
                hint: "send fewer at a time")
        }
        let call = request.call
        messagesUnderWay += 1
        begin(call)
        call.holdsPosition = false
        if call.scratch?.isEmpty == true {
            // Nothing was written on that head: what is read after the wait is read anew.
            call.scratch = nil
            call.speculation = []
        }
        call.outsideWaits += 1
        call.lastWait += 1
        let wait = call.lastWait
        let run = call.run
        tell(.waits(run))
        let moduleCall = request.moduleCall
        call.runner?.pauseDeadline(call: moduleCall)
        var isOpen = true
        var timer: Scheduled<Void>?
        let finish: (Result<[UInt8], PlasmidError>) -> Void = { [self] result in
            guard isOpen else { return }
            isOpen = false
            timer?.cancel()
            call.giveUpWaits[wait] = nil
            messagesUnderWay -= 1
            guard call.run == run, !call.isOver else { return request.drop() }
            call.outsideWaits -= 1
            call.runner?.resumeDeadline(call: moduleCall)
            tell(.resumed(run))
            switch result {
            case .success(let bytes): request.succeed(bytes)
            case .failure(let error): request.fail(error)
            }
        }
        call.giveUpWaits[wait] = {
            finish(.failure(PlasmidError(.callOver, "the call that waited is over")))
        }
        timer = conductor.after(microseconds: Int64(timeoutMilliseconds) * 1_000) {
            finish(
                .failure(
                    PlasmidError(
                        .timeout, "\(what): no answer within \(timeoutMilliseconds) ms",
                        hint: "the other side may have received it all the same")))
        }
        start(finish)
    }
}

/// A message for another agent's `receive`, as it comes from the network too.
struct DirectMessage {
    let from: AgentPubKey
    let to: AgentPubKey
    let zome: String
    let payload: [UInt8]
}

/// A signal for the clients of another agent, as it comes from the network too. Nobody answers it.
struct DirectSignal {
    /// Who sent it: proved, by the cell it comes from or by the connection.
    let from: AgentPubKey
    let to: AgentPubKey
    let zome: String
    let name: String
    /// One MessagePack value, if the sender is honest.
    let payload: [UInt8]
}

/// A call of another agent's function, as it comes from the network too.
struct RemoteCall {
    let from: AgentPubKey
    let to: AgentPubKey
    let zome: String
    let function: String
    let payload: [UInt8]
    let secret: CapSecret?
    /// How the capability was passed on to `from`; empty where the grantor gave it.
    let certificates: [Delegation]
    let origin: CallOrigin
}

/// On the way: to an agent of this conductor, or to the conductor where it is.
extension SpaceContext {
    func deliver(_ message: DirectMessage, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        do {
            guard try arrives(from: message.from, to: message.to) else { return }
        } catch {
            return reply(.failure(PlasmidError.from(error)))
        }
        if cells[message.to] == nil, let network { return network.send(message, reply) }
        deliverHere(message, reply)
    }

    func deliver(_ call: RemoteCall, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        do {
            guard try arrives(from: call.from, to: call.to) else { return }
        } catch {
            return reply(.failure(PlasmidError.from(error)))
        }
        if cells[call.to] == nil, let network { return network.call(call, reply) }
        deliverHere(call, reply)
    }
}

/// The receiving side: what came from an agent of this conductor, or over the network from one that was proved.
extension SpaceContext {
    func deliverHere(_ message: DirectMessage, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        do {
            let cell = try reachableCell(message.to)
            guard let zome = cell.zomeIndex(message.zome), cell.zomes[zome].callbacks.contains(.receive) else {
                throw PlasmidError(
                    .noReceiver, "zome `\(message.zome)` of \(message.to) has no `receive` callback",
                    hint: "declare `receive` under the zome's callbacks and write one in its module")
            }
            let step = CallStep(
                zome: zome, kind: .receive, name: "receive",
                invocation: Invocation(caller: message.from, payload: message.payload))
            cell.startWhenInitialised(step: step, caller: message.from, secret: false) { result in
                reply(
                    Self.remote(result) { error in
                        PlasmidError(
                            .receiveFailed, "Error calling receive callback of zome `\(message.zome)`: \(error)",
                            hint: "the message reached the other agent's module, which answered with an error")
                    })
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    func deliverHere(_ call: RemoteCall, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        do {
            let cell = try reachableCell(call.to)
            var origin = call.origin
            let admission = try cell.authorise(
                CallWish(
                    zome: call.zome, function: call.function, caller: call.from, secret: call.secret,
                    certificates: call.certificates))
            origin.admission = admission
            let step = CallStep(
                zome: admission.zome, kind: .function, name: call.function,
                invocation: Invocation(caller: call.from, payload: call.payload))
            cell.startWhenInitialised(
                step: step, caller: call.from, secret: call.secret != nil, origin: origin
            ) { result in
                reply(Self.remote(result) { PlasmidError(.remoteCallFailed, "\(call.zome)/\(call.function): \($0)") })
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    /// Whether a message gets through, as a test may have it otherwise.
    func arrives(from: AgentPubKey, to: AgentPubKey) throws(PlasmidError) -> Bool {
        switch conductor.options.messageFate?(from, to) ?? .delivered {
        case .delivered: return true
        case .lost: return false
        case .unreachable: throw PlasmidError(.peerUnreachable, "agent \(to) is offline", hint: "try again later")
        }
    }

    /// A cell that can answer now. One that is not here or stopped is an error at once, never a wait.
    private func reachableCell(_ agent: AgentPubKey) throws(PlasmidError) -> Cell {
        guard let cell = cells[agent] else {
            throw PlasmidError(
                .agentNotFound, "no agent \(agent) is known in this space",
                hint: "check the address; agents are listed by `plasmid admin agents`")
        }
        guard cell.isActive else {
            throw PlasmidError(
                .peerUnreachable, "agent \(agent) is offline", hint: "its app is disabled or stopped; try again later")
        }
        return cell
    }

    private static func remote(
        _ result: Result<ZomeOutcome, PlasmidError>, _ wrap: (String) -> PlasmidError
    ) -> Result<[UInt8], PlasmidError> {
        switch result {
        case .success(.ok(let bytes)): .success(bytes)
        case .success(.appError(let error)): .failure(wrap(error.message))
        case .failure(let error): .failure(wrap(error.message))
        }
    }
}
