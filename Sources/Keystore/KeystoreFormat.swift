import Integrity
import Sodium

/// The bytes of a keystore file, version 1; docs/spec/keystore.md is the same in words.
///
/// ```
/// 0    8   magic "PLSMKEYS"
/// 8    2   version, 1
/// 10   2   key derivation, 1 = Argon2id version 1.3
/// 12   4   Argon2id passes
/// 16   8   Argon2id memory in bytes
/// 24   16  salt
/// 40   24  nonce of the wrapped master key
/// 64   48  master key under the passphrase's key, with bytes 0..<40 as associated data
/// 112  16  first half of BLAKE2b-256 of bytes 0..<112
/// 128  24  nonce of the entries
/// 152  …   entries under the master key, with bytes 0..<128 as associated data
/// ```
enum KeystoreFormat {
    static let magic: [UInt8] = Array("PLSMKEYS".utf8)
    static let version: UInt16 = 1
    static let headerBytes = 128
    static let minimumBytes = headerBytes + XChaCha20Poly1305.nonceBytes + XChaCha20Poly1305.overhead

    /// The first 128 bytes of a file.
    struct Header {
        let bytes: [UInt8]
        let cost: KeystoreCost

        var salt: [UInt8] { Array(bytes[24..<40]) }
        private var nonce: [UInt8] { Array(bytes[40..<64]) }
        private var wrapped: [UInt8] { Array(bytes[64..<112]) }

        /// Wraps a master key under a passphrase's key.
        init(wrapping master: borrowing SecretBytes, key: borrowing SecretBytes, salt: [UInt8], cost: KeystoreCost) {
            var bytes = magic
            bytes.appendLittleEndian(version)
            bytes.appendLittleEndian(UInt16(1))
            bytes.appendLittleEndian(cost.operations)
            bytes.appendLittleEndian(cost.memoryBytes)
            bytes += salt
            let nonce = SystemRandom.bytes(XChaCha20Poly1305.nonceBytes)
            let wrapped = master.withUnsafeBytes { XChaCha20Poly1305.seal($0, key: key, nonce: nonce, ad: bytes) }
            bytes += nonce
            bytes += wrapped
            bytes += check(of: bytes)
            self.bytes = bytes
            self.cost = cost
        }

        /// Reads and checks the header of a file.
        init(file: [UInt8], path: String) throws(PlasmidError) {
            guard file.count >= headerBytes else { throw KeystoreFault.damaged(path, "it is cut short") }
            guard file.starts(with: magic) else { throw KeystoreFault.damaged(path, "it does not begin as one") }
            guard Array(file[112..<128]) == check(of: Array(file[..<112])) else {
                throw KeystoreFault.damaged(path, "its header was altered")
            }
            let version = UInt16(littleEndianBytes: file[8..<10])
            guard version <= KeystoreFormat.version else { throw KeystoreFault.newer(path, version: version) }
            guard version == KeystoreFormat.version, UInt16(littleEndianBytes: file[10..<12]) == 1 else {
                throw KeystoreFault.damaged(path, "its header makes no sense")
            }
            guard file.count >= minimumBytes else { throw KeystoreFault.damaged(path, "it is cut short") }
            bytes = Array(file[..<headerBytes])
            cost = KeystoreCost(
                operations: UInt32(littleEndianBytes: file[12..<16]),
                memoryBytes: UInt64(littleEndianBytes: file[16..<24]))
            guard cost.isBearable else {
                throw KeystoreFault.damaged(
                    path, "it asks for \(cost.operations) passes over \(cost.memoryBytes) bytes, more than any keystore"
                )
            }
        }

        /// The master key, or nil when the passphrase's key is another.
        func unwrap(key: borrowing SecretBytes) -> SecretBytes? {
            XChaCha20Poly1305.openSecret(wrapped, key: key, nonce: nonce, ad: Array(bytes[..<40]))
        }
    }

    /// One saved key.
    final class Entry: Sendable {
        let tag: String
        let createdAt: Timestamp
        let seed: SecretBytes

        init(tag: String, createdAt: Timestamp, seed: consuming SecretBytes) {
            self.tag = tag
            self.createdAt = createdAt
            self.seed = seed
        }
    }

