import Integrity
import NIOCore

/// How messages follow each other on a stream: an unsigned varint of their length before each.
public enum LengthPrefixed {
    /// Takes one message off the front of `bytes`; nil, and nothing taken, when it has not come whole. Throws
    /// `protocolBroken`, naming `what`, as soon as the length is beyond `maximum` or is none: before anything of it is kept.
    public static func take(
        _ bytes: inout ByteBuffer, maximum: Int, _ what: StaticString
    ) throws(PlasmidError) -> [UInt8]? {
        switch UnsignedVarint.read(bytes.readableBytesView.prefix(UnsignedVarint.bytesMaximum)) {
        case .incomplete: return nil
        case .malformed: throw PlasmidError(.protocolBroken, "\(what) has a length that is none")
        case .value(let length, let count):
            guard length <= UInt64(maximum) else {
                throw PlasmidError(.protocolBroken, "\(what) has \(length) bytes, and at most \(maximum) are read")
            }
            guard bytes.readableBytes >= count + Int(length) else { return nil }
            bytes.moveReaderIndex(forwardBy: count)
            return bytes.readBytes(length: Int(length)) ?? []
        }
    }

    /// A message with its length before it.
    public static func framed(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + 4)
        UnsignedVarint.append(UInt64(message.count), to: &bytes)
        return bytes + message
    }
}
