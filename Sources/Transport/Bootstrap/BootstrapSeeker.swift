public import Integrity
public import Sodium

/// One space's side of bootstrap servers: what to put and ask, when, and what the answers tell. Pure.
///
/// A round goes to every server that is configured: the record under the name of this epoch, then a question under each
/// epoch a peer's clock may be in. While few peers are known rounds are soon, then seldom, and always after a new epoch.
public struct BootstrapSeeker: ~Copyable {
    /// When rounds are made; microseconds.
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
    private let rendezvous: Rendezvous
    private let slotSecret: SecretBytes
    private var wait: Int64

    /// The seeker of a space; `slotSecret` are 32 bytes of this node alone, which may change with every start.
    public init(rendezvous: Rendezvous, slotSecret: consuming SecretBytes, settings: Settings = Settings()) {
        self.rendezvous = rendezvous
        self.slotSecret = slotSecret
        self.settings = settings
        wait = settings.soonest
    }

    /// What to say to a server now: first the record (if there is one, at most ``Rendezvous/recordBytesMaximum`` bytes),
    /// then the questions, of the epochs that are returned beside them.
    public borrowing func requests(
        record: [UInt8]?, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> [(epoch: UInt64, request: BootstrapRequest)] {
        var requests: [(epoch: UInt64, request: BootstrapRequest)] = []
        let epoch = Rendezvous.epoch(at: now)
        let nonce = (0..<XChaCha20Poly1305.nonceBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
        if let record, let sealed = rendezvous.seal(record, epoch: epoch, nonce: nonce) {
            let name = rendezvous.name(epoch: epoch)
            let slot = Rendezvous.slot(secret: slotSecret, name: name)
            let lifetime = UInt32(Rendezvous.epochSeconds)
            requests.append((epoch, .put(name: name, slot: slot, lifetime: lifetime, record: sealed)))
        }
        for epoch in Rendezvous.epochs(at: now) {
            let count = UInt8(BootstrapAnswer.recordsMaximum)
            requests.append((epoch, .get(name: rendezvous.name(epoch: epoch), count: count)))
        }
        return requests
    }

    /// The records of an answer to a question about `epoch` that members of the space sealed, one's own included; what a
    /// server or a stranger made up is left out.
    public borrowing func records(in answer: BootstrapAnswer, epoch: UInt64) -> [[UInt8]] {
        guard case .records(let sealed) = answer else { return [] }
        return sealed.compactMap { rendezvous.open($0, epoch: epoch) }
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
