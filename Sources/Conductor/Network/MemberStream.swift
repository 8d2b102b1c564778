import Gossip
import Integrity
import NIOCore
import Transport

/// Frames over one libp2p stream between members of a space, both ways.
///
/// Confined to the conductor loop.
final class MemberStream {
    private let stream: PeerStream
    private var reader = FrameReader()
    private var queue = FIFOBytes()
    /// Hears every frame.
    var onFrame: (Frame) -> Void = { _ in }
    /// Hears once that nothing comes any more, and why if it was a fault of the peer.
    var onEnd: (PlasmidError?) -> Void = { _ in }
    /// Asked for more to send whenever the peer can take more.
    var onRoom: () -> Void = {}
    private(set) var isOpen = true

    /// Bytes that may wait for a slow peer; beyond that the stream is ended.
    static let waitingBytesMaximum = 32 * 1_048_576

    init(_ stream: PeerStream) {
        self.stream = stream
        stream.onBytes = { [weak self] buffer in self?.take(buffer) }
        stream.onEnd = { [weak self] _ in self?.end(nil) }
        stream.onWritable = { [weak self] in self?.flush() }
    }

    /// Whether the peer takes more now: what may wait should wait for ``onRoom``.
    var hasRoom: Bool { isOpen && queue.isEmpty && stream.isWritable }

    /// Bytes that wait for the peer to take them.
    var waitingBytes: Int { queue.bytes }

    func send(_ frame: Frame) {
        guard isOpen else { return }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Frame.headerBytes + frame.body.count)
        buffer.writeBytes(frame.header)
        buffer.writeBytes(frame.body)
        guard queue.isEmpty, stream.isWritable else {
            guard queue.bytes + buffer.readableBytes <= Self.waitingBytesMaximum else {
                return fail(PlasmidError(.connectionLost, "a peer takes nothing of what is sent to it"))
            }
            return queue.append(buffer)
        }
        stream.write(buffer)
    }

    /// Reads no more until ``resume()``: the peer is slowed down once its window is used up.
    func pause() { stream.pauseReading() }

    func resume() { stream.resumeReading() }

    func close() {
        guard isOpen else { return }
        isOpen = false
        stream.finish()
    }

    /// Takes bytes: those that came before there was anybody to take them, too.
    func take(_ buffer: ByteBuffer) {
        guard isOpen else { return }
        var frames: [Frame] = []
        do throws(PlasmidError) {
            try buffer.withUnsafeReadableBytes { (raw) throws(PlasmidError) in
                try reader.read(raw) { frames.append($0) }
            }
        } catch {
            for frame in frames where isOpen { onFrame(frame) }
            return fail(error)
        }
        for frame in frames where isOpen { onFrame(frame) }
    }

    private func flush() {
        while isOpen, stream.isWritable, let buffer = queue.popFirst() { stream.write(buffer) }
        if hasRoom { onRoom() }
    }

    private func fail(_ error: PlasmidError) {
        stream.reset()
        end(error)
    }

    private func end(_ error: PlasmidError?) {
        guard isOpen else { return }
        isOpen = false
        onEnd(error)
    }
}

/// Buffers that wait their turn, with the count of their bytes.
private struct FIFOBytes {
    private var buffers: CircularBuffer<ByteBuffer> = []
    private(set) var bytes = 0

    var isEmpty: Bool { buffers.isEmpty }

    mutating func append(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        buffers.append(buffer)
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let first = buffers.popFirst() else { return nil }
        bytes -= first.readableBytes
        return first
    }
}