    private static func check(of bytes: [UInt8]) -> [UInt8] {
        Array(Blake2b.hash256(bytes).array[..<16])
    }
}

// MARK: - Entries

extension KeystoreFormat {
    /// The whole file: header, nonce, sealed entries.
    static func file(_ header: Header, master: borrowing SecretBytes, entries: [Entry]) -> [UInt8] {
        let plain = plainEntries(entries)
        let nonce = SystemRandom.bytes(XChaCha20Poly1305.nonceBytes)
        let sealed = plain.withUnsafeBytes {
            XChaCha20Poly1305.seal($0, key: master, nonce: nonce, ad: header.bytes)
        }
        return header.bytes + nonce + sealed
    }

    /// The entries of a file whose master key is known.
    static func entries(
        of file: [UInt8], header: Header, master: borrowing SecretBytes, path: String
    ) throws(PlasmidError) -> [Entry] {
        let nonce = Array(file[128..<152])
        guard
            let plain = XChaCha20Poly1305.openSecret(
                Array(file[152...]), key: master, nonce: nonce, ad: header.bytes)
        else { throw KeystoreFault.damaged(path, "its entries were altered or cut short") }
        guard let entries = plain.withUnsafeBytes({ parse($0) }) else {
            throw KeystoreFault.damaged(path, "its entries make no sense")
        }
        return entries
    }

    /// `count u32`, then for each entry `kind u8 = 1 | tag length u8 | tag | created at i64 µs | seed 32`, written straight
    /// into guarded memory.
    private static func plainEntries(_ entries: [Entry]) -> SecretBytes {
        let size = entries.reduce(4) { $0 + 2 + $1.tag.utf8.count + 8 + 32 }
        var plain = SecretBytes(count: size)
        plain.withUnsafeMutableBytes { buffer in
            var offset = 0
            func put(_ bytes: some Sequence<UInt8>) {
                for byte in bytes {
                    buffer[offset] = byte
                    offset += 1
                }
            }
            put(UInt32(entries.count).littleEndianBytes)
            for entry in entries {
                put([1, UInt8(entry.tag.utf8.count)])
                put(entry.tag.utf8)
                put(UInt64(bitPattern: entry.createdAt.microseconds).littleEndianBytes)
                entry.seed.withUnsafeBytes { put($0) }
            }
        }
        return plain
    }

    private static func parse(_ plain: UnsafeRawBufferPointer) -> [Entry]? {
        var rest = plain[...]
        func take(_ count: Int) -> Slice<UnsafeRawBufferPointer>? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        guard let count = take(4).map({ UInt32(littleEndianBytes: $0) }), count <= Keystore.maxKeys else { return nil }
        var entries: [Entry] = []
        for _ in 0..<count {
            guard let head = take(2).map(Array.init), head[0] == 1, let tagBytes = take(Int(head[1])),
                let tag = String(validating: tagBytes, as: UTF8.self), Keystore.isTag(tag), let time = take(8),
                let seed = take(32)
            else { return nil }
            let createdAt = Timestamp(microseconds: Int64(bitPattern: UInt64(littleEndianBytes: time)))
            let secret = SecretBytes(copying: UnsafeRawBufferPointer(rebasing: seed))
            entries.append(Entry(tag: tag, createdAt: createdAt, seed: secret))
        }
        guard rest.isEmpty, Set(entries.map(\.tag)).count == entries.count else { return nil }
        return entries
    }
}

// MARK: - Little-endian integers

extension FixedWidthInteger {
    /// The value's bytes, lowest first.
    var littleEndianBytes: [UInt8] {
        (0..<(Self.bitWidth / 8)).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) }
    }

    /// Reads a value, lowest byte first; bytes beyond the width are left out.
    init(littleEndianBytes bytes: some Sequence<UInt8>) {
        var value: Self = 0
        for (index, byte) in bytes.enumerated() where index < Self.bitWidth / 8 {
            value |= Self(truncatingIfNeeded: byte) << (index * 8)
        }
        self = value
    }
}

extension [UInt8] {
    /// Appends the value's bytes, lowest first.
    fileprivate mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        self += value.littleEndianBytes
    }
}
