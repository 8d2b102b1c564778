import Integrity
import NIOCore

/// One line of multistream-select: its length as a varint, the text, a newline.
enum ProtocolLine {
    static let header = "/multistream/1.0.0"
    static let refusal = "na"
    /// Bytes of the longest line that is read.
    static let bytesMaximum = 256

    static func write(_ text: String, to buffer: inout ByteBuffer) {
        var length: [UInt8] = []
        UnsignedVarint.append(UInt64(text.utf8.count + 1), to: &length)
        buffer.writeBytes(length)
        buffer.writeString(text)
        buffer.writeInteger(UInt8(ascii: "\n"))
    }

    /// Takes a line off the front; nil where it has not come whole.
    static func read(_ buffer: inout ByteBuffer) throws(PlasmidError) -> String? {
        switch UnsignedVarint.read(buffer.readableBytesView) {
        case .incomplete: return nil
        case .malformed: throw broken("a length that is none")
        case .value(let length, let count):
            guard length > 0, length <= bytesMaximum else { throw broken("a line of \(length) bytes") }
            guard buffer.readableBytes >= count + Int(length) else { return nil }
            buffer.moveReaderIndex(forwardBy: count)
            let line = buffer.readBytes(length: Int(length)) ?? []
            guard line.last == UInt8(ascii: "\n"), let text = String(validating: line.dropLast(), as: UTF8.self) else {
                throw broken("a line that is no text with a newline")
            }
            return text
        }
    }

    static func broken(_ what: String) -> PlasmidError {
        PlasmidError(.protocolBroken, "a peer negotiates a protocol with \(what)")
    }
}

/// The side that proposes one protocol and goes on as if it were agreed to.
struct ProtocolProposal {
    let name: String

    init(_ name: String) { self.name = name }

    /// Header and proposal.
    var opening: ByteBuffer {
        var buffer = ByteBuffer()
        ProtocolLine.write(ProtocolLine.header, to: &buffer)
        ProtocolLine.write(name, to: &buffer)
        return buffer
    }

    /// Reads the answer; false, and nothing taken, where it has not come whole. Anything but header and echo is an error:
    /// the peer has read what came behind as proposals.
    func read(_ buffer: inout ByteBuffer) throws(PlasmidError) -> Bool {
        var rest = buffer
        guard let header = try ProtocolLine.read(&rest) else { return false }
        guard header == ProtocolLine.header else { throw ProtocolLine.broken("another header") }
        guard let answer = try ProtocolLine.read(&rest) else { return false }
        guard answer == name else {
            throw PlasmidError(.protocolRefused, "a peer does not speak \(name)")
        }
        buffer = rest
        return true
    }
}

/// The side that answers proposals.
struct ProtocolAnswer {
    static let proposalsMaximum = 16

    private var hasHeader = false
    private var proposals = 0

    /// Reads lines until one names a protocol that is taken, which it returns; appends what to answer. Nil where more has
    /// to come.
    mutating func read(
        _ buffer: inout ByteBuffer, reply: inout ByteBuffer, takes: (String) -> Bool
    ) throws(PlasmidError) -> String? {
        while let line = try ProtocolLine.read(&buffer) {
            guard hasHeader else {
                guard line == ProtocolLine.header else { throw ProtocolLine.broken("another header") }
                hasHeader = true
                ProtocolLine.write(ProtocolLine.header, to: &reply)
                continue
            }
            proposals += 1
            guard proposals <= Self.proposalsMaximum else { throw ProtocolLine.broken("more than 16 proposals") }
            let isTaken = takes(line)
            ProtocolLine.write(isTaken ? line : ProtocolLine.refusal, to: &reply)
            if isTaken { return line }
        }
        return nil
    }
}
