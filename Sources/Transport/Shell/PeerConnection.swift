import Integrity
import Logging
import NIOCore

/// An encrypted connection with one peer that carries any number of streams. On the loop only.
///
/// Sendable because futures carry it: it is used on its host's loop alone.
public final class PeerConnection: @unchecked Sendable {
    /// Who is at the other end; the key is proved.
    public let peer: PeerID
    /// As whom this host speaks on it.
    public let identity: HostIdentity
    /// True when this host made it.
    public let isDialer: Bool
    /// Where the peer is, as the socket tells: no `/p2p` part.
    public let remoteAddress: Multiaddr
    /// The hash over the whole handshake, 32 bytes, the same on both sides and on no other connection.
    public let handshakeHash: [UInt8]
    /// True when it leads over a relay, which bounds its bytes and time.
    public let isRelayed: Bool
    /// True when this host made it from a port that it listens on: where the peer sees it is where it can be dialled, if the
    /// routers between let anyone in at all.
    public let isFromListeningPort: Bool
    /// Called once when it is over, with the reason where it is known.
    public var onClose: [(PlasmidError?) -> Void] = []
    /// What the peer said of itself, once it was asked or has told unasked.
    public internal(set) var info: PeerInfo?
    /// Called whenever the peer has said something of itself.
    public var onInfo: [(PeerInfo) -> Void] = []
    /// False from the first word of the end on: no stream can be opened.
    public var isOpen: Bool { state == .open && !session.isPeerGoingAway }

    /// When it was made.
    let begun: NIODeadline

    /// Whether it is over because nothing came from the peer any more, not even answers to pings.
    public private(set) var wentSilent = false

    enum State { case open, farewell, closed }

    let loop: any EventLoop
    let settings: TransportSettings
    weak var host: TransportHost?
    var slot: ConnectionSlot?
    let wire: any PeerWire
    let noise: NoiseTransport
    var session: YamuxSession
    var streams: [UInt32: PeerStream] = [:]
    private(set) var state = State.open
    private var events: [YamuxSession.Event] = []
    /// The beginning of a frame that has not come whole.
    private var partial = ByteBuffer()
    private var plain = ByteBuffer()
    private var out = ByteBuffer()
    /// The bytes being handled came in one read: one flush follows by itself.
    private var isInRead = false
    private var isFlushDue = false
    private var isFlushing = false
    private var keepalive: Scheduled<Void>?
    private var farewell: Scheduled<Void>?
    private var reason: PlasmidError?

    init(
        _ result: ConnectionUpgrade.Result, wire: any PeerWire, host: TransportHost, isDialer: Bool,
        remoteAddress: Multiaddr, isRelayed: Bool, isFromListeningPort: Bool
    ) {
        peer = result.noise.peer
        identity = result.identity
        handshakeHash = result.noise.handshakeHash
        noise = result.noise.transport
        self.isDialer = isDialer
        self.remoteAddress = remoteAddress
        self.isRelayed = isRelayed
        self.isFromListeningPort = isFromListeningPort
        self.wire = wire
        self.host = host
        loop = host.loop
        begun = host.loop.now
        settings = host.settings
        session = YamuxSession(role: isDialer ? .client : .server, limits: host.settings.muxer, now: host.loop.now)
    }

    /// Takes over the wire; `plain` and `sealed` came behind the handshake.
    func start(plain: ByteBuffer, sealed: ByteBuffer) {
        wire.receiver = self
        scheduleKeepalive()
        isInRead = true
        if plain.readableBytes > 0 { take(plain) }
        if sealed.readableBytes > 0 { wireRead(sealed) }
        wireReadComplete()
    }

    // MARK: Streams

    /// Opens a stream and proposes a protocol on it. The stream can be written to at once, and what is written goes with the
    /// proposal; a peer that does not speak the protocol is told by ``PeerStream/onEnd``. Fails with `connectionLost` where
    /// no stream can be opened.
    public func openStream(_ protocolID: String) -> EventLoopFuture<PeerStream> {
        do { return loop.makeSucceededFuture(try open(protocolID)) } catch { return loop.makeFailedFuture(error) }
    }

    /// Opens a stream and waits until the peer has agreed to the protocol. Fails also with `protocolRefused` and, after the
    /// time of the settings, with `timeout`.
    public func openAgreedStream(_ protocolID: String) -> EventLoopFuture<PeerStream> {
        do {
            let stream = try open(protocolID)
            let promise = loop.makePromise(of: PeerStream.self)
            stream.agreement = promise
            return promise.futureResult
        } catch { return loop.makeFailedFuture(error) }
    }

