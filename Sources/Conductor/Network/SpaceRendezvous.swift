import Gossip
import Integrity
import Logging
import Sodium
import Transport

/// How the members of a space that know no one yet find each other: at bootstrap servers, under names that mean nothing to
/// those who lack the space's key (docs/spec/discovery.md).
extension SpaceNetwork {
    /// Addresses of one found peer that are dialled.
    private static var dialsPerPeer: Int { 4 }

    /// Begins to leave word at the configured servers, and to look for others' there. Which of the addresses are servers is
    /// found out by asking; a member that stands there instead refuses.
    func startRendezvous() {
        guard !desk.bootstrap.isEmpty else { return }
        var secret = randomBytes(32)
        let seeker = BootstrapSeeker(
            rendezvous: Rendezvous(spaceKey: keys.rendezvous), slotSecret: SecretBytes(moving: &secret))
        let conductor = conductor
        let client = BootstrapClient(
            host: desk.host, servers: desk.bootstrap, seeker: seeker, now: { conductor.networkNow }, random: random)
        client.record = { [weak self] in self?.ownRecord }
        client.known = { [weak self] in self?.members.count ?? 0 }
        client.onRecords = { [weak self] records in self?.found(records) }
        client.onRound = { [logger = desk.logger] server, error in
            guard let error else { return }
            logger.debug(
                "no bootstrap server answers at a configured address",
                metadata: ["address": "\(server)", "reason": "\(error.message)"])
        }
        rendezvous = client
        client.start()
    }

    /// Where this node's identity in the space can be reached, signed by it; nil where it cannot.
    private var ownRecord: [UInt8]? {
        let addresses = Array(announced.prefix(8))
        guard !addresses.isEmpty else { return nil }
        let sealed = identity.signedRecord(addresses: addresses, sequence: UInt64(max(0, now.microseconds)))
        return sealed.count <= Rendezvous.recordBytesMaximum ? sealed : nil
    }

    /// Goes to the peers of records that hold: whoever knows the space can leave one, so that each is signed by the peer
    /// that it speaks of, and the peer still has to show that it is a member.
    private func found(_ records: [[UInt8]]) {
        guard !isOver else { return }
        for bytes in records {
            guard let record = try? PeerRecord(envelope: bytes) else { continue }
            found(record.peer, record.addresses)
        }
    }

    private func found(_ peer: PeerID, _ addresses: [Multiaddr]) {
        guard !isOver, peer != identity.peerID, members[peer] == nil, gone[peer] == nil,
            members.count + underWay.count < membersMaximum
        else { return }
        let fresh = addresses.filter { !underWay.contains($0) }
        approach(peer, fresh.prefix(Self.dialsPerPeer))
    }

    /// A server of Kad was found: the space is announced and looked for there, too.
    func foundKad(_ server: PeerID, _ addresses: [Multiaddr]) {
        guard !isOver else { return }
        if kadSeeker == nil {
            let seeker = KadSeeker(
                conductor, host: desk.host, identity: identity, rendezvous: Rendezvous(spaceKey: keys.rendezvous))
            seeker.known = { [weak self] in self?.members.count ?? 0 }
            seeker.canBeReached = { [weak self] in self?.identity.announced.isEmpty == false }
            seeker.onFound = { [weak self] in self?.found($0, $1) }
            kadSeeker = seeker
        }
        kadSeeker?.learned(server, addresses)
    }

    private func approach(_ peer: PeerID, _ addresses: ArraySlice<Multiaddr>) {
        guard let address = addresses.first else { return }
        underWay.insert(address)
        dial(address, expecting: peer) { [weak self] result in
            guard let self else { return }
            underWay.remove(address)
            if case .failure = result { approach(peer, addresses.dropFirst()) }
        }
    }
}
