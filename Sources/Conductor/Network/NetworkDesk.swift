import Integrity
import Keystore
import Logging
import NIOCore
import Sodium
import Transport

/// The conductor's part in the network: the port that peers come to, and one ``SpaceNetwork`` for each space with a running
/// cell.
///
/// Confined to the conductor loop.
final class NetworkDesk {
    let conductor: Conductor
    let host: TransportHost
    let logger: Logger
    let options: NetworkOptions
    /// Where an operator says that members, or servers that know of them, may be.
    let bootstrap: [Multiaddr]
    /// Whether others can dial this machine, and which relays they come over where they cannot.
    let reachability: Reachability
    private(set) var spaces: [DnaHash: SpaceNetwork] = [:]
    /// Where this conductor listens, as it came out.
    private(set) var listening: [Multiaddr] = []
    /// The machine's own addresses, and when they were read: cables are plugged in and networks change while this runs.
    private var machine = AnnouncedAddresses.ofMachine()
    private var machineRead: Timestamp?
    private var isOver = false
    /// Told when something came over the network: a peer, an op, a record.
    var whenChanged: () -> Void = {}

    /// - Throws: `badAddress` for an address that is none.
    init(_ conductor: Conductor, _ options: NetworkOptions) throws(PlasmidError) {
        self.conductor = conductor
        self.options = options
        logger = conductor.logger
        var bootstrap: [Multiaddr] = []
        for text in options.bootstrap { bootstrap.append(try Multiaddr(text)) }
        self.bootstrap = bootstrap
        var relays: [Multiaddr] = []
        for text in options.relays { relays.append(try Multiaddr(text)) }
        // Of no space: what strangers, relays and servers see.
        let identity = HostIdentity(seed: conductor.keystore.networkSeed(for: []))
        host = TransportHost(
            loop: conductor.loop, defaultIdentity: identity, logger: conductor.logger,
            randomBytes: conductor.options.randomBytes)
        reachability = Reachability(
            host: host, servers: bootstrap, relays: relays, use: options.relay, now: { conductor.networkNow })
        // Who does not belong to a space meets the same door here as everywhere.
        host.defaultIdentity.handle(SpaceNetwork.talkProtocol) { [weak self] stream in
            guard let self else { return stream.reset() }
            MembershipDoor.answer(stream, keys: nil, desk: self) { _ in stream.reset() }
        }
        host.defaultIdentity.handle(SpaceNetwork.syncProtocol) { stream in stream.reset() }
    }

    /// Listens where the options say; `done` comes with the addresses, ports filled in.
    func listen(_ done: @escaping (Result<[Multiaddr], PlasmidError>) -> Void) {
        var rest = options.listen[...]
        func next() {
            guard let text = rest.popFirst() else {
                watchReachability()
                return done(.success(listening))
            }
            let address: Multiaddr
            do throws(PlasmidError) {
                address = try Multiaddr(text)
            } catch {
                return done(.failure(error))
            }
            host.listen(on: address).assumeIsolated().whenComplete { [weak self] result in
                guard let self else { return }
                switch result {
                case .success(let bound):
                    listening += bound
                    next()
                case .failure(let error):
                    done(
                        .failure(
                            PlasmidError.from(error).wrapped(
                                .badAddress, "this conductor cannot listen on \(text)",
                                hint: "is another program there already?")))
                }
            }
        }
        next()
    }

    private func watchReachability() {
        reachability.addresses = { [weak self] in self?.own ?? [] }
        reachability.onChange = { [weak self] in
            guard let self, !isOver else { return }
            for network in spaces.values { network.useRelays(reachability.relays) }
        }
        reachability.onConductor = { [weak self] in
            guard let self, !isOver else { return }
            for network in spaces.values {
                network.bootstrapDue = conductor.networkNow
                network.connectToKnown()
            }
        }
        reachability.onKad = { [weak self] server, addresses in
            guard let self, !isOver else { return }
            for network in spaces.values { network.foundKad(server, addresses) }
        }
        reachability.start()
    }

    /// What the agents here give as their addresses, without the peer's id, which is another in each space, and without ways
    /// over relays, which are too.
    var announced: [Multiaddr] {
        let own = own
        return own + reachability.verified.filter { !own.contains($0) }
    }

    /// This machine's own addresses, with the ports that are listened on.
    private var own: [Multiaddr] {
        let now = conductor.networkNow
        if let read = machineRead, now.microseconds - read.microseconds < 10_000_000 {
            return AnnouncedAddresses.of(listening, machine: machine)
        }
        machineRead = now
        machine = AnnouncedAddresses.ofMachine()
        return AnnouncedAddresses.of(listening, machine: machine)
    }

    /// Joins the spaces that have running cells and leaves those that have none any more.
    func settle() {
        guard !isOver else { return }
        for (dna, network) in spaces.sorted(by: { $0.key < $1.key }) {
            let runs = conductor.spaces[dna]?.cells.values.contains { $0.isActive } == true
            guard !runs || conductor.spaces[dna] !== network.space else { continue }
            spaces[dna] = nil
            network.space.network = nil
            network.space.incomingIfAny?.network = nil
            network.stop()
        }
        for (dna, space) in conductor.spaces.sorted(by: { $0.key < $1.key }) where spaces[dna] == nil {
            guard space.cells.values.contains(where: { $0.isActive }) else { continue }
            do {
                let seed = conductor.keystore.networkSeed(for: dna.bytes)
                let network = SpaceNetwork(space: space, desk: self, seed: seed)
                try network.start()
                spaces[dna] = network
                space.network = network
                space.incoming.network = network
            } catch {
                logger.error("a space cannot be joined", metadata: ["space": "\(dna)", "reason": "\(error.message)"])
            }
        }
        for network in spaces.values { network.refreshOwnRecords() }
    }

    /// Leaves every space and closes every connection.
    /// - Parameter saysGoodbye: whether peers are told that the agents here leave.
    func close(saysGoodbye: Bool, _ done: @escaping () -> Void) {
        isOver = true
        reachability.stop()
        for (_, network) in spaces.sorted(by: { $0.key < $1.key }) {
            network.space.network = nil
            network.space.incomingIfAny?.network = nil
            network.stop(saysGoodbye: saysGoodbye)
        }
        spaces = [:]
        host.close().assumeIsolated().whenComplete { _ in done() }
    }
}
