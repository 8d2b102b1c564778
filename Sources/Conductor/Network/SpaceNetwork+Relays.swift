import Gossip
import Integrity
import Logging
import NIOCore
import Transport

/// Where routers let nobody in: places at relays, and the direct way that is looked for from there.
extension SpaceNetwork {
    /// Hole punching stands ready for whoever is met over a relay.
    func startPunching() {
        let (keys, conductor) = (keys, conductor)
        let service = HolePunchService(host: desk.host, identity: identity, now: { conductor.networkNow })
        service.observed = { [weak desk] in
            guard let desk else { return [] }
            let seen = desk.host.observed
            return seen + desk.announced.filter { !seen.contains($0) }
        }
        service.hint = { ephemeral in keys.hint(ephemeral: ephemeral) }
        service.isWelcome = { [weak self] in self?.isMember($0) == true }
        service.onDirect = { [weak self] in self?.went(direct: $0) }
        service.start()
        punching = service
    }

    /// Takes places at these relays, and gives up those at others.
    func useRelays(_ relays: [Multiaddr]) {
        guard !isOver else { return }
        relayed?.stop()
        relayed = nil
        defer { refreshOwnRecords() }
        guard !relays.isEmpty else { return }
        let conductor = conductor
        let client = RelayClient(
            host: desk.host, identity: identity, relays: relays, now: { conductor.networkNow })
        client.onReachable = { [weak self, logger = desk.logger, dna = space.dna] addresses in
            logger.info(
                addresses.isEmpty ? "no relay keeps a place any more" : "relays keep a place",
                metadata: ["space": "\(dna)", "addresses": "\(addresses)"])
            self?.refreshOwnRecords()
            self?.rendezvous?.hurry()
        }
        relayed = client
        client.start()
    }

    /// Where this identity can be reached: directly first, then over relays.
    var announced: [Multiaddr] {
        desk.announced + (relayed?.addresses.map(\.withoutPeer) ?? [])
    }

    /// The one who was dialled over a relay begins to look for a direct way, once the other has shown that it is a member.
    func goDirect(_ peer: SpacePeer) {
        let connection = peer.connection
        guard connection.isRelayed, !connection.isDialer, let punching else { return }
        punching.punch(connection).assumeIsolated().whenSuccess { [logger = desk.logger] isDirect in
            logger.info(
                isDirect ? "a direct way to a peer was found" : "there is no direct way to a peer: the relay stays",
                metadata: ["peer": "\(connection.peer)"])
        }
    }
}
