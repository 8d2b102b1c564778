import Gossip
import Integrity

/// Messages as they travel: framed, cut in two at some place, read back as a peer reads them.
enum SimWire {
    /// What arrives of a message.
    /// - Throws: `badFrame`, `malformedMessagePack`, and whatever else a reader of frames refuses.
    static func carried(_ message: SimMessage, cut: UInt64) throws(PlasmidError) -> SimMessage {
        switch message {
        case .hello(let record, let isAnswer):
            let read = try [AgentRecord](packed: try body(.agents, [record].packed, cut))
            guard let first = read.first else { throw PlasmidError(.badFrame, "A record of an agent got lost.") }
            return .hello(first, isAnswer: isAnswer)
        case .agents(let records):
            return .agents(try [AgentRecord](packed: try body(.agents, records.packed, cut)))
        case .askAgents: return .askAgents
        case .ops(let ops, let wanted):
            let packed = OpsBody(receiptsWanted: wanted, ops: ops.map(\.packed)).packed
            let read = try OpsBody(packed: try body(.ops, packed, cut))
            return .ops(
                try read.ops.map { bytes throws(PlasmidError) in try DhtOp(packed: bytes) },
                receiptsWanted: read.receiptsWanted)
        case .round(let id, let byBeginner, let message):
            let packed = RoundBody(round: UInt32(truncatingIfNeeded: id), message: message).packed
            return .round(id, byBeginner: byBeginner, try RoundBody(packed: try body(.round, packed, cut)).message)
        case .receipts(let receipts):
            return .receipts(try [SignedReceipt](packed: try body(.receipts, receipts.packed, cut)))
        case .fetch(let hashes):
            return .fetch(try GetBody(packed: try body(.get, GetBody(hashes: hashes).packed, cut)).hashes)
        case .records(let records):
            return .records(try [Record](packed: try body(.answer, records.packed, cut)))
        }
    }

    /// A body through a frame that comes in two pieces.
    private static func body(_ kind: FrameKind, _ body: [UInt8], _ cut: UInt64) throws(PlasmidError) -> [UInt8] {
        let frame = Frame(kind, id: 1, body: body)
        let bytes = frame.header + frame.body
        let place = Int(cut % UInt64(bytes.count))
        var reader = FrameReader()
        var frames: [Frame] = []
        for piece in [bytes[..<place], bytes[place...]] {
            let read: Result<Void, PlasmidError> = piece.withUnsafeBytes { raw in
                Result { () throws(PlasmidError) in try reader.read(raw) { frames.append($0) } }
            }
            try read.get()
        }
        guard frames == [frame], reader.heldBytes == 0 else {
            throw PlasmidError(.badFrame, "A frame that comes in two pieces is not read as it was written.")
        }
        return frames[0].body
    }
}
