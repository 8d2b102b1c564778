/// Exactly 32 bytes, held inline as four words in memory order: keys, hashes, digests.
///
/// Ordered as byte strings are (first byte most significant). Not for secrets: see ``SecretBytes``.
public struct Bytes32: Hashable, Sendable, Comparable {
    @usableFromInline var word0: UInt64
    @usableFromInline var word1: UInt64
    @usableFromInline var word2: UInt64
    @usableFromInline var word3: UInt64

    /// 32 zero bytes.
    @inlinable
    public init() {
        word0 = 0
        word1 = 0
        word2 = 0
        word3 = 0
    }

    /// Copies 32 bytes; nil when `bytes` has any other count.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        if let value = bytes.withContiguousStorageIfAvailable({ Bytes32(UnsafeRawBufferPointer($0)) }) {
            self = value
            return
        }
        self.init()
        Swift.withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: bytes) }
    }

    /// Copies 32 bytes. `raw.count` must be 32: callers check lengths that come from outside.
    @inlinable
    public init(_ raw: UnsafeRawBufferPointer) {
        precondition(raw.count == 32, "Bytes32 takes exactly 32 bytes")
        word0 = raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        word1 = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        word2 = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        word3 = raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    }

    /// 32 times the same byte.
    @inlinable
    public init(repeating byte: UInt8) {
        let word = UInt64(byte) &* 0x0101_0101_0101_0101
        word0 = word
        word1 = word
        word2 = word
        word3 = word
    }

    /// Always 32.
    @inlinable public var count: Int { 32 }

    /// A copy as an array of 32 bytes.
    @inlinable public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// The byte at `index` (0…31).
    @inlinable
    public subscript(index: Int) -> UInt8 { withUnsafeBytes { $0[index] } }

    /// Lends the 32 bytes for the time of `body`.
    @inlinable
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: self, body)
    }

    /// Lends the 32 bytes for writing, for the time of `body`.
    @inlinable
    public mutating func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try Swift.withUnsafeMutableBytes(of: &self, body)
    }

    /// Byte order: the first differing byte decides.
    @inlinable
    public static func < (left: Bytes32, right: Bytes32) -> Bool {
        if left.word0 != right.word0 { return left.word0.bigEndian < right.word0.bigEndian }
        if left.word1 != right.word1 { return left.word1.bigEndian < right.word1.bigEndian }
        if left.word2 != right.word2 { return left.word2.bigEndian < right.word2.bigEndian }
        return left.word3.bigEndian < right.word3.bigEndian
    }

    /// Equal bytes. Not constant time: compare secrets with ``constantTimeEquals(_:_:)-(Bytes32,_)``.
    @inlinable
    public static func == (left: Bytes32, right: Bytes32) -> Bool {
        left.word0 == right.word0 && left.word1 == right.word1 && left.word2 == right.word2
            && left.word3 == right.word3
    }
}
