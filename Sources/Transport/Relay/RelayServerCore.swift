public import Integrity

/// A relay as a value: who has a place, which circuits run, and what is refused. The bytes go elsewhere (``RelayService``).
public struct RelayServerCore: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// Places in all.
        public var reservations = 128
        /// Places for peers of one machine; addresses of this machine and of private networks are not counted.
        public var reservationsPerHost = 8
        /// Seconds that a place is kept.
        public var lifetime: Int64 = 3_600
        /// Circuits in all.
        public var circuits = 256
        /// Circuits of one peer, as either end.
        public var circuitsPerPeer = 16
        /// What each circuit may use.
        public var limit = RelayLimit(seconds: 120, bytes: 131_072)

        /// The usual bounds.
        public init() {}
    }

    private struct Place {
        var expires: Timestamp
        var host: [UInt8]?
    }

    private struct Circuit {
        var from: PeerID
        var to: PeerID
    }

    private let me: PeerID
    private let settings: Settings
    private var places: [PeerID: Place] = [:]
    private var perHost: [[UInt8]: Int] = [:]
    private var running: [UInt64: Circuit] = [:]
    private var perPeer: [PeerID: Int] = [:]
    private var numbers: UInt64 = 0

    /// A relay without guests.
    public init(me: PeerID, settings: Settings = Settings()) {
        self.me = me
        self.settings = settings
    }

    /// Places that are taken.
    public var reservationCount: Int { places.count }
    /// Circuits that run.
    public var circuitCount: Int { running.count }
    /// What each circuit may use.
    public var limit: RelayLimit { settings.limit }

    /// A peer asks for a place, or for more time in the one it has: until when it is kept, or why not.
    public mutating func reserve(
        _ peer: PeerID, isRelayed: Bool, group: AddressGroup, now: Timestamp
    ) -> Result<Timestamp, Refusal> {
        // Over a relay it would be a place in a chain of relays, which nobody pays for.
        guard !isRelayed else { return .failure(Refusal(.permissionDenied)) }
        sweep(now: now)
        let expires = now.advanced(byMicroseconds: settings.lifetime * 1_000_000)
        let host = group.isLocal ? nil : group.host
        // The place that a peer has already is not counted against it.
        let before = places[peer]
        if let host, perHost[host, default: 0] - (before?.host == host ? 1 : 0) >= settings.reservationsPerHost {
            return .failure(Refusal(.reservationRefused))
        }
        guard places.count - (before == nil ? 0 : 1) < settings.reservations else {
            return .failure(Refusal(.reservationRefused))
        }
        leave(peer)
        places[peer] = Place(expires: expires, host: host)
        if let host { perHost[host, default: 0] += 1 }
        return .success(expires)
    }

    /// A peer wants to be connected with another: the circuit's number, or why not.
    public mutating func connect(
        _ from: PeerID, to: PeerID, isRelayed: Bool, now: Timestamp
    ) -> Result<UInt64, Refusal> {
        guard !isRelayed, from != to, to != me else { return .failure(Refusal(.permissionDenied)) }
        guard let place = places[to], place.expires > now else { return .failure(Refusal(.noReservation)) }
        guard running.count < settings.circuits, perPeer[from, default: 0] < settings.circuitsPerPeer,
            perPeer[to, default: 0] < settings.circuitsPerPeer
        else { return .failure(Refusal(.resourceLimitExceeded)) }
        numbers += 1
        running[numbers] = Circuit(from: from, to: to)
        perPeer[from, default: 0] += 1
        perPeer[to, default: 0] += 1
        return .success(numbers)
    }

    /// A circuit ended, or never came to be.
    public mutating func ended(_ number: UInt64) {
        guard let circuit = running.removeValue(forKey: number) else { return }
        for peer in [circuit.from, circuit.to] {
            let left = perPeer[peer, default: 1] - 1
            perPeer[peer] = left > 0 ? left : nil
        }
    }

    /// The last connection with a peer ended: so does its place.
    public mutating func disconnected(_ peer: PeerID) { leave(peer) }

    /// Whether a peer has a place.
    public func hasPlace(_ peer: PeerID) -> Bool { places[peer] != nil }

    /// Gives up places whose time is over.
    public mutating func sweep(now: Timestamp) {
        for (peer, place) in places where place.expires <= now { leave(peer) }
    }

    private mutating func leave(_ peer: PeerID) {
        guard let place = places.removeValue(forKey: peer), let host = place.host else { return }
        let left = perHost[host, default: 1] - 1
        perHost[host] = left > 0 ? left : nil
    }

    /// Why a wish was not granted.
    public struct Refusal: Error, Hashable {
        /// What the peer is told.
        public let status: RelayStatus

        init(_ status: RelayStatus) { self.status = status }
    }
}