    /// The same as ``openStream(_:)``, at once.
    public func open(_ protocolID: String) throws(PlasmidError) -> PeerStream {
        loop.preconditionInEventLoop()
        guard state == .open, let id = session.open() else {
            throw PlasmidError(
                .connectionLost,
                isOpen ? "no more streams can be opened to peer \(peer)" : "the connection with peer \(peer) has ended")
        }
        let stream = PeerStream(id: id, connection: self, proposing: protocolID)
        streams[id] = stream
        stream.begin()
        scheduleFlush()
        return stream
    }

    // MARK: The end

    /// Ends it: no new streams; the live ones may go on for as long as the settings say, unless it is to be `atOnce`.
    public func close(atOnce: Bool = false) {
        loop.preconditionInEventLoop()
        guard state != .closed else { return }
        session.goAway()
        beginFarewell()
        flush()
        if atOnce || streams.isEmpty { finish(nil) }
    }

    private func beginFarewell() {
        guard state == .open else { return }
        state = .farewell
        farewell = loop.assumeIsolated().scheduleTask(in: settings.farewellTime) { [weak self] in self?.finish(nil) }
    }

    /// It is over, whoever ended it.
    private func finish(_ error: PlasmidError?, hasWire: Bool = true) {
        guard state != .closed else { return }
        state = .closed
        keepalive?.cancel()
        farewell?.cancel()
        wire.receiver = nil
        if hasWire { wire.close(atOnce: error != nil || !wire.isWritable) }
        let open = streams
        streams = [:]
        for id in open.keys.sorted() { open[id]?.wasReset(error ?? Self.lost(peer)) }
        (partial, plain, out) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        host?.closed(self)
        let told = onClose
        onClose = []
        onInfo = []
        for tell in told { tell(error ?? reason) }
    }

    static func lost(_ peer: PeerID) -> PlasmidError {
        PlasmidError(.connectionLost, "the connection with peer \(peer) has ended")
    }

    private func fail(_ error: PlasmidError) {
        host?.logger.debug("a connection failed", metadata: ["peer": "\(peer)", "error": "\(error)"])
        // A farewell that names the fault goes out first, where the cipher still works.
        flush()
        finish(error)
    }

    // MARK: Events of the muxer

    private func take(_ bytes: ByteBuffer) {
        var bytes = bytes
        session.receive(&bytes, now: loop.now, events: &events)
        handleEvents()
    }

    /// Hands out events, also those that come of handling others.
    func handleEvents() {
        while !events.isEmpty, state != .closed {
            let batch = events
            events.removeAll(keepingCapacity: true)
            for event in batch where state != .closed { handle(event) }
        }
    }

    private func handle(_ event: YamuxSession.Event) {
        switch event {
        case .opened(let id):
            let stream = PeerStream(id: id, connection: self)
            streams[id] = stream
            stream.begin()
        case .data(let id, let bytes):
            if let stream = streams[id] { stream.received(bytes) } else { consumed(id, bytes.readableBytes) }
        case .finished(let id): streams[id]?.peerFinished()
        case .reset(let id, let code):
            let error = PlasmidError(.connectionLost, "peer \(peer) reset a stream (code \(code))")
            streams.removeValue(forKey: id)?.wasReset(error)
            closeIfIdle()
        case .writable(let id): streams[id]?.becameWritable()
        case .ended(let id): streams[id]?.wasEnded()
        case .goingAway(let code):
            reason = PlasmidError(.connectionLost, "peer \(peer) ended the connection (code \(code))")
            session.goAway()
            beginFarewell()
            closeIfIdle()
        case .failed(let fault):
            let isSilent = fault == .silent
            wentSilent = isSilent
            fail(
                PlasmidError(
                    isSilent ? .connectionLost : .protocolBroken, "the connection with peer \(peer) failed: \(fault)"))
        }
    }

    /// A stream is gone; in a farewell, the last one takes the connection with it.
    func forget(_ id: UInt32) {
        streams.removeValue(forKey: id)
        closeIfIdle()
    }

    private func closeIfIdle() {
        guard state == .farewell, streams.isEmpty else { return }
        flush()
        finish(nil)
    }

    /// Bytes of a stream were taken.
    func consumed(_ id: UInt32, _ count: Int) {
        guard state != .closed, count > 0 else { return }
        session.consumed(id, count, now: loop.now)
        if session.hasOutput { scheduleFlush() }
    }

