import Gossip
import Integrity
import Logging
import NIOCore
import Sodium
import Transport

/// A space as its members see each other: this conductor's identity in it, the connections to peers, and who is where.
///
/// Confined to the conductor loop.
final class SpaceNetwork {
    static let talkProtocol = "/plasmid/space/1.0.0"
    static let syncProtocol = "/plasmid/sync/1.0.0"

    let space: SpaceContext
    let conductor: Conductor
    let desk: NetworkDesk
    let keys: SpaceKeys
    /// The libp2p identity of this space alone.
    let identity: HostIdentity
    /// Peers that have shown that they know the space, by their libp2p key.
    var members: [PeerID: SpacePeer] = [:]
    /// Every connection, members or not yet.
    private var connections: [UInt64: SpacePeer] = [:]
    private var lastTag: UInt64 = 0
    /// What other agents say of themselves, which peers they are at, and how those behave.
    var table = PeerTable(own: [])
    /// Ops of agents here on their way to their holders.
    var publishing = PublishBook()
    /// Whether there are ops of agents here that ``publishing`` has not been told of.
    var hasUnpublished = true
    /// What the agents here say.
    var own: [AgentPubKey: AgentRecord] = [:]
    /// Who waits for a connection to a peer.
    var reaching: [PeerID: [(Result<SpacePeer, PlasmidError>) -> Void]] = [:]
    /// Peers that could not be reached when they were last tried, and from when on they are tried again.
    var gone: [PeerID: Timestamp] = [:]
    /// What is held, by location and hash: what rounds compare.
    var held = OpIndex()
    /// What is known and not held: parked or rejected.
    var aside = OpIndex()
    /// How storage finds what is held again.
    var places: [Bytes32: OpPlace] = [:]
    /// What the agents here keep, and what they are about to.
    var arcs: ArcDesk
    /// Reads that wait for what holders sent to be judged.
    var gatherings: [Gathering] = []
    /// Signals that slow peers were not sent.
    var signalsLeftOut: UInt64 = 0
    /// Agents of whom nothing is known but a record that was not believed, and why it was not.
    var disbelieved: [AgentPubKey: PlasmidError] = [:]
    /// Agents that nothing is taken from any more.
    var blocked: Set<AgentPubKey> = []
    /// Configured addresses that are being dialled.
    var underWay: Set<Multiaddr> = []
    /// The peers that answered at configured addresses.
    var bootstrapPeers: [Multiaddr: PeerID] = [:]
    /// When configured addresses are dialled again although there are members.
    var bootstrapDue = Timestamp(microseconds: 0)
    /// How long the next wait is while there is nobody, in microseconds.
    var bootstrapWait = SpaceNetwork.bootstrapSoonest
    /// The first of those waits; it doubles.
    static let bootstrapSoonest: Int64 = 2_000_000
    /// The space at bootstrap servers, where some are configured.
    var rendezvous: BootstrapClient?
    /// The space in Kad, where servers of it are known.
    var kadSeeker: KadSeeker?
    /// The identity's places at relays, where it needs any.
    var relayed: RelayClient?
    /// What turns connections over relays into direct ones.
    var punching: HolePunchService?
    private var heartbeat: Scheduled<Void>?
    var roundTimer: Scheduled<Void>?
    var publishTimer: Scheduled<Void>?
    var arcTimer: Scheduled<Void>?
    var random = SystemRandomNumberGenerator()
    private(set) var isOver = false

    /// Peers of one space that are connected at a time.
    var membersMaximum: Int { desk.options.members }
    /// Connections of one space, members' and others', that others made or this side did.
    private static let connectionsMaximum = 128

    init(space: SpaceContext, desk: NetworkDesk, seed: borrowing SecretBytes) {
        self.space = space
        self.desk = desk
        conductor = space.conductor
        keys = SpaceKeys(dna: space.dna)
        identity = HostIdentity(seed: seed)
        arcs = ArcDesk(settings: ArcSettings(holders: desk.options.holders), now: space.conductor.networkNow)
    }

    var now: Timestamp { conductor.networkNow }

    func randomBytes(_ count: Int) -> [UInt8] { conductor.options.randomBytes(count) }

    // MARK: Beginning and end

    /// - Throws: the storage's errors: a space whose ops cannot be read is not joined.
    func start() throws(PlasmidError) {
        try loadIndex()
        settlePlans()
        findVisitors()
        let keys = keys
        identity.accepts = { hint, ephemeral in keys.accepts(hint: hint, ephemeral: ephemeral) }
        identity.admits = { [weak self] peer in
            guard let self else { return false }
            return table.treatment(of: PeerKey(peer.bytes), now: now) != .dropped
        }
        identity.handle(Self.talkProtocol) { [weak self] stream in self?.answerOffer(stream) }
        identity.handle(Self.syncProtocol) { [weak self] stream in self?.takeSync(stream) }
        desk.host.add(identity)
        startPunching()
        useRelays(desk.reachability.relays)
        beat()
        startRendezvous()
        for (server, addresses) in desk.reachability.kadServers { foundKad(server, addresses) }
    }

