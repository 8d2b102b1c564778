import CSodium

/// BLAKE2b (RFC 7693) as the data model uses it: 32-byte and 16-byte digests, with and without a key.
public enum Blake2b {
    /// The 32-byte digest of `bytes`.
    public static func hash256(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        Library.start()
        var out = Bytes32()
        _ = out.withMutablePointer { crypto_generichash($0, 32, bytes.bound, UInt64(bytes.count), nil, 0) }
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
        _ = out.withMutablePointer {
            crypto_generichash($0, 32, bytes.bound, UInt64(bytes.count), key.bound, key.count)
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
        var out = Bytes32()
        _ = out.withMutablePointer { crypto_generichash($0, 16, bytes.bound, UInt64(bytes.count), nil, 0) }
        return (UInt64(littleEndian: out.word0), UInt64(littleEndian: out.word1))
    }

    /// A 32-byte digest fed in parts. One owner at a time; its state lies in aligned memory of its own.
    public struct Hasher256: ~Copyable {
        private let memory: UnsafeMutableRawPointer

        /// Starts an empty digest.
        public init() {
            Library.start()
            memory = UnsafeMutableRawPointer.allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
            _ = crypto_generichash_init(OpaquePointer(memory), nil, 0, 32)
        }

        deinit { memory.deallocate() }

        /// Adds bytes to what is hashed.
        public mutating func update(_ bytes: UnsafeRawBufferPointer) {
            _ = crypto_generichash_update(OpaquePointer(memory), bytes.bound, UInt64(bytes.count))
        }

        /// Adds bytes to what is hashed.
        public mutating func update(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// The digest of everything added; the hasher ends with it.
        public consuming func finish() -> Bytes32 {
            var out = Bytes32()
            _ = out.withMutablePointer { crypto_generichash_final(OpaquePointer(memory), $0, 32) }
            return out
        }
    }
}
