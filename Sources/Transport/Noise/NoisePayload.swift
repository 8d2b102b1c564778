import Integrity
import Sodium

/// What stands encrypted in messages 2 and 3: who the peer is, the proof that the static key is the peer's, and the muxers
/// that it could begin with at once.
struct NoisePayload {
    /// What is signed: this text, then the sender's static key.
    static let signedPrefix = Array("noise-libp2p-static-key:".utf8)
    /// Muxers of a list that are looked at; a longer list is refused.
    static let muxersMaximum = 100

    let key: Bytes32
    let muxers: [String]

    static func encoded(identity: borrowing SecretKey, staticKey: Bytes32, muxers: [String]) -> [UInt8] {
        var message = PBNoisePayload()
        message.identityKey = PublicKeyCoding.bytes(ed25519: identity.publicKey).data
        message.identitySig = identity.sign(signedPrefix + staticKey.array).array.data
        if !muxers.isEmpty {
            message.extensions.streamMuxers = muxers
        }
        return message.encoded
    }

    /// Reads a payload, and checks in this order: its form, the kind of the key, the signature over `staticKey`. Nothing of
    /// it is looked at before all of these hold.
    init(_ bytes: [UInt8], staticKey: Bytes32) throws(PlasmidError) {
        let message: PBNoisePayload
        do {
            message = try PBNoisePayload.decoded(
                bytes, maximum: NoiseFrame.handshakeMaximum, "a payload of a handshake")
        } catch {
            throw error.wrapped(.handshakeFailed, "a peer's payload in the handshake cannot be read")
        }
        guard let key = PublicKeyCoding.ed25519(message.identityKey) else {
            throw PlasmidError(.handshakeFailed, "a peer shows an identity key that is no Ed25519 key")
        }
        guard let signature = Bytes64(message.identitySig),
            Ed25519.verify(signature, Self.signedPrefix + staticKey.array, by: key)
        else {
            throw PlasmidError(.handshakeFailed, "a peer's signature over the static key of the handshake is not true")
        }
        self.key = key
        muxers = message.extensions.streamMuxers
        guard muxers.count <= Self.muxersMaximum else {
            throw PlasmidError(.handshakeFailed, "a peer lists \(muxers.count) muxers")
        }
    }
}
