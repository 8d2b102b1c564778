import Integrity
import NIOCore

/// `/ipfs/ping/1.0.0`: 32 random bytes there, the same back, as often as one likes on one stream, without a length.
///
/// Source: the ping page of the libp2p specification.
public enum Ping {
    /// The protocol's id.
    public static let protocolID = "/ipfs/ping/1.0.0"
    /// Bytes of a ping and of its answer.
    public static let bytes = 32
}

/// The side that asks, with one ping on its way at a time.
public struct PingDialer: Sendable {
    private var awaited: [UInt8]?

    /// Nothing is on its way.
    public init() {}

    /// True while an answer is awaited.
    public var isWaiting: Bool { awaited != nil }

    /// Remembers `random` (32 bytes), which is to be sent. A second ping before the answer is a programming error.
    public mutating func send(_ random: [UInt8]) -> [UInt8] {
        precondition(random.count == Ping.bytes && awaited == nil, "one ping of 32 bytes at a time")
        awaited = random
        return random
    }

    /// Takes the answer off the front of `bytes`; false while it has not come whole. Throws `protocolBroken` for another answer
    /// than what was sent, and for bytes that nobody asked for.
    public mutating func read(_ bytes: inout ByteBuffer) throws(PlasmidError) -> Bool {
        guard let awaited else {
            guard bytes.readableBytes == 0 else {
                throw PlasmidError(.protocolBroken, "a peer answers a ping that was not sent")
            }
            return false
        }
        guard let answer = bytes.readBytes(length: Ping.bytes) else { return false }
        guard answer == awaited else { throw PlasmidError(.protocolBroken, "a peer answers a ping with other bytes") }
        self.awaited = nil
        return true
    }
}

/// The side that answers.
public enum PingListener {
    /// Takes every whole ping off the front of `bytes` and returns what is to be sent back; nil when none has come whole.
    public static func answers(_ bytes: inout ByteBuffer) -> ByteBuffer? {
        let count = bytes.readableBytes / Ping.bytes * Ping.bytes
        return count > 0 ? bytes.readSlice(length: count) : nil
    }
}
