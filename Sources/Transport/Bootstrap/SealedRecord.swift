public import Integrity
public import Sodium

/// What the members of a space share to find each other without saying which space it is: names that change every hour,
/// and a key under which a record of how to be reached is sealed (docs/spec/discovery.md).
///
/// Everything here is derived from the space's key, 32 bytes that the caller has; who lacks it sees random bytes.
public struct Rendezvous: Sendable {
    /// Seconds that a name lasts.
    public static let epochSeconds: Int64 = 3_600
    /// Bytes of a record before it is sealed, at most.
    public static let recordBytesMaximum = SealedRecord.sizes[SealedRecord.sizes.count - 1] - SealedRecord.overhead

    private let nameKey: Bytes32
    private let sealKey: Bytes32

    /// The meeting places of the space that has this key of 32 bytes.
    public init(spaceKey: Bytes32) {
        nameKey = Blake2b.keyed256(key: spaceKey.array, Array("plasmid rendezvous name 1".utf8))
        sealKey = Blake2b.keyed256(key: spaceKey.array, Array("plasmid rendezvous seal 1".utf8))
    }

    /// The hour of `time`, counted from 1970; times before count as the first.
    public static func epoch(at time: Timestamp) -> UInt64 {
        UInt64(max(0, time.microseconds / 1_000_000 / epochSeconds))
    }

    /// The epochs in which a seeker looks: this one, the one before, and the next, so that clocks may differ by an hour
    /// either way.
    public static func epochs(at time: Timestamp) -> [UInt64] {
        let now = epoch(at: time)
        return now == 0 ? [0, 1] : [now, now - 1, now + 1]
    }

    /// The space's name in an epoch.
    public func name(epoch: UInt64) -> Bytes32 {
        Blake2b.keyed256(key: nameKey.array, epoch.bigEndianBytes)
    }

    /// The provider key of an epoch in Kad: the SHA-256 multihash of the name, 34 bytes. The nodes that are asked to keep it
    /// learn the hash alone, so that what they see does not tell them a name at a bootstrap server.
    public func providerKey(epoch: UInt64) -> [UInt8] {
        [0x12, 0x20] + SHA256.hash(name(epoch: epoch).array).array
    }

    /// The place of a record under a name, which only its owner (who has `secret`, 32 bytes of their own) can know: nobody
    /// else can replace it, and two hours of one owner do not look alike.
    public static func slot(secret: borrowing SecretBytes, name: Bytes32) -> Bytes32 {
        Blake2b.keyed256(key: secret, Array("plasmid rendezvous slot 1".utf8) + name.array)
    }

    /// Seals `record` (at most ``recordBytesMaximum`` bytes) for an epoch with a nonce of 24 random bytes; nil where it is
    /// too long.
    public func seal(_ record: [UInt8], epoch: UInt64, nonce: [UInt8]) -> SealedRecord? {
        guard let size = SealedRecord.sizes.first(where: { record.count + SealedRecord.overhead <= $0 }) else {
            return nil
        }
        var plain: [UInt8] = [UInt8(record.count >> 8), UInt8(record.count & 0xff)] + record
        plain += [UInt8](repeating: 0, count: size - SealedRecord.overhead - record.count)
        let box = XChaCha20Poly1305.seal(plain, key: key(epoch: epoch), nonce: nonce, ad: name(epoch: epoch).array)
        return SealedRecord(bytes: nonce + box)
    }

    /// The record in `sealed`, or nil where it was not sealed for this space and epoch.
    public func open(_ sealed: SealedRecord, epoch: UInt64) -> [UInt8]? {
        let nonce = [UInt8](sealed.bytes[..<XChaCha20Poly1305.nonceBytes])
        let box = [UInt8](sealed.bytes[XChaCha20Poly1305.nonceBytes...])
        guard
            let plain = XChaCha20Poly1305.open(
                box, key: key(epoch: epoch), nonce: nonce, ad: name(epoch: epoch).array), plain.count >= 2
        else { return nil }
        let count = Int(plain[0]) << 8 | Int(plain[1])
        guard count <= plain.count - 2, plain[(2 + count)...].allSatisfy({ $0 == 0 }) else { return nil }
        return [UInt8](plain[2..<(2 + count)])
    }

    private func key(epoch: UInt64) -> SecretBytes {
        var bytes = Blake2b.keyed256(key: sealKey.array, epoch.bigEndianBytes).array
        return SecretBytes(moving: &bytes)
    }
}

/// Sealed bytes as a bootstrap server keeps them: a nonce of 24 bytes and what it seals, of one of three sizes in all.
public struct SealedRecord: Hashable, Sendable {
    /// The only sizes there are, in bytes: a size tells next to nothing about what is inside.
    public static let sizes = [512, 1_024, 2_048]
    /// Bytes around the record: the nonce, the tag, and the record's length.
    static let overhead = XChaCha20Poly1305.nonceBytes + XChaCha20Poly1305.overhead + 2

    /// Nonce, sealed bytes, tag.
    public let bytes: [UInt8]

    /// Takes bytes of one of ``sizes``; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard Self.sizes.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }
}

extension UInt64 {
    /// Eight bytes, the most significant first.
    var bigEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * UInt64($0))) } }
}
