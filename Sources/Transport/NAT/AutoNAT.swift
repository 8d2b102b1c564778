public import Integrity

/// What peers say on a stream of `/libp2p/autonat/1.0.0`: can you dial me? Source: AutoNAT v1 of the libp2p specification.
public enum AutoNATMessage: Hashable, Sendable {
    /// Please dial me at one of these.
    case dial(PeerID, addresses: [Multiaddr])
    /// What came of it; the address is the one that worked.
    case response(Status, address: Multiaddr?)

    /// What came of a dial.
    public enum Status: Int, Hashable, Sendable, CaseIterable {
        case ok = 0
        case dialError = 100
        case dialRefused = 101
        case badRequest = 200
        case internalError = 300
    }

    /// The protocol.
    public static let protocolID = "/libp2p/autonat/1.0.0"
    /// Bytes of a message without its length, at most.
    public static let bytesMaximum = 4_096
    /// Addresses of one request that are looked at.
    public static let addressesMaximum = 16

    /// The message's bytes, without its length. Types and statuses of zero are written.
    public var bytes: [UInt8] {
        var message = PBAutoNAT()
        switch self {
        case .dial(let peer, let addresses):
            message.type = .dial
            message.dial.peer.id = peer.bytes.data
            message.dial.peer.addrs = addresses.prefix(Self.addressesMaximum).map(\.bytes.data)
        case .response(let status, let address):
            message.type = .dialResponse
            message.dialResponse.status = PBAutoNAT.ResponseStatus(rawValue: status.rawValue) ?? .eInternalError
            if let address { message.dialResponse.addr = address.bytes.data }
        }
        return message.encoded
    }

    /// Reads a message. Throws `protocolBroken` for what is none, and for one that says too little.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        let message = try PBAutoNAT.decoded(bytes, maximum: Self.bytesMaximum, "a message of AutoNAT")
        switch (message.hasType, message.type) {
        case (true, .dial):
            guard let peer = PeerID(bytes: message.dial.peer.id) else { throw Self.broken }
            let addresses = message.dial.peer.addrs.prefix(Self.addressesMaximum)
                .compactMap { try? Multiaddr(bytes: $0) }
            self = .dial(peer, addresses: addresses)
        case (true, .dialResponse):
            guard let status = Status(rawValue: message.dialResponse.status.rawValue) else { throw Self.broken }
            self = .response(status, address: try? Multiaddr(bytes: message.dialResponse.addr))
        default: throw Self.broken
        }
    }

    private static var broken: PlasmidError {
        PlasmidError(.protocolBroken, "a message of AutoNAT lacks what its kind needs")
    }
}

/// The side that dials back, as a value: whom it dials, and how often. Only the address that a peer is seen at is dialled,
/// so that nobody can make this node knock at the doors of others.
public struct AutoNATServerCore: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// Requests in a minute.
        public var perMinute = 30
        /// Requests of one peer in a minute.
        public var perPeer = 3
        /// Requests of one machine in a minute: peer ids cost nothing.
        public var perHost = 12
        /// Addresses that are tried for one request.
        public var dials = 4

        /// The usual bounds.
        public init() {}
    }

    private let settings: Settings
    private var minute: Int64 = .min
    private var all = 0
    private var byPeer: [PeerID: Int] = [:]
    private var byHost: [[UInt8]: Int] = [:]

    /// Nobody has asked yet.
    public init(settings: Settings = Settings()) { self.settings = settings }

    /// The addresses to dial for a request, from a connection made anew; or the status to answer with.
    public mutating func judge(
        _ message: AutoNATMessage, from peer: PeerID, seenAt observed: Multiaddr, isRelayed: Bool, now: Timestamp
    ) -> Result<[Multiaddr], Refusal> {
        guard case .dial(let claimed, let addresses) = message, claimed == peer else {
            return .failure(Refusal(.badRequest))
        }
        guard !isRelayed, let ip = AddressGroup.ip(of: observed.bytes) else { return .failure(Refusal(.dialRefused)) }
        let host = AddressGroup(ip: ip).host
        turn(now)
        guard all < settings.perMinute, byPeer[peer, default: 0] < settings.perPeer,
            byHost[host, default: 0] < settings.perHost
        else { return .failure(Refusal(.dialRefused)) }
        let good = addresses.map(\.withoutPeer).filter { address in
            !address.isOpaque && !address.isRelayed && AddressGroup.ip(of: address.bytes) == ip
                && address.parts.dropFirst().first?.kind == .tcp && address.parts.count <= 3
        }
        guard !good.isEmpty else { return .failure(Refusal(.dialRefused)) }
        all += 1
        byPeer[peer, default: 0] += 1
        byHost[host, default: 0] += 1
        return .success(Array(good.prefix(settings.dials)))
    }

    /// A new minute forgets the old one's requests; a clock that was set back counts as one.
    private mutating func turn(_ now: Timestamp) {
        let current = now.microseconds / 60_000_000
        guard current != minute else { return }
        minute = current
        all = 0
        byPeer = [:]
        byHost = [:]
    }

    /// Why nobody is dialled.
    public struct Refusal: Error, Hashable {
        /// What the peer is told.
        public let status: AutoNATMessage.Status

        init(_ status: AutoNATMessage.Status) { self.status = status }
    }
}

/// The side that asks, as a value: whether this node can be dialled, as more than three peers of different networks agree.
public struct AutoNATClientCore: Sendable {
    /// What is known.
    public enum Verdict: Hashable, Sendable {
        /// Too few have said anything.
        case unknown
        /// Others can dial this node.
        case reachable
        /// Others cannot.
        case unreachable
    }

    /// Peers that have to agree.
    public static let agreeing = 4
    private static let votesMaximum = 16
    private static let retry: Int64 = 90_000_000
    private static let refresh: Int64 = 900_000_000

    private var votes: [(network: [UInt8], isReachable: Bool)] = []
    private var nextAsk = Timestamp(microseconds: .min)
    /// What is known.
    public private(set) var verdict = Verdict.unknown

    /// Nothing is known.
    public init() {}

    /// True when somebody should be asked now; the next time is then set.
    public mutating func isDue(now: Timestamp) -> Bool {
        guard nextAsk <= now else { return false }
        nextAsk = now.advanced(byMicroseconds: verdict == .unknown ? Self.retry : Self.refresh)
        return true
    }

    /// A peer that is seen at an address of `group` answered. What it refuses to do says nothing. The last word of each
    /// network counts once; true when the verdict changed.
    public mutating func answered(_ status: AutoNATMessage.Status, group: AddressGroup) -> Bool {
        let isReachable: Bool
        switch status {
        case .ok: isReachable = true
        case .dialError: isReachable = false
        case .dialRefused, .badRequest, .internalError: return false
        }
        // Machines of one private network are told apart: there, everyone has the same one.
        let network = group.isLocal ? group.host : group.network
        votes.removeAll { $0.network == network }
        votes.append((network, isReachable))
        if votes.count > Self.votesMaximum { votes.removeFirst() }
        let before = verdict
        let yes = votes.count(where: \.isReachable)
        if yes >= Self.agreeing, yes > votes.count - yes {
            verdict = .reachable
        } else if votes.count - yes >= Self.agreeing, votes.count - yes > yes {
            verdict = .unreachable
        }
        return verdict != before
    }

    /// The node's own addresses changed: all that was said is void.
    public mutating func reset() { self = AutoNATClientCore() }
}
