import Gossip
import Integrity
import Keystore
import NIOCore
import Sodium
import Transport

/// One connection to a peer of a space: its membership, what agents were proved over it, what is asked and answered.
///
/// Confined to the conductor loop.
final class SpacePeer {
    /// Names the connection in this run.
    let tag: UInt64
    let connection: PeerConnection
    private unowned let network: SpaceNetwork
    /// Set once the peer has shown that it knows the space.
    private(set) var isMember = false
    /// Agents whose key the peer has shown to hold.
    private(set) var proved: Set<AgentPubKey> = []
    /// Own agents whose key the peer was shown.
    private var shown: Set<AgentPubKey> = []
    private var talk: MemberStream?
    /// What this side asks over; opened when it is first needed.
    private var sync: MemberStream?
    private var isOpeningSync = false
    private var beforeSync: [Frame] = []
    /// The peer's streams for what it asks.
    private var asked: [ObjectIdentifier: MemberStream] = [:]
    private var lastID: UInt32 = 0
    private var waiting: [UInt32: (Result<[UInt8], PlasmidError>) -> Void] = [:]
    /// Requests of the peer that are being answered.
    private var answering = 0
    private(set) var isOver = false
    var onMember: (() -> Void)?
    /// When the connection came to be.
    let since: Timestamp
    /// When anything but records of agents went over it last.
    var lastUsed: Timestamp
    /// Ops that came and went.
    var opsIn: UInt64 = 0
    var opsOut: UInt64 = 0
    /// Whether a round that this side began is under way, and how many it began.
    var isInRound = false
    var lastRound: UInt32 = 0
    /// Rounds that came to their end, and when the last one did.
    var rounds: UInt64 = 0
    var roundEnded: Timestamp?
    /// Whether the peer brought a round to its end.
    var wasServed = false
    /// The round that the peer began.
    var served: (number: UInt32, state: RoundState)?
    /// What it lacks and is still to be sent.
    var gifts = CircularBuffer<OwedOp>()
    /// New ops for it: they go before the gifts of rounds.
    var fresh = CircularBuffer<OwedOp>()

    /// Requests of one peer that may wait for their answers at a time.
    static let answeringMaximum = 256
    /// Agents that one peer may prove.
    static let provedMaximum = 256

    init(_ connection: PeerConnection, tag: UInt64, network: SpaceNetwork, now: Timestamp) {
        self.connection = connection
        self.tag = tag
        self.network = network
        since = now
        lastUsed = now
    }

    var role: LinkRole { connection.isDialer ? .initiator : .responder }

    // MARK: Membership

    /// How long the other side may take to show that it is a member, in microseconds.
    private static let proofPatience: Int64 = 10_000_000

    /// The dialer's side: opens the talk stream and shows the proof.
    func begin() {
        network.conductor.after(microseconds: Self.proofPatience) { [weak self] in
            guard let self, !isMember, !isOver else { return }
            end(PlasmidError(.timeout, "the peer does not show in time that it belongs to the space"))
        }
        let opening = connection.openStream(SpaceNetwork.talkProtocol)
        let place = Int(network.randomBytes(1)[0])
        opening.assumeIsolated().whenComplete { [weak self] result in
            guard let self, !isOver else { return }
            switch result {
            case .failure(let error): end(PlasmidError.from(error))
            case .success(let stream): offer(over: stream, place: place)
            }
        }
    }

    private func offer(over stream: PeerStream, place: Int) {
        let keys = network.keys
        let hash = connection.handshakeHash
        let offer = Membership.offer(keys, handshakeHash: hash, place: place, random: network.randomBytes)
        var held = ByteBuffer()
        stream.onEnd = { [weak self] _ in
            self?.end(PlasmidError(.proofRefused, "the peer does not show that it belongs to the space"))
        }
        stream.onBytes = { [weak self] buffer in
            guard let self, !isOver else { return }
            var buffer = buffer
            held.writeBuffer(&buffer)
            guard let answer = held.readBytes(length: Membership.messageBytes) else { return }
            guard Membership.isTrue(answer, keys, handshakeHash: hash, place: place) else {
                stream.reset()
                end(
                    PlasmidError(
                        .proofRefused, "the peer does not show that it belongs to the space",
                        hint: "is it of the same DNA, with the same network seed?"))
                return
            }
            becomeMember(stream, held)
        }
        stream.write(ByteBuffer(bytes: offer))
    }

