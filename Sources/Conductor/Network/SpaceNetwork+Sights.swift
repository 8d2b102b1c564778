import Gossip
import Integrity
import Logging
import NIOCore
import Transport

/// What cells and operators ask of the members elsewhere beside messages: signals on their way out, and how things stand.
extension SpaceNetwork: SpacePeers {
    func signal(_ signal: DirectSignal) {
        guard !blocked.contains(signal.to) else { return }
        let body = SignalBody(
            from: signal.from, to: signal.to, zome: signal.zome, name: signal.name, payload: signal.payload
        ).packed
        // Nobody waits for it: who is not there does not hear it.
        reach(signal.to) { [weak self] result in
            guard let peer = try? result.get(), (try? peer.show(signal.from)) != nil else { return }
            guard peer.hasRoomForSignals else { self?.leaveOutSignal(to: signal.to); return }
            peer.tell(.signal, body)
        }
    }

    /// A peer is slow: what nobody waits for would fill memory here.
    private func leaveOutSignal(to agent: AgentPubKey) {
        signalsLeftOut += 1
        // Said for the 1st, 2nd, 4th, 8th…: a flood of signals shall not be one of lines.
        guard signalsLeftOut.nonzeroBitCount == 1 else { return }
        desk.logger.notice(
            "signals are left out: the peer takes them more slowly than they come",
            metadata: ["space": "\(space.dna)", "agent": "\(agent)", "left_out": "\(signalsLeftOut)"])
    }

    /// A member's signal for an agent here. What its receiver does not want is left out by ``SpaceContext/deliver(_:)``.
    func takeSignal(_ body: [UInt8], from peer: SpacePeer) throws(PlasmidError) {
        let signal = try SignalBody(packed: body)
        try checkSender(signal.from, peer)
        space.deliver(
            DirectSignal(
                from: signal.from, to: signal.to, zome: signal.zome, name: signal.name ?? "", payload: signal.payload))
    }

    var announcedArcs: [AgentPubKey: Arc] { own.mapValues(\.info.arc) }

    var heldOps: Int { held.count }

    func peerViews() -> [PeerView] {
        table.records.map { record in
            let info = record.info
            let id = PeerID(bytes: info.peer)
            let peer = id.flatMap { members[$0] }
            return PeerView(
                agent: info.agent, peerID: id?.description ?? "",
                addresses: info.addresses.compactMap { try? Multiaddr(bytes: $0) }.map(\.description), arc: info.arc,
                expiresAt: info.expiresAt, connection: peer.map(Self.view),
                score: -Int(table.score(of: PeerKey(info.peer), now: now).rounded(.up)))
        }
    }

    private static func view(_ peer: SpacePeer) -> ConnectionView {
        ConnectionView(
            address: peer.connection.remoteAddress.description, since: peer.since,
            isDialer: peer.connection.isDialer, isRelayed: peer.connection.isRelayed,
            roundTripMicroseconds: peer.connection.roundTrip.map { UInt64(max(0, $0.nanoseconds / 1_000)) })
    }

    func syncViews() -> [SyncView] {
        // A node is named by the first of its agents.
        var agents: [[UInt8]: AgentPubKey] = [:]
        for record in table.records where agents[record.info.peer] == nil {
            agents[record.info.peer] = record.info.agent
        }
        return members.values.map { peer in
            SyncView(
                agent: agents[peer.connection.peer.bytes], peerID: peer.connection.peer.description,
                isRunning: peer.isInRound, rounds: Int(clamping: peer.rounds), endedAt: peer.roundEnded,
                opsIn: Int(clamping: peer.opsIn), opsOut: Int(clamping: peer.opsOut))
        }
    }
}
