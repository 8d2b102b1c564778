import Integrity
import NIOCore

/// How a stream's incoming side ended.
public enum StreamEnd: Sendable {
    /// The peer has finished; this side may still write.
    case finished
    /// Both directions are dead: the peer or the connection broke off.
    case reset
    /// The peer does not speak the protocol; both directions are dead.
    case refused
}

/// A stream of bytes on a connection, for one protocol. On the loop only.
///
/// Bytes that are written go out in one piece with others of the same turn of the loop. Bytes that come are handed to
/// ``onBytes`` as soon as it is set and reading is not paused; a peer may send at most a window (up to 1 MiB) ahead.
///
/// Sendable because futures carry it: it is used on its host's loop alone.
public final class PeerStream: @unchecked Sendable {
    /// The protocol both sides speak on it.
    public private(set) var protocolID: String
    /// What it runs on.
    public let connection: PeerConnection
    /// True when this host opened it.
    public let isOpener: Bool
    /// Takes what comes, in order.
    public var onBytes: ((ByteBuffer) -> Void)? {
        didSet { if onBytes != nil, !pending.isEmpty || hasPeerFinished { scheduleDelivery() } }
    }
    /// Told once when the peer has finished, behind its last bytes, and once when the stream broke off.
    public var onEnd: ((StreamEnd) -> Void)? {
        didSet { if onEnd != nil, hasPeerFinished { scheduleDelivery() } }
    }
    /// Told when ``isWritable`` has become true again.
    public var onWritable: (() -> Void)?
    /// False while much is unsent: a writer that goes on fills memory.
    public var isWritable: Bool { isAlive && !isFull }
    /// False once nothing more can be written.
    public private(set) var isAlive = true

    private enum Negotiation { case answering(MultistreamListener), proposed(MultistreamDialer), done }

    let id: UInt32
    var agreement: EventLoopPromise<PeerStream>?
    private var negotiation: Negotiation
    private var isFull = false
    private var isPaused = false
    private var isDelivering = false
    /// What came and was not handed on yet: a copy, so that a few bytes never hold a large buffer.
    private var pending = Pending()
    private var hasPeerFinished = false
    private var hasToldFinish = false
    /// The muxer knows it no more.
    private var isEnded = false
    private var timer: Scheduled<Void>?
    private var countsAs: String?

    /// A stream of ours.
    init(id: UInt32, connection: PeerConnection, proposing name: String) {
        self.id = id
        self.connection = connection
        protocolID = name
        isOpener = true
        negotiation = .proposed(MultistreamDialer([name]))
    }

    /// A stream of the peer.
    init(id: UInt32, connection: PeerConnection) {
        self.id = id
        self.connection = connection
        protocolID = ""
        isOpener = false
        negotiation = .answering(MultistreamListener())
    }

    func begin() {
        if case .proposed(let proposal) = negotiation {
            connection.session.write(id, ByteBuffer(bytes: proposal.start()))
        }
        timer = connection.loop.assumeIsolated().scheduleTask(in: connection.settings.negotiationTime) { [weak self] in
            guard let self else { return }
            fail(
                PlasmidError(.timeout, "peer \(connection.peer) does not answer on a stream"),
                YamuxCode.negotiationFailed)
        }
    }

    // MARK: Writing

    /// Sends bytes behind those written before; ignored where the stream is finished or dead.
    public func write(_ bytes: ByteBuffer) {
        connection.loop.preconditionInEventLoop()
        guard isAlive, bytes.readableBytes > 0 else { return }
        if !connection.session.write(id, bytes) { isFull = true }
        connection.scheduleFlush()
    }

    /// Ends this side behind what was written; the peer's bytes still come.
    public func finish() {
        guard isAlive else { return }
        isAlive = false
        connection.session.finish(id)
        connection.scheduleFlush()
    }

    /// Ends both sides at once; nothing is told any more.
    public func reset() { end(YamuxCode.normal) }

    // MARK: Reading

    /// Keeps what comes from now on, until ``resumeReading()``: the peer is slowed down once its window is used up.
    public func pauseReading() { isPaused = true }

