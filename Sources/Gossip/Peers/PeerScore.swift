import Integrity

/// What a peer did that it should not have.
public enum PeerOffence: Sendable, Hashable, CaseIterable {
    /// It did not answer in time.
    case silence
    /// It sent what nobody had asked for.
    case unsolicited
    /// It kept a round open without getting on.
    case stalled
    /// It sent an op that a rule refuses.
    case invalidOp
    /// It sent bytes that are not what the protocol describes.
    case malformed
    /// It sent an op, receipt or warrant whose signature is not good, or that is not what its hash says.
    case forged
    /// It said of its ops what is not so.
    case lied

    /// What it weighs; at ``PeerScore/slowedAt`` a peer is slowed, at ``PeerScore/droppedAt`` dropped.
    public var weight: Double {
        switch self {
        case .silence: 4
        case .unsolicited: 8
        case .stalled, .invalidOp: 16
        case .malformed: 25
        case .forged, .lied: 40
        }
    }

    /// The offence that an error of a round of reconciliation is; nil when the peer did nothing wrong.
    public init?(_ error: PlasmidError) {
        switch error.code {
        case .syncMalformed, .malformedMessagePack, .malformedHash, .tooDeep, .syncTooMuch: self = .malformed
        case .syncOutOfTurn: self = .unsolicited
        case .syncStalled: self = .stalled
        case .syncLied: self = .lied
        default: return nil
        }
    }
}

/// How a peer is treated.
public enum PeerTreatment: Sendable, Hashable {
    /// Like any other.
    case trusted
    /// No rounds with it but those that others lack, and its frames are read at a lower rate.
    case slowed
    /// Its connections are closed and refused.
    case dropped
}

/// The weight of a peer's offences, which halves every ten minutes.
public struct PeerScore: Sendable, Hashable {
    /// From which weight on a peer is slowed.
    public static let slowedAt = 50.0
    /// From which weight on a peer is dropped.
    public static let droppedAt = 100.0
    /// In how many microseconds a weight halves.
    public static let halfLife: Int64 = 600_000_000

    private var weight = 0.0
    private var since = Timestamp(microseconds: 0)

    /// A clean score.
    public init() {}

    /// The weight at `now`. In steps of a second, so that equal inputs give equal results on every machine.
    public func weight(at now: Timestamp) -> Double {
        guard weight > 0 else { return 0 }
        let seconds = max(0, now.microseconds &- since.microseconds) / 1_000_000
        let halves = seconds / (Self.halfLife / 1_000_000)
        guard halves < 60 else { return 0 }
        let rest = Double(seconds % (Self.halfLife / 1_000_000)) / Double(Self.halfLife / 1_000_000)
        // Between two halvings a straight line: no transcendental function, whose last bit differs between libraries.
        return weight / Double(UInt64(1) << UInt64(halves)) * (1 - rest / 2)
    }

    /// Adds an offence.
    public mutating func add(_ offence: PeerOffence, now: Timestamp) {
        weight = min(weight(at: now) + offence.weight, 4 * Self.droppedAt)
        since = max(now, since)
    }

    /// What follows from the weight.
    public func treatment(at now: Timestamp) -> PeerTreatment {
        let weight = weight(at: now)
        if weight >= Self.droppedAt { return .dropped }
        return weight >= Self.slowedAt ? .slowed : .trusted
    }
}