    /// The responder's side: the talk stream of a dialer that has shown the proof, and the bytes that came behind it.
    func accepted(_ stream: PeerStream, _ rest: ByteBuffer) { becomeMember(stream, rest) }

    private func becomeMember(_ stream: PeerStream, _ rest: ByteBuffer) {
        let talk = MemberStream(stream)
        self.talk = talk
        isMember = true
        talk.onFrame = { [weak self, weak talk] frame in
            guard let self, let talk else { return }
            take(frame, talk)
        }
        talk.onEnd = { [weak self] error in
            self?.end(error ?? PlasmidError(.connectionLost, "the peer ended the conversation"))
        }
        connection.measureRoundTrip()
        network.joined(self)
        onMember?()
        onMember = nil
        if rest.readableBytes > 0 { talk.take(rest) }
    }

    // MARK: Streams for sync

    /// A stream on which the peer asks.
    func serve(_ stream: PeerStream) {
        guard isMember, asked.count < 4 else { return stream.reset() }
        let member = MemberStream(stream)
        let id = ObjectIdentifier(member)
        asked[id] = member
        if isHeldBack { member.pause() }
        member.onFrame = { [weak self, weak member] frame in
            guard let self, let member else { return }
            take(frame, member)
        }
        member.onEnd = { [weak self] error in
            self?.asked[id] = nil
            if let error { self?.fault(error) }
        }
    }

    /// Whether nothing is read of what the peer sends of ops, because those that came before are still judged.
    var isHeldBack = false {
        didSet {
            guard isHeldBack != oldValue else { return }
            for stream in asked.values { isHeldBack ? stream.pause() : stream.resume() }
        }
    }

    /// Whether the peer takes more of what may wait.
    var hasRoomForSync: Bool { sync?.hasRoom ?? (!isOpeningSync && !isOver) }

    /// Sends a frame of sync, in its order.
    func sendSync(_ frame: Frame) {
        lastUsed = network.now
        if let sync { return sync.send(frame) }
        beforeSync.append(frame)
        guard !isOpeningSync, !isOver else { return }
        isOpeningSync = true
        connection.openStream(SpaceNetwork.syncProtocol).assumeIsolated().whenComplete { [weak self] result in
            guard let self, !isOver else { return }
            isOpeningSync = false
            switch result {
            case .failure(let error): end(PlasmidError.from(error))
            case .success(let stream): opened(stream)
            }
        }
    }

    private func opened(_ stream: PeerStream) {
        let member = MemberStream(stream)
        sync = member
        member.onFrame = { [weak self, weak member] frame in
            guard let self, let member else { return }
            take(frame, member)
        }
        member.onEnd = { [weak self] error in
            self?.sync = nil
            self?.end(error ?? PlasmidError(.connectionLost, "the peer ended the stream of ops"))
        }
        member.onRoom = { [weak self] in
            guard let self else { return }
            network.pump(self)
        }
        let frames = beforeSync
        beforeSync = []
        for frame in frames { member.send(frame) }
        network.pump(self)
    }

    // MARK: Asking

    /// Asks over the talk stream, or over that for sync; the reply comes once.
    func request(
        _ kind: FrameKind, _ body: [UInt8], overSync: Bool = false,
        _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) {
        guard isMember, !isOver, body.count <= Frame.bodyBytesMaximum else {
            return reply(.failure(PlasmidError(.connectionLost, "the connection to the peer is gone")))
        }
        lastID = lastID == .max ? 1 : lastID + 1
        waiting[lastID] = reply
        lastUsed = network.now
        let frame = Frame(kind, id: lastID, body: body)
        if overSync { sendSync(frame) } else { talk?.send(frame) }
    }

    /// Tells without waiting for an answer.
    func tell(_ kind: FrameKind, _ body: [UInt8]) {
        guard isMember, !isOver else { return }
        if kind != .agents { lastUsed = network.now }
        talk?.send(Frame(kind, body: body))
    }

    /// Bytes that may wait for a peer before signals to it are left out.
    static let signalsWaitingMaximum = 1 << 20

    /// Whether what nobody waits for may be sent: not while the peer is slow to take what somebody does wait for.
    var hasRoomForSignals: Bool { (talk?.waitingBytes ?? .max) <= Self.signalsWaitingMaximum }

