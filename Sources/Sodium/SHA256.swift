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
}
