import Integrity

/// The locations that a node holds for all of its agents: a few ranges, ascending, none touching the next.
public struct ArcSet: Hashable, Sendable {
    /// The ranges in order; between any two lies at least one location that is not covered.
    public let ranges: [ClosedRange<UInt32>]

    /// Every location.
    public static let full = ArcSet([.full])
    /// No location.
    public static let empty = ArcSet([Arc]())

    /// What these arcs cover together.
    public init(_ arcs: [Arc]) { self.init(covering: arcs.flatMap(\.ranges)) }

    /// What these ranges cover together.
    public init(covering pieces: [ClosedRange<UInt32>]) {
        var joined: [ClosedRange<UInt32>] = []
        for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard let last = joined.last, UInt64(piece.lowerBound) <= UInt64(last.upperBound) + 1 else {
                joined.append(piece)
                continue
            }
            joined[joined.count - 1] = last.lowerBound...max(last.upperBound, piece.upperBound)
        }
        ranges = joined
    }

    /// Whether a location is covered.
    public func contains(_ location: UInt32) -> Bool { ranges.contains { $0.contains(location) } }

    /// Whether nothing is covered.
    public var isEmpty: Bool { ranges.isEmpty }

    /// Whether everything is.
    public var isFull: Bool { ranges == [0...UInt32.max] }

    /// How many locations are covered.
    public var length: UInt64 { ranges.reduce(0) { $0 + UInt64($1.upperBound) - UInt64($1.lowerBound) + 1 } }

    /// What both cover.
    public func intersection(_ other: ArcSet) -> ArcSet {
        var both: [ClosedRange<UInt32>] = []
        for mine in ranges {
            for theirs in other.ranges where mine.overlaps(theirs) { both.append(mine.clamped(to: theirs)) }
        }
        return ArcSet(covering: both)
    }

    /// What this covers and the other does not.
    public func subtracting(_ other: ArcSet) -> ArcSet {
        var left: [ClosedRange<UInt32>] = []
        for mine in ranges {
            var next: UInt32? = mine.lowerBound
            for theirs in other.ranges where mine.overlaps(theirs) {
                if let from = next, from < theirs.lowerBound { left.append(from...(theirs.lowerBound - 1)) }
                next = theirs.upperBound == .max ? nil : theirs.upperBound + 1
            }
            if let from = next, from <= mine.upperBound { left.append(from...mine.upperBound) }
        }
        return ArcSet(covering: left)
    }

    /// What either covers.
    public func union(_ other: ArcSet) -> ArcSet { ArcSet(covering: ranges + other.ranges) }

    /// What of this at least `times` of the others cover.
    public func covered(by others: [ArcSet], times: Int) -> ArcSet {
        guard times > 0 else { return self }
        var changes: [(at: UInt64, by: Int)] = []
        for other in others {
            for range in other.ranges {
                changes.append((UInt64(range.lowerBound), 1))
                changes.append((UInt64(range.upperBound) + 1, -1))
            }
        }
        changes.sort { ($0.at, $0.by) < ($1.at, $1.by) }
        var found: [ClosedRange<UInt32>] = []
        var count = 0
        var position: UInt64 = 0
        for change in changes {
            if count >= times, change.at > position { found.append(UInt32(position)...UInt32(change.at - 1)) }
            position = change.at
            count += change.by
        }
        return intersection(ArcSet(covering: found))
    }

    /// At most `count` of the ranges, the longest: what can be named on the wire.
    public func limited(to count: Int = GossipLimits.arcRanges) -> ArcSet {
        guard ranges.count > count else { return self }
        let byLength = ranges.sorted { left, right in
            let (one, other) = (left.upperBound - left.lowerBound, right.upperBound - right.lowerBound)
            return one != other ? one > other : left.lowerBound < right.lowerBound
        }
        return ArcSet(covering: Array(byLength.prefix(count)))
    }
}

extension ArcSet: Packable {
    /// Writes an array of the first and last location of each range in turn.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(ranges.count * 2)
        for range in ranges {
            w.writeUInt(range.lowerBound)
            w.writeUInt(range.upperBound)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    /// - Throws: `malformedMessagePack`; `syncMalformed` for more than ``GossipLimits/arcRanges`` ranges, or ranges that are not in
    ///   order or touch each other.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let count = try r.readArrayHeader()
        guard count.isMultiple(of: 2), count / 2 <= GossipLimits.arcRanges else {
            throw PlasmidError(.syncMalformed, "An arc is named by \(count) numbers.")
        }
        var ranges: [ClosedRange<UInt32>] = []
        for _ in 0..<count / 2 {
            let lower = try r.readUInt32()
            let upper = try r.readUInt32()
            let touches = ranges.last.map { UInt64(lower) <= UInt64($0.upperBound) + 1 } ?? false
            guard lower <= upper, !touches else {
                throw PlasmidError(.syncMalformed, "The ranges of an arc are not in order.")
            }
            ranges.append(lower...upper)
        }
        self.ranges = ranges
    }
}
