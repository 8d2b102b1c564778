import Integrity
import Logging
import NIOCore
import Sodium

/// Makes a connection of a wire: multistream-select, the Noise handshake, the muxer. Whatever the peer does, it ends within
/// the time of the settings, in `done` or `failed`.
final class ConnectionUpgrade: WireReceiver {
    /// What dialler and listener bring along.
    enum Side {
        case dialer(identity: HostIdentity, expecting: PeerID?, hint: ((_ ephemeral: [UInt8]) -> [UInt8])?)
        /// Chooses the identity that answers.
        case listener(choose: (NoiseHello) -> HostIdentity)
    }

    /// A connection that can carry streams, and what of the peer's bytes is left.
    struct Result {
        let identity: HostIdentity
        let noise: NoiseSession
        let plain: ByteBuffer
        let sealed: ByteBuffer
    }

    private enum Step { case noiseName, message1, message2, message3, muxerName, over }

    static let muxerID = "/yamux/1.0.0"

    private let wire: any PeerWire
    private let side: Side
    private let handshake: NoiseHandshake
    private let completion: (Swift.Result<Result, PlasmidError>) -> Void
    private var step = Step.noiseName
    private var proposing: MultistreamDialer?
    private var answering: MultistreamListener?
    private var identity: HostIdentity?
    private var noise: NoiseSession?
    private var bytes = ByteBuffer()
    private var plain = ByteBuffer()
    var timer: Scheduled<Void>?

    init(
        wire: any PeerWire, side: Side, secrets: consuming NoiseSecrets, settings: TransportSettings,
        completion: @escaping (Swift.Result<Result, PlasmidError>) -> Void
    ) {
        self.wire = wire
        self.side = side
        self.completion = completion
        let muxers = settings.offersEarlyMuxer ? [Self.muxerID] : []
        if case .dialer(let identity, _, _) = side {
            self.identity = identity
            handshake = NoiseHandshake(isInitiator: true, secrets: secrets, muxers: muxers)
        } else {
            handshake = NoiseHandshake(isInitiator: false, secrets: secrets, muxers: muxers)
        }
    }

    /// Begins; `bytes` came over the wire before.
    func start(with bytes: ByteBuffer = ByteBuffer()) {
        wire.receiver = self
        if case .dialer(_, _, let hint) = side {
            do {
                // Name and first message in one segment: the peer that answers at all has said yes to both.
                let message = try handshake.writeMessage1(hint: hint?(handshake.ephemeralKey) ?? [])
                let proposal = MultistreamDialer([NoiseHandshake.protocolID])
                proposing = proposal
                wire.send(ByteBuffer(bytes: proposal.start() + message))
            } catch { return fail(error) }
        } else {
            answering = MultistreamListener()
        }
        wireRead(bytes)
    }

    /// Gives up, for instance because the time is over.
    func fail(_ error: PlasmidError) {
        guard step != .over else { return }
        step = .over
        timer?.cancel()
        wire.receiver = nil
        wire.close(atOnce: true)
        completion(.failure(error))
    }

    // MARK: What the wire says

    func wireRead(_ more: ByteBuffer) {
        var more = more
        if bytes.readableBytes == 0 { bytes = more } else { bytes.writeBuffer(&more) }
        do {
            while step != .over, try advance() {}
        } catch { fail(error) }
    }

    func wireReadComplete() {}

    func wireBecameWritable() {}

    func wireClosed() {
        fail(PlasmidError(.peerUnreachable, "a peer closed a connection before it was encrypted"))
    }

    // MARK: The steps

    /// Takes the next step, if all its bytes are there.
    private func advance() throws(PlasmidError) -> Bool {
        switch step {
        case .noiseName: return try agreeOnNoise()
        case .message1:
            guard let message = try NoiseFrame.takeHandshakeMessage(&bytes) else { return false }
            try answer(try handshake.readMessage1(message))
        case .message2:
            guard let message = try NoiseFrame.takeHandshakeMessage(&bytes) else { return false }
            try prove(message)
        case .message3:
            guard let message = try NoiseFrame.takeHandshakeMessage(&bytes) else { return false }
            _ = try handshake.readMessage3(message)
            try finishHandshake()
        case .muxerName: return try agreeOnMuxer()
        case .over: return false
        }
        return true
    }

    private func agreeOnNoise() throws(PlasmidError) -> Bool {
        if proposing != nil {
            guard case .agreed = try proposing?.read(&bytes) else { return false }
            step = .message2
            return true
        }
        guard let answer = try answering?.read(&bytes, accepts: { $0 == NoiseHandshake.protocolID }) else {
            return false
        }
        wire.send(ByteBuffer(bytes: answer.answer))
        guard answer.agreed != nil else { return false }
        step = .message1
        return true
    }

    private func answer(_ hello: NoiseHello) throws(PlasmidError) {
        guard case .listener(let choose) = side else { return }
        let identity = choose(hello)
        self.identity = identity
        wire.send(ByteBuffer(bytes: try handshake.writeMessage2(identity: identity.key)))
        step = .message3
    }

    private func prove(_ message: [UInt8]) throws(PlasmidError) {
        guard case .dialer(let identity, let expecting, _) = side else { return }
        let peer = try handshake.readMessage2(message, expecting: expecting)
        guard identity.admits(peer) else {
            throw PlasmidError(.peerUnreachable, "peer \(peer) is blocked here")
        }
        wire.send(ByteBuffer(bytes: try handshake.writeMessage3(identity: identity.key)))
        try finishHandshake()
    }

    private func finishHandshake() throws(PlasmidError) {
        let noise = try handshake.finish()
        self.noise = noise
        guard let identity, noise.peer != identity.peerID else {
            throw PlasmidError(
                .peerUnreachable, "a peer with this program's own key answers",
                hint: "an address of this machine was dialled")
        }
        guard identity.admits(noise.peer) else {
            throw PlasmidError(.peerUnreachable, "peer \(noise.peer) is blocked here")
        }
        guard case .negotiate = noise.muxer else { return succeed() }
        step = .muxerName
        if case .dialer = side {
            let proposal = MultistreamDialer([Self.muxerID])
            proposing = proposal
            try sendSealed(proposal.start())
        } else {
            answering = MultistreamListener()
        }
    }

    private func agreeOnMuxer() throws(PlasmidError) -> Bool {
        guard let noise else { return false }
        try noise.transport.open(&bytes, into: &plain)
        if case .dialer = side {
            guard case .agreed = try proposing?.read(&plain) else { return false }
        } else {
            guard let answer = try answering?.read(&plain, accepts: { $0 == Self.muxerID }) else { return false }
            try sendSealed(answer.answer)
            guard answer.agreed != nil else { return false }
        }
        succeed()
        return true
    }

    private func sendSealed(_ plain: [UInt8]) throws(PlasmidError) {
        var out = ByteBuffer()
        try noise?.transport.seal(ByteBuffer(bytes: plain), into: &out)
        wire.send(out)
    }

    private func succeed() {
        guard let identity, let noise else { return }
        step = .over
        timer?.cancel()
        wire.receiver = nil
        completion(.success(Result(identity: identity, noise: noise, plain: plain, sealed: bytes)))
    }
}
