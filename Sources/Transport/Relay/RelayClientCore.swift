public import Integrity

/// One place at one relay as a value: asks for it, renews it at half its time, asks again after a failure. Time is the
/// caller's.
public struct RelayClientCore: Sendable {
    /// The times, in microseconds.
    public struct Settings: Sendable {
        /// The wait after a first failure; it doubles.
        public var retry: Int64 = 5_000_000
        /// The longest wait after failures.
        public var retryMaximum: Int64 = 300_000_000
        /// The shortest time that a relay may give; below it, there would be no end of renewals.
        public var shortest: Int64 = 60_000_000
        /// What a question may take.
        public var timeout: Int64 = 30_000_000

        /// The usual times.
        public init() {}
    }

    /// What the shell has to do.
    public enum Effect: Hashable, Sendable {
        /// Connect with the relay, if there is no connection, and send RESERVE.
        case reserve
        /// The addresses under which this node can be reached over the relay have changed; none: it cannot.
        case reachable([Multiaddr])
    }

    private enum State: Hashable {
        case idle(until: Timestamp)
        case asking(until: Timestamp)
        case kept(expires: Timestamp, renewal: Timestamp)
        case renewing(expires: Timestamp, until: Timestamp)
    }

    /// Where the relay is, as configured or found.
    public let relay: PeerID
    private let me: PeerID
    private let settings: Settings
    private var state: State
    private var failures = 0
    /// The addresses that were told last.
    public private(set) var addresses: [Multiaddr] = []

    /// A place that is asked for at the first tick.
    public init(relay: PeerID, me: PeerID, settings: Settings = Settings()) {
        self.relay = relay
        self.me = me
        self.settings = settings
        state = .idle(until: Timestamp(microseconds: .min))
    }

    /// True while the relay keeps a place.
    public var isKept: Bool {
        switch state {
        case .kept, .renewing: true
        case .idle, .asking: false
        }
    }

    /// What is due; call it every second or so.
    public mutating func tick(now: Timestamp) -> [Effect] {
        switch state {
        case .idle(let until) where until <= now:
            state = .asking(until: now.advanced(byMicroseconds: settings.timeout))
            return [.reserve]
        case .asking(let until) where until <= now: return failed(now: now)
        case .kept(let expires, let renewal) where renewal <= now:
            state = .renewing(expires: expires, until: now.advanced(byMicroseconds: settings.timeout))
            return [.reserve]
        case .renewing(let expires, let until) where until <= now || expires <= now: return failed(now: now)
        default: return []
        }
    }

    /// The relay answered RESERVE. `reached` is the address at which this node reached it, which is told first.
    public mutating func answered(_ message: HopMessage, reached: Multiaddr, now: Timestamp) -> [Effect] {
        switch state {
        case .asking, .renewing: break
        case .idle, .kept: return []
        }
        guard case .status(.ok, let reservation?, _) = message else { return failed(now: now) }
        let seconds = Int64(clamping: reservation.expires)
        let expires = min(Timestamp(seconds: seconds), now.advanced(byMicroseconds: 86_400_000_000))
        let lasts = expires.microseconds - now.microseconds
        guard lasts >= settings.shortest else { return failed(now: now) }
        if !reservation.voucher.isEmpty, !isTrue(reservation.voucher) { return failed(now: now) }
        failures = 0
        state = .kept(expires: expires, renewal: now.advanced(byMicroseconds: lasts / 2))
        let told = reservation.addresses.filter { !$0.isRelayed && ($0.peerID ?? relay) == relay }
        // The way that this node came works at least for some; what a relay says of itself may be of no use to anybody.
        let ways = ([reached] + told).map(\.withoutPeer).reduce(into: [Multiaddr]()) { ways, address in
            if !ways.contains(address), !Self.isWildcard(address) { ways.append(address) }
        }.prefix(4).compactMap { try? $0.appending(relay).appending(.circuit).appending(me) }
        guard ways != addresses else { return [] }
        addresses = ways
        return [.reachable(ways)]
    }

    /// The question failed: no connection, no answer, a refusal.
    public mutating func failed(now: Timestamp) -> [Effect] {
        if case .renewing(let expires, _) = state, expires.microseconds - now.microseconds > settings.retry {
            // The place is still kept: ask again soon, and be reachable meanwhile.
            state = .kept(expires: expires, renewal: now.advanced(byMicroseconds: settings.retry))
            return []
        }
        let wait = min(settings.retry << Int64(min(failures, 16)), settings.retryMaximum)
        failures += 1
        state = .idle(until: now.advanced(byMicroseconds: wait))
        return unreachable()
    }

    /// The connection with the relay ended, and the place with it: ask anew at once.
    public mutating func disconnected(now: Timestamp) -> [Effect] {
        guard isKept else { return [] }
        state = .idle(until: now.advanced(byMicroseconds: settings.retry))
        failures = 1
        return unreachable()
    }

    private mutating func unreachable() -> [Effect] {
        guard !addresses.isEmpty else { return [] }
        addresses = []
        return [.reachable([])]
    }

    private static func isWildcard(_ address: Multiaddr) -> Bool {
        AddressGroup.ip(of: address.bytes)?.allSatisfy { $0 == 0 } == true
    }

    private func isTrue(_ voucher: [UInt8]) -> Bool {
        guard let voucher = try? RelayVoucher(envelope: voucher) else { return false }
        return voucher.relay == relay && voucher.peer == me
    }
}
