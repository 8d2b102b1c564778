import CSodium

/// BLAKE2b (RFC 7693) as the data model uses it: 32-byte and 16-byte digests, with and without a key.
public enum Blake2b {
    /// The 32-byte digest of `bytes`.
    public static func hash256(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        Library.start()
        var out = Bytes32()
        out.withUnsafeMutableBytes { target in
            _ = crypto_generichash(target.bound, 32, bytes.bound, UInt64(bytes.count), nil, 0)
        }
        return out
    }

    /// The 32-byte digest of `bytes`.
    public static func hash256(_ bytes: [UInt8]) -> Bytes32 {
        bytes.withUnsafeBytes { hash256($0) }
    }

    /// The 16-byte digest of `bytes`.
    public static func hash128(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let words = hash128Words(bytes)
        return withUnsafeBytes(of: words) { [UInt8]($0) }
    }

    /// The 16-byte digest of `bytes`.
    public static func hash128(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { hash128($0) }
    }

    /// The 16-byte digest XORed to four bytes (digest words 0 ^ 1 ^ 2 ^ 3), read as a little-endian number: the DHT location
    /// of a 32-byte core.
    public static func location(of core: Bytes32) -> UInt32 {
        let words = core.withUnsafeBytes { hash128Words($0) }
        let folded = words.0 ^ words.1
        return UInt32(truncatingIfNeeded: folded) ^ UInt32(truncatingIfNeeded: folded >> 32)
    }

    /// The 32-byte keyed digest (a MAC) of `bytes`. `key` has 16…64 bytes: a programming error otherwise.
    public static func keyed256(key: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        Library.start()
        precondition((16...64).contains(key.count), "a BLAKE2b key has 16 to 64 bytes")
        var out = Bytes32()
        out.withUnsafeMutableBytes { target in
            _ = crypto_generichash(target.bound, 32, bytes.bound, UInt64(bytes.count), key.bound, key.count)
        }
        return out
    }

    /// The 32-byte keyed digest (a MAC) of `bytes`. `key` has 16…64 bytes: a programming error otherwise.
    public static func keyed256(key: [UInt8], _ bytes: [UInt8]) -> Bytes32 {
        key.withUnsafeBytes { keyBytes in bytes.withUnsafeBytes { keyed256(key: keyBytes, $0) } }
    }

    /// The 32-byte keyed digest (a MAC) of `bytes` under a secret key of 16…64 bytes.
    public static func keyed256(key: borrowing SecretBytes, _ bytes: [UInt8]) -> Bytes32 {
        key.withUnsafeBytes { keyBytes in bytes.withUnsafeBytes { keyed256(key: keyBytes, $0) } }
    }

    private static func hash128Words(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        Library.start()
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { target in
            _ = crypto_generichash(target.bound, 16, bytes.bound, UInt64(bytes.count), nil, 0)
        }
        return (UInt64(littleEndian: words.0), UInt64(littleEndian: words.1))
    }

    /// A 32-byte digest fed in parts.
    public struct Hasher256: Sendable {
        private var state = crypto_generichash_state()

        /// Starts an empty digest.
        public init() {
            Library.start()
            _ = crypto_generichash_init(&state, nil, 0, 32)
        }

        /// Adds bytes to what is hashed.
        public mutating func update(_ bytes: UnsafeRawBufferPointer) {
            _ = crypto_generichash_update(&state, bytes.bound, UInt64(bytes.count))
        }

        /// Adds bytes to what is hashed.
        public mutating func update(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// The digest of everything added so far; the hasher itself can go on.
        public func finish() -> Bytes32 {
            var copy = state
            var out = Bytes32()
            out.withUnsafeMutableBytes { target in
                _ = crypto_generichash_final(&copy, target.bound, 32)
            }
            return out
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The base as libsodium wants it; nil for an empty buffer without a base.
    @inline(__always)
    var bound: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    /// The base as libsodium wants it; nil for an empty buffer without a base.
    @inline(__always)
    var bound: UnsafeMutablePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
