import NIOCore

/// Two streams that are one: what comes on either goes out on the other, no faster than it is taken, within bounds of bytes
/// and time. On the loop only. It lives in the callbacks of its streams.
final class RelayPipe {
    private let streams: (PeerStream, PeerStream)
    private var left: (UInt64, UInt64)
    private var finished = (false, false)
    private var timer: Scheduled<Void>?
    private var end: (() -> Void)?

    /// Joins two streams; `bytes` came on them behind their last messages. `end` is called once.
    init(
        _ first: PeerStream, _ second: PeerStream, bytes: (ByteBuffer, ByteBuffer), limit: RelayLimit,
        end: @escaping () -> Void
    ) {
        streams = (first, second)
        left = (limit.bytes ?? .max, limit.bytes ?? .max)
        self.end = end
        if let seconds = limit.seconds {
            timer = first.connection.loop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) { [weak self] in
                self?.reset()
            }
        }
        first.onBytes = { self.forward($0, to: second, from: first, left: \.left.0) }
        second.onBytes = { self.forward($0, to: first, from: second, left: \.left.1) }
        first.onWritable = { second.resumeReading() }
        second.onWritable = { first.resumeReading() }
        first.onEnd = { self.ended($0, other: second, finished: \.finished.0) }
        second.onEnd = { self.ended($0, other: first, finished: \.finished.1) }
        first.resumeReading()
        second.resumeReading()
        if bytes.0.readableBytes > 0 { forward(bytes.0, to: second, from: first, left: \.left.0) }
        if bytes.1.readableBytes > 0 { forward(bytes.1, to: first, from: second, left: \.left.1) }
    }

    private func forward(
        _ bytes: ByteBuffer, to target: PeerStream, from source: PeerStream,
        left: ReferenceWritableKeyPath<RelayPipe, UInt64>
    ) {
        guard end != nil else { return }
        let count = UInt64(bytes.readableBytes)
        guard count <= self[keyPath: left] else { return reset() }
        self[keyPath: left] -= count
        target.write(bytes)
        if !target.isWritable { source.pauseReading() }
    }

    private func ended(
        _ how: StreamEnd, other: PeerStream, finished: ReferenceWritableKeyPath<RelayPipe, Bool>
    ) {
        guard case .finished = how else { return reset() }
        self[keyPath: finished] = true
        other.finish()
        if self.finished == (true, true) { over() }
    }

    /// The bound is reached, or an end broke off.
    private func reset() {
        guard end != nil else { return }
        streams.0.reset()
        streams.1.reset()
        over()
    }

    private func over() {
        timer?.cancel()
        let tell = end
        end = nil
        tell?()
    }
}
