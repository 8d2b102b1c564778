import CSodium

/// Authenticated encryption with a 32-byte key and a counter as nonce (RFC 8439: four zero bytes, then the counter in eight
/// bytes, least significant first). No counter may serve twice under one key.
public enum ChaCha20Poly1305 {
    /// Bytes of a key.
    public static let keyBytes = 32
    /// How many bytes a sealed text is longer than the plain one.
    public static let overhead = 16

    /// Encrypts `plain` and authenticates it with `ad`, into the first `plain.count + 16` bytes of `sealed`, which may begin
    /// where `plain` does (then it is done in place) but must not overlap it otherwise. Too small a buffer or a key of
    /// another length is a programming error.
    public static func seal(
        _ plain: UnsafeRawBufferPointer, into sealed: UnsafeMutableRawBufferPointer, key: borrowing SecretBytes,
        counter: UInt64, ad: UnsafeRawBufferPointer
    ) {
        Library.start()
        precondition(key.count == keyBytes, "a key of ChaCha20-Poly1305 has 32 bytes")
        precondition(sealed.count >= plain.count + overhead, "a sealed text is 16 bytes longer than the plain one")
        guard let target = sealed.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let keyPointer = key.pointer()
        withNonce(counter) { nonce in
            _ = crypto_aead_chacha20poly1305_ietf_encrypt(
                target, nil, plain.bound, UInt64(plain.count), ad.bound, UInt64(ad.count), nil, nonce, keyPointer)
        }
    }

    /// Decrypts `sealed` into the first `sealed.count - 16` bytes of `plain`, which may begin where `sealed` does (then it is
    /// done in place) but must not overlap it otherwise. False, with zeros in `plain`, when anything is not as it was
    /// sealed: key, counter, `ad`, a single bit, the length.
    public static func open(
        _ sealed: UnsafeRawBufferPointer, into plain: UnsafeMutableRawBufferPointer, key: borrowing SecretBytes,
        counter: UInt64, ad: UnsafeRawBufferPointer
    ) -> Bool {
        Library.start()
        precondition(key.count == keyBytes, "a key of ChaCha20-Poly1305 has 32 bytes")
        guard sealed.count >= overhead, let source = sealed.bound else { return false }
        precondition(plain.count >= sealed.count - overhead, "no room for the plain text")
        let target = plain.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let keyPointer = key.pointer()
        return withNonce(counter) { nonce in
            crypto_aead_chacha20poly1305_ietf_decrypt(
                target, nil, nil, source, UInt64(sealed.count), ad.bound, UInt64(ad.count), nonce, keyPointer) == 0
        }
    }

    /// Lends the twelve bytes of the nonce.
    @inline(__always)
    private static func withNonce<R>(_ counter: UInt64, _ body: (UnsafePointer<UInt8>) -> R) -> R {
        let words = (UInt32(0), UInt32(truncatingIfNeeded: counter).littleEndian, UInt32(counter >> 32).littleEndian)
        return withUnsafeBytes(of: words) { nonce in
            // The tuple of three words has twelve bytes and a base.
            nonce.withMemoryRebound(to: UInt8.self) { bytes in
                guard let base = bytes.baseAddress else { preconditionFailure("a tuple has an address") }
                return body(base)
            }
        }
    }
}
