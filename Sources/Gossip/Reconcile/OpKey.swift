import Integrity
import Sodium

/// A 256-bit number of four words, the most significant first: an op's hash read as a number, and sums of such modulo 2²⁵⁶.
public struct Word256: Hashable, Comparable, Sendable {
    var a: UInt64
    var b: UInt64
    var c: UInt64
    var d: UInt64

    /// Zero.
    public static let zero = Word256(a: 0, b: 0, c: 0, d: 0)

    init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        self.a = a
        self.b = b
        self.c = c
        self.d = d
    }

    /// The number that 32 bytes are, the first byte most significant.
    public init(_ bytes: Bytes32) {
        self = bytes.withUnsafeBytes { raw in
            Word256(
                a: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                b: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                c: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                d: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
        }
    }

    /// The number's 32 bytes, the most significant first.
    public var bytes: Bytes32 {
        var bytes = Bytes32()
        bytes.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: a.bigEndian, toByteOffset: 0, as: UInt64.self)
            raw.storeBytes(of: b.bigEndian, toByteOffset: 8, as: UInt64.self)
            raw.storeBytes(of: c.bigEndian, toByteOffset: 16, as: UInt64.self)
            raw.storeBytes(of: d.bigEndian, toByteOffset: 24, as: UInt64.self)
        }
        return bytes
    }

    /// Adds modulo 2²⁵⁶.
    mutating func add(_ other: Word256) {
        let low = d.addingReportingOverflow(other.d)
        let second = Self.carrying(c, other.c, low.overflow)
        let third = Self.carrying(b, other.b, second.overflow)
        d = low.partialValue
        c = second.value
        b = third.value
        a = a &+ other.a &+ (third.overflow ? 1 : 0)
    }

    /// Subtracts modulo 2²⁵⁶.
    mutating func subtract(_ other: Word256) {
        add(Word256(a: ~other.a, b: ~other.b, c: ~other.c, d: ~other.d))
        add(Word256(a: 0, b: 0, c: 0, d: 1))
    }

    private static func carrying(_ left: UInt64, _ right: UInt64, _ carry: Bool) -> (value: UInt64, overflow: Bool) {
        let sum = left.addingReportingOverflow(right)
        guard carry else { return (sum.partialValue, sum.overflow) }
        let more = sum.partialValue.addingReportingOverflow(1)
        return (more.partialValue, sum.overflow || more.overflow)
    }

    /// Numeric order, which is the byte order of the hashes.
    public static func < (left: Word256, right: Word256) -> Bool {
        if left.a != right.a { return left.a < right.a }
        if left.b != right.b { return left.b < right.b }
        if left.c != right.c { return left.c < right.c }
        return left.d < right.d
    }
}

/// Where an op stands in the order that reconciliation walks: by the location of its basis, then by its hash.
public struct OpKey: Hashable, Comparable, Sendable {
    /// The location of the op's basis.
    public let location: UInt32
    /// The 32 bytes of the op's hash as a number.
    public let core: Word256

    /// An op's key.
    public init(location: UInt32, hash: DhtOpHash) {
        self.location = location
        core = Word256(hash.core)
    }

    init(location: UInt32, core: Word256) {
        self.location = location
        self.core = core
    }

    /// The op's address.
    public var hash: DhtOpHash { DhtOpHash(core: core.bytes) }

    /// Location first, then hash.
    public static func < (left: OpKey, right: OpKey) -> Bool {
        left.location != right.location ? left.location < right.location : left.core < right.core
    }
}

/// A stretch of the order of ops: from ``lower`` on, up to and without ``upper``.
public struct OpRange: Hashable, Sendable {
    /// The first key that may be in it.
    public let lower: OpKey
    /// The first key after it; nil when it goes on to the end.
    public let upper: OpKey?

    /// The keys from `lower` up to and without `upper`.
    public init(lower: OpKey, upper: OpKey?) {
        self.lower = lower
        self.upper = upper
    }

    /// All ops at these locations.
    public init(_ locations: ClosedRange<UInt32>) {
        lower = OpKey(location: locations.lowerBound, core: .zero)
        let last = locations.upperBound
        upper = last == .max ? nil : OpKey(location: last + 1, core: .zero)
    }

    /// Whether a key lies in it.
    public func contains(_ key: OpKey) -> Bool {
        guard key >= lower else { return false }
        return upper.map { key < $0 } ?? true
    }

    /// The locations whose ops can lie in it; nil when it is empty.
    public var locations: ClosedRange<UInt32>? {
        guard let upper else { return lower.location...UInt32.max }
        guard lower < upper else { return nil }
        if upper.core == .zero { return lower.location...(upper.location - 1) }
        return lower.location...upper.location
    }
}

/// How many ops, and the sum of their hashes.
public struct OpTally: Hashable, Sendable {
    /// How many.
    public internal(set) var count: Int
    /// The sum of their hashes modulo 2²⁵⁶.
    public internal(set) var sum: Word256

    /// Nothing.
    public static let zero = OpTally(count: 0, sum: .zero)

    mutating func add(_ other: OpTally) {
        count += other.count
        sum.add(other.sum)
    }

    func minus(_ other: OpTally) -> OpTally {
        var result = self
        result.count -= other.count
        result.sum.subtract(other.sum)
        return result
    }
}