    /// Shows the peer once that an own agent is here.
    func show(_ agent: AgentPubKey) throws(PlasmidError) {
        guard !shown.contains(agent) else { return }
        guard let peer = connection.peer.ed25519 else {
            throw PlasmidError(.proofRefused, "the peer's key is of a kind to which no agent can be proved")
        }
        let statement = AgentProof.statement(
            agent: agent, role: role, peer: peer, keys: network.keys, handshakeHash: connection.handshakeHash)
        let mac = try network.conductor.keystore.mac(of: agent, for: peer) { secret in
            AgentProof.mac(secret: secret, statement: statement)
        }
        shown.insert(agent)
        tell(.prove, ProofBody(agent: agent, mac: mac).packed)
    }

    private func takeProof(_ body: [UInt8]) throws(PlasmidError) {
        let proof = try ProofBody(packed: body)
        guard proved.count < Self.provedMaximum else {
            throw PlasmidError(.proofRefused, "one peer proves more than \(Self.provedMaximum) agents")
        }
        guard let own = connection.identity.peerID.ed25519 else { return }
        let statement = AgentProof.statement(
            agent: proof.agent, role: role.other, peer: own, keys: network.keys,
            handshakeHash: connection.handshakeHash)
        guard let secret = network.identity.secret(with: proof.agent.core),
            constantTimeEquals(AgentProof.mac(secret: secret, statement: statement), proof.mac)
        else {
            throw PlasmidError(.proofRefused, "the peer claims to be \(proof.agent) and does not hold its key")
        }
        proved.insert(proof.agent)
    }

    // MARK: Answering

    private func take(_ frame: Frame, _ stream: MemberStream) {
        if frame.kind != .agents { lastUsed = network.now }
        do throws(PlasmidError) {
            switch frame.kind {
            case .answer: finish(frame.id, .success(frame.body))
            case .refusal: finish(frame.id, .failure(try RefusalBody(packed: frame.body).error))
            case .prove: try takeProof(frame.body)
            default: try network.take(frame, from: self, answer(frame.id, stream))
            }
        } catch {
            fault(error)
            if frame.id != 0 { stream.send(Frame(.refusal, id: frame.id, body: RefusalBody(error).packed)) }
        }
    }

    private func finish(_ id: UInt32, _ result: Result<[UInt8], PlasmidError>) {
        // An answer to nothing that was asked is not taken; after a timeout it is no fault either.
        waiting.removeValue(forKey: id)?(result)
    }

    /// What answers a request of the peer, once.
    private func answer(_ id: UInt32, _ stream: MemberStream) -> ((Result<[UInt8], PlasmidError>) -> Void)? {
        guard id != 0 else { return nil }
        return { [weak stream] result in
            switch result {
            case .success(let body): stream?.send(Frame(.answer, id: id, body: body))
            case .failure(let error): stream?.send(Frame(.refusal, id: id, body: RefusalBody(error).packed))
            }
        }
    }

    /// Counts a request of the peer in, unless too many wait already.
    func admit(_ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void) throws(PlasmidError)
        -> (Result<[UInt8], PlasmidError>) -> Void
    {
        guard answering < Self.answeringMaximum else {
            throw PlasmidError(
                .overloaded, "\(answering) requests of this peer wait for their answers already",
                hint: "send fewer at a time")
        }
        answering += 1
        return { [weak self] result in
            self?.answering -= 1
            reply(result)
        }
    }

    private func fault(_ error: PlasmidError) { network.fault(of: self, error) }

    // MARK: The end

    /// Ends the connection; whoever waits hears that it is lost.
    func end(_ error: PlasmidError) {
        guard !isOver else { return }
        isOver = true
        connection.close()
        let asked = waiting.sorted { $0.key < $1.key }
        waiting = [:]
        for (_, reply) in asked {
            reply(
                .failure(
                    PlasmidError(
                        .connectionLost, "the connection ended before the answer came",
                        hint: "the other side may have received it", cause: error.message)))
        }
        onMember = nil
        network.left(self, error)
    }
}

/// An op on its way to a peer, which waits until the peer takes more.
struct OwedOp {
    let key: OpKey
    /// Whether the peer is asked to sign for it.
    let receiptsWanted: Bool
}
