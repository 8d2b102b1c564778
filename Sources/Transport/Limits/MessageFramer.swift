import Integrity
import NIOCore

/// Cuts what comes on a stream into messages, each behind its length: an unsigned varint. A length beyond the bound is
/// refused before anything is kept for it.
struct MessageFramer {
    private let maximum: Int
    private var buffer = ByteBuffer()

    /// Messages have at most `maximum` bytes.
    init(maximum: Int) { self.maximum = maximum }

    /// Bytes that came and belong to no whole message yet.
    var rest: ByteBuffer { buffer }

    /// Adds what came.
    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        buffer.writeBuffer(&bytes)
    }

    /// The next message, or nil while it has not come whole. Throws `protocolBroken` for a length that is none or too large.
    mutating func next() throws(PlasmidError) -> [UInt8]? {
        let message = try LengthPrefixed.take(&buffer, maximum: maximum, "a message on a stream")
        // Not for each message: what is left would be moved as often as there are messages.
        if message != nil, buffer.readerIndex > buffer.capacity / 2 { buffer.discardReadBytes() }
        return message
    }

    /// A message behind its length.
    static func framed(_ message: [UInt8]) -> ByteBuffer { ByteBuffer(bytes: LengthPrefixed.framed(message)) }
}
