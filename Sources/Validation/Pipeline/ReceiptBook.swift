import Integrity

/// What others say of the ops that were published here: how many distinct validators, of how many that are wanted.
public struct ReceiptBook: Sendable {
    /// How far an op of an author here has come.
    public struct Tally: Sendable, Hashable {
        /// The action.
        public let action: ActionHash
        /// Which of its ops.
        public let type: ChainOpType
        /// Its author.
        public let author: AgentPubKey
        /// Where it lives.
        public let location: UInt32
        /// How many validators the app wants.
        public let required: Int
        /// Who said that it is valid.
        public fileprivate(set) var valid: Set<AgentPubKey> = []
        /// Who said that it is not.
        public fileprivate(set) var rejected: Set<AgentPubKey> = []

        /// Whether enough validators hold it.
        public var isComplete: Bool { valid.count >= required }
    }

    private var tallies: [DhtOpHash: Tally] = [:]

    /// A book without ops.
    public init() {}

    /// Ops that wait for receipts.
    public var count: Int { tallies.count }

    /// Receipts for these ops are waited for from now on; those that are known already are given with it.
    public mutating func expect(
        _ op: DhtOpHash, action: ActionHash, type: ChainOpType, author: AgentPubKey, location: UInt32, required: Int,
        known: [SignedReceipt] = []
    ) {
        var tally = Tally(action: action, type: type, author: author, location: location, required: required)
        for signed in known { tally.count(signed.receipt) }
        tallies[op] = tally.isComplete ? nil : tally
    }

    /// How far an op has come; nil for one that waits for nothing.
    public func tally(of op: DhtOpHash) -> Tally? { tallies[op] }

    /// What came of receipts.
    public struct Answer: Sendable {
        /// Those that count and were not here before: to be kept.
        public var new: [SignedReceipt] = []
        /// Ops that have enough now.
        public var complete: [(op: DhtOpHash, tally: Tally)] = []
        /// How many no honest node would have sent: in the author's own name, or of a key with a location that is not its own. Late ones, and those of
        /// agents that are not known to hold the op's location, only do not count.
        public var faults = 0
    }

    /// Whether a receipt could count at all: for an op that waits, by another than its author, and not here yet. Only of those is the signature
    /// worth verifying.
    public func isWanted(_ receipt: ValidationReceipt) -> Bool {
        guard let tally = tallies[receipt.op] else { return false }
        return receipt.validator != tally.author && receipt.validator.hasDerivedLocation
    }

    /// Counts receipts whose signatures are good.
    /// - Parameter isAuthority: whether a validator can be a holder of this location, as far as that is known here.
    public mutating func count(
        _ receipts: [SignedReceipt], isAuthority: (AgentPubKey, UInt32) -> Bool
    ) -> Answer {
        var answer = Answer()
        for signed in receipts {
            let receipt = signed.receipt
            // Late: others made the op complete while this was on its way, or being verified. Holders do not know of each other.
            guard var tally = tallies[receipt.op] else { continue }
            guard receipt.validator != tally.author, receipt.validator.hasDerivedLocation else {
                answer.faults += 1
                continue
            }
            guard isAuthority(receipt.validator, tally.location) else { continue }
            // One word a validator: the first.
            guard !tally.valid.contains(receipt.validator), !tally.rejected.contains(receipt.validator) else {
                continue
            }
            tally.count(receipt)
            answer.new.append(signed)
            if tally.isComplete {
                tallies[receipt.op] = nil
                answer.complete.append((receipt.op, tally))
            } else {
                tallies[receipt.op] = tally
            }
        }
        return answer
    }
}

extension ReceiptBook.Tally {
    fileprivate mutating func count(_ receipt: ValidationReceipt) {
        if receipt.status == .valid { valid.insert(receipt.validator) } else { rejected.insert(receipt.validator) }
    }
}
