public import Integrity
public import NIOCore
import Sodium

/// Kad on a host, under one of its identities: asks other peers and, as a server, answers them. On the loop only.
///
/// The default identity of a host that others can reach is a server; the identities of spaces are clients, which announce
/// themselves and search, and keep what they learn to themselves.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class KadService: @unchecked Sendable {
    /// Connections made for Kad that are kept at a time.
    private static let connectionsMaximum = 24
    /// Addresses of one peer that are dialled for one question.
    private static let dialsMaximum = 3

    private let host: TransportHost
    private let identity: HostIdentity
    private let now: () -> Timestamp
    private var random: any RandomNumberGenerator
    private var core: KadCore
    private var ticker: LoopTicker?
    private var waiting: [UInt64: EventLoopPromise<KadCore.Finding>] = [:]
    private var dials: [PeerID: EventLoopFuture<PeerConnection>] = [:]
    /// Connections made here, the one that was used longest ago first.
    private var made: [PeerConnection] = []

    /// Kad for `identity`, which asks and answers nobody before ``start(serves:)``.
    public init(
        host: TransportHost, identity: HostIdentity, settings: KadCore.Settings = KadCore.Settings(),
        now: @escaping () -> Timestamp, random: any RandomNumberGenerator
    ) {
        self.host = host
        self.identity = identity
        self.now = now
        self.random = random
        core = KadCore(me: identity.peerID, settings: settings)
    }

    /// How many peers the table has.
    public var peerCount: Int { core.table.count }
    /// How many announcements of others are kept.
    public var providerCount: Int { core.providers.count }

    /// Begins. A server answers others, and identify says so.
    public func start(serves: Bool) {
        if serves {
            identity.handle(KadCore.protocolID) { [weak self] stream in
                guard let self else { return stream.reset() }
                serve(stream)
            }
        }
        guard ticker == nil else { return }
        ticker = LoopTicker(host.loop, every: .seconds(1)) { [weak self] in
            guard let self else { return }
            core.addresses = identity.announced
            perform(core.tick(now: now(), using: &random))
        }
    }

    /// Asks and answers nobody any more; searches that run fail.
    public func stop() {
        identity.stopHandling(KadCore.protocolID)
        ticker?.stop()
        ticker = nil
        let stopped = waiting
        waiting = [:]
        for promise in stopped.values { promise.fail(Self.stopped) }
        for connection in made { connection.close() }
        made = []
    }

    // MARK: What it is told

    /// A peer was configured, or said (identify) that it serves Kad: it is asked something, and then known.
    public func learned(_ peer: PeerID, addresses: [Multiaddr]) {
        perform(core.serves(KadContact(peer: peer, addresses: addresses), now: now()))
    }

    /// Learns of the peer of a connection, and of what it serves, by what it says in identify, now and later.
    public func watch(_ connection: PeerConnection) {
        guard !connection.isRelayed else { return }
        connection.onInfo.append { [weak self] info in
            guard let self else { return }
            if info.protocols.contains(KadCore.protocolID) {
                learned(info.peer, addresses: info.addresses)
            } else {
                left(info.peer)
            }
        }
        connection.identify().assumeIsolated().whenComplete { _ in }
    }

    /// A peer said that it serves Kad no more.
    public func left(_ peer: PeerID) { core.servesNot(peer) }

    // MARK: What is asked of it

    /// Searches for a peer; the finding's `peer` is set when it answered.
    public func find(_ peer: PeerID) -> EventLoopFuture<KadCore.Finding> { search { $0.find(peer, now: $1) } }

    /// Searches for the providers of a key.
    public func findProviders(of key: [UInt8]) -> EventLoopFuture<KadCore.Finding> {
        search { $0.findProviders(of: key, now: $1) }
    }

    /// Announces the identity as a provider of a key, at the addresses it announces, until ``withdraw(_:)``.
    public func provide(_ key: [UInt8]) -> EventLoopFuture<KadCore.Finding> {
        core.addresses = identity.announced
        return search { $0.provide(key, now: $1) }
    }

    /// Announces a key no more.
    public func withdraw(_ key: [UInt8]) { core.withdraw(key) }

    private func search(
        _ begin: (inout KadCore, Timestamp) -> (search: UInt64, effects: [KadCore.Effect])?
    ) -> EventLoopFuture<KadCore.Finding> {
        host.loop.preconditionInEventLoop()
        guard ticker != nil, let begun = begin(&core, now()) else {
            return host.loop.makeFailedFuture(
                ticker == nil ? Self.stopped : PlasmidError(.peerUnreachable, "too many searches of Kad run at once"))
        }
        let promise = host.loop.makePromise(of: KadCore.Finding.self)
        waiting[begun.search] = promise
        perform(begun.effects)
        return promise.futureResult
    }

    // MARK: Effects

    private func perform(_ effects: [KadCore.Effect]) {
        for effect in effects {
            switch effect {
            case .found(let search, let finding): waiting.removeValue(forKey: search)?.succeed(finding)
            case .ask(let query, let contact, let message): ask(query, contact, message)
            case .tell(let contact, let message): tell(contact, message)
            }
        }
    }

    private func ask(_ query: UInt64, _ contact: KadContact, _ message: KadMessage) {
        answer(contact, message, again: true).assumeIsolated().whenComplete { [weak self] result in
            guard let self, ticker != nil else { return }
            switch result {
            case .success(let (connection, answer)):
                let address = connection.isRelayed ? [] : connection.remoteAddress.bytes
                let group = AddressGroup(multiaddr: address)
                perform(core.answered(query, answer, group: group, now: now()))
            case .failure: perform(core.failed(query, now: now()))
            }
        }
    }

    private func answer(
        _ contact: KadContact, _ message: KadMessage, again: Bool
    ) -> EventLoopFuture<(PeerConnection, KadMessage)> {
        connection(to: contact).assumeIsolated().flatMap { connection in
            connection.ask(
                [message.bytes], KadCore.protocolID, maximum: KadMessage.bytesMaximum, timeout: .seconds(10)
            ).assumeIsolated().flatMapThrowing { answers in
                (connection, try KadMessage(bytes: answers.first ?? []))
            }.flatMapError { error in
                // Both sides may end a connection that was idle or one too many, just now: that says nothing of the peer.
                guard again, !connection.isOpen, (error as? PlasmidError)?.code == .connectionLost else {
                    return self.host.loop.makeFailedFuture(error)
                }
                return self.answer(contact, message, again: false)
            }.nonisolated()
        }.nonisolated()
    }

    private func tell(_ contact: KadContact, _ message: KadMessage) {
        connection(to: contact).assumeIsolated().whenSuccess { connection in
            guard let stream = try? connection.open(KadCore.protocolID) else { return }
            stream.onEnd = { _ in }
            stream.write(MessageFramer.framed(message.bytes))
            stream.finish()
        }
    }

    /// A connection with a peer: one that is there, or the first that can be made.
    private func connection(to contact: KadContact) -> EventLoopFuture<PeerConnection> {
        if let connection = identity.connections(with: contact.peer).first {
            if let place = made.firstIndex(where: { $0 === connection }) { made.append(made.remove(at: place)) }
            return host.loop.makeSucceededFuture(connection)
        }
        // Several searches may want the same peer in one moment; a second connection would be one too many.
        if let dialling = dials[contact.peer] { return dialling }
        let dialled = dial(contact.addresses.prefix(Self.dialsMaximum), contact.peer)
        dials[contact.peer] = dialled
        dialled.assumeIsolated().whenComplete { [weak self] _ in self?.dials[contact.peer] = nil }
        return dialled
    }

    private func dial(_ addresses: ArraySlice<Multiaddr>, _ peer: PeerID) -> EventLoopFuture<PeerConnection> {
        guard let address = addresses.first else {
            return host.loop.makeFailedFuture(
                PlasmidError(.peerUnreachable, "no address of peer \(peer) leads to it"))
        }
        return host.dial(address, expecting: peer, as: identity).assumeIsolated().map { connection in
            self.keep(connection)
            return connection
        }.flatMapError { _ in
            // The peer may have been faster.
            if let connection = self.identity.connections(with: peer).first {
                return self.host.loop.makeSucceededFuture(connection)
            }
            return self.dial(addresses.dropFirst(), peer)
        }.nonisolated()
    }

    /// The connections that Kad makes are many and short; those of long ago make room.
    private func keep(_ connection: PeerConnection) {
        made.removeAll { !$0.isOpen }
        made.append(connection)
        while made.count > Self.connectionsMaximum { made.removeFirst().close() }
    }

    // MARK: Serving

    private func serve(_ stream: PeerStream) {
        let connection = stream.connection
        let group = AddressGroup(multiaddr: connection.isRelayed ? [] : connection.remoteAddress.bytes)
        let messages = MessageStream(stream, maximum: KadMessage.bytesMaximum, idle: .seconds(60))
        messages.onMessage = { [weak self, unowned messages] bytes in
            guard let self, let request = try? KadMessage(bytes: bytes) else {
                return messages.fail(PlasmidError(.protocolBroken, "a request of Kad is none"))
            }
            core.addresses = identity.announced
            let answer = core.answer(request, from: connection.peer, group: group, now: now(), using: &random)
            if let answer { return messages.send(answer.bytes) }
            guard request.kind != .addProvider else { return }
            messages.fail(PlasmidError(.protocolBroken, "values are not kept here"))
        }
        messages.onEnd = { error in if error == nil { stream.finish() } }
        messages.start()
    }

    private static var stopped: PlasmidError { PlasmidError(.cancelled, "Kad has stopped") }
}
