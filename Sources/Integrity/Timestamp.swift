/// A point in time: microseconds since the Unix epoch, signed. Written as an integer everywhere.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, Packable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var microseconds: Int64

    /// A point in time from its microseconds.
    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// A point in time from whole seconds; saturates at the ends of the range.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        microseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Earlier than.
    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// This time moved by `microseconds`; saturates at the ends of the range.
    public func advanced(byMicroseconds microseconds: Int64) -> Timestamp {
        let (sum, overflow) = self.microseconds.addingReportingOverflow(microseconds)
        return Timestamp(microseconds: overflow ? (microseconds < 0 ? .min : .max) : sum)
    }

    /// The number of microseconds.
    public var description: String { "\(microseconds)" }

    /// Reads a bare integer.
    public init(from decoder: any Decoder) throws {
        microseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes a bare integer.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }

    /// Writes one integer.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeInt(microseconds) }

    /// Reads one integer.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { microseconds = try r.readInt() }
}
