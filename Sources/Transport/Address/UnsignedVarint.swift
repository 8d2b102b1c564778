/// Unsigned varints of multiformats: seven bits a byte, low ones first, as few bytes as do, at most nine (63 bits).
///
/// Source: the unsigned-varint page of the multiformats specification.
public enum UnsignedVarint {
    /// Bytes of the longest one.
    public static let bytesMaximum = 9

    /// Appends `value` (below 2⁶³) to `bytes`.
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        precondition(value < 1 << 63, "a varint of multiformats has 63 bits")
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// What the first bytes of a sequence come to.
    public enum Reading: Hashable, Sendable {
        /// A number, and how many bytes it took.
        case value(UInt64, count: Int)
        /// More bytes are needed to tell.
        case incomplete
        /// Overlong, or more than nine bytes.
        case malformed
    }

    /// Reads the varint at the start of `bytes`.
    public static func read(_ bytes: some Sequence<UInt8>) -> Reading {
        var value: UInt64 = 0
        var count = 0
        for byte in bytes {
            value |= UInt64(byte & 0x7f) << (7 * UInt64(count))
            count += 1
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: a shorter form says the same.
                return byte == 0 && count > 1 ? .malformed : .value(value, count: count)
            }
            if count == bytesMaximum { return .malformed }
        }
        return .incomplete
    }
}
