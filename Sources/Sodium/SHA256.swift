import CSodium

/// SHA-256 (FIPS 180-4): nothing here is addressed by it; addresses of 2019 were.
public enum SHA256 {
    /// The 32-byte digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> Bytes32 {
        Library.start()
        var out = Bytes32()
        _ = out.withMutablePointer { digest in
            bytes.withUnsafeBytes { crypto_hash_sha256(digest, $0.bound, UInt64($0.count)) }
        }
        return out
    }

    /// The 32-byte digest of two strings of bytes, one after the other.
    public static func hash(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bytes32 {
        Library.start()
        var state = crypto_hash_sha256_state()
        _ = crypto_hash_sha256_init(&state)
        if !first.isEmpty { _ = crypto_hash_sha256_update(&state, first.bound, UInt64(first.count)) }
        if !second.isEmpty { _ = crypto_hash_sha256_update(&state, second.bound, UInt64(second.count)) }
        var out = Bytes32()
        _ = out.withMutablePointer { crypto_hash_sha256_final(&state, $0) }
        return out
    }
}
