/// Where others say that they see this host: believed once enough of them agree who are no neighbours of each other.
///
/// One who lies cannot make others send traffic to a victim, and whoever has many addresses in one network counts once. Even
/// what is believed is only a candidate: whether it can be dialled is AutoNAT's to find out.
public struct ObservedAddresses: Sendable {
    /// Observers in different networks that must agree.
    public static let observersNeeded = 4
    /// Connections whose word is kept; further ones are not heard.
    static let observersMaximum = 256

    private struct Word {
        let address: Multiaddr
        let peer: PeerID
        let network: [UInt8]
    }

    private var words: [PeerID: Word] = [:]

    /// Nobody has said anything.
    public init() {}

    /// A connected peer says where it sees this host; its later word replaces the earlier one.
    ///
    /// - Parameters:
    ///   - observed: what the peer said. On a connection that this host dialled its port is one of the moment:
    ///     `listeningPort` takes its place.
    ///   - remote: where the peer is, by the socket. Who is in no public network is not heard, and over a relay nobody is.
    ///   - listeningPort: nil on a connection that the peer dialled.
    public mutating func note(_ observed: Multiaddr, by peer: PeerID, at remote: Multiaddr, listeningPort: UInt16?) {
        let group = AddressGroup(multiaddr: remote.bytes)
        guard !group.isLocal, !group.network.isEmpty, !remote.isRelayed,
            let address = Self.candidate(observed.withoutPeer, listeningPort),
            words[peer] != nil || words.count < Self.observersMaximum
        else { return }
        words[peer] = Word(address: address, peer: peer, network: group.network)
    }

    /// The last connection with a peer has ended: its word counts no more.
    public mutating func forget(_ peer: PeerID) { words.removeValue(forKey: peer) }

    /// The addresses that enough observers agree on, those with most of them first.
    public var believed: [Multiaddr] {
        var networks: [Multiaddr: Set<[UInt8]>] = [:]
        for word in words.values { networks[word.address, default: []].insert(word.network) }
        return networks.filter { $0.value.count >= Self.observersNeeded }
            .sorted { ($1.value.count, $0.key.description) < ($0.value.count, $1.key.description) }.map(\.key)
    }

    /// A public IP address with its TCP port and what follows; nothing else is worth believing.
    private static func candidate(_ observed: Multiaddr, _ listeningPort: UInt16?) -> Multiaddr? {
        let group = AddressGroup(multiaddr: observed.bytes)
        guard !observed.isOpaque, !observed.isRelayed, !group.isLocal, !group.network.isEmpty,
            observed.parts.count == 2 || (observed.parts.count == 3 && observed.parts[2].kind == .ws),
            observed.parts[1].kind == .tcp
        else { return nil }
        guard let listeningPort else { return observed }
        var parts = observed.parts
        let port = [UInt8(listeningPort >> 8), UInt8(truncatingIfNeeded: listeningPort)]
        guard let part = MultiaddrPart(.tcp, port) else { return nil }
        parts[1] = part
        return try? Multiaddr(parts: parts)
    }
}