    func stop(saysGoodbye: Bool = true) {
        guard !isOver else { return }
        if saysGoodbye { sayGoodbye() }
        isOver = true
        rendezvous?.stop()
        kadSeeker?.stop()
        relayed?.stop()
        punching?.stop()
        heartbeat?.cancel()
        roundTimer?.cancel()
        publishTimer?.cancel()
        arcTimer?.cancel()
        for peer in sortedConnections { peer.end(PlasmidError(.connectionLost, "the space is left")) }
        let waiting = reaching
        reaching = [:]
        for (_, replies) in waiting {
            for reply in replies { reply(.failure(PlasmidError(.connectionLost, "the space is left"))) }
        }
        desk.host.remove(identity.peerID)
    }

    /// The connection of a tag, while it lasts.
    func connected(_ tag: UInt64) -> SpacePeer? { connections[tag] }

    /// All of them, members or not yet, in the order in which they were made.
    var sortedConnections: [SpacePeer] { connections.values.sorted { $0.tag < $1.tag } }

    /// What has to be done now and then: new records, new connections.
    private func beat() {
        guard !isOver else { return }
        forgetExpired()
        tendArcs()
        refreshOwnRecords()
        leaveUnneeded()
        connectToKnown()
        heartbeat = conductor.after(microseconds: 2_000_000) { [weak self] in self?.beat() }
    }

    // MARK: Connections

    /// Goes to an address where a member may be; what comes of it is heard through ``joined(_:)``.
    func dial(
        _ address: Multiaddr, expecting: PeerID?, _ done: @escaping (Result<SpacePeer, PlasmidError>) -> Void
    ) {
        let keys = keys
        desk.host.dial(
            address, expecting: expecting, as: identity, hint: { ephemeral in keys.hint(ephemeral: ephemeral) }
        ).assumeIsolated().whenComplete { [weak self] result in
            guard let self, !isOver else {
                if case .success(let late) = result { late.close() }
                return
            }
            switch result {
            case .failure(let error): done(.failure(PlasmidError.from(error)))
            case .success(let connection):
                if expecting == nil, let there = members[connection.peer], !there.isOver {
                    // Somebody who is connected already; membership is not shown again, so that over there nothing is lost.
                    connection.close()
                    return done(.success(there))
                }
                let peer = add(connection)
                peer.onMember = { [weak peer] in
                    if let peer { done(.success(peer)) }
                }
                pendingDials[peer.tag] = done
                peer.begin()
            }
        }
    }

    /// Dials whose peer has not shown its membership yet.
    private var pendingDials: [UInt64: (Result<SpacePeer, PlasmidError>) -> Void] = [:]

    /// Whether the peer of a connection has shown its membership on it.
    func isMember(_ connection: PeerConnection) -> Bool {
        connections.values.contains { $0.connection === connection && $0.isMember }
    }

    /// A direct connection that this side began beside one over a relay: membership is shown on it, too.
    func went(direct connection: PeerConnection) {
        guard !isOver, connection.isOpen, !connections.values.contains(where: { $0.connection === connection }) else {
            return
        }
        add(connection).begin()
    }

    private func add(_ connection: PeerConnection) -> SpacePeer {
        lastTag += 1
        let peer = SpacePeer(connection, tag: lastTag, network: self, now: now)
        connections[peer.tag] = peer
        connection.onClose.append { [weak peer] _ in
            peer?.end(PlasmidError(.connectionLost, "the connection to the peer ended"))
        }
        return peer
    }

    /// A dialer's first stream: its offer is answered, whatever it holds, with as many bytes.
    private func answerOffer(_ stream: PeerStream) {
        MembershipDoor.answer(stream, keys: keys, desk: desk) { [weak self] rest in
            guard let self, !isOver, !stream.connection.isDialer, connections.count < Self.connectionsMaximum,
                !connections.values.contains(where: { $0.connection === stream.connection })
            else { return stream.reset() }
            add(stream.connection).accepted(stream, rest)
        }
    }

    private func takeSync(_ stream: PeerStream) {
        guard let peer = connections.values.first(where: { $0.connection === stream.connection }), peer.isMember else {
            return stream.reset()
        }
        peer.serve(stream)
    }

