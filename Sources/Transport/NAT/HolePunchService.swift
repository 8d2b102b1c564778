public import Integrity
public import NIOCore

/// Hole punching for an identity: turns a connection over a relay into a direct one, where the routers let it. On the loop
/// only.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class HolePunchService: @unchecked Sendable {
    private let host: TransportHost
    private let identity: HostIdentity
    private let now: () -> Timestamp
    private let allowsLocal: Bool

    /// The addresses at which others see this node, the likeliest first.
    public var observed: () -> [Multiaddr]
    /// Whether holes are punched with the peer of a connection over a relay.
    public var isWelcome: (PeerConnection) -> Bool = { _ in true }
    /// Told of a direct connection that this side began: what there was over the relay goes on there.
    public var onDirect: (PeerConnection) -> Void = { _ in }
    /// Makes the hint of a handshake that this node begins.
    public var hint: ((_ ephemeral: [UInt8]) -> [UInt8])?

    /// A service that answers nobody before ``start()``. `allowsLocal`: private addresses are told and dialled, too.
    public init(
        host: TransportHost, identity: HostIdentity, allowsLocal: Bool = false, now: @escaping () -> Timestamp
    ) {
        self.host = host
        self.identity = identity
        self.allowsLocal = allowsLocal
        self.now = now
        observed = { host.observed }
    }

    /// Answers peers that this node dialled over a relay, until ``stop()``.
    public func start() {
        identity.handle(HolePunchMessage.protocolID, perPeer: 2) { [weak self] stream in
            guard let self, stream.connection.isRelayed, stream.connection.isDialer, isWelcome(stream.connection)
            else { return stream.reset() }
            _ = Attempt(self, stream, .answerer, host.loop.makePromise(of: Bool.self))
        }
    }

    /// Answers nobody any more.
    public func stop() { identity.stopHandling(HolePunchMessage.protocolID) }

    /// Tries to reach the peer of a connection directly that it made over a relay: true where there is a direct connection
    /// in the end. The relayed one is the caller's to close, when what runs on it has ended.
    public func punch(_ connection: PeerConnection) -> EventLoopFuture<Bool> {
        let promise = host.loop.makePromise(of: Bool.self)
        guard connection.isRelayed, !connection.isDialer, let stream = try? connection.open(HolePunchMessage.protocolID)
        else {
            promise.succeed(false)
            return promise.futureResult
        }
        _ = Attempt(self, stream, .opener, promise)
        return promise.futureResult
    }

    /// One attempt; it lives in the callbacks of its stream and of its dials.
    private final class Attempt {
        /// How long a socket of the peer is taken for part of the attempt.
        private static let expectation = TimeAmount.seconds(30)
        /// How long a handshake may take on a socket that the peer made, where one's own came to nothing.
        private static let grace = TimeAmount.seconds(2)

        private let service: HolePunchService
        private let messages: MessageStream
        private let role: HolePunch.Role
        private let peer: PeerID
        private let promise: EventLoopPromise<Bool>
        private var core: HolePunch

        init(
            _ service: HolePunchService, _ stream: PeerStream, _ role: HolePunch.Role, _ promise: EventLoopPromise<Bool>
        ) {
            self.service = service
            self.role = role
            self.promise = promise
            peer = stream.connection.peer
            core = HolePunch(role: role, addresses: service.observed(), allowsLocal: service.allowsLocal)
            messages = MessageStream(stream, maximum: HolePunchMessage.bytesMaximum, idle: .seconds(60))
            messages.onMessage = { [self] bytes in
                guard let message = try? HolePunchMessage(bytes: bytes) else { return perform(core.ended()) }
                perform(core.received(message, now: service.now()))
            }
            messages.onEnd = { [self] _ in
                stream.finish()
                perform(core.ended())
            }
            messages.start()
            perform(core.begin(now: service.now()))
        }

        /// Where the host ends under way, whoever waits is told; a second word changes nothing.
        deinit { promise.succeed(false) }

        private func perform(_ effects: [HolePunch.Effect]) {
            for effect in effects {
                switch effect {
                case .expect(let addresses): expect(addresses)
                case .send(let message): messages.send(message.bytes)
                case .over(let isConnected):
                    messages.conclude()
                    promise.succeed(isConnected)
                case .dial(let addresses, let wait):
                    service.host.loop.assumeIsolated().scheduleTask(in: .microseconds(wait)) { [self] in
                        dial(addresses)
                    }
                }
            }
        }

        /// The part in the handshake, whoever's socket gets through: the one who dialled over the relay begins it.
        private var part: TransportHost.Part {
            guard role == .answerer else { return .listener(only: service.identity) }
            return .dialer(identity: service.identity, expecting: peer, hint: service.hint)
        }

        private func expect(_ addresses: [Multiaddr]) {
            let host = service.host
            let tokens = addresses.map { address in
                host.expect(address, as: part) { [service] in service.onDirect($0) }
            }
            host.loop.assumeIsolated().scheduleTask(in: Self.expectation) {
                for token in tokens { host.expectNoMore(token) }
            }
        }

        /// Dials all addresses at once from a port that is listened on, so that the routers take what comes for answers.
        private func dial(_ addresses: [Multiaddr]) {
            let host = service.host
            let dials = addresses.map { address in
                host.punch(address, as: part).assumeIsolated().map { [service, role] connection in
                    if role == .answerer { service.onDirect(connection) }
                }.nonisolated()
            }
            EventLoopFuture.whenAllComplete(dials, on: host.loop).assumeIsolated().whenComplete { [self] _ in
                if isConnected { return perform(core.dialled(true, now: service.now())) }
                // The peer's socket may have come to this side's listener, and be at its handshake now.
                host.loop.assumeIsolated().scheduleTask(in: Self.grace) { [self] in
                    perform(core.dialled(isConnected, now: service.now()))
                }
            }
        }

        private var isConnected: Bool { service.identity.connections(with: peer).contains { !$0.isRelayed } }
    }
}
