import Sodium

/// A 64-byte Ed25519 signature. Who signed what is said by what stands around it.
public struct Signature: Hashable, Sendable, Packable, CustomStringConvertible {
    /// The 64 bytes.
    public var bytes: Bytes64

    /// A signature from its bytes.
    @inlinable
    public init(_ bytes: Bytes64) { self.bytes = bytes }

    /// A signature from 64 bytes; nil for another count.
    public init?(_ bytes: [UInt8]) {
        guard let value = Bytes64(bytes) else { return nil }
        self.bytes = value
    }

    /// True when this is `signer`'s signature over exactly `message`; libsodium's rule (see ``Ed25519``).
    public func verifies(_ message: [UInt8], by signer: AgentPubKey) -> Bool {
        Ed25519.verify(bytes, message, by: signer.core)
    }

    /// Base64 of the 64 bytes.
    public var description: String { Base64.encode(bytes.array) }

    /// Writes `bin` of 64 bytes.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeBinary(bytes) }

    /// Reads `bin` or an array of 64 bytes.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { bytes = try r.readBytes64() }
}
