import Integrity

/// What one side of a round asks of the other about a range.
public enum ReconcileAsk: Hashable, Sendable {
    /// "Mine has this fingerprint; is yours the same?"
    case fingerprint(UInt64)
    /// "I hold the ops with these ids, and know those aside without holding them; what do you have more, what do you lack?"
    /// Both ascending, without repeats.
    case ids(held: [UInt64], aside: [UInt64])
}

/// What one side replies to an ask of the other.
public enum ReconcileReply: Hashable, Sendable {
    /// To a fingerprint that differs: the range in pieces, cut at these keys, with an ask for each piece.
    case split(cuts: [OpKey], asks: [ReconcileAsk])
    /// To ids: those that are wanted (ascending), and how many ops come that the other side lacks.
    case answer(wanted: [UInt64], giving: UInt64)
}

/// A reply with its place: `offset` counts the asks that the message settles, 0 for the newest of them.
public struct ReconcileItem: Hashable, Sendable {
    /// Which ask.
    public var offset: Int
    /// The reply to it.
    public var reply: ReconcileReply

    /// A reply to the ask at `offset`.
    public init(offset: Int, reply: ReconcileReply) {
        self.offset = offset
        self.reply = reply
    }
}

/// Why a round ends before it is through.
public enum ReconcileClose: UInt8, Sendable, CaseIterable {
    /// No time for it now; ask later.
    case busy = 0
    /// The arcs have nothing in common.
    case nothingShared = 1
    /// The other side broke a rule of the round.
    case fault = 2
}

/// A message of a round of reconciliation. docs/spec/gossip.md has the bytes.
public enum ReconcileMessage: Hashable, Sendable {
    /// The first: salt, what I hold, what I take you to hold, and an ask for each range that we share. Also the reply to one
    /// whose sender was wrong about my arc.
    case open(salt: [UInt8], arcs: ArcSet, peerArcs: ArcSet, asks: [ReconcileAsk], idBytes: Int)
    /// `settled` of your newest open asks are done with this; those without a reply hold no difference.
    case turn(settled: Int, replies: [ReconcileItem], idBytes: Int)
    /// The round ends here.
    case close(ReconcileClose, reason: String)

    /// The message that tells the peer of an error of the round.
    public static func closing(_ error: PlasmidError) -> ReconcileMessage {
        let code: ReconcileClose = error.code == .syncNothingShared ? .nothingShared : .fault
        return .close(code, reason: error.message)
    }
}

extension ReconcileMessage: Packable {
    /// Writes `[0, 1, salt, id bytes, arcs, peer arcs, asks]`, `[1, id bytes, settled, replies]` or `[2, code, reason]`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .open(let salt, let arcs, let peerArcs, let asks, let idBytes):
            w.writeArrayHeader(7)
            w.writeInt(0)
            w.writeInt(1)
            w.writeBinary(salt)
            w.writeInt(idBytes)
            arcs.pack(into: &w)
            peerArcs.pack(into: &w)
            var bytes = ReconcileBytes(idBytes: idBytes)
            for ask in asks { bytes.write(ask) }
            w.writeBinary(bytes.bytes)
        case .turn(let settled, let replies, let idBytes):
            w.writeArrayHeader(4)
            w.writeInt(1)
            w.writeInt(idBytes)
            w.writeInt(settled)
            var bytes = ReconcileBytes(idBytes: idBytes)
            var next = 0
            for item in replies {
                bytes.writeNumber(UInt64(max(0, item.offset - next)))
                bytes.write(item.reply)
                next = item.offset + 1
            }
            w.writeBinary(bytes.bytes)
        case .close(let code, let reason):
            w.writeArrayHeader(3)
            w.writeInt(2)
            w.writeUInt(code.rawValue)
            w.writeString(reason.cut(toBytes: GossipLimits.closeReason))
        }
    }

    /// Reads what ``pack(into:)`` writes.
    /// - Throws: `malformedMessagePack`; `syncMalformed` for what breaks a bound or an order of docs/spec/gossip.md.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let count = try r.readArrayHeader()
        switch (try r.readUInt(), count) {
        case (0, 7): self = try Self.readOpen(&r)
        case (1, 4): self = try Self.readTurn(&r)
        case (2, 3):
            let number = try r.readUInt8()
            let reason = try r.readString()
            guard let code = ReconcileClose(rawValue: number), reason.utf8.count <= GossipLimits.closeReason else {
                throw PlasmidError(.syncMalformed, "A round is ended for a reason that is not known (\(number)).")
            }
            self = .close(code, reason: reason)
        case (let kind, _):
            throw PlasmidError(
                .syncMalformed, "A message of reconciliation of kind \(kind) with \(count) parts is not known.")
        }
    }

    private static func readParts(_ r: inout MessagePackReader) throws(PlasmidError) -> UnsafeRawBufferPointer {
        let bytes = try r.readBinary()
        guard bytes.count <= GossipLimits.reconcileMessage else {
            throw PlasmidError(
                .syncMalformed,
                "A message of reconciliation has \(bytes.count) bytes; \(GossipLimits.reconcileMessage) are the most.")
        }
        return bytes
    }

    private static func readOpen(_ r: inout MessagePackReader) throws(PlasmidError) -> Self {
        let version = try r.readUInt()
        guard version == 1 else {
            throw PlasmidError(.syncMalformed, "Reconciliation of version \(version) is not known here.")
        }
        let salt = [UInt8](try r.readBinary())
        let idBytes = Int(try r.readUInt8())
        guard salt.count == GossipLimits.saltBytes, (1...8).contains(idBytes) else {
            throw PlasmidError(.syncMalformed, "A round has a salt of \(salt.count) bytes and ids of \(idBytes).")
        }
        let arcs = try ArcSet(from: &r)
        let peerArcs = try ArcSet(from: &r)
        var bytes = ReconcileParser(try readParts(&r), idBytes: idBytes)
        var asks: [ReconcileAsk] = []
        while !bytes.isAtEnd {
            guard asks.count < 2 * GossipLimits.arcRanges else { throw bytes.malformed("asks about too many ranges") }
            asks.append(try bytes.readAsk())
        }
        return .open(salt: salt, arcs: arcs, peerArcs: peerArcs, asks: asks, idBytes: idBytes)
    }

    private static func readTurn(_ r: inout MessagePackReader) throws(PlasmidError) -> Self {
        let idBytes = Int(try r.readUInt8())
        guard (1...8).contains(idBytes) else {
            throw PlasmidError(.syncMalformed, "A round has ids of \(idBytes) bytes.")
        }
        let settled = try r.readUInt()
        guard settled <= UInt64(GossipLimits.reconcileAsks) else {
            throw PlasmidError(.syncMalformed, "A message of reconciliation settles \(settled) asks.")
        }
        var bytes = ReconcileParser(try readParts(&r), idBytes: idBytes)
        var replies: [ReconcileItem] = []
        var next: UInt64 = 0
        while !bytes.isAtEnd {
            let skipped = try bytes.readNumber()
            guard next + skipped < settled else { throw bytes.malformed("replies to what it does not settle") }
            replies.append(ReconcileItem(offset: Int(next + skipped), reply: try bytes.readReply()))
            next += skipped + 1
        }
        return .turn(settled: Int(settled), replies: replies, idBytes: idBytes)
    }
}

extension String {
    /// The text, cut at a character boundary to at most `count` UTF-8 bytes.
    func cut(toBytes count: Int) -> String {
        guard utf8.count > count else { return self }
        var text = self
        while text.utf8.count > count { text.removeLast() }
        return text
    }
}
