import Gossip
import Integrity

/// What operators ask about the network: `admin/network/…`.
extension Conductor {
    /// `admin/network/peers`: the agents of the spaces that are known here and live elsewhere.
    func peersView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        try views(params) { space in
            space.peers?.peerViews().sorted { $0.agent.text < $1.agent.text }.map(view) ?? []
        }
    }

    /// `admin/network/sync`: what was reconciled with each peer that is connected.
    func syncView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        try views(params) { space in space.peers?.syncViews().sorted { $0.peerID < $1.peerID }.map(view) ?? [] }
    }

    /// The others of a space, for `admin/stats`; nil where the conductor is alone.
    func networkFigures(_ space: SpaceContext) -> NetworkFigures? {
        guard let network = space.peers else { return nil }
        let peers = network.peerViews()
        return NetworkFigures(
            peers: peers.count, connected: peers.count { $0.connection != nil }, arcs: network.announcedArcs,
            heldOps: network.heldOps, signalsLeftOut: network.signalsLeftOut)
    }

    func view(_ figures: NetworkFigures) -> MessagePackValue {
        .object([
            "peers": .number(figures.peers), "connected": .number(figures.connected),
            "held_ops": .number(figures.heldOps), "signals_left_out": .number(figures.signalsLeftOut),
            "arcs": .array(
                figures.arcs.sorted { $0.key.text < $1.key.text }.map { agent, arc in
                    .object(["agent": .string(agent.text), "arc": view(arc)])
                }),
        ])
    }

    /// The rows of every space, or of the one that `instance_id` names a cell of, each with its DNA.
    private func views(
        _ params: AdminParams, _ rows: (SpaceContext) -> [[MessagePackValue.Pair]]
    ) throws(PlasmidError) -> MessagePackValue {
        let chosen: [SpaceContext]
        if let instance = params.optionalText("instance_id") {
            chosen = [try knownCell(instance).space]
        } else {
            chosen = spaces.values.sorted { ($0.definition.name, $0.dna.text) < ($1.definition.name, $1.dna.text) }
        }
        return .array(
            chosen.flatMap { space in
                rows(space).map { row in
                    .map(
                        [.init("dna", .string(space.dna.text)), .init("dna_name", .string(space.definition.name))]
                            + row)
                }
            })
    }

    private func view(_ peer: PeerView) -> [MessagePackValue.Pair] {
        let link = peer.connection
        return [
            .init("agent", .string(peer.agent.text)), .init("peer", .string(peer.peerID)),
            .init("connected", .bool(link != nil)), .init("address", link.map { .string($0.address) } ?? .null),
            .init("connected_at", link.map { .number($0.since.microseconds) } ?? .null),
            .init("dialled", link.map { .bool($0.isDialer) } ?? .null),
            .init("relayed", link.map { .bool($0.isRelayed) } ?? .null),
            .init("rtt_us", link?.roundTripMicroseconds.map { .number($0) } ?? .null),
            .init("addresses", .array(peer.addresses.map { .string($0) })), .init("arc", view(peer.arc)),
            .init("expires_at", .number(peer.expiresAt.microseconds)), .init("score", .number(peer.score)),
        ]
    }

    private func view(_ sync: SyncView) -> [MessagePackValue.Pair] {
        [
            .init("agent", sync.agent.map { .string($0.text) } ?? .null), .init("peer", .string(sync.peerID)),
            .init("running", .bool(sync.isRunning)), .init("rounds", .number(sync.rounds)),
            .init("ended_at", sync.endedAt.map { .number($0.microseconds) } ?? .null),
            .init("ops_in", .number(sync.opsIn)), .init("ops_out", .number(sync.opsOut)),
        ]
    }

    private func view(_ arc: Arc) -> MessagePackValue {
        .object(["start": .number(arc.start), "length": .number(arc.length)])
    }
}
