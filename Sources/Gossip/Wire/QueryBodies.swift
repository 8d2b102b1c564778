public import Integrity

/// The body of ``FrameKind/query``: the ops that a holder keeps at a base, page after page.
public struct QueryBody: Packable, Hashable {
    /// The address that the ops are about.
    public var base: AnyLinkableHash
    /// Codes of op types (1…9); all when empty.
    public var types: [UInt8]
    /// How many ops of the base to leave out: those of the pages before.
    public var skip: UInt32

    /// Ops in one answer, at most.
    public static let opsMaximum = 256
    /// Codes in one query, at most.
    public static let typesMaximum = 16

    /// A query from its parts.
    public init(base: AnyLinkableHash, types: [UInt8] = [], skip: UInt32 = 0) {
        self.base = base
        self.types = types
        self.skip = skip
    }

    /// Writes `[base, bin types, skip]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(3)
        base.pack(into: &w)
        w.writeBinary(types)
        w.writeUInt(skip)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(3, "A query")
        base = try r.read()
        types = try r.readBytes()
        skip = try r.readUInt32()
        guard types.count <= Self.typesMaximum else {
            throw PlasmidError(.badFrame, "A query asks for \(types.count) types of ops")
        }
    }
}

/// The answer to a ``QueryBody``.
public struct QueryAnswer: Packable, Hashable {
    /// The ops, each the bytes of one `DhtOp`.
    public var ops: [[UInt8]]
    /// Whether there are more behind them.
    public var hasMore: Bool

    /// An answer from its parts.
    public init(ops: [[UInt8]], hasMore: Bool) {
        self.ops = ops
        self.hasMore = hasMore
    }

    /// Writes `[[bin…], has more]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeArrayHeader(ops.count)
        for op in ops { w.writeBinary(op) }
        w.writeBool(hasMore)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "An answer to a query")
        let count = try r.readArrayHeader()
        guard count <= QueryBody.opsMaximum else {
            throw PlasmidError(.badFrame, "An answer holds \(count) ops; at most \(QueryBody.opsMaximum) are taken")
        }
        var ops: [[UInt8]] = []
        ops.reserveCapacity(count)
        for _ in 0..<count { ops.append(try r.readBytes()) }
        self.ops = ops
        hasMore = try r.readBool()
    }
}
