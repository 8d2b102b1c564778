import CSodium

/// Authenticated encryption with a 32-byte key and a 24-byte nonce that may be drawn at random.
public enum XChaCha20Poly1305 {
    /// Key size in bytes.
    public static let keyBytes = 32
    /// Nonce size in bytes.
    public static let nonceBytes = 24
    /// How many bytes a sealed text is longer than the plain one.
    public static let overhead = 16

    /// Encrypts and authenticates `plain` and authenticates `ad`; the result is `plain.count + 16` bytes.
    /// A key or nonce of the wrong length is a programming error.
    public static func seal(
        _ plain: UnsafeRawBufferPointer, key: borrowing SecretBytes, nonce: [UInt8], ad: [UInt8] = []
    ) -> [UInt8] {
        Library.start()
        precondition(key.count == keyBytes && nonce.count == nonceBytes, "wrong key or nonce length")
        return key.withUnsafeBytes { keyBytes in
            [UInt8](unsafeUninitializedCapacity: plain.count + overhead) { buffer, filled in
                var written: UInt64 = 0
                _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                    buffer.baseAddress, &written, plain.bound, UInt64(plain.count), ad, UInt64(ad.count), nil, nonce,
                    keyBytes.bound)
                filled = Int(written)
            }
        }
    }

    /// Encrypts and authenticates `plain` and authenticates `ad`; the result is `plain.count + 16` bytes.
    public static func seal(
        _ plain: [UInt8], key: borrowing SecretBytes, nonce: [UInt8], ad: [UInt8] = []
    ) -> [UInt8] {
        plain.withUnsafeBytes { seal($0, key: key, nonce: nonce, ad: ad) }
    }

    /// The plain text, or nil when anything is not as it was sealed (key, nonce, `ad`, a single bit, the length).
    public static func open(
        _ sealed: UnsafeRawBufferPointer, key: borrowing SecretBytes, nonce: [UInt8], ad: [UInt8] = []
    ) -> [UInt8]? {
        Library.start()
        guard key.count == keyBytes, nonce.count == nonceBytes, sealed.count >= overhead else { return nil }
        var status: Int32 = -1
        let plain = key.withUnsafeBytes { keyBytes in
            [UInt8](unsafeUninitializedCapacity: sealed.count - overhead) { buffer, filled in
                var written: UInt64 = 0
                status = crypto_aead_xchacha20poly1305_ietf_decrypt(
                    buffer.baseAddress, &written, nil, sealed.bound, UInt64(sealed.count), ad, UInt64(ad.count), nonce,
                    keyBytes.bound)
                filled = status == 0 ? Int(written) : 0
            }
        }
        return status == 0 ? plain : nil
    }

    /// The plain text, or nil when anything is not as it was sealed.
    public static func open(
        _ sealed: [UInt8], key: borrowing SecretBytes, nonce: [UInt8], ad: [UInt8] = []
    ) -> [UInt8]? {
        sealed.withUnsafeBytes { open($0, key: key, nonce: nonce, ad: ad) }
    }

    /// The plain text in guarded memory, or nil when anything is not as it was sealed.
    public static func openSecret(
        _ sealed: [UInt8], key: borrowing SecretBytes, nonce: [UInt8], ad: [UInt8] = []
    ) -> SecretBytes? {
        Library.start()
        guard key.count == keyBytes, nonce.count == nonceBytes, sealed.count >= overhead else { return nil }
        var plain = SecretBytes(count: sealed.count - overhead)
        let status = key.withUnsafeBytes { keyBytes in
            plain.withUnsafeMutableBytes { target in
                crypto_aead_xchacha20poly1305_ietf_decrypt(
                    target.bound, nil, nil, sealed, UInt64(sealed.count), ad, UInt64(ad.count), nonce, keyBytes.bound)
            }
        }
        guard status == 0 else { return nil }
        return plain
    }
}

/// Argon2id version 1.3 with one lane: passphrases to keys, and proofs of work.
public enum Argon2id {
    /// Salt size in bytes.
    public static let saltBytes = 16

    /// `count` bytes of key; nil when the parameters are out of libsodium's range (`ops` ≥ 1, memory ≥ 8 KiB, salt 16 bytes,
    /// `count` 16…65,536) or the memory cannot be had. Takes long by intent: never on the conductor loop.
    public static func derive(
        passphrase: borrowing SecretBytes, salt: [UInt8], ops: UInt64, memoryBytes: Int, count: Int = 32
    ) -> SecretBytes? {
        Library.start()
        guard salt.count == saltBytes, (16...65_536).contains(count), memoryBytes >= 8192, ops >= 1 else { return nil }
        var out = SecretBytes(count: count)
        let status = passphrase.withUnsafeBytes { text in
            out.withUnsafeMutableBytes { target -> Int32 in
                guard let start = text.baseAddress else { return -1 }
                return crypto_pwhash_argon2id(
                    target.bound, UInt64(count), start.assumingMemoryBound(to: CChar.self), UInt64(text.count), salt,
                    ops,
                    memoryBytes, crypto_pwhash_argon2id_ALG_ARGON2ID13)
            }
        }
        guard status == 0 else { return nil }
        return out
    }
}

/// libsodium's key derivation: many independent subkeys of one 32-byte master key.
public enum KDF {
    /// Subkey number `id` in the 8-byte `context`, `count` bytes long (16…64). A wrong length is a programming error.
    public static func derive(
        from master: borrowing SecretBytes, context: StaticString, id: UInt64, count: Int = 32
    ) -> SecretBytes {
        Library.start()
        precondition(master.count == 32, "a master key has 32 bytes")
        precondition(context.utf8CodeUnitCount == 8, "a context has 8 bytes")
        precondition((16...64).contains(count), "a subkey has 16 to 64 bytes")
        var out = SecretBytes(count: count)
        let status = master.withUnsafeBytes { key in
            out.withUnsafeMutableBytes { target in
                context.utf8Start.withMemoryRebound(to: CChar.self, capacity: 8) { label -> Int32 in
                    guard let to = target.bound, let from = key.bound else { return -1 }
                    return crypto_kdf_derive_from_key(to, count, id, label, from)
                }
            }
        }
        precondition(status == 0, "libsodium refused sizes that were just checked")
        return out
    }
}
