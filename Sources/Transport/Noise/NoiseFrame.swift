import Integrity
import NIOCore

/// How Noise messages stand in the stream of bytes: two bytes of length, high one first, then the message.
public enum NoiseFrame {
    /// Bytes of the longest message.
    public static let messageMaximum = 65_535
    /// Bytes of the longest plain text in a message.
    public static let plainMaximum = messageMaximum - 16
    /// Bytes of the longest message of a handshake that is read; a peer with the largest keys in use needs about 1,200.
    public static let handshakeMaximum = 4096

    /// Takes one handshake message off the front of `bytes`; nil, and nothing taken, when it has not come whole. Throws
    /// `handshakeFailed` as soon as the length is beyond ``handshakeMaximum``.
    public static func takeHandshakeMessage(_ bytes: inout ByteBuffer) throws(PlasmidError) -> [UInt8]? {
        guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) else { return nil }
        guard length <= handshakeMaximum else {
            throw PlasmidError(
                .handshakeFailed,
                "a message of a handshake has \(length) bytes, and at most \(handshakeMaximum) are read")
        }
        guard bytes.readableBytes >= 2 + Int(length) else { return nil }
        bytes.moveReaderIndex(forwardBy: 2)
        return bytes.readBytes(length: Int(length))
    }

    /// A handshake message with its length in front of it.
    static func framed(_ message: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
    }
}
