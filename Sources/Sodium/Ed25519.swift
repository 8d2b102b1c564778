import CSodium

/// An Ed25519 signing key in guarded memory.
public struct SecretKey: ~Copyable, Sendable {
    /// libsodium's expanded form: seed ‖ public key, 64 bytes.
    private let expanded: SecretBytes
    /// The 32-byte public key; the core of an agent key.
    public let publicKey: Bytes32

    /// Derives the key of a 32-byte seed; nil for a seed of another length.
    public init?(seed: borrowing SecretBytes) {
        Library.start()
        guard seed.count == 32 else { return nil }
        let secret = SecretBytes(count: 64)
        let seedPointer = seed.pointer()
        var key = Bytes32()
        let status = key.withMutablePointer { crypto_sign_seed_keypair($0, secret.pointer(), seedPointer) }
        guard status == 0 else { return nil }
        expanded = secret
        publicKey = key
    }

    /// The same key as X25519 has it, 32 bytes; nil only where libsodium refuses, which it does for no key that it made.
    borrowing func x25519() -> SecretBytes? {
        let out = SecretBytes(count: 32)
        let secret = expanded.pointer()
        guard crypto_sign_ed25519_sk_to_curve25519(out.pointer(), secret) == 0 else { return nil }
        return out
    }

    /// The 64-byte signature of `message`; the same message always gives the same signature.
    public borrowing func sign(_ message: UnsafeRawBufferPointer) -> Bytes64 {
        var out = Bytes64()
        let secret = expanded.pointer()
        _ = out.withMutablePointer { crypto_sign_detached($0, nil, message.bound, UInt64(message.count), secret) }
        return out
    }

    /// The 64-byte signature of `message`; the same message always gives the same signature.
    public borrowing func sign(_ message: [UInt8]) -> Bytes64 {
        var out = Bytes64()
        let secret = expanded.pointer()
        _ = out.withMutablePointer { crypto_sign_detached($0, nil, message, UInt64(message.count), secret) }
        return out
    }
}

/// Ed25519 signatures with libsodium's rule: cofactorless, S below the group order, no small-order or non-canonical keys.
public enum Ed25519 {
    /// True when `signature` is `key`'s over exactly `message`.
    public static func verify(_ signature: Bytes64, _ message: UnsafeRawBufferPointer, by key: Bytes32) -> Bool {
        Library.start()
        return signature.withPointer { signaturePointer in
            key.withPointer {
                crypto_sign_verify_detached(signaturePointer, message.bound, UInt64(message.count), $0) == 0
            }
        }
    }

    /// True when `signature` is `key`'s over exactly `message`.
    public static func verify(_ signature: Bytes64, _ message: [UInt8], by key: Bytes32) -> Bool {
        message.withUnsafeBytes { verify(signature, $0, by: key) }
    }

    /// The public key of a 32-byte seed; nil for a seed of another length.
    public static func publicKey(seed: borrowing SecretBytes) -> Bytes32? {
        guard let key = SecretKey(seed: seed) else { return nil }
        return key.publicKey
    }

    /// The signature of `message` by `secretKey`.
    public static func sign(_ message: [UInt8], secretKey: borrowing SecretKey) -> Bytes64 {
        secretKey.sign(message)
    }

    /// A fresh random seed; derive the key with ``SecretKey/init(seed:)`` and keep the seed.
    public static func generateSeed() -> SecretBytes { SecretBytes.random(count: 32) }
}
