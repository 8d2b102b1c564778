import Glibc
import Integrity
import Logging
import NIOCore
import NIOPosix
import Sodium

/// This program on the network: the ports it listens on, its identities, the connections it has. On the loop only.
///
/// Sendable because closures of the socket library must be: it is made and used on its loop alone.
public final class TransportHost: @unchecked Sendable {
    /// Answers dialers that mean no other identity; foreign programs meet it.
    public let defaultIdentity: HostIdentity
    /// The addresses that are listened on, with their ports.
    public internal(set) var listening: [Multiaddr] = []
    let loop: any EventLoop
    /// The loop on which all of it happens.
    public var eventLoop: any EventLoop { loop }
    var settings: TransportSettings
    let logger: Logger
    let randomBytes: (Int) -> [UInt8]
    let clock: () -> UInt64
    let secrets: () -> NoiseSecrets
    var ledger: ConnectionLedger
    private var identities: [PeerID: HostIdentity] = [:]
    private var order: [PeerID] = []
    var listeners: [any Channel] = []
    private var connections: [ObjectIdentifier: PeerConnection] = [:]
    /// Sockets that peers may make here as part of a hole that both sides punch, by where they will come from.
    var expected: [Multiaddr: ExpectedSocket] = [:]
    var lastExpectation: UInt64 = 0
    /// Where others saw connections from listening ports, and when they said so.
    var sightings: [Multiaddr: NIODeadline] = [:]
    /// Whether a stranger's connection that carries nothing is of use all the same; asked where places are short.
    public var keeps: [(PeerConnection) -> Bool] = []
    private var upgrades: [ObjectIdentifier: ConnectionUpgrade] = [:]
    private(set) var isClosed = false

    /// A host that listens nowhere yet. `secrets` makes the X25519 secrets of each handshake, `randomBytes` the bytes of
    /// pings, `clock` the numbers of signed records (milliseconds since 1970); all come from the system unless a test
    /// brings its own.
    public init(
        loop: any EventLoop, defaultIdentity: HostIdentity, settings: TransportSettings = TransportSettings(),
        logger: Logger, clock: @escaping () -> UInt64 = TransportHost.systemClock,
        randomBytes: @escaping (Int) -> [UInt8] = TransportHost.systemRandom,
        secrets: @escaping () -> NoiseSecrets = { NoiseSecrets() }
    ) {
        self.loop = loop
        self.defaultIdentity = defaultIdentity
        self.settings = settings
        self.logger = logger
        self.randomBytes = randomBytes
        self.clock = clock
        self.secrets = secrets
        ledger = ConnectionLedger(settings: settings)
        add(defaultIdentity)
    }

    /// Random bytes of the system.
    public static func systemRandom(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { SystemRandom.fill($0) }
        return bytes
    }

