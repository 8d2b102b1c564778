import Integrity
import NIOCore

/// A stream on which whole messages go, each behind its length. On the loop only.
///
/// It ends by itself when nothing comes for a while, when the peer breaks the form, and when the stream breaks off. It keeps
/// itself alive through the stream's callbacks and lets go of them at its end.
final class MessageStream {
    let stream: PeerStream
    /// Takes each message. Setting `onMessage` to nil within it leaves the rest for whoever takes the stream over.
    var onMessage: (([UInt8]) -> Void)?
    /// Told once when no more messages come: nil after the peer's orderly end.
    var onEnd: ((PlasmidError?) -> Void)?
    /// How long it may be silent.
    let idle: TimeAmount

    private var framer: MessageFramer
    private var timer: Scheduled<Void>?
    private var isOver = false
    private var isReading = false
    /// Answers wait for a peer that does not take them: none of its further requests is looked at.
    private var isHeld = false

    init(_ stream: PeerStream, maximum: Int, idle: TimeAmount) {
        self.stream = stream
        self.idle = idle
        framer = MessageFramer(maximum: maximum)
    }

    /// Begins to read; set the callbacks first.
    func start() {
        wait()
        stream.onBytes = { bytes in
            self.framer.append(bytes)
            self.read()
        }
        stream.onWritable = {
            self.isHeld = false
            self.read()
            if !self.isHeld, self.onMessage != nil { self.stream.resumeReading() }
        }
        stream.onEnd = { end in
            switch end {
            case .finished: self.end(nil)
            case .reset: self.end(PlasmidError(.connectionLost, "a stream of \(self.stream.protocolID) broke off"))
            case .refused:
                self.end(PlasmidError(.protocolRefused, "the peer does not speak \(self.stream.protocolID)"))
            }
        }
    }

    private func read() {
        guard !isReading else { return }
        isReading = true
        defer { isReading = false }
        do throws(PlasmidError) {
            while !isOver, !isHeld, let onMessage, let message = try framer.next() {
                wait()
                onMessage(message)
            }
        } catch {
            fail(error)
        }
        // What nobody looks at now stays with the peer, beyond its window.
        if !isOver, isHeld || onMessage == nil { stream.pauseReading() }
    }

    /// Sends a message. A peer that does not take the answers gets no more of its requests read.
    func send(_ message: [UInt8]) {
        stream.write(MessageFramer.framed(message))
        guard !stream.isWritable else { return }
        isHeld = true
        stream.pauseReading()
    }

    /// Sends nothing more; what the peer still sends is read.
    func finish() { stream.finish() }

    /// Sends nothing more, and reads nothing more: an orderly end, whatever the peer still says.
    func conclude() {
        let stream = stream
        letGo()
        stream.onBytes = { _ in }
        stream.onEnd = { _ in }
        stream.resumeReading()
        stream.finish()
    }

    /// Ends both sides at once.
    func fail(_ error: PlasmidError) {
        guard !isOver else { return }
        let stream = stream
        end(error)
        stream.reset()
    }

    /// Gives the stream away with the bytes that came behind the last message. Its reading may be paused.
    func detach() -> ByteBuffer {
        letGo()
        return framer.rest
    }

    private func wait() {
        timer?.cancel()
        timer = stream.connection.loop.assumeIsolated().scheduleTask(in: idle) { [weak self] in
            guard let self else { return }
            fail(PlasmidError(.timeout, "nothing came on a stream of \(stream.protocolID) for too long"))
        }
    }

    private func end(_ error: PlasmidError?) {
        guard !isOver else { return }
        let tell = onEnd
        letGo()
        tell?(error)
    }

    private func letGo() {
        isOver = true
        timer?.cancel()
        timer = nil
        (onMessage, onEnd) = (nil, nil)
        (stream.onBytes, stream.onEnd, stream.onWritable) = (nil, nil, nil)
    }
}

extension PeerConnection {
    /// Sends requests on a stream of their own, one after another, each behind the answer to the one before, and gives the
    /// answers in the same order. Fails with the stream's error, `timeout`, or `protocolBroken`.
    func ask(
        _ requests: [[UInt8]], _ protocolID: String, maximum: Int, timeout: TimeAmount
    ) -> EventLoopFuture<[[UInt8]]> {
        let promise = loop.makePromise(of: [[UInt8]].self)
        var rest = requests[...]
        guard let first = rest.popFirst() else { return loop.makeSucceededFuture([]) }
        let stream: MessageStream
        do {
            stream = MessageStream(try open(protocolID), maximum: maximum, idle: timeout)
        } catch { return loop.makeFailedFuture(error) }
        var answers: [[UInt8]] = []
        stream.onMessage = { [unowned stream] message in
            answers.append(message)
            if let next = rest.popFirst() { return stream.send(next) }
            stream.conclude()
            promise.succeed(answers)
        }
        stream.onEnd = { [stream = stream.stream] error in
            stream.reset()
            promise.fail(
                error ?? PlasmidError(.connectionLost, "the peer ended a stream of \(protocolID) without an answer"))
        }
        stream.start()
        stream.send(first)
        return promise.futureResult
    }
}
