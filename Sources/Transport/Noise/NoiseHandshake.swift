import Integrity
import Sodium

/// The two X25519 secrets that one side brings to a handshake. Both are made for one connection and never stored; the
/// identity key is never converted to one of them.
public struct NoiseSecrets: ~Copyable, Sendable {
    let ephemeral: SecretBytes
    let staticSecret: SecretBytes
    /// The public key of the ephemeral secret: what a hint is made over.
    public let ephemeralKey: Bytes32
    let staticKey: Bytes32

    /// Takes two secrets of 32 bytes, which must be random (fixed ones are for tests). Nil for other lengths.
    public init?(ephemeral: consuming SecretBytes, staticSecret: consuming SecretBytes) {
        guard ephemeral.count == 32, staticSecret.count == 32 else { return nil }
        ephemeralKey = X25519.publicKey(of: ephemeral)
        staticKey = X25519.publicKey(of: staticSecret)
        self.ephemeral = ephemeral
        self.staticSecret = staticSecret
    }

    /// Draws both from the system's random source.
    public init() {
        ephemeral = SecretBytes.random(count: 32)
        staticSecret = SecretBytes.random(count: 32)
        ephemeralKey = X25519.publicKey(of: ephemeral)
        staticKey = X25519.publicKey(of: staticSecret)
    }
}

/// What a responder knows of a dialer after message 1: enough to choose the identity that it answers with.
public struct NoiseHello: Hashable, Sendable {
    /// The dialer's ephemeral public key, 32 bytes.
    public let ephemeral: [UInt8]
    /// The dialer's hint: ``NoiseHandshake/hintBytes`` bytes, or none where the payload of message 1 has any other length.
    public let hint: [UInt8]?
}

/// The muxer that both sides come to in the handshake.
public enum EarlyMuxer: Hashable, Sendable {
    /// Both listed it: it begins at once.
    case chosen(String)
    /// One side listed none: it is negotiated on the encrypted channel.
    case negotiate
}

/// A handshake of `Noise_XX_25519_ChaChaPoly_SHA256` with libp2p's payloads, for one side, as a state machine of bytes.
///
/// The initiator: ``writeMessage1(hint:)``, ``readMessage2(_:expecting:)``, ``writeMessage3(identity:)``, ``finish()``. The
/// responder: ``readMessage1(_:)``, ``writeMessage2(identity:)``, ``readMessage3(_:)``, ``finish()``. What is written comes
/// with its two bytes of length, what is read comes without (``NoiseFrame/takeHandshakeMessage(_:)``). Any error ends it,
/// and the connection; a call out of order throws `handshakeFailed`.
///
/// Source: the noise page of the libp2p specification; docs/spec/transport.md.
public final class NoiseHandshake {
    /// The name by which the handshake is negotiated.
    public static let protocolID = "/noise"
    /// Bytes of a hint.
    public static let hintBytes = 16
    private static let hintedMessage1Bytes = 32 + hintBytes

    private enum Step {
        case message1, message2, message3, done, over
    }

    /// True for the side that dialled.
    public let isInitiator: Bool
    private let secrets: NoiseSecrets
    private let muxers: [String]
    private var state: NoiseState?
    private var step = Step.message1
    private var remoteEphemeral = Bytes32()
    private var remoteStatic = Bytes32()
    private var remote: NoisePayload?
    private var shared = SecretBytes(count: 32)

    /// A handshake with the given secrets, which offers `muxers` in order of preference (none: the muxer is negotiated
    /// afterwards). `prologue` is empty in libp2p.
    public init(isInitiator: Bool, secrets: consuming NoiseSecrets, muxers: [String], prologue: [UInt8] = []) {
        self.isInitiator = isInitiator
        self.secrets = secrets
        self.muxers = muxers
        state = NoiseState(prologue: prologue)
    }

    /// This side's ephemeral public key, 32 bytes: what the dialer's hint is made over.
    public var ephemeralKey: [UInt8] { secrets.ephemeralKey.array }

    // MARK: The initiator

    /// Message 1: the ephemeral key, and in the clear the hint (16 bytes, or none, as other programs do).
    public func writeMessage1(hint: [UInt8] = []) throws(PlasmidError) -> [UInt8] {
        try enter(.message1, initiator: true)
        precondition(hint.isEmpty || hint.count == Self.hintBytes, "a hint has 16 bytes")
        let key = secrets.ephemeralKey.array
        state?.mixHash(key)
        let message = key + (state?.encryptAndHash(hint) ?? [])
        step = .message2
        return NoiseFrame.framed(message)
    }

    /// Reads message 2 and returns who answers, whose signature has been checked. Throws `wrongPeer` where that is not
    /// `expecting`: before message 3 is written, so that an impostor does not learn who dials.
    public func readMessage2(_ message: [UInt8], expecting: PeerID?) throws(PlasmidError) -> PeerID {
        try enter(.message2, initiator: true)
        guard message.count >= 32 + 48 + 16, let ephemeral = Bytes32(message[..<32]) else { throw Self.cut(2) }
        remoteEphemeral = ephemeral
        state?.mixHash(ephemeral.array)
        try agree(2) { X25519.agree($0.ephemeral, ephemeral, into: &$1) }
        let staticKey = try readStatic(Array(message[32..<80]), 2)
        try agree(2) { X25519.agree($0.ephemeral, staticKey, into: &$1) }
        let peer = try readPayload(Array(message[80...]), 2)
        if let expecting, expecting != peer {
            throw PlasmidError(
                .wrongPeer, "peer \(peer) answered where \(expecting) was dialled",
                hint: "the address is out of date, or another program listens there")
        }
        step = .message3
        return peer
    }

