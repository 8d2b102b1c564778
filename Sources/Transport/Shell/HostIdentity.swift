import Integrity
import NIOCore
import Sodium

/// One libp2p identity of a host: its key, whom it answers, and the protocols that it serves. On the loop only.
///
/// Sendable because futures carry connections, which know it: it is made and used on its host's loop alone.
public final class HostIdentity: @unchecked Sendable {
    struct Handler {
        let perPeer: Int
        let body: (PeerStream) -> Void
    }

    let key: SecretKey
    /// Who this identity is on the wire.
    public let peerID: PeerID
    /// Whether a dialer that sends this 16-byte hint over its ephemeral key (32 bytes) means this identity. The default
    /// identity of a host answers where none of the others does.
    public var accepts: (_ hint: [UInt8], _ ephemeral: [UInt8]) -> Bool = { _, _ in false }
    /// Whether a peer, whose key is proved, may have a connection.
    public var admits: (PeerID) -> Bool = { _ in true }
    /// Called for every connection that a peer made to this identity, once it can carry streams.
    public var onConnection: (PeerConnection) -> Void = { _ in }
    /// Where this identity says it can be reached, in identify; none: the addresses that are listened on.
    public var announced: [Multiaddr] = [] {
        didSet { if announced != oldValue { hasChanged() } }
    }
    private(set) var handlers: [String: Handler] = [:]
    var peers: [PeerID: PeerBook] = [:]
    /// Tells connected peers what has changed.
    var pushes: (() -> Void)?
    var isPushDue = false
    /// It was taken from its host: no connection is made for it any more.
    var isRetired = false
    private var record: (addresses: [Multiaddr], sequence: UInt64, envelope: [UInt8])?

    /// An identity with the key of a 32-byte seed; a seed of another length is a programming error.
    public init(seed: borrowing SecretBytes) {
        guard let key = SecretKey(seed: seed) else { preconditionFailure("the seed of an identity has 32 bytes") }
        peerID = PeerID(publicKey: key.publicKey)
        self.key = key
    }

    /// The Ed25519 key of the identity.
    public var publicKey: Bytes32 { key.publicKey }

    /// A signature by this identity, 64 bytes.
    public func sign(_ message: [UInt8]) -> Bytes64 { key.sign(message) }

    /// What this identity's key and another Ed25519 key have in common (X25519 of both, converted); nil where the other is
    /// none. Hash it before use.
    public func secret(with other: Bytes32) -> SecretBytes? { key.agree(with: other) }

    /// Where this identity can be reached, signed by it: the envelope of a ``PeerRecord``. The sequence number rises with each.
    public func signedRecord(addresses: [Multiaddr], sequence: UInt64) -> [UInt8] {
        PeerRecord(peer: peerID, sequence: sequence, addresses: addresses).sealed(by: key)
    }

    /// Serves a protocol: `handler` is called for each stream that a peer opens for it, of which a peer may have `perPeer`
    /// at a time (0: as the settings say). Replaces an earlier handler.
    public func handle(_ protocolID: String, perPeer: Int = 0, _ handler: @escaping (PeerStream) -> Void) {
        let isNew = handlers.updateValue(Handler(perPeer: perPeer, body: handler), forKey: protocolID) == nil
        if isNew { hasChanged() }
    }

    /// Serves a protocol no more; its live streams go on.
    public func stopHandling(_ protocolID: String) {
        if handlers.removeValue(forKey: protocolID) != nil { hasChanged() }
    }

    /// The protocols that it serves, in the order of their names.
    public var protocols: [String] { handlers.keys.sorted() }

    /// The open connections with a peer, the one to prefer first: direct before relayed, old before new.
    public func connections(with peer: PeerID) -> [PeerConnection] {
        let all = peers[peer]?.connections.filter(\.isOpen) ?? []
        return all.filter { !$0.isRelayed } + all.filter(\.isRelayed)
    }

    /// Everyone it is connected with.
    public var connectedPeers: [PeerID] { peers.values.filter { !$0.connections.isEmpty }.map(\.peer) }

    private func hasChanged() { pushes?() }

    /// The signed record of its addresses, made anew when they change; each has a higher number than the one before.
    func record(of addresses: [Multiaddr], clock: () -> UInt64) -> [UInt8] {
        if let record, record.addresses == addresses { return record.envelope }
        let sequence = max(clock(), (record?.sequence ?? 0) + 1)
        let envelope = PeerRecord(peer: peerID, sequence: sequence, addresses: addresses).sealed(by: key)
        record = (addresses, sequence, envelope)
        return envelope
    }
}

/// What an identity has with one peer: connections, and inbound streams by protocol.
final class PeerBook {
    let peer: PeerID
    var connections: [PeerConnection] = []
    var inbound: [String: Int] = [:]
    /// When the last identify push was read.
    var lastPush: NIODeadline?

    init(peer: PeerID) { self.peer = peer }
}