    // MARK: Time there and back

    /// What the last ping of the muxer took, there and back; nil before one was answered. Pings go out when this side wants
    /// one, when it first gives back a window, and when nothing was heard for a while.
    public var roundTrip: TimeAmount? { session.roundTrip }

    /// Sends a ping of the muxer; what it measures is ``roundTrip``.
    public func measureRoundTrip() {
        loop.preconditionInEventLoop()
        guard state == .open else { return }
        session.measure(now: loop.now)
        scheduleFlush()
    }

    // MARK: Sending

    /// One flush for all that is written in this turn of the loop.
    func scheduleFlush() {
        guard !isFlushDue, !isInRead, state != .closed else { return }
        isFlushDue = true
        loop.assumeIsolated().execute { [weak self] in self?.flush() }
    }

    /// Sends while the wire takes it, in frames that are filled and encrypted in place.
    private func flush() {
        isFlushDue = false
        guard !isFlushing, state != .closed else { return }
        isFlushing = true
        defer { isFlushing = false }
        do throws(PlasmidError) {
            while session.hasOutput, wire.isWritable {
                out.clear()
                var isFilled = true
                while isFilled, session.hasOutput, out.readableBytes < Self.writeBytes {
                    let start = NoiseTransport.beginFrame(&out)
                    isFilled = session.fill(&out, limit: NoiseFrame.plainMaximum, events: &events) > 0
                    try noise.endFrame(&out, at: start)
                }
                guard out.readableBytes > 0 else { break }
                wire.send(out)
            }
        } catch { return finish(error) }
        if out.capacity > Self.idleBytes, out.readableBytes < Self.idleBytes / 4 { out = ByteBuffer() }
        updateReading()
        guard !events.isEmpty else { return }
        // Writers that may go on do so in a turn of their own, never inside somebody's write.
        loop.assumeIsolated().execute { [weak self] in self?.handleEvents() }
    }

    /// Bytes handed to the wire at a time, and those a buffer may keep while nothing happens.
    private static let writeBytes = 131_072
    private static let idleBytes = 16_384

    private func updateReading() { wire.setReading(!session.isCongested) }

    // MARK: Time

    private func scheduleKeepalive() {
        keepalive = loop.assumeIsolated().scheduleTask(deadline: session.deadline) { [weak self] in
            guard let self, state != .closed else { return }
            session.tick(now: loop.now, events: &events)
            handleEvents()
            guard state != .closed else { return }
            flush()
            scheduleKeepalive()
        }
    }
}

extension PeerConnection: WireReceiver {
    func wireRead(_ bytes: ByteBuffer) {
        guard state != .closed else { return }
        isInRead = true
        var bytes = bytes
        do throws(PlasmidError) {
            if partial.readableBytes > 0 { try completeFrame(&bytes) }
            if bytes.readableBytes > 0, state != .closed {
                plain.clear(minimumCapacity: NoiseTransport.plainBytes(in: bytes) + 1)
                try noise.open(&bytes, into: &plain)
                if bytes.readableBytes > 0 { partial.writeBuffer(&bytes) }
                if plain.readableBytes > 0 { take(plain) }
            }
        } catch { return finish(error) }
    }

    /// Takes of `bytes` only what the frame at hand lacks, so that the rest is opened where it lies.
    private func completeFrame(_ bytes: inout ByteBuffer) throws(PlasmidError) {
        while bytes.readableBytes > 0 {
            let length = partial.getInteger(at: partial.readerIndex, as: UInt16.self).map { Int($0) + 2 } ?? 2
            let missing = length - partial.readableBytes
            guard missing > 0 else { break }
            if var piece = bytes.readSlice(length: min(missing, bytes.readableBytes)) { partial.writeBuffer(&piece) }
        }
        plain.clear(minimumCapacity: NoiseTransport.plainBytes(in: partial) + 1)
        try noise.open(&partial, into: &plain)
        if partial.readableBytes == 0 { partial.clear() }
        if plain.readableBytes > 0 { take(plain) }
    }

    func wireReadComplete() {
        isInRead = false
        if partial.readableBytes == 0, partial.capacity > Self.idleBytes { partial = ByteBuffer() }
        if plain.capacity > Self.idleBytes, plain.readableBytes < Self.idleBytes / 4 { plain = ByteBuffer() }
        if session.hasOutput { flush() } else { updateReading() }
    }

    func wireBecameWritable() { scheduleFlush() }

    func wireClosed() { finish(nil, hasWire: false) }
}
