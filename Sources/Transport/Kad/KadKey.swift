public import Sodium

/// A place in the space of keys that Kad shares among its peers: SHA-256 of a key's bytes, of a peer's those of its id.
/// How far two are apart is their XOR, as a number.
public struct KadKey: Hashable, Sendable {
    /// 32 bytes, the most significant first.
    public let bytes: Bytes32

    /// The place of a key: a multihash, or the bytes of a peer id.
    public init(_ key: [UInt8]) { bytes = SHA256.hash(key) }

    /// The place of a peer.
    public init(_ peer: PeerID) { self.init(peer.bytes) }

    /// How far away another place is; smaller is closer.
    public func distance(to other: KadKey) -> Bytes32 {
        var distance = bytes
        distance.withUnsafeMutableBytes { left in
            other.bytes.withUnsafeBytes { right in
                // In words: tables are sorted by this.
                for offset in stride(from: 0, to: 32, by: 8) {
                    let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    let mask = right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    left.storeBytes(of: word ^ mask, toByteOffset: offset, as: UInt64.self)
                }
            }
        }
        return distance
    }

    /// How many leading bits two places share, 0…256; 256 for the same place.
    public func commonBits(with other: KadKey) -> Int {
        distance(to: other).withUnsafeBytes { distance in
            guard let index = distance.firstIndex(where: { $0 != 0 }) else { return 256 }
            return index * 8 + distance[index].leadingZeroBitCount
        }
    }
}

/// A peer and how to reach it.
public struct KadContact: Hashable, Sendable {
    /// Who it is.
    public let peer: PeerID
    /// Where it can be dialled, as it or others say: claims.
    public let addresses: [Multiaddr]

    /// Addresses of one contact that are kept and told, at most.
    public static let addressesMaximum = 8
    /// Bytes of the addresses of one contact that are kept and told, at most: 20 contacts shall fit into a message.
    public static let addressBytesMaximum = 512

    /// A contact with as many of the addresses, in order, as the bounds allow.
    public init(peer: PeerID, addresses: [Multiaddr]) {
        self.peer = peer
        var kept: [Multiaddr] = []
        var bytes = 0
        for address in addresses where kept.count < Self.addressesMaximum {
            guard bytes + address.bytes.count <= Self.addressBytesMaximum, !kept.contains(address) else { continue }
            kept.append(address)
            bytes += address.bytes.count
        }
        self.addresses = kept
    }
}
