import CSodium

/// Diffie-Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// Bytes of a secret, of a public key and of what two of them agree on.
    public static let keyBytes = 32

    /// The public key of a 32-byte secret (which is clamped as the RFC says, so that any 32 bytes are a secret). A secret of
    /// another length is a programming error.
    public static func publicKey(of secret: borrowing SecretBytes) -> Bytes32 {
        Library.start()
        precondition(secret.count == keyBytes, "a secret of X25519 has 32 bytes")
        var out = Bytes32()
        let pointer = secret.pointer()
        _ = out.withMutablePointer { crypto_scalarmult_curve25519_base($0, pointer) }
        return out
    }

    /// What the owner of `secret` and the owner of `key` both come to, into the 32 bytes of `shared`. False, with zeros in
    /// `shared`, where `key` is of small order, so that the outcome would be all zero whatever the secret.
    public static func agree(
        _ secret: borrowing SecretBytes, _ key: Bytes32, into shared: inout SecretBytes
    ) -> Bool {
        Library.start()
        precondition(secret.count == keyBytes && shared.count == keyBytes, "secrets of X25519 have 32 bytes")
        let secretPointer = secret.pointer()
        let target = shared.pointer()
        if key.withPointer({ crypto_scalarmult_curve25519(target, secretPointer, $0) }) == 0 { return true }
        sodium_memzero(target, keyBytes)
        return false
    }

    /// What the owner of `secret` and the owner of `key` both come to, 32 bytes; nil where `key` is of small order.
    /// Hash it before use: not every bit of it is random.
    public static func agree(_ secret: borrowing SecretBytes, _ key: Bytes32) -> SecretBytes? {
        var shared = SecretBytes(count: keyBytes)
        guard agree(secret, key, into: &shared) else { return nil }
        return shared
    }

    /// An Ed25519 public key as X25519 has it; nil where it is none: not a point, or one of small order.
    public static func converted(_ ed25519: Bytes32) -> Bytes32? {
        Library.start()
        var out = Bytes32()
        let status = out.withMutablePointer { converted in
            ed25519.withPointer { crypto_sign_ed25519_pk_to_curve25519(converted, $0) }
        }
        return status == 0 ? out : nil
    }
}

extension SecretKey {
    /// The X25519 secret that this key and another Ed25519 key agree on, both converted: the same 32 bytes for either of the
    /// two owners, and nobody else has them. Nil where `other` is no Ed25519 public key. Hash it before use.
    public borrowing func agree(with other: Bytes32) -> SecretBytes? {
        guard let key = X25519.converted(other), let secret = x25519() else { return nil }
        return X25519.agree(secret, key)
    }
}
