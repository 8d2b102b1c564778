// What the generated messages and the rest of this module say to each other. SwiftProtobuf has bytes as Foundation's Data;
// this is the one place that names it.
import FoundationEssentials
import Integrity
import SwiftProtobuf

extension [UInt8] {
    /// The same bytes as a field of a generated message has them.
    var data: Data { Data(self) }
}

extension Data {
    /// The same bytes as an array.
    var array: [UInt8] { [UInt8](self) }
}

extension SwiftProtobuf.Message {
    /// Reads a message of at most `maximum` bytes; unknown fields are skipped and forgotten. Throws `protocolBroken`, naming
    /// `what`, for bytes that are none.
    static func decoded(_ bytes: [UInt8], maximum: Int, _ what: StaticString) throws(PlasmidError) -> Self {
        guard bytes.count <= maximum else {
            throw PlasmidError(.protocolBroken, "\(what) has \(bytes.count) bytes, and at most \(maximum) are read")
        }
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        options.messageDepthLimit = 8
        do {
            return try Self(serializedBytes: bytes, extensions: nil, partial: false, options: options)
        } catch {
            throw PlasmidError(.protocolBroken, "\(what) is no message of its kind", cause: "\(error)")
        }
    }

    /// The bytes of the message, fields in order of their numbers.
    var encoded: [UInt8] {
        // Partial: no field of ours is required, so nothing can be missing, and nothing can be thrown.
        (try? serializedBytes(partial: true)) ?? []
    }
}
