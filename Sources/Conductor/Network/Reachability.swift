import NIOCore
import Integrity
import Transport

/// Whether others can dial this machine, and over which relays they reach it where they cannot.
///
/// It asks the servers that an operator configured, as the conductor's identity of no space: they learn that a conductor is
/// here, which they see anyway, and not which spaces it is in.
///
/// Confined to the conductor loop.
final class Reachability {
    /// How often the servers are looked at again, and how soon and at the latest those that have not answered, in seconds.
    private static let (pause, retry, longest): (Int64, Int64, Int64) = (90, 2, 16)

    private let host: TransportHost
    private let servers: [Multiaddr]
    private let configured: [Multiaddr]
    private let use: RelayUse
    private let autoNAT: AutoNATService
    private let now: () -> Timestamp
    private var found: [Multiaddr] = []
    private var told: [Multiaddr] = []
    /// Servers at which a conductor stands: it may be in spaces that this one is in.
    private var conductors: Set<Multiaddr> = []
    /// Those that have answered since this began.
    private var heard: Set<Multiaddr> = []
    /// Looks in a row after which somebody has not answered.
    private var missed = 0
    private var looked = Timestamp(microseconds: .min)
    private var timer: Scheduled<Void>?
    private var isRunning = false

    /// Kad, of which this conductor is a server while others can dial it.
    private let kad: KadService
    /// The servers that serve Kad.
    private(set) var kadServers: [PeerID: [Multiaddr]] = [:]

    /// Told that a conductor stands at a configured address.
    var onConductor: () -> Void = {}
    /// Told of a server of Kad.
    var onKad: (PeerID, [Multiaddr]) -> Void = { _, _ in }
    /// The addresses that others are asked to try.
    var addresses: () -> [Multiaddr] = { [] }
    /// Told when the relays to use have changed.
    var onChange: () -> Void = {}

    init(
        host: TransportHost, servers: [Multiaddr], relays: [Multiaddr], use: RelayUse, now: @escaping () -> Timestamp
    ) {
        self.host = host
        self.servers = servers.filter { !$0.isRelayed }
        configured = relays
        self.use = use
        self.now = now
        autoNAT = AutoNATService(host: host, now: now)
        kad = KadService(
            host: host, identity: host.defaultIdentity, now: now, random: SystemRandomNumberGenerator())
    }

    /// The relays over which to be reached: none where that is not wanted, or others can dial this machine.
    var relays: [Multiaddr] {
        guard use == .auto, autoNAT.verdict != .reachable else { return [] }
        return configured + found.filter { !configured.contains($0) }
    }

    /// Addresses under which others have reached this machine, though none of its interfaces has them.
    var verified: [Multiaddr] { autoNAT.verdict == .reachable ? autoNAT.confirmed : [] }

    /// Whether a conductor stands at a configured address, as far as it has said so.
    func isConductor(_ address: Multiaddr) -> Bool { conductors.contains(address) }

    /// Begins to ask, where there is anybody to ask.
    func start() {
        guard !isRunning else { return }
        isRunning = true
        autoNAT.start()
        autoNAT.onVerdict = { [weak self] _ in
            self?.tell()
            self?.serveKad()
        }
        tell()
        if !servers.isEmpty { look() }
    }

    /// Asks no more.
    func stop() {
        isRunning = false
        autoNAT.stop()
        kad.stop()
        timer?.cancel()
        timer = nil
    }

    /// Whoever can be dialled helps others to find each other.
    private func serveKad() {
        guard isRunning, autoNAT.verdict == .reachable else { return kad.stop() }
        host.defaultIdentity.announced = addresses() + verified.filter { !addresses().contains($0) }
        kad.start(serves: true)
        for (server, addresses) in kadServers { kad.learned(server, addresses: addresses) }
    }

    private func tell() {
        let relays = relays
        guard relays != told else { return }
        told = relays
        onChange()
    }

    private func look() {
        guard isRunning else { return }
        // Those that have answered are asked again seldom; the others soon: they may start later than this program.
        let isDue = now().microseconds - Self.pause * 1_000_000 >= looked.microseconds
        if isDue { looked = now() }
        let looks = servers.filter { isDue || !heard.contains($0) }.map { look(at: $0) }
        EventLoopFuture.whenAllComplete(looks, on: host.eventLoop).assumeIsolated().whenComplete { [weak self] _ in
            guard let self, isRunning else { return }
            tell()
            missed = heard.count == servers.count ? 0 : missed + 1
            let wait = missed == 0 ? Self.pause : min(Self.retry << Int64(min(missed, 16) - 1), Self.longest)
            timer = host.eventLoop.assumeIsolated().scheduleTask(in: .seconds(wait)) { [weak self] in self?.look() }
        }
    }

    /// Asks one server what it is, and to dial back, if it does such things and it is time to ask again.
    private func look(at server: Multiaddr) -> EventLoopFuture<Void> {
        let identity = host.defaultIdentity
        // From the port that is listened on: where the server sees that one is where others would have to dial.
        let dialled = host.dial(server, expecting: server.peerID, as: identity, fromListeningPort: true)
        return dialled.assumeIsolated().flatMap { [weak self] connection in
            let said = connection.identify()
            said.assumeIsolated().whenFailure { _ in connection.close() }
            return said.assumeIsolated().map { info in
                guard let self, self.isRunning else { return connection.close() }
                self.note(server, connection, info)
            }.nonisolated()
        }.nonisolated()
    }

    private func note(_ server: Multiaddr, _ connection: PeerConnection, _ info: PeerInfo) {
        heard.insert(server)
        if info.protocols.contains(SpaceNetwork.talkProtocol), conductors.insert(server).inserted { onConductor() }
        if let address = try? server.withoutPeer.appending(connection.peer) {
            let isRelay = info.protocols.contains(HopMessage.protocolID)
            // In its place, so that the order of answers changes nothing.
            if !isRelay { found.removeAll { $0 == address } } else if !found.contains(address) { found.append(address) }
        }
        if info.protocols.contains(KadCore.protocolID) {
            kadServers[connection.peer] = [server.withoutPeer]
            onKad(connection.peer, [server.withoutPeer])
        } else {
            kadServers[connection.peer] = nil
        }
        guard info.protocols.contains(AutoNATMessage.protocolID) else { return connection.close() }
        let tried = addresses() + host.observed
        autoNAT.ask(connection, addresses: tried) { connection.close() }
    }
}
