import Integrity
import NIOCore

/// The messages of multistream-select 1.0, by which two sides agree on a protocol: an unsigned varint, then as many bytes
/// of text, the last of which is a line feed.
///
/// Source: the connections page of the libp2p specification.
public enum Multistream {
    /// What both sides say first.
    public static let header = "/multistream/1.0.0"
    /// The answer to a proposal that is not spoken.
    static let refusal = "na"
    /// Bytes of the longest message, the line feed counted in.
    public static let messageMaximum = 256
    /// Proposals that one negotiation may take.
    public static let proposalsMaximum = 16

    /// A message. A text beyond the limit, or one with a line feed, is a programming error.
    public static func message(_ text: String) -> [UInt8] {
        let text = Array(text.utf8)
        precondition(text.count < messageMaximum && !text.contains(0x0a), "a protocol id has at most 255 bytes")
        var bytes: [UInt8] = []
        UnsignedVarint.append(UInt64(text.count + 1), to: &bytes)
        return bytes + text + [0x0a]
    }

    /// Takes one message off the front of `bytes`; nil, and nothing taken, when it has not come whole. Throws
    /// `protocolBroken` for what is none, as soon as that can be told.
    static func take(_ bytes: inout ByteBuffer) throws(PlasmidError) -> String? {
        switch UnsignedVarint.read(bytes.readableBytesView.prefix(2)) {
        case .value(let length, let count):
            guard (2...UInt64(messageMaximum)).contains(length) else { throw broken("has \(length) bytes") }
            guard bytes.readableBytes >= count + Int(length) else { return nil }
            bytes.moveReaderIndex(forwardBy: count)
            let text = bytes.readBytes(length: Int(length)) ?? []
            guard text.last == 0x0a, !text.dropLast().contains(0x0a) else {
                throw broken("does not end in a line feed")
            }
            guard let string = String(validating: text.dropLast(), as: UTF8.self) else { throw broken("is no text") }
            return string
        case .incomplete where bytes.readableBytes < 2: return nil
        case .incomplete, .malformed: throw broken("has a length that is overlong")
        }
    }

    static func broken(_ fault: String) -> PlasmidError {
        PlasmidError(.protocolBroken, "a message of a protocol negotiation \(fault)")
    }

    /// The first message of a peer is the header, or there is no point in going on.
    static func checkHeader(_ text: String) throws(PlasmidError) {
        guard text == header else { throw broken("comes before the header") }
    }
}

/// The side that proposes. It sends ``start()`` at once, hands what comes to ``read(_:)``, and sends what that returns.
///
/// With a single proposal what belongs to the protocol may be sent right behind ``start()``, before the peer has answered:
/// the peer will read it once it has accepted. Refused, it took it for further proposals, so that nothing can be tried
/// after that and the stream must be reset. Three traps for whoever does that: what ``start()`` gave goes out before a FIN,
/// even where nothing else was written; a close does not wait for the answer; and the reading side is not dropped before
/// the answer was read.
public struct MultistreamDialer: Sendable {
    /// What came of the bytes that were read.
    public enum Step: Hashable, Sendable {
        /// The answer is not there yet.
        case wait
        /// The last proposal was refused: send these bytes, the next one.
        case send([UInt8])
        /// The peer speaks it. The bytes that are left belong to it.
        case agreed(String)
    }

    private var proposals: ArraySlice<String>
    private var hasHeader = false
    private var isOver = false

    /// Will propose these protocols, the dearest first: 1 to 16, each beginning with `/`, as some peers insist (all else is a
    /// programming error).
    public init(_ proposals: [String]) {
        precondition((1...Multistream.proposalsMaximum).contains(proposals.count), "1 to 16 protocols are proposed")
        precondition(proposals.allSatisfy { $0.hasPrefix("/") }, "a protocol id begins with a slash")
        self.proposals = proposals[...]
    }

    /// What is sent first: the header and the first proposal, in one write.
    public func start() -> [UInt8] {
        Multistream.message(Multistream.header) + (proposals.first.map(Multistream.message) ?? [])
    }

    /// Reads from the front of `bytes` no more than belongs to the negotiation. Throws `protocolRefused` when the peer speaks
    /// none of the protocols, `protocolBroken` for anything but a header, an exact echo or a refusal.
    public mutating func read(_ bytes: inout ByteBuffer) throws(PlasmidError) -> Step {
        guard !isOver else { throw Multistream.broken("is read after its end") }
        do {
            return try readOne(&bytes)
        } catch {
            isOver = true
            throw error
        }
    }

    private mutating func readOne(_ bytes: inout ByteBuffer) throws(PlasmidError) -> Step {
        if !hasHeader {
            guard let text = try Multistream.take(&bytes) else { return .wait }
            try Multistream.checkHeader(text)
            hasHeader = true
        }
        guard let text = try Multistream.take(&bytes) else { return .wait }
        guard let proposed = proposals.popFirst() else { throw Multistream.broken("is read after its end") }
        if text == proposed {
            isOver = true
            return .agreed(proposed)
        }
        guard text == Multistream.refusal else { throw Multistream.broken("is neither the proposal nor a refusal") }
        guard let next = proposals.first else { throw Self.refused(proposed) }
        return .send(Multistream.message(next))
    }

    /// To be called when the peer sends no more: nil where all is agreed, otherwise why nothing will come of it.
    public func ended() -> PlasmidError? {
        isOver ? nil : Self.refused(proposals.first ?? "")
    }

    private static func refused(_ proposed: String) -> PlasmidError {
        PlasmidError(
            .protocolRefused, "the peer does not speak \(proposed)", hint: "bring both programs to versions that fit")
    }
}

/// The side that is asked. Nothing is sent before the dialer has spoken.
public struct MultistreamListener: Sendable {
    /// What came of the bytes that were read.
    public struct Step: Hashable, Sendable {
        /// To be sent now, in one write; may be empty.
        public var answer: [UInt8] = []
        /// What was agreed on, if it was. The bytes that are left belong to it.
        public var agreed: String?
    }

    private var hasHeader = false
    private var proposals = 0
    private var isOver = false

    /// A negotiation before its first byte.
    public init() {}

    /// Reads from the front of `bytes` no more than belongs to the negotiation, and answers all of it that is whole.
    /// `accepts` says what is spoken here. Throws `protocolBroken` for what is no negotiation, and beyond 16 proposals;
    /// what was to be answered before that is not worth sending.
    public mutating func read(
        _ bytes: inout ByteBuffer, accepts: (String) -> Bool
    ) throws(PlasmidError) -> Step {
        guard !isOver else { throw Multistream.broken("is read after its end") }
        var step = Step()
        do {
            while step.agreed == nil, let text = try Multistream.take(&bytes) { try take(text, &step, accepts) }
        } catch {
            isOver = true
            throw error
        }
        isOver = step.agreed != nil
        return step
    }

    private mutating func take(
        _ text: String, _ step: inout Step, _ accepts: (String) -> Bool
    ) throws(PlasmidError) {
        guard hasHeader else {
            try Multistream.checkHeader(text)
            hasHeader = true
            step.answer += Multistream.message(Multistream.header)
            return
        }
        proposals += 1
        guard proposals <= Multistream.proposalsMaximum else { throw Multistream.broken("is one proposal too many") }
        // `ls` is refused like any protocol that is not spoken: programs answer it in different forms.
        if text.hasPrefix("/"), accepts(text) {
            step.agreed = text
            step.answer += Multistream.message(text)
        } else {
            step.answer += Multistream.message(Multistream.refusal)
        }
    }
}
