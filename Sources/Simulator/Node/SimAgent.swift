import Chain
import Integrity
import Sodium
import Validation

/// A simulated agent: a key made from the seed, and the source chain, which survives a crash.
final class SimAgent {
    let key: AgentPubKey
    private let secret: SecretKey
    private(set) var records: [Record] = []
    private(set) var head: ChainHead?
    /// The ops that it has signed receipts for.
    private(set) var receiptsSigned: Set<DhtOpHash> = []

    /// - Throws: `simulationFailed` when libsodium refuses the key.
    init(_ random: inout SimRandom) throws(PlasmidError) {
        var bytes = random.bytes(32)
        let seed = SecretBytes(moving: &bytes)
        guard let secret = SecretKey(seed: seed) else {
            throw PlasmidError(.simulationFailed, "A simulated agent's key could not be made.")
        }
        key = AgentPubKey(core: secret.publicKey)
        self.secret = secret
    }

    func sign(_ bytes: [UInt8]) -> Signature { Signature(secret.sign(bytes)) }

    /// An empty scratch behind the last action.
    var scratch: Scratch { Scratch(author: key, head: head) }

    /// Signs what a scratch holds; the chain stays as it is until ``adopt(_:_:)``.
    func signed(_ scratch: inout Scratch) -> [Record] {
        scratch.sign { sign($0) }
        return scratch.actions.compactMap(\.record)
    }

    /// Makes what a scratch holds the end of the chain.
    func adopt(_ scratch: Scratch, _ new: [Record]) {
        records += new
        head = scratch.head
    }

    func receipt(_ op: DhtOpHash, _ status: ValidationStatus, now: Timestamp) -> SignedReceipt {
        receiptsSigned.insert(op)
        let receipt = ValidationReceipt(op: op, status: status, validator: key, whenIntegrated: now)
        return SignedReceipt(receipt: receipt, signature: sign(receipt.signedBytes))
    }
}
