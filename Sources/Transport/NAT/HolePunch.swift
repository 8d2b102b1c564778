public import Integrity

/// What two peers say on a stream of `/libp2p/dcutr`, over a relay, before both dial at once. Source: DCUtR of the libp2p
/// specification.
public enum HolePunchMessage: Hashable, Sendable {
    /// Here I can be seen.
    case connect([Multiaddr])
    /// Now.
    case sync

    /// The protocol.
    public static let protocolID = "/libp2p/dcutr"
    /// Bytes of a message without its length, at most.
    public static let bytesMaximum = 4_096

    /// The message's bytes, without its length.
    public var bytes: [UInt8] {
        var message = PBHolePunch()
        switch self {
        case .connect(let addresses):
            message.type = .connect
            message.obsAddrs = addresses.prefix(16).map(\.bytes.data)
        case .sync: message.type = .sync
        }
        return message.encoded
    }

    /// Reads a message. Throws `protocolBroken` for what is none.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        let message = try PBHolePunch.decoded(bytes, maximum: Self.bytesMaximum, "a message of hole punching")
        switch message.type {
        case .connect: self = .connect(message.obsAddrs.prefix(16).compactMap { try? Multiaddr(bytes: $0) })
        case .sync: self = .sync
        default: throw PlasmidError(.protocolBroken, "a message of hole punching is of no known kind")
        }
    }
}

/// One attempt of two peers behind routers to reach each other directly, as a value; time is the caller's.
///
/// The peer that was dialled over the relay opens the stream (``Role/opener``) and measures how long a question takes; both
/// then dial at the same moment. Of the socket that results the one who dialled over the relay is the initiator, though both
/// called connect.
public struct HolePunch: Sendable {
    /// Which of the two this node is.
    public enum Role: Hashable, Sendable {
        /// Was dialled over the relay (B): opens the stream, is the responder of what results.
        case opener
        /// Dialled over the relay (A): answers, is the initiator of what results.
        case answerer
    }

    /// What the shell has to do.
    public enum Effect: Hashable, Sendable {
        /// Send this.
        case send(HolePunchMessage)
        /// The peer may get through first: a socket that it makes from one of these addresses is this attempt's, too, with the
        /// part of the handshake that this node has in it.
        case expect([Multiaddr])
        /// After so many microseconds dial these addresses at once, from the port that is listened on; tell ``dialled(_:now:)``.
        case dial([Multiaddr], after: Int64)
        /// It is over; true: there is a direct connection.
        case over(Bool)
    }

    private enum State: Hashable {
        case idle
        case awaitsConnect(since: Timestamp)
        case awaitsSync([Multiaddr])
        case dialling
        case over
    }

    /// Tries before it is given up.
    public static let tries = 3
    /// Addresses that are dialled at once.
    public static let dials = 4
    /// The longest round trip that is believed: beyond it, half of it would be longer than a dial.
    private static let roundTripMaximum: Int64 = 10_000_000

    private let role: Role
    private let addresses: [Multiaddr]
    private let allowsLocal: Bool
    private var state = State.idle
    private var attempts = 0
    /// Nothing can be said to the peer any more; a dial may still be under way.
    private var hasEnded = false

    /// An attempt; `addresses` are those at which others see this node. `allowsLocal`: private addresses are told and
    /// dialled, too, for networks without any others.
    public init(role: Role, addresses: [Multiaddr], allowsLocal: Bool = false) {
        self.role = role
        self.allowsLocal = allowsLocal
        self.addresses = Array(Self.usable(addresses, allowsLocal: allowsLocal))
    }

    /// The stream is open.
    public mutating func begin(now: Timestamp) -> [Effect] {
        guard state == .idle else { return [] }
        guard role == .opener else { return [] }
        return connect(now: now)
    }

    /// The peer said something.
    public mutating func received(_ message: HolePunchMessage, now: Timestamp) -> [Effect] {
        switch (role, state, message) {
        case (.opener, .awaitsConnect(let since), .connect(let told)):
            let targets = Self.usable(told, allowsLocal: allowsLocal)
            let roundTrip = now.microseconds - since.microseconds
            guard !targets.isEmpty, (0...Self.roundTripMaximum).contains(roundTrip) else { return giveUp() }
            state = .dialling
            return [.send(.sync), .dial(targets, after: roundTrip / 2)]
        case (.answerer, .idle, .connect(let told)), (.answerer, .dialling, .connect(let told)):
            let targets = Self.usable(told, allowsLocal: allowsLocal)
            attempts += 1
            guard !targets.isEmpty, attempts <= Self.tries else { return giveUp() }
            state = .awaitsSync(targets)
            return [.expect(targets), .send(.connect(addresses))]
        case (.answerer, .awaitsSync(let targets), .sync):
            state = .dialling
            return [.dial(targets, after: 0)]
        case (_, .over, _): return []
        default: return giveUp()
        }
    }

    /// A dial came to an end: true where there is a direct connection now.
    public mutating func dialled(_ isConnected: Bool, now: Timestamp) -> [Effect] {
        guard state != .over, state != .idle else { return [] }
        if isConnected {
            state = .over
            return [.over(true)]
        }
        guard state == .dialling else { return [] }
        if hasEnded { return giveUp() }
        guard role == .opener else {
            // The opener begins the next try; after the last one there is nothing to wait for.
            if attempts >= Self.tries { return giveUp() }
            state = .idle
            return []
        }
        return attempts >= Self.tries ? giveUp() : connect(now: now)
    }

    /// The stream ended.
    public mutating func ended() -> [Effect] {
        hasEnded = true
        // Whoever is connected first may close it; a dial that is under way may still come to something.
        if state == .dialling || state == .over { return [] }
        return giveUp()
    }

    private mutating func connect(now: Timestamp) -> [Effect] {
        guard !addresses.isEmpty else { return giveUp() }
        attempts += 1
        state = .awaitsConnect(since: now)
        return [.send(.connect(addresses))]
    }

    private mutating func giveUp() -> [Effect] {
        guard state != .over else { return [] }
        state = .over
        return [.over(false)]
    }

    /// Addresses that a socket can be punched to: IP and TCP, not over a relay, not private.
    static func usable(_ addresses: [Multiaddr], allowsLocal: Bool) -> [Multiaddr] {
        var kept: [Multiaddr] = []
        for address in addresses.map(\.withoutPeer) where kept.count < dials && !kept.contains(address) {
            guard !address.isOpaque, !address.isRelayed, address.parts.count == 2, address.parts[1].kind == .tcp,
                AddressGroup.ip(of: address.bytes) != nil,
                allowsLocal || !AddressGroup(multiaddr: address.bytes).isLocal
            else { continue }
            kept.append(address)
        }
        return kept
    }
}
