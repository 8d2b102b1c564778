import Integrity
import NIOCore

/// What every identity serves: ping, identify, and the push of what has changed.
extension TransportHost {
    func serveBase(_ identity: HostIdentity) {
        identity.handle(Ping.protocolID, perPeer: 2) { [weak self] stream in self?.answerPings(stream) }
        identity.handle(IdentifyMessage.protocolID, perPeer: 4) { [weak self] stream in
            guard let self else { return stream.reset() }
            stream.write(ByteBuffer(bytes: identifyMessage(for: stream.connection).framed()))
            stream.finish()
            stream.onBytes = { _ in }
        }
        identity.handle(IdentifyMessage.pushProtocolID, perPeer: 1) { stream in
            stream.connection.takePush(stream)
        }
        identity.pushes = { [weak self, weak identity] in
            guard let self, let identity else { return }
            pushLater(identity)
        }
    }

    /// Gives back whole pings, no faster than the peer takes them, until it has been silent for long.
    private func answerPings(_ stream: PeerStream) {
        let state = PingState(loop.now)
        stream.onBytes = { [weak stream, loop] bytes in
            guard let stream else { return }
            state.lastHeard = loop.now
            var bytes = bytes
            state.rest.writeBuffer(&bytes)
            if let answers = PingListener.answers(&state.rest) { stream.write(answers) }
            state.rest.discardReadBytes()
            if !stream.isWritable { stream.pauseReading() }
        }
        stream.onWritable = { [weak stream] in stream?.resumeReading() }
        stream.onEnd = { [weak stream] end in
            if case .finished = end { stream?.finish() }
        }
        watchPings(stream, state)
    }

    private func watchPings(_ stream: PeerStream, _ state: PingState) {
        loop.assumeIsolated().scheduleTask(deadline: state.lastHeard + settings.pingIdle) { [weak self, weak stream] in
            guard let self, let stream, stream.isAlive else { return }
            if loop.now >= state.lastHeard + settings.pingIdle { stream.reset() } else { watchPings(stream, state) }
        }
    }

    /// What this host says of the identity that a connection belongs to.
    private func identifyMessage(for connection: PeerConnection) -> IdentifyMessage {
        let identity = connection.identity
        let addresses = identity.announced.isEmpty ? reachable : identity.announced
        var message = IdentifyMessage()
        message.publicKey = PublicKeyCoding.bytes(ed25519: identity.publicKey)
        message.listenAddresses = addresses
        message.protocols = identity.protocols
        message.observedAddress = connection.isRelayed ? nil : connection.remoteAddress
        message.protocolVersion = "plasmid/0.1"
        message.agentVersion = settings.agentVersion
        message.signedPeerRecord = identity.record(of: addresses, clock: clock)
        return message
    }

    /// The addresses that are listened on, but for those that stand for all of a machine.
    private var reachable: [Multiaddr] {
        listening.filter { AddressGroup.ip(of: $0.bytes)?.contains { $0 != 0 } ?? true }
    }

    /// Tells all connected peers, once for whatever changes in one turn of the loop.
    private func pushLater(_ identity: HostIdentity) {
        guard !identity.isPushDue, !identity.peers.isEmpty else { return }
        identity.isPushDue = true
        loop.assumeIsolated().execute { [weak self] in
            identity.isPushDue = false
            guard let self else { return }
            for peer in identity.connectedPeers {
                guard let connection = identity.connections(with: peer).first else { continue }
                guard let stream = try? connection.open(IdentifyMessage.pushProtocolID) else { continue }
                stream.write(ByteBuffer(bytes: identifyMessage(for: connection).framed()))
                stream.finish()
                stream.onBytes = { _ in }
            }
        }
    }
}

/// What a ping stream remembers.
private final class PingState {
    var lastHeard: NIODeadline
    var rest = ByteBuffer()

    init(_ now: NIODeadline) { lastHeard = now }
}

