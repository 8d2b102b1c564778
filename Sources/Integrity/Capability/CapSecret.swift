import Sodium

/// The 64 random bytes that open a capability. Compared in constant time; never printed.
public struct CapSecret: Hashable, Sendable, Packable, CustomStringConvertible {
    /// The 64 bytes.
    public let bytes: Bytes64

    /// A secret from its bytes.
    public init(_ bytes: Bytes64) { self.bytes = bytes }

    /// A secret from 64 bytes; nil for another count.
    public init?(_ bytes: [UInt8]) {
        guard let value = Bytes64(bytes) else { return nil }
        self.bytes = value
    }

    /// 64 bytes from the system's random source.
    public static func random() -> CapSecret { CapSecret(SystemRandom.bytes64()) }

    /// The same bytes; takes the same time wherever they differ.
    public static func == (left: CapSecret, right: CapSecret) -> Bool { constantTimeEquals(left.bytes, right.bytes) }

    /// Says what it is, not which.
    public var description: String { "CapSecret(…)" }

    /// Writes `bin` of 64 bytes.
    public func pack(into w: inout MessagePackWriter) { w.writeBinary(bytes) }

    /// Reads `bin` or an array of 64 bytes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) { bytes = try r.readBytes64() }
}
