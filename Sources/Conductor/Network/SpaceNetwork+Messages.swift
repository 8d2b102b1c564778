import Gossip
import Integrity
import Transport

/// Messages, calls and signals between agents of different conductors.
extension SpaceNetwork {
    /// Sends a message to an agent that is not here; the reply is that of its `receive`.
    func send(_ message: DirectMessage, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        let body = MessageBody(from: message.from, to: message.to, zome: message.zome, payload: message.payload)
        ask(.message, body.packed, from: message.from, to: message.to, reply)
    }

    /// Calls a function of an agent that is not here.
    func call(_ call: RemoteCall, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) {
        let body = CallBody(
            from: call.from, to: call.to, zome: call.zome, function: call.function, payload: call.payload,
            secret: call.secret, certificates: call.certificates)
        ask(.call, body.packed, from: call.from, to: call.to, reply)
    }

    private func ask(
        _ kind: FrameKind, _ body: [UInt8], from: AgentPubKey, to: AgentPubKey,
        _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) {
        guard !blocked.contains(to) else { return reply(.failure(Self.isBlocked(to))) }
        reach(to) { result in
            do throws(PlasmidError) {
                let peer = try result.get()
                try peer.show(from)
                peer.request(kind, body, reply)
            } catch {
                reply(.failure(error))
            }
        }
    }

    private static func isBlocked(_ agent: AgentPubKey) -> PlasmidError {
        PlasmidError(
            .agentBlocked, "agent \(agent) is blocked: a warrant against it was found to be true",
            hint: "`plasmid admin ops APP/ROLE --state warrants` shows it")
    }

    // MARK: The receiving side

    /// Who sends must have been proved over this very connection: what a frame says of its sender counts for nothing else.
    func checkSender(_ agent: AgentPubKey, _ peer: SpacePeer) throws(PlasmidError) {
        guard peer.proved.contains(agent) else {
            throw PlasmidError(.proofRefused, "the peer did not show that it is \(agent)")
        }
        guard !blocked.contains(agent) else { throw Self.isBlocked(agent) }
    }

    func takeMessage(
        _ body: [UInt8], from peer: SpacePeer, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let message = try admitted(reply) { () throws(PlasmidError) in
            let message = try MessageBody(packed: body)
            guard message.payload.count <= Limits.directMessageBytes else {
                throw PlasmidError(.messageTooLarge, "a direct message has \(message.payload.count) bytes")
            }
            try self.checkSender(message.from, peer)
            return message
        }
        guard let message else { return }
        space.deliverHere(
            DirectMessage(from: message.from, to: message.to, zome: message.zome, payload: message.payload), reply)
    }

    func takeCall(
        _ body: [UInt8], from peer: SpacePeer, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let call = try admitted(reply) { () throws(PlasmidError) in
            let call = try CallBody(packed: body)
            guard call.payload.count <= Limits.directMessageBytes else {
                throw PlasmidError(.messageTooLarge, "a remote call's input has \(call.payload.count) bytes")
            }
            try self.checkSender(call.from, peer)
            return call
        }
        guard let call else { return }
        var origin = CallOrigin()
        origin.cell = CellAddress(dna: space.dna, agent: call.from)
        space.deliverHere(
            RemoteCall(
                from: call.from, to: call.to, zome: call.zome, function: call.function, payload: call.payload,
                secret: call.secret, certificates: call.certificates, origin: origin), reply)
    }

    /// What cannot be taken is answered as a refusal, once, and is a fault of the peer.
    private func admitted<Value>(
        _ reply: (Result<[UInt8], PlasmidError>) -> Void, _ body: () throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value? {
        do throws(PlasmidError) {
            return try body()
        } catch {
            reply(.failure(error))
            return nil
        }
    }
}