extension PeerConnection {
    /// Asks the peer what it says of itself. Fails with `protocolRefused`, `protocolBroken`, `connectionLost` or `timeout`.
    public func identify() -> EventLoopFuture<PeerInfo> {
        let promise = loop.makePromise(of: PeerInfo.self)
        openAgreedStream(IdentifyMessage.protocolID).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .failure(let error): promise.fail(error)
            case .success(let stream):
                stream.finish()
                readIdentify(stream, isPush: false) { promise.completeWith($0) }
            }
        }
        return promise.futureResult
    }

    /// A message of a peer that tells unasked; more often than is decent, it is not read.
    func takePush(_ stream: PeerStream) {
        guard let book = identity.peers[peer] else { return stream.reset() }
        if let last = book.lastPush, loop.now < last + settings.pushInterval { return stream.reset() }
        book.lastPush = loop.now
        readIdentify(stream, isPush: true) { _ in stream.finish() }
    }

    private func readIdentify(
        _ stream: PeerStream, isPush: Bool, _ done: @escaping (Result<PeerInfo, any Error>) -> Void
    ) {
        var reader = IdentifyReader()
        var bytes = ByteBuffer()
        var isOver = false
        func end(_ result: Result<PeerInfo, any Error>) {
            guard !isOver else { return }
            isOver = true
            if case .failure = result { stream.reset() }
            done(result)
        }
        let timer = loop.assumeIsolated().scheduleTask(in: settings.negotiationTime) { [peer] in
            end(.failure(PlasmidError(.timeout, "peer \(peer) does not finish an identify message")))
        }
        stream.onBytes = { more in
            var more = more
            bytes.writeBuffer(&more)
            do { try reader.read(&bytes) } catch { end(.failure(error)) }
            bytes.discardReadBytes()
        }
        stream.onEnd = { [self] ending in
            timer.cancel()
            guard case .finished = ending else {
                return end(.failure(PlasmidError(.connectionLost, "peer \(peer) broke an identify message off")))
            }
            do {
                var known = info ?? PeerInfo(peer: peer, isRelayed: isRelayed)
                try known.take(try reader.finish(left: bytes), isPush: isPush)
                info = known
                if isFromListeningPort, let seen = known.observedAddress { host?.noteSighting(seen) }
                for tell in onInfo { tell(known) }
                end(.success(known))
            } catch { end(.failure(error)) }
        }
    }

    /// One ping: how long it took. Fails with `protocolRefused`, `protocolBroken`, `connectionLost` or `timeout`.
    public func ping() -> EventLoopFuture<TimeAmount> {
        let promise = loop.makePromise(of: TimeAmount.self)
        do {
            let stream = try open(Ping.protocolID)
            guard let random = host?.randomBytes(Ping.bytes) else { throw Self.lost(peer) }
            var pinger = PingDialer()
            var bytes = ByteBuffer()
            let sent = loop.now
            var isOver = false
            func end(_ result: Result<TimeAmount, any Error>) {
                guard !isOver else { return }
                isOver = true
                promise.completeWith(result)
                if case .success = result { stream.finish() } else { stream.reset() }
            }
            let timer = loop.assumeIsolated().scheduleTask(in: settings.pingIdle) { [peer] in
                end(.failure(PlasmidError(.timeout, "peer \(peer) does not answer a ping")))
            }
            stream.write(ByteBuffer(bytes: pinger.send(random)))
            stream.onBytes = { [loop] more in
                var more = more
                bytes.writeBuffer(&more)
                do {
                    guard try pinger.read(&bytes) else { return }
                    timer.cancel()
                    end(.success(loop.now - sent))
                } catch { end(.failure(error)) }
            }
            stream.onEnd = { [peer] ending in
                timer.cancel()
                let isRefused = if case .refused = ending { true } else { false }
                let code: PlasmidError.Code = isRefused ? .protocolRefused : .connectionLost
                end(.failure(PlasmidError(code, "peer \(peer) does not answer a ping")))
            }
        } catch { promise.fail(error) }
        return promise.futureResult
    }
}
