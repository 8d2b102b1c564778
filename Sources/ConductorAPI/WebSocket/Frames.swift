import Integrity
import NIOCore

/// Why a socket is closed, as RFC 6455 §7.4 numbers it, with a reason that a developer can act on.
struct SocketClosure: Error, Equatable {
    var code: UInt16
    var reason: String

    static func protocolFault(_ reason: String) -> SocketClosure { SocketClosure(code: 1002, reason: reason) }
    static func tooBig(_ reason: String) -> SocketClosure { SocketClosure(code: 1009, reason: reason) }
    static let binary = SocketClosure(
        code: 1003, reason: "binary frames are not spoken yet: send JSON-RPC 2.0 as text")
    static let notUTF8 = SocketClosure(code: 1007, reason: "a text message has to be valid UTF-8")
    static let tokenEnded = SocketClosure(
        code: 1008, reason: "the token that opened this was revoked, or its app is not installed any more")
    static let goingAway = SocketClosure(code: 1001, reason: "the conductor stops")
}

enum Opcode {
    static let continuation: UInt8 = 0
    static let text: UInt8 = 1
    static let binary: UInt8 = 2
    static let close: UInt8 = 8
    static let ping: UInt8 = 9
    static let pong: UInt8 = 10
    static func isControl(_ opcode: UInt8) -> Bool { opcode & 8 != 0 }
}

/// The header of one frame from a client (RFC 6455 §5.2).
struct FrameHeader: Equatable {
    var isLast: Bool
    var opcode: UInt8
    /// Bytes of payload.
    var length: Int
    /// The four mask bytes as they stand in memory.
    var mask: UInt32
    /// Bytes that the header itself takes.
    var size: Int

    /// Reads the header at the front of `bytes`; nil if more bytes are needed.
    /// - Throws: as soon as the bytes at hand cannot begin a right frame, so that nothing is waited for in vain.
    static func read(
        _ bytes: UnsafeRawBufferPointer, maximumLength: Int
    ) throws(SocketClosure) -> FrameHeader? {
        guard bytes.count >= 2 else { return nil }
        let isLast = bytes[0] & 0x80 != 0
        let opcode = bytes[0] & 0x0F
        guard bytes[0] & 0x70 == 0 else { throw .protocolFault("reserved bits are set and no extension was agreed") }
        guard opcode <= 2 || (8...10).contains(opcode) else { throw .protocolFault("unknown opcode \(opcode)") }
        guard opcode != Opcode.binary else { throw .binary }
        guard bytes[1] & 0x80 != 0 else { throw .protocolFault("a client's frames have to be masked") }
        let short = Int(bytes[1] & 0x7F)
        if Opcode.isControl(opcode) {
            guard isLast else { throw .protocolFault("control frames cannot be fragmented") }
            guard short <= 125 else { throw .protocolFault("control frames hold at most 125 bytes") }
        }
        let extra = short == 126 ? 2 : short == 127 ? 8 : 0
        guard bytes.count >= 2 + extra else { return nil }
        let length = try length(bytes, short, extra)
        guard length <= UInt64(maximumLength) else { throw .tooBig("a frame holds at most \(maximumLength) bytes") }
        let size = 2 + extra + 4
        guard bytes.count >= size else { return nil }
        let mask = bytes.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self)
        return FrameHeader(isLast: isLast, opcode: opcode, length: Int(length), mask: mask, size: size)
    }

    private static func length(
        _ bytes: UnsafeRawBufferPointer, _ short: Int, _ extra: Int
    ) throws(SocketClosure) -> UInt64 {
        switch extra {
        case 2:
            let length = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            guard length > 125 else { throw .protocolFault("a length has to take the fewest bytes") }
            return UInt64(length)
        case 8:
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length > 65_535 else { throw .protocolFault("a length has to take the fewest bytes") }
            return length
        default: return UInt64(short)
        }
    }

    /// Copies a payload out of the read buffer and takes its mask off on the way; `target` has at least its size.
    static func unmask(_ source: UnsafeRawBufferPointer, _ mask: UInt32, to target: UnsafeMutableRawBufferPointer) {
        let wide = UInt64(mask) << 32 | UInt64(mask)
        var at = 0
        while at + 8 <= source.count {
            let word = source.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ wide
            target.storeBytes(of: word, toByteOffset: at, as: UInt64.self)
            at += 8
        }
        while at < source.count {
            target[at] = source[at] ^ UInt8(truncatingIfNeeded: mask.littleEndian >> UInt32((at & 3) * 8))
            at += 1
        }
    }
}

/// Frames to a client: whole, unmasked, appended to what the next flush sends.
enum FrameWriter {
    static func append(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        let count = payload.count
        if count <= 125 {
            buffer.writeInteger(UInt16(0x80 | opcode) << 8 | UInt16(count))
        } else if count <= 65_535 {
            buffer.writeInteger(UInt32(0x80 | opcode) << 24 | 126 << 16 | UInt32(count))
        } else {
            buffer.writeInteger(UInt16(0x80 | opcode) << 8 | 127)
            buffer.writeInteger(UInt64(count))
        }
        buffer.writeBytes(payload)
    }

    static func close(_ code: UInt16?, _ reason: String, to buffer: inout ByteBuffer) {
        var payload: [UInt8] = []
        if let code {
            payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
            // A control frame holds 125 bytes; our reasons are ASCII, so cutting never splits a character.
            payload += Array(reason.utf8.prefix(123))
        }
        payload.withUnsafeBytes { append(Opcode.close, $0, to: &buffer) }
    }

    /// The code to answer a client's Close with; nil if it gave none.
    /// - Throws: if its payload breaks RFC 6455 §5.5.1 or §7.4.
    static func closeCode(_ payload: UnsafeRawBufferPointer) throws(SocketClosure) -> UInt16? {
        if payload.isEmpty { return nil }
        guard payload.count >= 2 else { throw .protocolFault("a close frame has no or at least two bytes") }
        let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: break
        default: throw .protocolFault("close code \(code) cannot be sent")
        }
        guard UTF8Check.isValid(UnsafeRawBufferPointer(rebasing: payload[2...])) else { throw .notUTF8 }
        return code
    }
}
