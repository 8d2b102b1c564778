import Integrity

/// The nonces of signed calls that could still be replayed: each is remembered until the call it came with has expired, and
/// a while longer, so that a clock that is set back brings none of them to life. What is forgotten leaves its expiry behind:
/// no call that expires by then is taken any more, whatever the clock says.
public struct NonceWindow: Sendable {
    /// What to do with a signed call.
    public enum Verdict: Hashable, Sendable {
        /// It is new and was noted.
        case fresh
        /// Its expiry has passed.
        case expired
        /// Its expiry lies too far ahead.
        case tooFarAhead
        /// The same agent used the same nonce before.
        case replayed
        /// So many calls are remembered that none can be added.
        case full
    }

    /// A nonce that was used.
    public struct Use: Hashable, Sendable {
        /// Who signed the call: the key itself, however its address was written.
        public let agent: Fingerprint
        /// The 32 bytes of the nonce.
        public let nonce: [UInt8]

        /// The nonce of a call that `agent` signed.
        public init(agent: AgentPubKey, nonce: [UInt8]) {
            self.agent = agent.core
            self.nonce = nonce
        }
    }

    /// How many nonces a conductor remembers at most.
    public static let capacity = 1_000_000

    private let capacity: Int
    private let horizon: Int64
    /// The latest expiry of a call whose nonce was forgotten.
    private var floor: Timestamp?
    private var expiries: [Use: Timestamp] = [:]
    /// The same uses by the minute in which they expire, so that forgetting costs what is forgotten.
    private var minutes: [Int64: [Use]] = [:]
    private var oldestMinute = Int64.max

    /// A window for calls that expire at most `horizon` microseconds ahead, remembering at most `capacity`.
    public init(capacity: Int = NonceWindow.capacity, horizon: Int64 = Limits.callExpiryMicroseconds) {
        self.capacity = capacity
        self.horizon = horizon
    }

    /// How many nonces are remembered.
    public var count: Int { expiries.count }

    /// Judges the nonce of a call whose signature was found good, and remembers it if it is fresh.
    /// - Parameter byStranger: whether somebody else than the author of the called chain signed. Anybody can make keys and
    ///   sign with them: a quarter of the places is for authors, whom no flood of strangers' calls locks out.
    public mutating func use(
        _ use: Use, byStranger: Bool = false, expiresAt: Timestamp, now: Timestamp
    ) -> Verdict {
        let capacity = byStranger ? self.capacity - self.capacity / 4 : self.capacity
        forget(before: Self.kept(now))
        if expiries.count >= capacity { forget(before: now) }
        if expiresAt <= now || floor.map({ expiresAt <= $0 }) ?? false { return .expired }
        if expiresAt > now.advanced(byMicroseconds: horizon) { return .tooFarAhead }
        if expiries[use] != nil { return .replayed }
        if expiries.count >= capacity { return .full }
        note(use, expiresAt)
        return .fresh
    }

    /// How long after its expiry a nonce is remembered: ten minutes, in microseconds.
    public static let grace: Int64 = 10 * 60 * 1_000_000

    /// Calls that expired before this may be forgotten.
    public static func kept(_ now: Timestamp) -> Timestamp { now.advanced(byMicroseconds: -grace) }

    /// Remembers a use read back from storage; one that may be forgotten is left out.
    public mutating func restore(_ use: Use, expiresAt: Timestamp, now: Timestamp) {
        if expiresAt > Self.kept(now), expiries[use] == nil, expiries.count < capacity { note(use, expiresAt) }
    }

    /// Refuses calls that expire by `time`: nonces of such calls were forgotten before the start.
    public mutating func raiseFloor(to time: Timestamp) { floor = max(floor ?? time, time) }

    private mutating func note(_ use: Use, _ expiresAt: Timestamp) {
        expiries[use] = expiresAt
        let minute = Self.minute(expiresAt)
        minutes[minute, default: []].append(use)
        oldestMinute = min(oldestMinute, minute)
    }

    /// Forgets the minutes that are wholly over.
    private mutating func forget(before now: Timestamp) {
        let current = Self.minute(now)
        guard oldestMinute < current else { return }
        for minute in minutes.keys where minute < current {
            for use in minutes.removeValue(forKey: minute) ?? [] {
                if let expiry = expiries.removeValue(forKey: use) { raiseFloor(to: expiry) }
            }
        }
        oldestMinute = minutes.keys.min() ?? .max
    }

    private static func minute(_ time: Timestamp) -> Int64 { time.microseconds / 60_000_000 }
}

extension NonceWindow.Verdict {
    /// The refusal as an error for the caller; nil for a fresh nonce.
    public var error: PlasmidError? {
        switch self {
        case .fresh: nil
        case .expired:
            PlasmidError(.callExpired, "The signed call has expired.", hint: "sign it again with a later expires_at")
        case .tooFarAhead:
            PlasmidError(
                .callExpired, "The signed call expires more than 50 minutes ahead.",
                hint: "sign it with an earlier expires_at")
        case .replayed:
            PlasmidError(
                .nonceReplayed, "A call with this nonce was made before.", hint: "sign every call with a fresh nonce")
        case .full:
            PlasmidError(.overloaded, "Too many signed calls are open at once.", hint: "try again in a minute")
        }
    }
}