    /// Milliseconds since 1970.
    public static func systemClock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(time.tv_sec, 0)) * 1_000 + UInt64(max(time.tv_nsec, 0)) / 1_000_000
    }

    // MARK: Identities

    /// From now on `identity` answers whom it accepts, and serves identify and ping.
    public func add(_ identity: HostIdentity) {
        guard identities.updateValue(identity, forKey: identity.peerID) == nil else { return }
        order.append(identity.peerID)
        serveBase(identity)
    }

    /// An identity answers nobody any more; its connections end. The default identity stays.
    public func remove(_ peer: PeerID) {
        guard peer != defaultIdentity.peerID, let identity = identities.removeValue(forKey: peer) else { return }
        order.removeAll { $0 == peer }
        identity.pushes = nil
        identity.isRetired = true
        for connection in connections.values where connection.identity === identity { connection.close() }
    }

    /// Who answers a dialer's first message.
    func choose(_ hello: NoiseHello) -> HostIdentity {
        guard let hint = hello.hint else { return defaultIdentity }
        for peer in order {
            if let identity = identities[peer], identity.accepts(hint, hello.ephemeral) { return identity }
        }
        return defaultIdentity
    }

    // MARK: Dialling

    /// Makes a connection as `identity`. `expecting` (or the `/p2p` of the address) is who must answer; `hint` makes the 16
    /// bytes of message 1 from the ephemeral key. Fails with `peerUnreachable`, `wrongPeer`, `handshakeFailed`, `timeout`,
    /// or `malformedAddress` where the address is of no kind that can be dialled. `fromListeningPort`: it leaves from a port
    /// that is listened on, where that can be, so that the peer sees where this host could be dialled.
    public func dial(
        _ address: Multiaddr, expecting: PeerID? = nil, as identity: HostIdentity,
        hint: ((_ ephemeral: [UInt8]) -> [UInt8])? = nil, fromListeningPort: Bool = false
    ) -> EventLoopFuture<PeerConnection> {
        loop.preconditionInEventLoop()
        if address.isRelayed { return dialOverRelay(address, expecting: expecting, as: identity, hint: hint) }
        let promise = loop.makePromise(of: PeerConnection.self)
        do throws(PlasmidError) {
            guard !isClosed else { throw Self.stopped }
            let way = try SocketWay(address)
            let slot = try ledger.takeDialSlot()
            let side = ConnectionUpgrade.Side.dialer(
                identity: identity, expecting: expecting ?? address.peerID, hint: hint)
            let local = fromListeningPort ? listeningPort(for: address) : nil
            let attempt = SocketAttempt(
                slot: slot, side: side, address: address.withoutPeer, begun: loop.now, promise: promise,
                isFromListeningPort: local != nil)
            connect(way, attempt, from: local, orElsewhere: true)
        } catch { promise.fail(error) }
        return promise.futureResult
    }

    // MARK: Upgrading

    /// From a wire to a connection; `bytes` came over the wire before.
    func upgrade(
        _ wire: any PeerWire, _ attempt: SocketAttempt, isRelayed: Bool = false, bytes: ByteBuffer = ByteBuffer()
    ) {
        let (slot, address, promise) = (attempt.slot, attempt.address, attempt.promise)
        guard !isClosed else {
            ledger.free(slot)
            wire.close(atOnce: true)
            promise?.fail(Self.stopped)
            return
        }
        var isDialer = false
        if case .dialer = attempt.side { isDialer = true }
        let key = ObjectIdentifier(wire)
        let upgrade = ConnectionUpgrade(wire: wire, side: attempt.side, secrets: secrets(), settings: settings) {
            [weak self] result in
            guard let self else { return }
            upgrades.removeValue(forKey: key)
            switch result {
            case .failure(let error):
                ledger.free(slot)
                logger.debug("no connection came of it", metadata: ["address": "\(address)", "error": "\(error)"])
                promise?.fail(error)
            case .success(let result):
                let connection = PeerConnection(
                    result, wire: wire, host: self, isDialer: isDialer, remoteAddress: address, isRelayed: isRelayed,
                    isFromListeningPort: attempt.isFromListeningPort)
                guard admit(connection, slot) else {
                    ledger.free(slot)
                    connection.close(atOnce: true)
                    promise?.fail(
                        PlasmidError(.peerUnreachable, "there are connections enough with peer \(connection.peer)"))
                    return
                }
                promise?.succeed(connection)
                if !isDialer { connection.identity.onConnection(connection) }
                connection.start(plain: result.plain, sealed: result.sealed)
            }
        }
        upgrades[key] = upgrade
        upgrade.timer = loop.assumeIsolated().scheduleTask(deadline: attempt.begun + settings.upgradeTime) {
            [weak upgrade] in
            upgrade?.fail(PlasmidError(.timeout, "the peer at \(address) does not finish the handshake in time"))
        }
        upgrade.start(with: bytes)
    }

    /// A connection is made; whether it may stay.
    private func admit(_ connection: PeerConnection, _ slot: ConnectionSlot) -> Bool {
        guard !isClosed else { return false }
        let identity = connection.identity
        // It may have been taken away while the handshake went on.
        guard !identity.isRetired, connection.isDialer || identities[identity.peerID] === identity else {
            return false
        }
        let book = identity.peers[connection.peer] ?? PeerBook(peer: connection.peer)
        let open = book.connections.filter(\.isOpen)
        if open.count >= settings.connectionsPerPeer {
            // The older ones stay, unless one leads over a relay and this one does not.
            guard !connection.isRelayed, let relayed = open.first(where: \.isRelayed) else { return false }
            relayed.close()
        }
        identity.peers[connection.peer] = book
        book.connections.append(connection)
        connections[ObjectIdentifier(connection)] = connection
        connection.slot = slot
        ledger.upgraded(slot)
        dropDuplicate(of: connection, among: open)
        return true
    }

    /// Both sides dialled at once: the connection whose dialer has the smaller id stays, the other one goes after a while,
    /// when whatever began on it has ended. Nobody dials a peer that it is connected with: one that does so later has lost
    /// the older connection (its cable was pulled, it was killed), and the newer one stays.
    private func dropDuplicate(of connection: PeerConnection, among open: [PeerConnection]) {
        guard !connection.isRelayed,
            let other = open.first(where: { $0.isDialer != connection.isDialer && !$0.isRelayed })
        else { return }
        let weAreSmaller = connection.identity.peerID < connection.peer
        let isLater = connection.begun - other.begun > settings.duplicateAge
        let stays = isLater || connection.isDialer == weAreSmaller ? connection : other
        let goes = stays === connection ? other : connection
        loop.assumeIsolated().scheduleTask(in: settings.duplicateTime) { [weak stays, weak goes] in
            // Where the one that should stay is gone by now, the other is all there is.
            if stays?.isOpen == true { goes?.close() }
        }
    }

    func closed(_ connection: PeerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        if let slot = connection.slot { ledger.free(slot) }
        guard let book = connection.identity.peers[connection.peer] else { return }
        book.connections.removeAll { $0 === connection }
        if book.connections.isEmpty { connection.identity.peers.removeValue(forKey: connection.peer) }
    }

    /// A place for a connection that others make. Where there is none left, the oldest connection goes that a stranger made
    /// and that has carried nothing for a while: idling shall not keep others out.
    func takeAcceptSlot(from address: Multiaddr?) throws(PlasmidError) -> ConnectionSlot {
        do {
            return try ledger.takeAcceptSlot(from: address)
        } catch {
            let idle = connections.values.filter { connection in
                !connection.isDialer && connection.identity === defaultIdentity && connection.streams.isEmpty
                    && loop.now - connection.begun > settings.strangerTime
                    && !keeps.contains { $0(connection) }
            }.min { $0.begun < $1.begun }
            guard let idle else { throw error }
            idle.close(atOnce: true)
            return try ledger.takeAcceptSlot(from: address)
        }
    }

    // MARK: The end

    /// Listens no more and ends every connection, with a farewell but without waiting for its streams.
    public func close() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        isClosed = true
        for connection in Array(connections.values) { connection.close(atOnce: true) }
        for upgrade in Array(upgrades.values) { upgrade.fail(Self.stopped) }
        let closing = listeners.map { $0.close() }
        listeners = []
        listening = []
        return EventLoopFuture.andAllComplete(closing, on: loop)
    }

    static var stopped: PlasmidError { PlasmidError(.peerUnreachable, "the host has stopped") }
}
