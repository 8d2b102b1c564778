import Integrity

/// A call as a client signs it: all that decides what will run, for whom and until when (DESIGN §8), so that a captured
/// signature fits no other call.
public struct ClientCall: Sendable {
    /// The cell's DNA.
    public var dna: DnaHash
    /// The cell's agent: whose chain the call acts on.
    public var agent: AgentPubKey
    /// The zome's name.
    public var zome: String
    /// The function's name.
    public var function: String
    /// The arguments: one MessagePack value (`c0` where there are none).
    public var payload: [UInt8]
    /// 32 bytes that the signer uses once.
    public var nonce: [UInt8]
    /// When the call is no longer accepted.
    public var expiresAt: Timestamp
    /// The capability secret shown, if any; only its hash is signed over.
    public var secret: CapSecret?

    /// A call from its parts.
    public init(
        dna: DnaHash, agent: AgentPubKey, zome: String, function: String, payload: [UInt8], nonce: [UInt8],
        expiresAt: Timestamp, secret: CapSecret?
    ) {
        self.dna = dna
        self.agent = agent
        self.zome = zome
        self.function = function
        self.payload = payload
        self.nonce = nonce
        self.expiresAt = expiresAt
        self.secret = secret
    }

    /// How long a nonce is.
    public static let nonceBytes = 32

    /// The bytes to sign: domain `call`, with the parts DNA (39 bytes), agent (39), zome, function, BLAKE2b-256 of the
    /// payload, nonce, `expires_at` in microseconds (8 bytes, big-endian), BLAKE2b-256 of the secret (empty without one).
    public var signedBytes: [UInt8] {
        let expiry = UInt64(bitPattern: expiresAt.microseconds)
        return SigningDomain.call.message([
            dna.bytes, agent.bytes, Array(zome.utf8), Array(function.utf8), Self.blake2b(payload), nonce,
            (0..<8).map { UInt8(truncatingIfNeeded: expiry >> (56 - 8 * UInt64($0))) },
            secret.map { Self.blake2b($0.rawBytes) } ?? [],
        ])
    }

    /// Checks that `signer` signed exactly this call.
    /// - Throws: `authenticationFailed`, without a word on what differs: the signature does not say.
    public func authenticate(_ signature: Signature, by signer: AgentPubKey) throws(PlasmidError) {
        guard nonce.count == Self.nonceBytes else {
            throw PlasmidError(
                .authenticationFailed, "The nonce of the call has \(nonce.count) bytes instead of \(Self.nonceBytes).",
                hint: "sign every call with 32 fresh random bytes")
        }
        guard signature.verifies(signedBytes, by: signer) else {
            throw PlasmidError(
                .authenticationFailed, "The signature over the call is not one of \(signer).",
                hint: "sign DNA, agent, zome, function, payload, nonce, expires_at and secret as they are sent")
        }
    }

    private static func blake2b(_ bytes: [UInt8]) -> [UInt8] { Array(EntryHash(hashing: bytes).bytes[3..<35]) }
}

extension CapSecret {
    /// The 64 bytes themselves, without their MessagePack header.
    fileprivate var rawBytes: [UInt8] { packed.suffix(64) }
}
