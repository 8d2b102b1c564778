public import Integrity

/// What a frame between members of a space says (docs/spec/space.md §6).
public enum FrameKind: UInt8, Sendable, CaseIterable {
    /// Records of agents that the sender knows: its own, and others'.
    case agents = 1
    /// An agent's proof that its key is at the sender's end.
    case prove = 2
    /// A message for an agent's `receive`; answered.
    case message = 3
    /// A call of an agent's function; answered.
    case call = 4
    /// A signal for an agent's app; not answered.
    case signal = 5
    /// Receipts for ops that came from here.
    case receipts = 6
    /// Asks for records by their hashes; answered.
    case get = 7
    /// Asks for what a holder keeps at a base; answered.
    case query = 8
    /// Ops, pushed or handed over.
    case ops = 16
    /// One message of a round of reconciliation.
    case round = 17
    /// Asks for ops by their hashes; answered with ``ops`` frames, then an ``answer``.
    case wanted = 18
    /// The answer to the frame with the same id.
    case answer = 64
    /// The refusal of the frame with the same id, with its reason.
    case refusal = 65
}

/// One frame: a kind, a number that an answer repeats, and a body in MessagePack.
public struct Frame: Hashable, Sendable {
    /// What it says.
    public var kind: FrameKind
    /// Numbers a request of one side of one stream; an answer repeats it; 0 where no answer is wanted.
    public var id: UInt32
    /// MessagePack, by kind.
    public var body: [UInt8]

    /// A frame from its parts.
    public init(_ kind: FrameKind, id: UInt32 = 0, body: [UInt8]) {
        self.kind = kind
        self.id = id
        self.body = body
    }

    /// Bytes before the body: length (4), kind (1), id (4).
    public static let headerBytes = 9
    /// Bytes of a body, at most: an entry of 4,000,000 bytes with what is around it.
    public static let bodyBytesMaximum = 4 * 1_048_576

    /// The frame's header: the length of what follows the length (big-endian), the kind, the id (big-endian).
    public var header: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.headerBytes)
        Self.append(UInt32(truncatingIfNeeded: body.count + 5), to: &out)
        out.append(kind.rawValue)
        Self.append(id, to: &out)
        return out
    }

    private static func append(_ value: UInt32, to out: inout [UInt8]) {
        for shift in [24, 16, 8, 0] as [UInt32] { out.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

/// Cuts a stream of bytes into frames. Takes no more memory than the frame that is under way, and refuses a frame by its
/// header, before its body is there.
public struct FrameReader: Sendable {
    private var header: [UInt8] = []
    private var body: [UInt8] = []
    private var wanted: Int?
    private var kind: FrameKind?
    private var id: UInt32 = 0

    /// A reader at the start of a stream.
    public init() {}

    /// Bytes of an unfinished frame that are held.
    public var heldBytes: Int { header.count + body.count }

    /// Takes what has come and gives the frames that are whole by now.
    /// - Throws: `badFrame` for a kind that is not known or a length beyond the bound: the stream cannot be read any further.
    public mutating func read(_ bytes: UnsafeRawBufferPointer, _ take: (Frame) -> Void) throws(PlasmidError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if wanted == nil {
                let missing = Frame.headerBytes - header.count
                header.append(contentsOf: rest.prefix(missing))
                rest = rest.dropFirst(missing)
                guard header.count == Frame.headerBytes else { return }
                try begin()
            }
            if let wanted {
                let missing = wanted - body.count
                body.append(contentsOf: rest.prefix(missing))
                rest = rest.dropFirst(missing)
                guard body.count == wanted, let kind else { return }
                let frame = Frame(kind, id: id, body: body)
                (header, body, self.wanted, self.kind) = ([], [], nil, nil)
                take(frame)
            }
        }
    }

    private mutating func begin() throws(PlasmidError) {
        func number(_ at: Int) -> UInt32 {
            (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(header[at + $1]) }
        }
        let length = Int(number(0))
        guard length > 5, length - 5 <= Frame.bodyBytesMaximum else {
            throw PlasmidError(
                .badFrame, "A frame of \(length) bytes was announced; 6 to \(Frame.bodyBytesMaximum + 5) are taken")
        }
        guard let kind = FrameKind(rawValue: header[4]) else {
            throw PlasmidError(.badFrame, "A frame of the unknown kind \(header[4]) came")
        }
        self.kind = kind
        id = number(5)
        wanted = length - 5
        // Grows with what comes, never with what is announced.
        body.reserveCapacity(min(length - 5, 65_536))
    }
}
