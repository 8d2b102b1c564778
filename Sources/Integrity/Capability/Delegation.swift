import Sodium

/// 32 bytes that name a secret, a certificate or an action without being it.
public typealias Fingerprint = Bytes32

/// A certificate by which the holder of a transferable capability passes it on to one agent, no wider than it was.
///
/// With it goes a secret that is derived from the holder's own and from these very bytes (``CapSecret/derived(for:)``):
/// whoever has the derived one can neither find the first nor use it for anything that the certificate leaves out. The
/// grantor, who knows the first secret, derives the same and needs no word of anybody. The signature says who passed it on.
public struct Delegation: Hashable, Sendable {
    /// The space in which the capability holds.
    public var dna: DnaHash
    /// On whose chain the grant stands.
    public var grantor: AgentPubKey
    /// Which secret it was derived from: BLAKE2b-256 of that secret's MessagePack (32 bytes).
    public var parent: Fingerprint
    /// Who passes it on.
    public var from: AgentPubKey
    /// Who may use it.
    public var to: AgentPubKey
    /// Only these functions; nil: as many as before.
    public var functions: [ZomeFunction]?
    /// When it ends and how many calls it opens, beside the limits that were there before.
    public var limits: GrantLimits
    /// 16 random bytes: two certificates of the same words have different secrets and counts.
    public var salt: [UInt8]
    /// `from`'s signature over ``signedBytes``.
    public var signature: Signature

    /// A certificate from its parts.
    public init(
        dna: DnaHash, grantor: AgentPubKey, parent: Fingerprint, from: AgentPubKey, to: AgentPubKey,
        functions: [ZomeFunction]?, limits: GrantLimits, salt: [UInt8], signature: Signature
    ) {
        self.dna = dna
        self.grantor = grantor
        self.parent = parent
        self.from = from
        self.to = to
        self.functions = functions
        self.limits = limits
        self.salt = salt
        self.signature = signature
    }

    /// Bytes of ``salt``.
    public static let saltBytes = 16

    /// What is signed, and what the secret is derived from: domain `delegation`, with the parts DNA (39 bytes), grantor
    /// (39), parent (32), from (39), to (39), the functions as MessagePack (`c0` for nil), `expires_at` as eight big-endian
    /// bytes (empty for none), `uses` as four (empty for none), salt (16).
    public var signedBytes: [UInt8] {
        var listed = MessagePackWriter()
        listed.write(functions)
        let expiry = limits.expiresAt.map { UInt64(bitPattern: $0.microseconds) }
        return SigningDomain.delegation.message([
            dna.bytes, grantor.bytes, parent.array, from.bytes, to.bytes, listed.bytes,
            expiry.map { time in (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * UInt64($0))) } } ?? [],
            limits.uses.map { uses in (0..<4).map { UInt8(truncatingIfNeeded: uses >> (24 - 8 * UInt32($0))) } } ?? [],
            salt,
        ])
    }

    /// The certificate's own name: BLAKE2b-256 of ``signedBytes``. Its uses are counted under it.
    public var id: Fingerprint { Blake2b.hash256(signedBytes) }
}

extension Delegation: Packable {
    /// Writes a map of 10 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(10)
        w.writeString("dna")
        dna.pack(into: &w)
        w.writeString("grantor")
        grantor.pack(into: &w)
        w.writeString("parent")
        parent.pack(into: &w)
        w.writeString("from")
        from.pack(into: &w)
        w.writeString("to")
        to.pack(into: &w)
        w.writeString("functions")
        w.write(functions)
        w.writeString("expires_at")
        w.write(limits.expiresAt)
        w.writeString("uses")
        w.write(limits.uses)
        w.writeString("salt")
        w.writeBinary(salt)
        w.writeString("signature")
        signature.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var dna: DnaHash?
        var grantor: AgentPubKey?
        var parent: Fingerprint?
        var from: AgentPubKey?
        var to: AgentPubKey?
        var functions: [ZomeFunction]?
        var limits = GrantLimits()
        var salt: [UInt8]?
        var signature: Signature?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "dna": try r.read(into: &dna)
            case "grantor": try r.read(into: &grantor)
            case "parent": try r.read(into: &parent)
            case "from": try r.read(into: &from)
            case "to": try r.read(into: &to)
            case "functions": functions = try r.readOptionalArray()
            case "expires_at": limits.expiresAt = try r.readOptional()
            case "uses": limits.uses = try r.readOptional()
            case "salt": salt = try r.readBytes()
            case "signature": try r.read(into: &signature)
            default: try r.skip()
            }
        }
        self.init(
            dna: try r.require(dna, "dna", of: "Delegation"),
            grantor: try r.require(grantor, "grantor", of: "Delegation"),
            parent: try r.require(parent, "parent", of: "Delegation"),
            from: try r.require(from, "from", of: "Delegation"), to: try r.require(to, "to", of: "Delegation"),
            functions: functions, limits: limits, salt: try r.require(salt, "salt", of: "Delegation"),
            signature: try r.require(signature, "signature", of: "Delegation"))
    }
}

extension CapSecret {
    /// BLAKE2b-256 of the secret's MessagePack: names a secret without showing it.
    public var fingerprint: Fingerprint { Blake2b.hash256(packed) }

    /// The secret that goes with a certificate: two BLAKE2b-256 of its signed bytes and a byte 1 or 2, keyed with this one.
    public func derived(for certificate: Delegation) -> CapSecret {
        let message = certificate.signedBytes
        let key = bytes.array
        return CapSecret(
            Bytes64(low: Blake2b.keyed256(key: key, message + [1]), high: Blake2b.keyed256(key: key, message + [2])))
    }
}
