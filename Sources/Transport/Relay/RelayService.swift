public import Integrity
import NIOCore

/// A relay on a host, under one of its identities: keeps places for peers that cannot be dialled, and joins streams. On the
/// loop only. What goes through it is encrypted between the ends.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class RelayService: @unchecked Sendable {
    private static let stopTime = TimeAmount.seconds(30)
    private static let streamTime = TimeAmount.seconds(60)

    private let host: TransportHost
    private let identity: HostIdentity
    private let now: () -> Timestamp
    private var core: RelayServerCore
    private var ticker: LoopTicker?
    /// Connections whose end is waited for.
    private var watched: Set<ObjectIdentifier> = []
    /// A place is renewed twice an hour; each costs a signature.
    private var budgets = RequestBudgets(burst: 32, perSecond: 0.5, hosts: 4_096)
    /// Circuits joined so far; for those who watch.
    public private(set) var joined = 0

    /// A relay that serves nobody before ``start()``.
    public init(
        host: TransportHost, identity: HostIdentity, settings: RelayServerCore.Settings = RelayServerCore.Settings(),
        now: @escaping () -> Timestamp
    ) {
        self.host = host
        self.identity = identity
        self.now = now
        core = RelayServerCore(me: identity.peerID, settings: settings)
    }

    /// Places that are taken.
    public var reservationCount: Int { core.reservationCount }
    /// Circuits that run.
    public var circuitCount: Int { core.circuitCount }

    /// Serves, until ``stop()``.
    public func start() {
        identity.handle(HopMessage.protocolID, perPeer: 64) { [weak self] stream in
            guard let self else { return stream.reset() }
            serve(stream)
        }
        guard ticker == nil else { return }
        host.keeps.append { [weak self] connection in
            guard let self else { return false }
            return connection.identity === identity && core.hasPlace(connection.peer)
        }
        ticker = LoopTicker(host.loop, every: .seconds(10)) { [weak self] in
            guard let self else { return }
            core.sweep(now: now())
            budgets.sweep(now: now())
        }
    }

    /// Takes no more wishes; circuits that run go on.
    public func stop() {
        identity.stopHandling(HopMessage.protocolID)
        ticker?.stop()
        ticker = nil
    }

    private func serve(_ stream: PeerStream) {
        let messages = MessageStream(stream, maximum: HopMessage.bytesMaximum, idle: Self.streamTime)
        messages.onMessage = { [weak self, unowned messages] bytes in
            guard let self else { return stream.reset() }
            switch try? HopMessage(bytes: bytes) {
            case .reserve: reserve(messages)
            case .connect(let target): connect(messages, target)
            case .status: refuse(messages, .unexpectedMessage)
            case nil: refuse(messages, .malformedMessage)
            }
        }
        messages.onEnd = { error in if error == nil { stream.finish() } }
        messages.start()
    }

    private func refuse(_ messages: MessageStream, _ status: RelayStatus) {
        messages.send(HopMessage.status(status, reservation: nil, limit: nil).bytes)
        messages.conclude()
    }

    private func reserve(_ messages: MessageStream) {
        let connection = messages.stream.connection
        let group = AddressGroup(multiaddr: connection.remoteAddress.bytes)
        guard group.isLocal || budgets.spend(group.host, now: now()) else {
            return refuse(messages, .resourceLimitExceeded)
        }
        switch core.reserve(connection.peer, isRelayed: connection.isRelayed, group: group, now: now()) {
        case .failure(let refusal): refuse(messages, refusal.status)
        case .success(let expires):
            let seconds = UInt64(max(0, expires.microseconds / 1_000_000))
            let known = identity.announced.isEmpty ? host.listening : identity.announced
            let addresses = known.prefix(8).compactMap { try? $0.appending(identity.peerID) }
            let voucher = RelayVoucher(relay: identity.peerID, peer: connection.peer, expires: seconds)
                .sealed(by: identity.key)
            let reservation = RelayReservation(expires: seconds, addresses: addresses, voucher: voucher)
            messages.send(HopMessage.status(.ok, reservation: reservation, limit: core.limit).bytes)
            messages.conclude()
            watch(connection)
        }
    }

    private func watch(_ connection: PeerConnection) {
        let key = ObjectIdentifier(connection)
        guard watched.insert(key).inserted else { return }
        connection.onClose.append { [weak self, peer = connection.peer] _ in
            self?.watched.remove(key)
            self?.left(peer)
        }
    }

    /// A connection with a guest ended; another one may still be there.
    private func left(_ peer: PeerID) {
        guard !identity.connections(with: peer).contains(where: { !$0.isRelayed }) else { return }
        core.disconnected(peer)
    }

    private func connect(_ messages: MessageStream, _ target: PeerID) {
        let connection = messages.stream.connection
        let number: UInt64
        switch core.connect(connection.peer, to: target, isRelayed: connection.isRelayed, now: now()) {
        case .failure(let refusal): return refuse(messages, refusal.status)
        case .success(let circuit): number = circuit
        }
        guard let way = identity.connections(with: target).first(where: { !$0.isRelayed }),
            let stream = try? way.open(StopMessage.protocolID)
        else {
            core.ended(number)
            return refuse(messages, .connectionFailed)
        }
        let stop = MessageStream(stream, maximum: HopMessage.bytesMaximum, idle: Self.stopTime)
        // Whoever waits says nothing more before the answer; what comes early is for the other end.
        messages.onMessage = nil
        messages.onEnd = { [weak self, unowned stop] _ in
            stop.onEnd = nil
            stop.fail(PlasmidError(.connectionLost, "the dialer gave up"))
            self?.core.ended(number)
        }
        stop.onMessage = { [weak self, unowned stop] bytes in
            guard let self else { return stream.reset() }
            let answer = try? StopMessage(bytes: bytes)
            guard answer == .status(.ok) else {
                core.ended(number)
                stop.conclude()
                return refuse(messages, .connectionFailed)
            }
            messages.send(HopMessage.status(.ok, reservation: nil, limit: core.limit).bytes)
            join(messages, stop, number)
        }
        stop.onEnd = { [weak self] _ in
            self?.core.ended(number)
            self?.refuse(messages, .connectionFailed)
        }
        stop.start()
        stop.send(StopMessage.connect(connection.peer, limit: core.limit).bytes)
    }

    private func join(_ messages: MessageStream, _ stop: MessageStream, _ number: UInt64) {
        joined += 1
        let bytes = (messages.detach(), stop.detach())
        _ = RelayPipe(messages.stream, stop.stream, bytes: bytes, limit: core.limit) { [weak self] in
            self?.core.ended(number)
        }
    }
}