    /// Message 3: the static key and, encrypted to the peer that message 2 proved, who dials.
    public func writeMessage3(identity: borrowing SecretKey) throws(PlasmidError) -> [UInt8] {
        try enter(.message3, initiator: true)
        var message = state?.encryptAndHash(secrets.staticKey.array) ?? []
        let remote = remoteEphemeral
        try agree(3) { X25519.agree($0.staticSecret, remote, into: &$1) }
        message += state?.encryptAndHash(payload(identity)) ?? []
        step = .done
        return NoiseFrame.framed(message)
    }

    // MARK: The responder

    /// Reads message 1: nothing in it is proved yet.
    public func readMessage1(_ message: [UInt8]) throws(PlasmidError) -> NoiseHello {
        try enter(.message1, initiator: false)
        guard let ephemeral = Bytes32(message.prefix(32)) else { throw Self.cut(1) }
        remoteEphemeral = ephemeral
        state?.mixHash(ephemeral.array)
        let payload = Array(message.dropFirst(32))
        _ = state?.decryptAndHash(payload)
        step = .message2
        return NoiseHello(ephemeral: ephemeral.array, hint: payload.count == Self.hintBytes ? payload : nil)
    }

    /// Message 2, with the identity that the dialer asked for.
    public func writeMessage2(identity: borrowing SecretKey) throws(PlasmidError) -> [UInt8] {
        try enter(.message2, initiator: false)
        let remote = remoteEphemeral
        var message = secrets.ephemeralKey.array
        state?.mixHash(message)
        try agree(2) { X25519.agree($0.ephemeral, remote, into: &$1) }
        message += state?.encryptAndHash(secrets.staticKey.array) ?? []
        try agree(2) { X25519.agree($0.staticSecret, remote, into: &$1) }
        message += state?.encryptAndHash(payload(identity)) ?? []
        step = .message3
        return NoiseFrame.framed(message)
    }

    /// Reads message 3 and returns who dials, whose signature has been checked. Whether that peer is welcome is the
    /// caller's to ask before it goes on.
    public func readMessage3(_ message: [UInt8]) throws(PlasmidError) -> PeerID {
        try enter(.message3, initiator: false)
        guard message.count >= 48 + 16 else { throw Self.cut(3) }
        let staticKey = try readStatic(Array(message[..<48]), 3)
        try agree(3) { X25519.agree($0.ephemeral, staticKey, into: &$1) }
        let peer = try readPayload(Array(message[48...]), 3)
        step = .done
        return peer
    }

    // MARK: Both

    /// What the handshake came to, once its three messages have passed. Throws `handshakeFailed` before, a second time, and
    /// where both sides listed muxers and have none in common.
    public func finish() throws(PlasmidError) -> NoiseSession {
        try enter(.done, initiator: isInitiator)
        guard let remote, let hash = state?.hash, let keys = state.take()?.split() else { throw Self.outOfOrder }
        let theirs = remote.muxers
        let (first, second) = isInitiator ? (muxers, theirs) : (theirs, muxers)
        let muxer: EarlyMuxer
        if first.isEmpty || second.isEmpty {
            muxer = .negotiate
        } else if let name = first.first(where: { second.contains($0) }) {
            muxer = .chosen(name)
        } else {
            throw PlasmidError(.handshakeFailed, "a peer has no muxer in common with this one")
        }
        return NoiseSession(
            peer: PeerID(publicKey: remote.key), peerKey: remote.key, handshakeHash: hash.array, muxer: muxer,
            transport: NoiseTransport(keys: keys, isInitiator: isInitiator))
    }

    /// Passes if it is this step's turn; whatever happens then, no step is taken twice: a step that fails ends the handshake.
    private func enter(_ wanted: Step, initiator: Bool) throws(PlasmidError) {
        guard step == wanted, isInitiator == initiator else {
            step = .over
            throw Self.outOfOrder
        }
        step = .over
    }

    private func agree(
        _ number: Int, _ body: (borrowing NoiseSecrets, inout SecretBytes) -> Bool
    ) throws(PlasmidError) {
        guard body(secrets, &shared) else {
            throw PlasmidError(.handshakeFailed, "a key in message \(number) of a handshake is of small order")
        }
        state?.mixKey(shared)
    }

    private func readStatic(_ sealed: [UInt8], _ number: Int) throws(PlasmidError) -> Bytes32 {
        guard let plain = state?.decryptAndHash(sealed), let key = Bytes32(plain) else { throw Self.altered(number) }
        remoteStatic = key
        return key
    }

    private func readPayload(_ sealed: [UInt8], _ number: Int) throws(PlasmidError) -> PeerID {
        guard let plain = state?.decryptAndHash(sealed) else { throw Self.altered(number) }
        let payload = try NoisePayload(plain, staticKey: remoteStatic)
        remote = payload
        return PeerID(publicKey: payload.key)
    }

    private func payload(_ identity: borrowing SecretKey) -> [UInt8] {
        NoisePayload.encoded(identity: identity, staticKey: secrets.staticKey, muxers: muxers)
    }

    private static func cut(_ number: Int) -> PlasmidError {
        PlasmidError(.handshakeFailed, "message \(number) of a handshake is too short")
    }

    private static func altered(_ number: Int) -> PlasmidError {
        PlasmidError(.handshakeFailed, "message \(number) of a handshake does not open")
    }

    private static var outOfOrder: PlasmidError {
        PlasmidError(.handshakeFailed, "a step of a handshake is taken out of order, or after it failed")
    }
}
