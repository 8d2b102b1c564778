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
        let keyPointer = key.pointer()
        return [UInt8](unsafeUninitializedCapacity: plain.count + overhead) { buffer, filled in
            guard let target = buffer.baseAddress else { return }
            var written: UInt64 = 0
            _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                target, &written, plain.bound, UInt64(plain.count), ad, UInt64(ad.count), nil, nonce,
                keyPointer)
            filled = Int(written)
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
        guard key.count == keyBytes, nonce.count == nonceBytes, sealed.count >= overhead, let source = sealed.bound
        else {
            return nil
        }
        var status: Int32 = -1
        let keyPointer = key.pointer()
        let plain = [UInt8](unsafeUninitializedCapacity: sealed.count - overhead) { buffer, filled in
            var written: UInt64 = 0
            status = crypto_aead_xchacha20poly1305_ietf_decrypt(
                buffer.baseAddress, &written, nil, source, UInt64(sealed.count), ad, UInt64(ad.count), nonce, keyPointer
            )
            filled = status == 0 ? Int(written) : 0
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
        let plain = SecretBytes(count: sealed.count - overhead)
        let status = crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain.pointer(), nil, nil, sealed, UInt64(sealed.count), ad, UInt64(ad.count), nonce, key.pointer())
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
        let out = SecretBytes(count: count)
        let status = passphrase.pointer().withMemoryRebound(to: CChar.self, capacity: passphrase.count) { text in
            crypto_pwhash_argon2id(
                out.pointer(), UInt64(count), text, UInt64(passphrase.count), salt, ops, memoryBytes,
                crypto_pwhash_argon2id_ALG_ARGON2ID13)
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
        let out = SecretBytes(count: count)
        let status = context.utf8Start.withMemoryRebound(to: CChar.self, capacity: 8) { label in
            crypto_kdf_derive_from_key(out.pointer(), count, id, label, master.pointer())
        }
        precondition(status == 0, "libsodium refused sizes that were just checked")
        return out
    }
}
