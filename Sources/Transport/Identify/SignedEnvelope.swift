import Integrity
import Sodium

/// Something signed by the key of a peer, which may be passed on by anyone. The domain is signed with it, so that what was
/// signed for one use does not serve in another.
///
/// Source: libp2p's RFC 2.
public struct SignedEnvelope: Hashable, Sendable {
    /// Bytes of the longest envelope that is read.
    public static let bytesMaximum = 16_384

    /// What is signed for: its text, and the bytes that stand for it in the envelope.
    public struct Purpose: Hashable, Sendable {
        /// Not in the envelope, but signed.
        public let domain: String
        /// In the envelope.
        public let type: [UInt8]

        /// A purpose of one's own.
        public init(domain: String, type: [UInt8]) {
            self.domain = domain
            self.type = type
        }

        /// A peer's addresses. The specification's text has another domain; programs use this one.
        public static let peerRecord = Purpose(domain: "libp2p-peer-record", type: [0x03, 0x01])
        /// A relay's word that it has reserved a place.
        public static let relayVoucher = Purpose(domain: "libp2p-relay-rsvp", type: [0x03, 0x02])
    }

    /// Who signed.
    public let key: Bytes32
    /// What was signed, as it came: never encoded anew.
    public let payload: [UInt8]

    /// Signs `payload` and returns the envelope on the wire.
    public static func sealed(_ payload: [UInt8], for purpose: Purpose, by key: borrowing SecretKey) -> [UInt8] {
        var message = PBEnvelope()
        message.publicKey = PublicKeyCoding.bytes(ed25519: key.publicKey).data
        message.payloadType = purpose.type.data
        message.payload = payload.data
        message.signature = key.sign(toSign(payload, purpose)).array.data
        return message.encoded
    }

    /// Opens an envelope. Throws `protocolBroken` for bytes that are none, another type, and a key that is no Ed25519 key;
    /// `badSignature` where the signature does not hold for the purpose.
    public init(_ bytes: [UInt8], for purpose: Purpose) throws(PlasmidError) {
        let message = try PBEnvelope.decoded(bytes, maximum: Self.bytesMaximum, "a signed envelope")
        guard message.payloadType.elementsEqual(purpose.type) else {
            throw PlasmidError(.protocolBroken, "a signed envelope holds something else than was looked for")
        }
        guard let key = PublicKeyCoding.ed25519(message.publicKey) else {
            throw PlasmidError(.protocolBroken, "a signed envelope has a key that is no Ed25519 key")
        }
        let payload = message.payload.array
        guard let signature = Bytes64(message.signature),
            Ed25519.verify(signature, Self.toSign(payload, purpose), by: key)
        else {
            throw PlasmidError(.badSignature, "the signature of a signed envelope does not hold")
        }
        self.key = key
        self.payload = payload
    }

    /// Domain, type and payload, each with its length before it.
    static func toSign(_ payload: [UInt8], _ purpose: Purpose) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array(purpose.domain.utf8), purpose.type, payload] {
            UnsignedVarint.append(UInt64(part.count), to: &bytes)
            bytes += part
        }
        return bytes
    }
}

/// Where a peer says that it can be reached, signed by itself.
public struct PeerRecord: Hashable, Sendable {
    /// Whose addresses they are.
    public let peer: PeerID
    /// Rises with each record of a peer; what it counts is the peer's affair.
    public let sequence: UInt64
    /// Claims, even though they are signed: anyone may claim any address.
    public let addresses: [Multiaddr]

    /// A record to be signed.
    public init(peer: PeerID, sequence: UInt64, addresses: [Multiaddr]) {
        self.peer = peer
        self.sequence = sequence
        self.addresses = addresses
    }

    /// The record in an envelope, signed by `key`, which must be the peer's.
    public func sealed(by key: borrowing SecretKey) -> [UInt8] {
        SignedEnvelope.sealed(encoded, for: .peerRecord, by: key)
    }

    /// The record in front of the signature.
    var encoded: [UInt8] {
        var message = PBPeerRecord()
        message.peerID = peer.bytes.data
        message.seq = sequence
        message.addresses = addresses.map { address in
            var info = PBPeerRecord.AddressInfo()
            info.multiaddr = address.bytes.data
            return info
        }
        return message.encoded
    }

    /// Reads a record out of its envelope; addresses that are none are left out. Throws as ``SignedEnvelope`` does, and
    /// `badSignature` where somebody else signed than whom it speaks of.
    public init(envelope bytes: [UInt8]) throws(PlasmidError) {
        let envelope = try SignedEnvelope(bytes, for: .peerRecord)
        let message = try PBPeerRecord.decoded(
            envelope.payload, maximum: SignedEnvelope.bytesMaximum, "a record of a peer's addresses")
        guard message.peerID.elementsEqual(PeerID(publicKey: envelope.key).bytes) else {
            throw PlasmidError(.badSignature, "a record of addresses is signed by another peer than it speaks of")
        }
        peer = PeerID(publicKey: envelope.key)
        sequence = message.seq
        addresses = message.addresses.prefix(IdentifyMessage.addressesMaximum).compactMap {
            try? Multiaddr(bytes: $0.multiaddr)
        }
    }
}