    /// Hands on what was kept, and what comes.
    public func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        scheduleDelivery()
    }

    // MARK: What the connection tells

    func received(_ bytes: ByteBuffer) {
        if case .done = negotiation, pending.isEmpty, !isPaused, !isDelivering, let onBytes {
            isDelivering = true
            onBytes(bytes)
            isDelivering = false
            connection.consumed(id, bytes.readableBytes)
            if !pending.isEmpty { deliver() }
        } else {
            pending.append(bytes)
            deliver()
        }
    }

    func peerFinished() {
        hasPeerFinished = true
        if case .done = negotiation { return deliver() }
        fail(PlasmidError(.connectionLost, "peer \(connection.peer) closed a stream before it agreed on a protocol"), 0)
    }

    func wasReset(_ error: PlasmidError) {
        guard !isEnded || !hasToldFinish else { return letGo() }
        isEnded = true
        isAlive = false
        connection.consumed(id, pending.count)
        pending = Pending()
        let tell = onEnd
        let wasAgreed = if case .done = negotiation { true } else { false }
        let isRefused = !wasAgreed && error.code == .protocolRefused
        agreement?.fail(error)
        agreement = nil
        letGo()
        tell?(isRefused ? .refused : .reset)
    }

    func wasEnded() {
        isEnded = true
        isAlive = false
        deliver()
    }

    func becameWritable() {
        isFull = false
        if isAlive { onWritable?() }
    }

    // MARK: Inside

    private func scheduleDelivery() {
        connection.loop.assumeIsolated().execute { [weak self] in self?.deliver() }
    }

    /// Negotiates with, or hands on, what is there.
    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        do throws(PlasmidError) {
            guard try negotiate() else { return }
        } catch { return fail(error, YamuxCode.negotiationFailed) }
        while !pending.isEmpty, !isPaused, let onBytes {
            let bytes = pending.take()
            onBytes(bytes)
            connection.consumed(id, bytes.readableBytes)
        }
        guard pending.isEmpty, hasPeerFinished, !isPaused else { return }
        if !hasToldFinish, let onEnd {
            hasToldFinish = true
            onEnd(.finished)
        }
        guard isEnded else { return }
        if hasToldFinish { letGo() }
        connection.forget(id)
    }

    /// Whether the protocol is agreed on.
    private func negotiate() throws(PlasmidError) -> Bool {
        switch negotiation {
        case .done: return true
        case .proposed(var proposal):
            let before = pending.count
            let step = try proposal.read(&pending.bytes)
            connection.consumed(id, before - pending.count)
            negotiation = .proposed(proposal)
            guard case .agreed = step else { return false }
        case .answering(var answering):
            let before = pending.count
            let handlers = connection.identity.handlers
            let step = try answering.read(&pending.bytes, accepts: { handlers[$0] != nil })
            connection.consumed(id, before - pending.count)
            negotiation = .answering(answering)
            if !step.answer.isEmpty {
                connection.session.write(id, ByteBuffer(bytes: step.answer))
                connection.scheduleFlush()
            }
            guard let name = step.agreed, let handler = handlers[name] else { return false }
            guard countIn(name, handler) else {
                end(YamuxCode.resourceLimit)
                return false
            }
            protocolID = name
            agreed()
            handler.body(self)
            return !isEnded
        }
        agreed()
        return true
    }

    private func agreed() {
        negotiation = .done
        timer?.cancel()
        timer = nil
        if !isOpener { connection.session.accept(id) }
        agreement?.succeed(self)
        agreement = nil
    }

    /// Whether the peer may have one more stream of a protocol.
    private func countIn(_ name: String, _ handler: HostIdentity.Handler) -> Bool {
        let most = handler.perPeer > 0 ? handler.perPeer : connection.settings.streamsPerProtocol
        guard let book = connection.identity.peers[connection.peer] else { return true }
        guard book.inbound[name, default: 0] < most else { return false }
        book.inbound[name, default: 0] += 1
        countsAs = name
        return true
    }

    private func fail(_ error: PlasmidError, _ code: UInt32) {
        guard !isEnded else { return }
        connection.session.reset(id, code: code)
        connection.scheduleFlush()
        wasReset(error)
        connection.forget(id)
    }

    private func end(_ code: UInt32) {
        guard !isEnded else { return }
        isEnded = true
        isAlive = false
        connection.session.reset(id, code: code)
        connection.scheduleFlush()
        connection.consumed(id, pending.count)
        pending = Pending()
        agreement?.fail(PlasmidError(.connectionLost, "a stream was given up"))
        agreement = nil
        letGo()
        connection.forget(id)
    }

    /// Nobody is told anything any more.
    private func letGo() {
        timer?.cancel()
        timer = nil
        (onBytes, onEnd, onWritable) = (nil, nil, nil)
        if let countsAs, let book = connection.identity.peers[connection.peer] {
            book.inbound[countsAs, default: 1] -= 1
        }
        countsAs = nil
    }

    /// Bytes that wait to be handed on.
    private struct Pending {
        var bytes = ByteBuffer()
        var isEmpty: Bool { bytes.readableBytes == 0 }
        var count: Int { bytes.readableBytes }

        mutating func append(_ more: ByteBuffer) {
            var more = more
            bytes.writeBuffer(&more)
        }

        mutating func take() -> ByteBuffer {
            defer { bytes = ByteBuffer() }
            return bytes
        }
    }
}
