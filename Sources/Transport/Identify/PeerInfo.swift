import Integrity

/// What is known of a connected peer from its identify messages.
public struct PeerInfo: Hashable, Sendable {
    /// Whom the connection has proved.
    public let peer: PeerID
    /// True when the connection leads over a relay, so that what the peer sees of this side is the relay's address.
    public let isRelayed: Bool
    /// Where the peer says that it listens, without `/p2p` at the end: from its signed record where there is one.
    public private(set) var addresses: [Multiaddr] = []
    /// True when the addresses come from a record that the peer has signed.
    public private(set) var areSigned = false
    /// The envelope of the record that they come from, to be passed on.
    public private(set) var signedPeerRecord: [UInt8]?
    /// The sequence number of that record.
    public private(set) var sequence: UInt64?
    /// What the peer speaks.
    public private(set) var protocols: Set<String> = []
    /// Where the peer sees this side; never over a relay. A claim like any other.
    public private(set) var observedAddress: Multiaddr?
    /// A name of the network, for people.
    public private(set) var protocolVersion: String?
    /// A name of the program, for people.
    public private(set) var agentVersion: String?

    /// Nothing is known yet.
    public init(peer: PeerID, isRelayed: Bool) {
        self.peer = peer
        self.isRelayed = isRelayed
    }

    /// Takes a message in: an answer says all, a push what changed. Throws `protocolBroken`, with nothing taken in, for the
    /// key of another peer. A record of addresses that is not good, not the peer's or not newer than the last one is
    /// passed over.
    public mutating func take(_ message: IdentifyMessage, isPush: Bool) throws(PlasmidError) {
        if let publicKey = message.publicKey {
            guard PublicKeyCoding.ed25519(publicKey).map(PeerID.init(publicKey:)) == peer else {
                throw PlasmidError(.protocolBroken, "peer \(peer) identifies itself with the key of another")
            }
        }
        if !isPush || !message.protocols.isEmpty { protocols = Set(message.protocols) }
        if let version = message.protocolVersion { protocolVersion = version }
        if let version = message.agentVersion { agentVersion = version }
        if let observed = message.observedAddress, !isRelayed { observedAddress = observed }
        takeAddresses(message, isPush: isPush)
    }

    private mutating func takeAddresses(_ message: IdentifyMessage, isPush: Bool) {
        if let envelope = message.signedPeerRecord, let record = try? PeerRecord(envelope: envelope),
            record.peer == peer
        {
            guard sequence.map({ record.sequence > $0 }) ?? true else { return }
            sequence = record.sequence
            signedPeerRecord = envelope
            areSigned = true
            addresses = own(record.addresses)
            return
        }
        // What is signed is not replaced by what is only said.
        guard !areSigned, !isPush || !message.listenAddresses.isEmpty else { return }
        addresses = own(message.listenAddresses)
    }

    /// Each once, without the `/p2p` of this peer; what leads to another peer is left out.
    private func own(_ addresses: [Multiaddr]) -> [Multiaddr] {
        var seen: Set<Multiaddr> = []
        return addresses.compactMap { address in
            guard address.peerID == nil || address.peerID == peer else { return nil }
            let bare = address.withoutPeer
            return !bare.bytes.isEmpty && seen.insert(bare).inserted ? bare : nil
        }
    }
}
