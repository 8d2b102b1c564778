import Integrity
import NIOCore

/// Cuts a byte stream into frames. Pure: bytes in, frames out.
struct FrameStream {
    /// One frame with its payload.
    struct Frame: Equatable {
        var header: ModuleFrame
        var payload: [UInt8]
    }

    /// What the next bytes are.
    enum Next: Equatable {
        case frame(Frame)
        /// More bytes are needed.
        case incomplete
        /// Whoever sends this does not speak the protocol; completes "The module …".
        case garbage(String)
    }

    private let maxFrameBytes: Int
    private var waiting = ByteBuffer()

    init(maxFrameBytes: Int) { self.maxFrameBytes = maxFrameBytes }

    /// Takes bytes over.
    mutating func append(_ bytes: ByteBuffer) {
        if waiting.readableBytes == 0 {
            waiting = bytes
        } else {
            waiting.writeImmutableBuffer(bytes)
        }
    }

    /// The next frame from what came.
    mutating func next() -> Next {
        let room = maxFrameBytes
        let found = waiting.withUnsafeReadableBytes { bytes -> Next in
            guard bytes.count >= ModuleFrame.headerBytes, let base = bytes.baseAddress else { return .incomplete }
            let total = ModuleFrame.totalBytes(at: base)
            guard let header = ModuleFrame(reading: base), header.kind.rawValue >= ModuleFrame.Kind.ready.rawValue
            else {
                return .garbage("sent bytes that are no frame")
            }
            guard total <= room else { return .garbage("sent a frame of \(total) bytes; at most \(room) are allowed") }
            guard bytes.count >= total else { return .incomplete }
            return .frame(Frame(header: header, payload: Array(bytes[ModuleFrame.headerBytes..<total])))
        }
        if case .frame(let frame) = found {
            waiting.moveReaderIndex(forwardBy: ModuleFrame.headerBytes + frame.payload.count)
            if waiting.readableBytes == 0 { waiting = ByteBuffer() }
        }
        return found
    }
}

extension ByteBuffer {
    /// Appends a frame.
    mutating func writeFrame(_ frame: ModuleFrame, name: String = "", payload: [UInt8] = []) {
        reserveCapacity(minimumWritableBytes: ModuleFrame.headerBytes + frame.payloadCount)
        writeWithUnsafeMutableBytes(minimumWritableBytes: ModuleFrame.headerBytes) { memory in
            guard let base = memory.baseAddress else { return 0 }
            frame.write(to: base)
            return ModuleFrame.headerBytes
        }
        if !name.isEmpty { writeString(name) }
        writeBytes(payload)
    }
}
