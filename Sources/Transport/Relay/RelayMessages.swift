public import Integrity
public import Sodium

/// What a relay says to a wish. Source: circuit relay v2 of the libp2p specification.
public enum RelayStatus: Int, Hashable, Sendable, CaseIterable {
    case ok = 100
    case reservationRefused = 200
    case resourceLimitExceeded = 201
    case permissionDenied = 202
    case connectionFailed = 203
    case noReservation = 204
    case malformedMessage = 400
    case unexpectedMessage = 401
}

/// What a connection over a relay may use; nil: no bound that the relay tells.
public struct RelayLimit: Hashable, Sendable {
    /// Seconds until the relay ends it.
    public var seconds: UInt32?
    /// Bytes each way until the relay ends it.
    public var bytes: UInt64?

    /// A bound.
    public init(seconds: UInt32?, bytes: UInt64?) {
        self.seconds = seconds
        self.bytes = bytes
    }
}

/// A place that a relay keeps for a peer.
public struct RelayReservation: Hashable, Sendable {
    /// Until when, in seconds since 1970.
    public var expires: UInt64
    /// The relay's own addresses, with its `/p2p`.
    public var addresses: [Multiaddr]
    /// The relay's signed word; empty where it gives none.
    public var voucher: [UInt8]

    /// A place.
    public init(expires: UInt64, addresses: [Multiaddr], voucher: [UInt8]) {
        self.expires = expires
        self.addresses = addresses
        self.voucher = voucher
    }
}

/// What peers and relays say on a stream of `/libp2p/circuit/relay/0.2.0/hop`.
public enum HopMessage: Hashable, Sendable {
    /// Keep a place for me.
    case reserve
    /// Connect me with this peer.
    case connect(PeerID)
    /// The answer to either.
    case status(RelayStatus, reservation: RelayReservation?, limit: RelayLimit?)

    /// The protocol.
    public static let protocolID = "/libp2p/circuit/relay/0.2.0/hop"
    /// Bytes of a message without its length, at most.
    public static let bytesMaximum = 4_096

    /// The message's bytes, without its length. Its type is written even where it is zero.
    public var bytes: [UInt8] {
        var message = PBHopMessage()
        switch self {
        case .reserve: message.type = .reserve
        case .connect(let peer):
            message.type = .connect
            message.peer.id = peer.bytes.data
        case .status(let status, let reservation, let limit):
            message.type = .status
            if let reservation {
                message.reservation.expire = reservation.expires
                message.reservation.addrs = reservation.addresses.map(\.bytes.data)
                if !reservation.voucher.isEmpty { message.reservation.voucher = reservation.voucher.data }
            }
            if let limit { message.limit = PBRelayLimit(limit) }
            message.status = PBRelayStatus(rawValue: status.rawValue) ?? .malformedMessage
        }
        return message.encoded
    }

    /// Reads a message. Throws `protocolBroken` for what is none, and for one that says too little.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        let message = try PBHopMessage.decoded(bytes, maximum: Self.bytesMaximum, "a message to a relay")
        guard message.hasType else { throw Self.broken }
        switch message.type {
        case .reserve: self = .reserve
        case .connect:
            guard let peer = PeerID(bytes: message.peer.id) else { throw Self.broken }
            self = .connect(peer)
        case .status:
            guard let status = RelayStatus(rawValue: message.status.rawValue) else { throw Self.broken }
            var reservation: RelayReservation?
            if message.hasReservation {
                let addresses = message.reservation.addrs.prefix(16).compactMap { try? Multiaddr(bytes: $0) }
                reservation = RelayReservation(
                    expires: message.reservation.expire, addresses: addresses,
                    voucher: message.reservation.voucher.array)
            }
            self = .status(status, reservation: reservation, limit: message.hasLimit ? RelayLimit(message.limit) : nil)
        }
    }

    private static var broken: PlasmidError {
        PlasmidError(.protocolBroken, "a message to a relay lacks what its kind needs")
    }
}

