/// A stretch of the ring of locations: the ops that an agent keeps are those whose basis lies in its arc.
///
/// The ring has 2³² locations; an arc begins at ``start`` and goes on for ``length`` of them, past the top if need be.
public struct Arc: Hashable, Sendable {
    /// The first location.
    public let start: UInt32
    /// How many locations: 0 (nothing) to 2³² (all).
    public let length: UInt64

    /// The number of locations on the ring.
    public static let ring: UInt64 = 1 << 32
    /// Every location.
    public static let full = Arc(start: 0, length: ring)
    /// No location.
    public static let empty = Arc(start: 0, length: 0)

    /// An arc of `length` locations from `start` on; more than the ring has are the ring. Full and empty arcs start at 0, so
    /// that arcs which cover the same are equal.
    public init(start: UInt32, length: UInt64) {
        self.length = min(length, Self.ring)
        self.start = self.length == 0 || self.length == Self.ring ? 0 : start
    }

    /// Whether a location is in the arc.
    public func contains(_ location: UInt32) -> Bool {
        UInt64(location &- start) < length
    }

    /// Whether a location of a range is in the arc.
    public func overlaps(_ range: ClosedRange<UInt32>) -> Bool {
        guard length > 0 else { return false }
        return contains(range.lowerBound) || range.contains(start)
    }

    /// Whether every location is.
    public var isFull: Bool { length == Self.ring }

    /// Whether none is.
    public var isEmpty: Bool { length == 0 }

    /// The locations as at most two closed ranges that do not pass the top, in ascending order.
    public var ranges: [ClosedRange<UInt32>] {
        guard length > 0 else { return [] }
        let end = UInt64(start) + length
        guard end > Self.ring else { return [start...UInt32(end - 1)] }
        return [0...UInt32(end - Self.ring - 1), start...UInt32.max]
    }
}
