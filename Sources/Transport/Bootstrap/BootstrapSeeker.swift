public import Integrity
public import Sodium

/// One space's side of bootstrap servers: what to put and ask, when, and what the answers tell. Pure.
///
/// A round goes to every server that is configured: the record under the name of this epoch, then a question under each
/// epoch a peer's clock may be in. While few peers are known rounds are soon, then seldom, and always after a new epoch.
public struct BootstrapSeeker: ~Copyable {
    private let rendezvous: Rendezvous
    private let slotSecret: SecretBytes
    private var pace: RendezvousPace

    /// The seeker of a space; `slotSecret` are 32 bytes of this node alone, which may change with every start.
    public init(
        rendezvous: Rendezvous, slotSecret: consuming SecretBytes,
        settings: RendezvousPace.Settings = RendezvousPace.Settings()
    ) {
        self.rendezvous = rendezvous
        self.slotSecret = slotSecret
        pace = RendezvousPace(settings: settings)
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

    /// When to make the next round, after one that left `known` peers of the space known (``RendezvousPace``).
    public mutating func nextRound(
        known: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> Timestamp {
        pace.nextRound(known: known, now: now, using: &random)
    }
}