/// What relays and peers say on a stream of `/libp2p/circuit/relay/0.2.0/stop`.
public enum StopMessage: Hashable, Sendable {
    /// This peer wants to speak with you, within these bounds.
    case connect(PeerID, limit: RelayLimit?)
    /// The answer.
    case status(RelayStatus)

    /// The protocol.
    public static let protocolID = "/libp2p/circuit/relay/0.2.0/stop"

    /// The message's bytes, without its length. Its type is written even where it is zero.
    public var bytes: [UInt8] {
        var message = PBStopMessage()
        switch self {
        case .connect(let peer, let limit):
            message.type = .connect
            message.peer.id = peer.bytes.data
            if let limit { message.limit = PBRelayLimit(limit) }
        case .status(let status):
            message.type = .status
            message.status = PBRelayStatus(rawValue: status.rawValue) ?? .malformedMessage
        }
        return message.encoded
    }

    /// Reads a message. Throws `protocolBroken` for what is none, and for one that says too little.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        let message = try PBStopMessage.decoded(bytes, maximum: HopMessage.bytesMaximum, "a message of a relay")
        switch (message.hasType, message.type) {
        case (true, .connect):
            guard let peer = PeerID(bytes: message.peer.id) else { throw Self.broken }
            self = .connect(peer, limit: message.hasLimit ? RelayLimit(message.limit) : nil)
        case (true, .status):
            guard let status = RelayStatus(rawValue: message.status.rawValue) else { throw Self.broken }
            self = .status(status)
        default: throw Self.broken
        }
    }

    private static var broken: PlasmidError {
        PlasmidError(.protocolBroken, "a message of a relay lacks what its kind needs")
    }
}

/// A relay's signed word that it keeps a place for a peer. Advice: nothing here asks for one.
public struct RelayVoucher: Hashable, Sendable {
    /// Who keeps the place.
    public let relay: PeerID
    /// For whom.
    public let peer: PeerID
    /// Until when, in seconds since 1970.
    public let expires: UInt64

    /// A word to be signed.
    public init(relay: PeerID, peer: PeerID, expires: UInt64) {
        self.relay = relay
        self.peer = peer
        self.expires = expires
    }

    /// The word in an envelope, signed by `key`, which must be the relay's.
    public func sealed(by key: borrowing SecretKey) -> [UInt8] {
        var message = PBReservationVoucher()
        message.relay = relay.bytes.data
        message.peer = peer.bytes.data
        message.expiration = expires
        return SignedEnvelope.sealed(message.encoded, for: .relayVoucher, by: key)
    }

    /// Reads a word out of its envelope. Throws as ``SignedEnvelope`` does, and `badSignature` where another than the relay
    /// signed it.
    public init(envelope bytes: [UInt8]) throws(PlasmidError) {
        let envelope = try SignedEnvelope(bytes, for: .relayVoucher)
        let message = try PBReservationVoucher.decoded(
            envelope.payload, maximum: HopMessage.bytesMaximum, "a relay's voucher")
        guard let relay = PeerID(bytes: message.relay), let peer = PeerID(bytes: message.peer) else {
            throw PlasmidError(.protocolBroken, "a relay's voucher does not say for whom it is")
        }
        guard relay == PeerID(publicKey: envelope.key) else {
            throw PlasmidError(.badSignature, "a relay's voucher is signed by somebody else")
        }
        self.relay = relay
        self.peer = peer
        expires = message.expiration
    }
}

extension RelayLimit {
    fileprivate init(_ message: PBRelayLimit) {
        // Zero is no bound, as absence is.
        seconds = message.duration > 0 ? message.duration : nil
        bytes = message.data > 0 ? message.data : nil
    }
}

extension PBRelayLimit {
    fileprivate init(_ limit: RelayLimit) {
        self.init()
        if let seconds = limit.seconds { duration = seconds }
        if let bytes = limit.bytes { data = bytes }
    }
}
