import CSodium

/// libsodium's crypto_box (X25519, XSalsa20, Poly1305) between Ed25519 keys that are converted to X25519: what one seals for
/// another, these two can open and nobody else can make.
public enum Box {
    /// Bytes of a nonce.
    public static let nonceBytes = 24
    /// How much longer sealed bytes are than plain ones.
    public static let tagBytes = 16

    /// Seals `plain` by `sender` for `recipient`: the tag, then as many bytes as `plain`. Nil where `recipient` is no Ed25519
    /// public key (not a point, or one of small order).
    public static func seal(
        _ plain: [UInt8], nonce: [UInt8], from sender: borrowing SecretKey, to recipient: Bytes32
    ) -> [UInt8]? {
        precondition(nonce.count == nonceBytes, "a nonce of crypto_box has 24 bytes")
        guard let key = X25519.converted(recipient), let secret = sender.x25519() else { return nil }
        var status: Int32 = -1
        let secretPointer = secret.pointer()
        let out = [UInt8](unsafeUninitializedCapacity: plain.count + tagBytes) { buffer, filled in
            guard let target = buffer.baseAddress else { return }
            status = key.withPointer {
                crypto_box_easy(target, plain, UInt64(plain.count), nonce, $0, secretPointer)
            }
            filled = status == 0 ? plain.count + tagBytes : 0
        }
        return status == 0 ? out : nil
    }

    /// Opens what ``seal(_:nonce:from:to:)`` sealed; nil where it was altered, cut, or sealed by or for somebody else.
    public static func open(
        _ sealed: [UInt8], nonce: [UInt8], from sender: Bytes32, to recipient: borrowing SecretKey
    ) -> [UInt8]? {
        precondition(nonce.count == nonceBytes, "a nonce of crypto_box has 24 bytes")
        guard sealed.count >= tagBytes, let key = X25519.converted(sender), let secret = recipient.x25519() else {
            return nil
        }
        var status: Int32 = -1
        let secretPointer = secret.pointer()
        let out = [UInt8](unsafeUninitializedCapacity: max(sealed.count - tagBytes, 1)) { buffer, filled in
            guard let target = buffer.baseAddress else { return }
            status = key.withPointer {
                crypto_box_open_easy(target, sealed, UInt64(sealed.count), nonce, $0, secretPointer)
            }
            filled = status == 0 ? sealed.count - tagBytes : 0
        }
        return status == 0 ? out : nil
    }
}

/// libsodium's crypto_secretbox (XSalsa20, Poly1305) under a key that both sides have.
public enum SecretBox {
    /// Bytes of a key.
    public static let keyBytes = 32
    /// Bytes of a nonce.
    public static let nonceBytes = 24
    /// How much longer sealed bytes are than plain ones.
    public static let tagBytes = 16

    /// Seals `plain`: the tag, then as many bytes as `plain`.
    public static func seal(_ plain: [UInt8], nonce: [UInt8], key: Bytes32) -> [UInt8] {
        Library.start()
        precondition(nonce.count == nonceBytes, "a nonce of crypto_secretbox has 24 bytes")
        return [UInt8](unsafeUninitializedCapacity: plain.count + tagBytes) { buffer, filled in
            guard let target = buffer.baseAddress else { return }
            _ = key.withPointer { crypto_secretbox_easy(target, plain, UInt64(plain.count), nonce, $0) }
            filled = plain.count + tagBytes
        }
    }

    /// Opens what ``seal(_:nonce:key:)`` sealed; nil where it was altered, cut, or sealed under another key.
    public static func open(_ sealed: [UInt8], nonce: [UInt8], key: Bytes32) -> [UInt8]? {
        Library.start()
        precondition(nonce.count == nonceBytes, "a nonce of crypto_secretbox has 24 bytes")
        guard sealed.count >= tagBytes else { return nil }
        var status: Int32 = -1
        let out = [UInt8](unsafeUninitializedCapacity: max(sealed.count - tagBytes, 1)) { buffer, filled in
            guard let target = buffer.baseAddress else { return }
            status = key.withPointer {
                crypto_secretbox_open_easy(target, sealed, UInt64(sealed.count), nonce, $0)
            }
            filled = status == 0 ? sealed.count - tagBytes : 0
        }
        return status == 0 ? out : nil
    }
}
