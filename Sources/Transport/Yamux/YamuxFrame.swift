import NIOCore

/// The twelve bytes in front of every yamux frame; only DATA has a body behind them.
///
/// Source: the yamux page of the libp2p specification.
struct YamuxHeader: Hashable, Sendable {
    /// Bytes of a header.
    static let bytes = 12

    /// What `length` means depends on it.
    enum Kind {
        static let data: UInt8 = 0
        static let windowUpdate: UInt8 = 1
        static let ping: UInt8 = 2
        static let goAway: UInt8 = 3
    }

    /// Bits that may ride on DATA and WINDOW_UPDATE; SYN and ACK also tell a ping from its reply.
    enum Flags {
        static let syn: UInt16 = 1
        static let ack: UInt16 = 2
        static let fin: UInt16 = 4
        static let rst: UInt16 = 8
    }

    var version: UInt8 = 0
    var kind: UInt8
    var flags: UInt16 = 0
    var stream: UInt32 = 0
    var length: UInt32 = 0

    init(_ kind: UInt8, flags: UInt16 = 0, stream: UInt32 = 0, length: UInt32 = 0) {
        (self.kind, self.flags, self.stream, self.length) = (kind, flags, stream, length)
    }

    /// Takes a header from the front of `buffer`; nil, and nothing taken, where fewer than twelve bytes are there.
    init?(reading buffer: inout ByteBuffer) {
        guard
            let (version, kind, flags, stream, length) = buffer.readMultipleIntegers(
                as: (UInt8, UInt8, UInt16, UInt32, UInt32).self)
        else { return nil }
        (self.version, self.kind, self.flags, self.stream, self.length) = (version, kind, flags, stream, length)
    }

    func has(_ flag: UInt16) -> Bool { flags & flag != 0 }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(version, kind, flags, stream, length)
    }
}

/// Why a connection cannot go on: what the peer did against the rules, or that it is gone.
enum YamuxFault: Error, Hashable, Sendable, CustomStringConvertible {
    case version(UInt8)
    case kind(UInt8)
    /// A stream opened under an id that is ours to give.
    case parity(UInt32)
    /// A stream opened under the id of a live one.
    case duplicate(UInt32)
    case overCredit(UInt32)
    case creditOverflow(UInt32)
    /// A ping or a farewell on a stream, or a stream's frame on none.
    case wrongStream(kind: UInt8, stream: UInt32)
    /// Nothing was heard, two pings went unanswered.
    case silent

    var description: String {
        switch self {
        case .version(let version): "yamux version \(version)"
        case .kind(let kind): "frame type \(kind)"
        case .parity(let id): "stream \(id) was opened under an id of the other side"
        case .duplicate(let id): "stream \(id) was opened twice"
        case .overCredit(let id): "more was sent on stream \(id) than its window allows"
        case .creditOverflow(let id): "the window of stream \(id) passes 32 bits"
        case .wrongStream(let kind, let stream): "a frame of type \(kind) on stream \(stream)"
        case .silent: "two pings went unanswered"
        }
    }
}

/// Error codes in the length of RST and GO_AWAY, as go-yamux numbers them. Others' are read for the log only.
enum YamuxCode {
    static let normal: UInt32 = 0
    static let protocolError: UInt32 = 1
    static let negotiationFailed: UInt32 = 0x1001
    static let resourceLimit: UInt32 = 0x1002
    static let violation: UInt32 = 0x1004
    static let shutdown: UInt32 = 0x1007
}

/// Bounds of one connection's multiplexing.
struct YamuxLimits: Hashable, Sendable {
    /// Bytes each stream may have under way at its birth, fixed by the protocol.
    static let initialWindow = 262_144
    /// Largest body of a DATA frame we send: four of them fill one Noise frame, and no stream holds up the others for long.
    static let bodyMaximum = 16_367

    /// Streams the peer may have open; one more is reset.
    var inbound = 256
    /// Streams we may have open.
    var outbound = 256
    /// Streams of the peer that have not yet agreed on a protocol; one more is reset.
    var backlog = 64
    /// Our streams that the peer has not yet answered; more wait before their first frame.
    var unanswered = 64
    /// Bytes a stream's window may grow to.
    var windowMaximum = 1 << 20
    /// Bytes all windows together may grow to, and unread bytes at which a stream that brings more is reset.
    var bufferMaximum = 16 << 20
    /// Unsent bytes of a stream at which its writer is asked to wait, and those at which it may go on.
    var sendHigh = 262_144
    var sendLow = 131_072
    /// Replies to pings that wait to be sent; more are dropped.
    var pongs = 32
    /// Unsent bytes of control frames at which nothing more should be read from the peer.
    var controlMaximum = 65_536
    /// How long nothing may be heard before a ping asks.
    var idle = TimeAmount.seconds(15)
    /// Pings that may go unanswered.
    var missedPings = 2
}
