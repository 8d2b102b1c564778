public import Integrity
import NIOCore

/// An identity's places at relays: keeps them, and takes the connections that come over them. On the loop only.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class RelayClient: @unchecked Sendable {
    private struct Relay {
        let address: Multiaddr
        var core: RelayClientCore
    }

    private let host: TransportHost
    private let identity: HostIdentity
    private let now: () -> Timestamp
    private var relays: [Relay] = []
    private var ticker: LoopTicker?

    /// Told the addresses over relays under which the identity can be reached, whenever they change.
    public var onReachable: ([Multiaddr]) -> Void = { _ in }

    /// Places for `identity` at `relays` (addresses with `/p2p` at their end; others are left out).
    public init(
        host: TransportHost, identity: HostIdentity, relays: [Multiaddr],
        settings: RelayClientCore.Settings = RelayClientCore.Settings(), now: @escaping () -> Timestamp
    ) {
        self.host = host
        self.identity = identity
        self.now = now
        self.relays = relays.compactMap { address in
            guard let relay = address.peerID, !address.isRelayed else { return nil }
            return Relay(address: address, core: RelayClientCore(relay: relay, me: identity.peerID, settings: settings))
        }
    }

    /// The addresses over relays under which the identity can be reached now.
    public var addresses: [Multiaddr] { relays.flatMap(\.core.addresses) }

    /// Asks for the places, and keeps them until ``stop()``.
    public func start() {
        identity.handle(StopMessage.protocolID, perPeer: 64) { [weak self] stream in
            guard let self else { return stream.reset() }
            stopped(stream)
        }
        guard ticker == nil else { return }
        ticker = LoopTicker(host.loop, every: .seconds(1)) { [weak self] in self?.tick() }
        tick()
    }

    /// Keeps no places any more; relays notice when the connections end.
    public func stop() {
        identity.stopHandling(StopMessage.protocolID)
        ticker?.stop()
        ticker = nil
    }

    private func tick() {
        for index in relays.indices { perform(relays[index].core.tick(now: now()), index) }
    }

    private func perform(_ effects: [RelayClientCore.Effect], _ index: Int) {
        for effect in effects {
            switch effect {
            case .reserve: reserve(index)
            case .reachable: onReachable(addresses)
            }
        }
    }

    private func reserve(_ index: Int) {
        let relay = relays[index]
        connection(to: relay).assumeIsolated().flatMap { connection in
            connection.ask(
                [HopMessage.reserve.bytes], HopMessage.protocolID, maximum: HopMessage.bytesMaximum,
                timeout: .seconds(30)
            ).assumeIsolated().flatMapThrowing { (connection, try HopMessage(bytes: $0.first ?? [])) }.nonisolated()
        }.whenComplete { [weak self] result in
            guard let self, ticker != nil else { return }
            switch result {
            case .failure: perform(relays[index].core.failed(now: now()), index)
            case .success(let (connection, answer)):
                let wasKept = relays[index].core.isKept
                perform(relays[index].core.answered(answer, reached: relay.address, now: now()), index)
                guard !wasKept, relays[index].core.isKept else { return }
                connection.onClose.append { [weak self] _ in self?.left(index) }
            }
        }
    }

    private func connection(to relay: Relay) -> EventLoopFuture<PeerConnection> {
        host.connection(toRelay: relay.core.relay, at: relay.address, as: identity)
    }

    private func left(_ index: Int) {
        let open = identity.connections(with: relays[index].core.relay)
        guard ticker != nil, !open.contains(where: { !$0.isRelayed }) else { return }
        perform(relays[index].core.disconnected(now: now()), index)
    }

    /// A relay opened a stream for somebody who wants to speak with this identity.
    private func stopped(_ stream: PeerStream) {
        let messages = MessageStream(stream, maximum: HopMessage.bytesMaximum, idle: .seconds(30))
        messages.onMessage = { [weak self, unowned messages] bytes in
            guard let self else { return stream.reset() }
            let connection = stream.connection
            guard case .connect(let peer, _)? = try? StopMessage(bytes: bytes) else {
                messages.send(StopMessage.status(.malformedMessage).bytes)
                return messages.conclude()
            }
            let isOurs = relays.contains { $0.core.relay == connection.peer && $0.core.isKept }
            guard isOurs, !connection.isRelayed else {
                messages.send(StopMessage.status(.permissionDenied).bytes)
                return messages.conclude()
            }
            messages.send(StopMessage.status(.ok).bytes)
            let rest = messages.detach()
            let relayed = try? connection.remoteAddress.appending(connection.peer).appending(.circuit).appending(peer)
            let address = relayed ?? connection.remoteAddress
            host.adopt(stream, rest: rest, address: address, as: .listener(only: identity)).assumeIsolated().whenFailure
            { _ in }
        }
        messages.onEnd = { error in if error == nil { stream.finish() } }
        messages.start()
    }
}

