import Sodium

/// Who a peer is on the wire: the multihash of its public key. A key of up to 42 bytes (as encoded by libp2p) stands in it as
/// it is, a longer one as its SHA-256 digest. Compared as bytes, printed in base 58.
///
/// Source: the peer-ids page of the libp2p specification.
public struct PeerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The multihash: at most 44 bytes; of an Ed25519 key 38, which begin `00 24 08 01 12 20`.
    public let bytes: [UInt8]

    /// The id of an Ed25519 public key.
    public init(publicKey: Bytes32) {
        bytes = [0x00, UInt8(PublicKeyCoding.ed25519Bytes)] + PublicKeyCoding.bytes(ed25519: publicKey)
    }

    /// An id from its multihash; nil when it is none: another hash, a wrong length, bytes left over.
    public init?(bytes: some Collection<UInt8>) {
        let bytes = [UInt8](bytes)
        guard bytes.count >= 2, bytes.count == 2 + Int(bytes[1]) else { return nil }
        switch bytes[0] {
        case 0x00: guard bytes[1] <= 42 else { return nil }
        case 0x12: guard bytes[1] == 32 else { return nil }
        default: return nil
        }
        self.bytes = bytes
    }

    /// An id from its text: base 58 (`12D3KooW…`, `Qm…`), or a CID of version 1 in base 32 or base 58 (`bafz…`, `z…`);
    /// nil when it is none.
    public init?(text: some StringProtocol) {
        guard text.utf8.count <= Base58.charactersMaximum, let first = text.utf8.first else { return nil }
        if first == UInt8(ascii: "1") || text.hasPrefix("Qm") {
            guard let bytes = Base58.bytes(text) else { return nil }
            self.init(bytes: bytes)
            return
        }
        let cid =
            switch first {
            case UInt8(ascii: "b"): Base32.bytes(text.dropFirst())
            case UInt8(ascii: "z"): Base58.bytes(text.dropFirst())
            default: [UInt8]?.none
            }
        // Version 1, codec libp2p-key.
        guard let cid, cid.starts(with: [0x01, 0x72]) else { return nil }
        self.init(bytes: cid.dropFirst(2))
    }

    /// The Ed25519 public key that the id holds; nil for ids of other keys and for digests.
    public var ed25519: Bytes32? {
        bytes[0] == 0 ? PublicKeyCoding.ed25519(bytes.dropFirst(2)) : nil
    }

    /// Base 58.
    public var description: String { Base58.text(bytes) }

    /// The text as a CID of version 1 in base 32.
    public var cid: String { "b" + Base32.text([0x01, 0x72] + bytes) }

    /// The order of the bytes, as unsigned numbers.
    public static func < (left: PeerID, right: PeerID) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// libp2p's encoding of public keys, which is the same on every machine (tags in order, no byte more than needed), so that
/// the id of a key is one: `08 01 12 20` and the 32 bytes for Ed25519, the only kind that is believed here.
public enum PublicKeyCoding {
    private static let ed25519Head: [UInt8] = [0x08, 0x01, 0x12, 0x20]
    /// Bytes of an encoded Ed25519 key.
    public static let ed25519Bytes = 36

    /// Encodes an Ed25519 public key.
    public static func bytes(ed25519 key: Bytes32) -> [UInt8] { ed25519Head + key.array }

    /// The key of its encoding; nil for other kinds, and for any other way to write the same fields.
    public static func ed25519(_ bytes: some Collection<UInt8>) -> Bytes32? {
        guard bytes.count == ed25519Bytes, bytes.starts(with: ed25519Head) else { return nil }
        return Bytes32(bytes.dropFirst(ed25519Head.count))
    }

    /// The seed in an encoded Ed25519 private key, as other programs keep it in files: `08 01 12 40` seed public, or in old
    /// files `08 01 12 60` seed public public. Nil where it is no such key or its parts do not belong together.
    public static func seed(privateKey bytes: borrowing SecretBytes) -> SecretBytes? {
        let isOne = bytes.withUnsafeBytes { bytes in
            (bytes.count == 68 || bytes.count == 100)
                && bytes.starts(with: [0x08, 0x01, 0x12, UInt8(bytes.count - 4)])
        }
        guard isOne else { return nil }
        var seed = SecretBytes(count: 32)
        bytes.withUnsafeBytes { bytes in seed.withUnsafeMutableBytes { $0.copyBytes(from: bytes[4..<36]) } }
        guard let key = Ed25519.publicKey(seed: seed) else { return nil }
        let fits = bytes.withUnsafeBytes { bytes in
            stride(from: 36, to: bytes.count, by: 32).allSatisfy { Bytes32(bytes[$0..<$0 + 32]) == key }
        }
        guard fits else { return nil }
        return seed
    }
}
