import Glibc
import Integrity
import NIOCore
import NIOPosix

/// A socket on its way to a connection.
struct SocketAttempt {
    let slot: ConnectionSlot
    let side: ConnectionUpgrade.Side
    let address: Multiaddr
    let begun: NIODeadline
    /// Nil where nobody here waits for it.
    let promise: EventLoopPromise<PeerConnection>?
    /// Whether it leaves from a port that is listened on.
    var isFromListeningPort = false
}

extension TransportHost {
    /// Connects a socket, as a WebSocket where the way says so, and begins the handshake.
    /// `local`: a port that is listened on, from which it leaves; where that cannot be, it fails, unless `orElsewhere`.
    func connect(
        _ way: SocketWay, _ attempt: SocketAttempt, from local: SocketAddress? = nil, orElsewhere: Bool = false
    ) {
        let wire = ChannelWire()
        let waiting = SocketWait(host: self, wire: wire, attempt: attempt)
        let bound = NIOLoopBound(waiting, eventLoop: loop)
        SocketDial.bootstrap(loop, settings, from: local)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.setUpDialer(channel, way) }
            }
            .connect(host: way.host, port: way.port)
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success: if !way.isWebSocket { waiting.ready() }
                case .failure(let error):
                    if orElsewhere, local != nil, Self.isTaken(error) {
                        waiting.abandon()
                        var plain = attempt
                        plain.isFromListeningPort = false
                        return self.connect(way, plain)
                    }
                    waiting.fail(
                        PlasmidError(.peerUnreachable, "nobody answers at \(attempt.address)", cause: "\(error)"))
                }
            }
    }

    /// Whether a socket could not leave from its port: another one goes from there to the same place already, or did lately.
    private static func isTaken(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return [EADDRNOTAVAIL, EADDRINUSE, EINVAL, EPERM, EACCES].contains(error.errnoCode)
    }

    /// Takes connections at an address: IP and TCP port (0: any), with `/ws` behind it for WebSockets. The future has the
    /// bound addresses, with their ports; it fails with `malformedAddress`, or with `addressInUse` and what the system says.
    public func listen(on address: Multiaddr) -> EventLoopFuture<[Multiaddr]> {
        loop.preconditionInEventLoop()
        let way: SocketWay
        do { way = try SocketWay(address) } catch { return loop.makeFailedFuture(error) }
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: SocketDial.waterMark)
            .childChannelOption(.recvAllocator, value: SocketDial.allocator)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.accept(channel, way) }
            }
            .bind(host: way.host, port: way.port)
            .flatMapErrorThrowing { error in
                throw PlasmidError(
                    .addressInUse, "\(address) cannot be listened on", hint: "choose another port, or 0 for any",
                    cause: "\(error)")
            }
            .flatMapThrowing { channel in
                let host = bound.value
                let address = try way.multiaddr(channel.localAddress)
                // Not before: a second program that wants the port shall be told that it is taken.
                try channel.syncOptions?.setOption(.socketOption(SocketDial.reusePort), value: 1)
                host.listeners.append(channel)
                host.listening.append(address)
                return [address]
            }
    }

    /// A socket was accepted: the gate of its address, a place among those that are not yet encrypted, then the handshake.
    private func accept(_ channel: any Channel, _ way: SocketWay) throws {
        guard !isClosed else { throw Self.stopped }
        let remote = try way.multiaddr(channel.remoteAddress)
        let expected = expected[remote]
        let attempt = SocketAttempt(
            slot: try takeAcceptSlot(from: remote), side: side(of: expected?.part ?? .listener(only: nil)),
            address: remote, begun: loop.now, promise: expected?.promise())
        let wire = ChannelWire()
        let waiting = SocketWait(host: self, wire: wire, attempt: attempt)
        do {
            if way.isWebSocket {
                try WebSocketUpgrade.listen(channel, origins: settings.origins, wire: wire) { waiting.ready() }
                waiting.watch(channel)
            } else {
                try channel.pipeline.syncOperations.addHandler(wire)
                waiting.ready()
            }
        } catch {
            waiting.fail(PlasmidError(.peerUnreachable, "a socket could not be set up", cause: "\(error)"))
            throw error
        }
    }
}

/// A socket before bytes of a connection can flow: it gets there in time, or its place is free again.
private final class SocketWait {
    private let host: TransportHost
    private let wire: ChannelWire
    private let attempt: SocketAttempt
    private var isOver = false
    private var timer: Scheduled<Void>?

    init(host: TransportHost, wire: ChannelWire, attempt: SocketAttempt) {
        self.host = host
        self.wire = wire
        self.attempt = attempt
    }

    func setUpDialer(_ channel: any Channel, _ way: SocketWay) throws {
        guard way.isWebSocket else { return try channel.pipeline.syncOperations.addHandler(wire) }
        let name = way.host.contains(":") ? "[\(way.host)]" : way.host
        try WebSocketUpgrade.dial(channel, host: "\(name):\(way.port)", wire: wire) { [self] in ready() }
        watch(channel)
    }

    /// Gives up when the time is over or the socket is closed.
    func watch(_ channel: any Channel) {
        timer = host.loop.assumeIsolated().scheduleTask(deadline: attempt.begun + host.settings.upgradeTime) { [self] in
            fail(PlasmidError(.timeout, "the peer at \(attempt.address) does not upgrade to a WebSocket in time"))
            channel.close(promise: nil)
        }
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            fail(PlasmidError(.peerUnreachable, "no WebSocket is served at \(attempt.address)"))
        }
    }

    /// Another socket takes its place.
    func abandon() {
        isOver = true
        timer?.cancel()
    }

    func ready() {
        guard !isOver else { return wire.close(atOnce: true) }
        isOver = true
        timer?.cancel()
        host.upgrade(wire, attempt)
    }

    func fail(_ error: PlasmidError) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        host.ledger.free(attempt.slot)
        attempt.promise?.fail(error)
    }
}