extension TransportHost {
    /// Dials a peer over a relay: an address with `/p2p-circuit`. Fails as ``dial(_:expecting:as:hint:)`` does.
    func dialOverRelay(
        _ address: Multiaddr, expecting: PeerID?, as identity: HostIdentity,
        hint: ((_ ephemeral: [UInt8]) -> [UInt8])?
    ) -> EventLoopFuture<PeerConnection> {
        guard let way = address.relay, let relay = way.peerID, let target = expecting ?? address.peerID,
            !way.isRelayed
        else {
            return loop.makeFailedFuture(
                PlasmidError(
                    .malformedAddress, "\(address) does not name the relay and the peer behind it",
                    hint: "write it as /ip4/…/tcp/…/p2p/RELAY/p2p-circuit/p2p/PEER"))
        }
        return connection(toRelay: relay, at: way, as: identity).assumeIsolated().flatMap { connection in
            self.connect(over: connection, to: target, address: address, as: identity, hint: hint)
        }.nonisolated()
    }

    /// The connection with a relay, made where there is none; the relay is asked where it sees this host, for the holes that
    /// may be punched later.
    func connection(
        toRelay relay: PeerID, at address: Multiaddr, as identity: HostIdentity
    ) -> EventLoopFuture<PeerConnection> {
        if let open = identity.connections(with: relay).first(where: { !$0.isRelayed }) {
            return loop.makeSucceededFuture(open)
        }
        let dialled = dial(address, expecting: relay, as: identity, fromListeningPort: true)
        // What it says is kept with the connection; one that says nothing is a relay all the same.
        dialled.assumeIsolated().whenSuccess { connection in _ = connection.identify() }
        return dialled
    }

    private func connect(
        over connection: PeerConnection, to target: PeerID, address: Multiaddr, as identity: HostIdentity,
        hint: ((_ ephemeral: [UInt8]) -> [UInt8])?
    ) -> EventLoopFuture<PeerConnection> {
        let promise = loop.makePromise(of: PeerConnection.self)
        do {
            let stream = try connection.open(HopMessage.protocolID)
            let messages = MessageStream(stream, maximum: HopMessage.bytesMaximum, idle: .seconds(60))
            messages.onMessage = { [self, unowned messages] bytes in
                guard case .status(.ok, _, _)? = try? HopMessage(bytes: bytes) else {
                    messages.conclude()
                    return promise.fail(
                        PlasmidError(
                            .peerUnreachable, "the relay \(connection.peer) does not connect us with \(target)"))
                }
                let part = Part.dialer(identity: identity, expecting: target, hint: hint)
                adopt(stream, rest: messages.detach(), address: address, as: part).cascade(to: promise)
            }
            messages.onEnd = { error in
                stream.reset()
                promise.fail(error ?? PlasmidError(.peerUnreachable, "the relay \(connection.peer) did not answer"))
            }
            messages.start()
            messages.send(HopMessage.connect(target).bytes)
        } catch { promise.fail(error) }
        return promise.futureResult
    }
}
