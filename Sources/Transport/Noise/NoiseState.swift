import Sodium

/// The symmetric state of a Noise handshake: the chaining key, the hash of all that was said, and the key of the moment.
///
/// Source: the Noise protocol framework, revision 34, §5.
struct NoiseState: ~Copyable {
    /// The protocol's name has exactly 32 bytes, so that it is the first hash and chaining key as it stands.
    static let protocolName = Array("Noise_XX_25519_ChaChaPoly_SHA256".utf8)

    private var chain: SecretBytes
    private var key: SecretBytes
    private var hasKey = false
    /// Counts the uses of one key: begins at zero with each ``mixKey(_:)``, not with each message.
    private var counter: UInt64 = 0
    private(set) var hash: Bytes32

    init(prologue: [UInt8]) {
        chain = SecretBytes(count: 32)
        key = SecretBytes(count: 32)
        chain.withUnsafeMutableBytes { $0.copyBytes(from: Self.protocolName) }
        hash = Self.protocolName.withUnsafeBytes { Bytes32($0) }
        mixHash(prologue)
    }

    mutating func mixHash(_ bytes: [UInt8]) {
        hash = bytes.withUnsafeBytes { bytes in hash.withUnsafeBytes { SHA256.hash($0, bytes) } }
    }

    mutating func mixKey(_ input: borrowing SecretBytes) {
        input.withUnsafeBytes { HKDF.step(chain: &chain, input: $0, key: &key) }
        hasKey = true
        counter = 0
    }

    /// `plain`, encrypted if there is a key already, otherwise as it is.
    mutating func encryptAndHash(_ plain: [UInt8]) -> [UInt8] {
        guard hasKey else {
            mixHash(plain)
            return plain
        }
        var sealed = [UInt8](repeating: 0, count: plain.count + ChaCha20Poly1305.overhead)
        plain.withUnsafeBytes { plain in
            sealed.withUnsafeMutableBytes { sealed in
                hash.withUnsafeBytes {
                    ChaCha20Poly1305.seal(plain, into: sealed, key: key, counter: counter, ad: $0)
                }
            }
        }
        counter += 1
        mixHash(sealed)
        return sealed
    }

    /// The plain text of `sealed`, or nil, with the state as it was, when it was altered.
    mutating func decryptAndHash(_ sealed: [UInt8]) -> [UInt8]? {
        guard hasKey else {
            mixHash(sealed)
            return sealed
        }
        guard sealed.count >= ChaCha20Poly1305.overhead else { return nil }
        var plain = [UInt8](repeating: 0, count: sealed.count - ChaCha20Poly1305.overhead)
        let isTrue = sealed.withUnsafeBytes { sealed in
            plain.withUnsafeMutableBytes { plain in
                hash.withUnsafeBytes {
                    ChaCha20Poly1305.open(sealed, into: plain, key: key, counter: counter, ad: $0)
                }
            }
        }
        guard isTrue else { return nil }
        counter += 1
        mixHash(sealed)
        return plain
    }

    /// The keys of the two directions: first from the initiator to the responder, then back.
    consuming func split() -> NoiseKeys {
        var toResponder = chain.duplicate()
        var toInitiator = SecretBytes(count: 32)
        HKDF.step(chain: &toResponder, input: UnsafeRawBufferPointer(start: nil, count: 0), key: &toInitiator)
        return NoiseKeys(toResponder: toResponder, toInitiator: toInitiator)
    }
}

/// What a handshake comes to.
struct NoiseKeys: ~Copyable {
    var toResponder: SecretBytes
    var toInitiator: SecretBytes
}