    /// A peer has shown that it knows the space.
    func joined(_ peer: SpacePeer) {
        pendingDials[peer.tag] = nil
        let id = peer.connection.peer
        if let other = members[id], other !== peer, !other.isOver {
            choose(between: other, peer)
        } else {
            members[id] = peer
        }
        if gone.removeValue(forKey: id) != nil {
            // A cut is over: behind it are others, too.
            for other in gone.keys { gone[other] = now }
        }
        bootstrapWait = Self.bootstrapSoonest
        introduce(to: peer)
        met(peer)
        goDirect(peer)
    }

    /// Connections that began further apart than this, in microseconds, were not dialled at once.
    private static var duplicateAge: Int64 { 10_000_000 }

    /// One of two connections with a peer, the newer of which has just shown its membership.
    private func choose(between older: SpacePeer, _ newer: SpacePeer) {
        let id = newer.connection.peer
        let another = PlasmidError(.connectionLost, "there is another connection to this peer")
        let isSameWay = newer.connection.isRelayed == older.connection.isRelayed
        guard !isSameWay || newer.since.microseconds - older.since.microseconds <= Self.duplicateAge else {
            // Nobody dials whom it is connected with: the peer has lost the older one, of which nothing was heard here.
            members[id] = newer
            return older.end(another)
        }
        // The direct one of two, or of two that were dialled at once, by both or by one, the one that both sides choose; the
        // other may end what it began.
        let spare = isPreferred(newer, to: older) ? older : newer
        if spare === older { members[id] = newer }
        conductor.after(microseconds: 5_000_000) { [weak self, weak spare] in
            // Where the one that should stay is gone by now, the other is all there is.
            if let self, let spare, members[id] !== spare { spare.end(another) }
        }
    }

    private func isPreferred(_ peer: SpacePeer, to other: SpacePeer) -> Bool {
        let (mine, theirs) = (peer.connection, other.connection)
        if mine.isRelayed != theirs.isRelayed { return theirs.isRelayed }
        guard mine.isDialer != theirs.isDialer else {
            return mine.handshakeHash.lexicographicallyPrecedes(theirs.handshakeHash)
        }
        return mine.isDialer == identity.peerID.bytes.lexicographicallyPrecedes(mine.peer.bytes)
    }

    /// A connection is gone.
    func left(_ peer: SpacePeer, _ error: PlasmidError) {
        connections[peer.tag] = nil
        let id = peer.connection.peer
        if members[id] === peer {
            members[id] = connections.values.filter { $0.isMember && $0.connection.peer == id }.min { $0.tag < $1.tag }
            if members[id] == nil {
                parted(from: peer)
                // Known to be gone until it answers again, which is tried with the next beat.
                if peer.connection.wentSilent { isGone(id, until: now) }
            }
        }
        pendingDials.removeValue(forKey: peer.tag)?(.failure(error))
        lost(peer)
    }

    /// A peer did what no peer should do: it is remembered, and a peer that does so often is left.
    func fault(of peer: SpacePeer, _ error: PlasmidError, _ offence: PeerOffence = .malformed) {
        desk.logger.notice(
            "a peer is at fault",
            metadata: ["space": "\(space.dna)", "code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        let treatment = table.note(offence, of: PeerKey(peer.connection.peer.bytes), now: now)
        if treatment == .dropped { peer.end(error) }
    }

    // MARK: Frames

    /// Carries out what a member's frame asks or says.
    func take(
        _ frame: Frame, from peer: SpacePeer, _ reply: ((Result<[UInt8], PlasmidError>) -> Void)?
    ) throws(PlasmidError) {
        switch frame.kind {
        case .agents: try takeRecords(frame.body, from: peer)
        case .message: try takeMessage(frame.body, from: peer, try peer.admit(Self.wanted(reply)))
        case .call: try takeCall(frame.body, from: peer, try peer.admit(Self.wanted(reply)))
        case .signal: try takeSignal(frame.body, from: peer)
        case .ops: try takeOps(frame.body, from: peer)
        case .receipts: try takeReceipts(frame.body, from: peer)
        case .get: try answerGet(frame.body, try peer.admit(Self.wanted(reply)))
        case .wanted: try answerWanted(frame.body, from: peer, try peer.admit(Self.wanted(reply)))
        case .round: try takeRound(frame, from: peer, reply)
        case .query: try answerQuery(frame.body, try peer.admit(Self.wanted(reply)))
        case .prove, .answer, .refusal: throw PlasmidError(.badFrame, "a frame came that is not for here")
        }
    }

    private static func wanted(
        _ reply: ((Result<[UInt8], PlasmidError>) -> Void)?
    ) throws(PlasmidError) -> (Result<[UInt8], PlasmidError>) -> Void {
        guard let reply else { throw PlasmidError(.badFrame, "a question came without a number") }
        return reply
    }
}
