public import Integrity
public import Sodium

/// How an agent shows over a connection that it holds its key, to the peer at the other end and to nobody else
/// (docs/spec/space.md §5).
///
/// The proof is a MAC under a secret that the agent's key and the peer's key have in common. The peer could have made it
/// itself, so that it convinces no third party: neither the contact nor the messages can be shown to have taken place.
public enum AgentProof {
    /// Bytes of a proof.
    public static let bytes = 32

    /// What is authenticated: which agent, to which peer, in which space, on which side of which connection.
    /// - Parameters:
    ///   - role: the prover's side.
    ///   - peer: the other side's libp2p public key (Ed25519).
    public static func statement(
        agent: AgentPubKey, role: LinkRole, peer: Bytes32, keys: SpaceKeys, handshakeHash: [UInt8]
    ) -> [UInt8] {
        role.bytes("plasmid agent proof v1") + keys.agent.array + handshakeHash + agent.core.array + peer.array
    }

    /// The proof: BLAKE2b-256 of the statement, keyed with X25519 of both keys converted from Ed25519.
    public static func mac(secret: borrowing SecretBytes, statement: [UInt8]) -> Bytes32 {
        Blake2b.keyed256(key: secret, statement)
    }
}
