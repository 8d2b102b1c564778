/// What ends a grant by itself: a time, a number of uses, both, or nothing.
public struct GrantLimits: Hashable, Sendable {
    /// From when on it opens nothing; nil: never.
    public var expiresAt: Timestamp?
    /// How many calls it opens in all, at least 1; nil: any number.
    public var uses: UInt32?

    /// Limits from their parts.
    public init(expiresAt: Timestamp? = nil, uses: UInt32? = nil) {
        self.expiresAt = expiresAt
        self.uses = uses
    }

    /// A grant that lasts until it is revoked.
    public static let none = GrantLimits()

    /// Whether there is no limit at all.
    public var isNone: Bool { self == .none }

    /// True from the time of the expiry on.
    public func hasExpired(_ now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }

    /// Checks what is asked for at the time `now`.
    /// - Throws: `badCapability` where the end has passed already, or no use is left from the start.
    public func check(now: Timestamp) throws(PlasmidError) {
        if uses == 0 {
            throw PlasmidError(
                .badCapability, "A capability with 0 uses opens nothing.",
                hint: "give at least one use, or leave `uses` out")
        }
        if hasExpired(now) {
            throw PlasmidError(
                .badCapability, "A capability that expires at \(now) or before opens nothing.",
                hint: "`expires_at` is microseconds since 1970, and lies ahead")
        }
    }
}

extension GrantLimits: Packable {
    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("expires_at")
        w.write(expiresAt)
        w.writeString("uses")
        w.write(uses)
    }

    /// Reads a map; what is missing is no limit.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        self.init()
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "expires_at": expiresAt = try r.readOptional()
            case "uses": uses = try r.readOptional()
            default: try r.skip()
            }
        }
    }
}
