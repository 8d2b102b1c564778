/// Exactly 64 bytes, held inline as two ``Bytes32``: signatures and capability secrets.
public struct Bytes64: Hashable, Sendable, Comparable {
    /// Bytes 0…31.
    public var low: Bytes32
    /// Bytes 32…63.
    public var high: Bytes32

    /// 64 zero bytes.
    @inlinable
    public init() {
        low = Bytes32()
        high = Bytes32()
    }

    /// Joins two halves.
    @inlinable
    public init(low: Bytes32, high: Bytes32) {
        self.low = low
        self.high = high
    }

    /// Copies 64 bytes; nil when `bytes` has any other count.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 64 else { return nil }
        if let value = bytes.withContiguousStorageIfAvailable({ Bytes64(UnsafeRawBufferPointer($0)) }) {
            self = value
            return
        }
        self.init()
        Swift.withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: bytes) }
    }

    /// Copies 64 bytes. `raw.count` must be 64: callers check lengths that come from outside.
    @inlinable
    public init(_ raw: UnsafeRawBufferPointer) {
        precondition(raw.count == 64, "Bytes64 takes exactly 64 bytes")
        low = Bytes32(UnsafeRawBufferPointer(rebasing: raw[0..<32]))
        high = Bytes32(UnsafeRawBufferPointer(rebasing: raw[32..<64]))
    }

    /// Always 64.
    @inlinable public var count: Int { 64 }

    /// A copy as an array of 64 bytes.
    @inlinable public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// The byte at `index` (0…63).
    @inlinable
    public subscript(index: Int) -> UInt8 { withUnsafeBytes { $0[index] } }

    /// Lends the 64 bytes for the time of `body`.
    @inlinable
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: self, body)
    }

    /// Lends the 64 bytes for writing, for the time of `body`.
    @inlinable
    public mutating func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try Swift.withUnsafeMutableBytes(of: &self, body)
    }

    /// Byte order: the first differing byte decides.
    @inlinable
    public static func < (left: Bytes64, right: Bytes64) -> Bool {
        left.low != right.low ? left.low < right.low : left.high < right.high
    }
}
