/// A link's place in the order of all links: by time, then by the hash of its CreateLink.
public struct LinkPosition: Hashable, Comparable, Sendable {
    /// When the link was made.
    public let timestamp: Timestamp
    /// The hash of its CreateLink.
    public let hash: ActionHash

    /// The place of a link.
    public init(_ link: Link) {
        timestamp = link.timestamp
        hash = link.createLinkHash
    }

    /// The place that a cursor names.
    /// - Throws: `badInput` for bytes that are no cursor of this conductor.
    public init(cursor: [UInt8]) throws(PlasmidError) {
        let malformed = PlasmidError(
            .badInput, "The cursor of a link query cannot be read.", hint: "pass `next` of the page before, unchanged")
        guard cursor.count == 47 else { throw malformed }
        let bits = cursor[..<8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        timestamp = Timestamp(microseconds: Int64(bitPattern: bits))
        guard let hash = try? ActionHash(bytes: Array(cursor[8...])) else { throw malformed }
        self.hash = hash
    }

    /// The opaque form given to callers: 8 bytes of time, big-endian, then the 39 of the hash.
    public var cursor: [UInt8] {
        let bits = UInt64(bitPattern: timestamp.microseconds)
        return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) } + hash.bytes
    }

    /// Earlier, or at the same time with the lower hash.
    public static func < (left: Self, right: Self) -> Bool {
        left.timestamp == right.timestamp ? left.hash < right.hash : left.timestamp < right.timestamp
    }
}
