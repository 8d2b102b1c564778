public import Integrity

/// The body of ``FrameKind/ops``: ops as they travel, each its own MessagePack, so that one that cannot be read costs no other.
public struct OpsBody: Packable, Hashable {
    /// Whether the sender wants receipts once they are integrated.
    public var receiptsWanted: Bool
    /// The ops, each the bytes of one `DhtOp`.
    public var ops: [[UInt8]]

    /// Ops in one frame, at most.
    public static let opsMaximum = 256

    /// Ops to send.
    public init(receiptsWanted: Bool, ops: [[UInt8]]) {
        self.receiptsWanted = receiptsWanted
        self.ops = ops
    }

    /// Writes `[receipts wanted, [bin…]]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeBool(receiptsWanted)
        w.writeArrayHeader(ops.count)
        for op in ops { w.writeBinary(op) }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A frame of ops")
        receiptsWanted = try r.readBool()
        let count = try r.readArrayHeader()
        guard count <= Self.opsMaximum else {
            throw PlasmidError(.badFrame, "A frame holds \(count) ops; at most \(Self.opsMaximum) are taken")
        }
        var ops: [[UInt8]] = []
        ops.reserveCapacity(count)
        for _ in 0..<count { ops.append(try r.readBytes()) }
        self.ops = ops
    }
}

/// The body of ``FrameKind/wanted``: ops by their hashes.
public struct WantedBody: Packable, Hashable {
    /// The ops' addresses.
    public var hashes: [DhtOpHash]

    /// Hashes in one frame, at most.
    public static let hashesMaximum = 4_096

    /// Ops that are wanted.
    public init(hashes: [DhtOpHash]) {
        self.hashes = hashes
    }

    /// Writes an array of hashes.
    public func pack(into w: inout MessagePackWriter) { w.write(hashes) }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        hashes = try r.readArray()
        guard hashes.count <= Self.hashesMaximum else {
            throw PlasmidError(
                .badFrame, "\(hashes.count) ops are asked for at once; at most \(Self.hashesMaximum) may be")
        }
    }
}

/// The body of ``FrameKind/get``: records by the hashes of actions or entries.
public struct GetBody: Packable, Hashable {
    /// What is wanted; at most ``hashesMaximum``.
    public var hashes: [AnyDhtHash]

    /// Hashes in one frame, at most.
    public static let hashesMaximum = 256

    /// What is wanted.
    public init(hashes: [AnyDhtHash]) {
        self.hashes = hashes
    }

    /// Writes an array of hashes.
    public func pack(into w: inout MessagePackWriter) { w.write(hashes) }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        hashes = try r.readArray()
        guard hashes.count <= Self.hashesMaximum else {
            throw PlasmidError(
                .badFrame, "\(hashes.count) records are asked for at once; at most \(Self.hashesMaximum) may be")
        }
    }
}

/// The body of ``FrameKind/round``: one message of the side that began the round; the answer is the other's, or nil.
public struct RoundBody: Packable, Hashable {
    /// Numbers the rounds that one side begins on a connection.
    public var round: UInt32
    /// What is said.
    public var message: ReconcileMessage

    /// A message of a round.
    public init(round: UInt32, message: ReconcileMessage) {
        self.round = round
        self.message = message
    }

    /// Writes `[round, message]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeUInt(round)
        message.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A message of a round")
        round = try r.readUInt32()
        message = try r.read()
    }
}
