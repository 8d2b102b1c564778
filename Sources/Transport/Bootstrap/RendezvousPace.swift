public import Integrity

/// When a space looks for peers it does not know: soon while it knows few, then seldom, and always after a new epoch. Pure.
public struct RendezvousPace: Sendable {
    /// The waits, in microseconds.
    public struct Settings: Sendable {
        /// The wait after a first round that found nobody; it doubles.
        public var soonest: Int64 = 5_000_000
        /// The longest wait while nobody is found.
        public var longest: Int64 = 300_000_000
        /// The wait when enough peers are known; half of a record's lifetime.
        public var relaxed: Int64 = 1_800_000_000
        /// So many peers are enough to be relaxed.
        public var enough = 3

        /// The values of a conductor.
        public init() {}
    }

    private let settings: Settings
    private var wait: Int64

    /// No round has been made.
    public init(settings: Settings = Settings()) {
        self.settings = settings
        wait = settings.soonest
    }

    /// When to make the next round, after one that left `known` peers of the space known. Spread at random, so that not all
    /// nodes ask in the first second of an hour, nor after a server's restart.
    public mutating func nextRound(
        known: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> Timestamp {
        let chosen: Int64
        if known >= settings.enough {
            wait = settings.soonest
            chosen = settings.relaxed
        } else {
            chosen = wait
            wait = min(wait * 2, settings.longest)
        }
        let jittered = Int64.random(in: (chosen - chosen / 4)...chosen, using: &random)
        let usual = now.advanced(byMicroseconds: jittered)
        let hour = Rendezvous.epochSeconds * 1_000_000
        let newEpoch = Timestamp(microseconds: (Int64(Rendezvous.epoch(at: now)) + 1) * hour)
            .advanced(byMicroseconds: Int64.random(in: 0...(hour / 60), using: &random))
        return min(usual, newEpoch)
    }
}
