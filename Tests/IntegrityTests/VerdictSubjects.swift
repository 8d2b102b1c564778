import Integrity
import Sodium

/// What nodes say of each other's ops: fixed values for the golden file, and the decoders with random ones.
enum VerdictSamples {
    static let note = Samples.actions[5].action
    static let op = ChainOp(
        type: .createEntry, action: note, signature: Signature(Samples.sequence64), entry: .present(Samples.bar))
    static let invalid = warrant(
        .invalidChainOp(
            author: Samples.author, action: WarrantedAction(Samples.signed(note)), type: .createEntry,
            reason: "A 'note' is too long."), .op(op))
    static let fork: SignedWarrant = {
        let (first, second) = (Samples.signed(note), Samples.signed(Samples.action(4, .initZomesComplete)))
        return warrant(
            .chainFork(
                author: Samples.author, first: WarrantedAction(first), second: WarrantedAction(second), seq: 4),
            .actions(first, second))
    }()
    static let receipt = SignedReceipt(
        receipt: ValidationReceipt(
            op: op.hash, status: .valid, validator: AgentPubKey(core: Bytes32(repeating: 7)),
            whenIntegrated: Samples.time), signature: Signature(Samples.sequence64))

    private static func warrant(_ proof: WarrantProof, _ evidence: WarrantEvidence) -> SignedWarrant {
        SignedWarrant(
            warrant: Warrant(
                proof: proof, author: AgentPubKey(core: Bytes32(repeating: 7)), timestamp: Samples.time,
                warrantee: Samples.author), signature: Signature(Samples.sequence64), evidence: evidence)
    }
}

let verdictSubjects: [Subject] = [
    Subject("DhtOp") { random in
        random.chance(2)
            ? .warrant(random.warrant())
            : DhtOp.chainOp(
                ChainOp(type: .createRecord, action: random.action(), signature: Signature(random.bytes64())))
    },
    Subject("SignedWarrant") { $0.warrant() },
    Subject("ValidationReceipt") { $0.receipt() },
    Subject("SignedReceipt") { SignedReceipt(receipt: $0.receipt(), signature: Signature($0.bytes64())) },
]

extension Seeded {
    mutating func receipt() -> ValidationReceipt {
        ValidationReceipt(
            op: hash(), status: chance(2) ? .valid : .rejected, validator: hash(),
            whenIntegrated: Timestamp(microseconds: Int64(next() >> 8)))
    }

    mutating func warrant() -> SignedWarrant {
        let (first, second) = (signed(), signed())
        let isFork = chance(2)
        let type = ChainOpType.allCases.randomElement(using: &self) ?? .createRecord
        let proof: WarrantProof =
            isFork
            ? .chainFork(
                author: hash(), first: WarrantedAction(first), second: WarrantedAction(second), seq: UInt32(index()))
            : .invalidChainOp(author: hash(), action: WarrantedAction(first), type: type, reason: text())
        let evidence: WarrantEvidence =
            isFork
            ? .actions(first, second)
            : .op(ChainOp(type: type, action: first.action, signature: first.signature, entry: .present(entry())))
        return SignedWarrant(
            warrant: Warrant(
                proof: proof, author: hash(), timestamp: Timestamp(microseconds: Int64(next() >> 8)),
                warrantee: hash()), signature: Signature(bytes64()), evidence: evidence)
    }
}
