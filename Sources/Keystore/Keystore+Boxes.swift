public import Integrity
public import Sodium

// What agents seal for each other. Which zome may ask is the caller's to decide: any zome of a cell can open what was sealed
// for the cell's agent.
extension Keystore {
    /// Seals bytes so that only `recipient` and this agent can open them, and nobody else can have sealed them: crypto_box over
    /// the two keys converted to X25519. Nonce (24), tag (16), then as many bytes as `plain`.
    /// - Throws: `keyNotFound`; `badInput` where `recipient` is no key that anyone could have.
    public func encrypt(
        _ plain: [UInt8], to recipient: AgentPubKey, by agent: AgentPubKey
    ) throws(PlasmidError) -> [UInt8] {
        let nonce = SystemRandom.bytes(Box.nonceBytes)
        let sealed = try withSecret(of: agent) { Box.seal(plain, nonce: nonce, from: $0, to: recipient.core) }
        guard let sealed else {
            throw PlasmidError(
                .badInput, "\(recipient) is not a key that something could be encrypted to",
                hint: "take the key from the agent itself, or from the DHT")
        }
        return nonce + sealed
    }

    /// Opens what ``encrypt(_:to:by:)`` of `sender` sealed for this agent.
    /// - Throws: `keyNotFound`; `decryptionFailed` for bytes that were altered or cut, or sealed by or for somebody else.
    public func decrypt(
        _ sealed: [UInt8], from sender: AgentPubKey, by agent: AgentPubKey
    ) throws(PlasmidError) -> [UInt8] {
        let nonce = Array(sealed.prefix(Box.nonceBytes))
        let plain = try withSecret(of: agent) { secret in
            nonce.count == Box.nonceBytes
                ? Box.open(Array(sealed[Box.nonceBytes...]), nonce: nonce, from: sender.core, to: secret) : nil
        }
        guard let plain else {
            throw PlasmidError(
                .decryptionFailed, "these bytes are not what \(sender) encrypted to \(agent)",
                hint: "they were altered or cut, or are from or for somebody else")
        }
        return plain
    }

    /// What `make` makes of the secret that an agent's key and another Ed25519 key have in common (X25519 of both, converted):
    /// a MAC that the other's owner could have made as well.
    /// - Throws: `keyNotFound`; `badInput` where `other` is no key that anyone could have.
    public func mac(
        of agent: AgentPubKey, for other: Bytes32, _ make: (borrowing SecretBytes) -> Bytes32
    ) throws(PlasmidError) -> Bytes32 {
        let made = try withSecret(of: agent) { (secret: borrowing SecretKey) -> Bytes32? in
            guard let shared = secret.agree(with: other) else { return nil }
            return make(shared)
        }
        guard let made else { throw PlasmidError(.badInput, "nothing can be shared with a key that nobody can have") }
        return made
    }

    /// The seed of this conductor's libp2p identity in one space: the same at every start, and not to be linked with that of
    /// another space by anyone without the keystore. 32 bytes.
    /// - Parameter space: the 39 bytes of the DNA's hash.
    public func networkSeed(for space: [UInt8]) -> SecretBytes {
        let root = KDF.derive(from: master, context: "PlsmNetw", id: 1)
        var bytes = Blake2b.keyed256(key: root, space).array
        return SecretBytes(moving: &bytes)
    }

    /// Signs messages with a key that is made for it and forgotten at once: whoever has the public key can check that they
    /// are of one origin, and nobody can ever sign with it again.
    public static func signOnce(_ messages: [[UInt8]]) throws(PlasmidError) -> (key: AgentPubKey, [Signature]) {
        guard let key = SecretKey(seed: Ed25519.generateSeed()) else {
            throw PlasmidError(.internal, "a fresh seed made no key")
        }
        return (AgentPubKey(core: key.publicKey), messages.map { Signature(key.sign($0)) })
    }
}
