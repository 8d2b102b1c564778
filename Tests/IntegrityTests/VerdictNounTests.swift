import Integrity
import Sodium
import Testing

@Suite("warrants and receipts")
struct VerdictNounTests {
    private static func withKey<R>(_ n: UInt8, _ body: (borrowing SecretKey) throws -> R) throws -> R {
        var seed = [UInt8](repeating: n, count: 32)
        let secret = SecretBytes(moving: &seed)
        guard let key = SecretKey(seed: secret) else { preconditionFailure("32 bytes are a seed") }
        return try body(key)
    }

    @Test("a receipt is its validator's alone, and of one op and one verdict")
    func receipts() throws {
        try Self.withKey(3) { key in
            let receipt = ValidationReceipt(
                op: VerdictSamples.op.hash, status: .valid, validator: AgentPubKey(core: key.publicKey),
                whenIntegrated: Samples.time)
            let good = SignedReceipt(receipt: receipt, signature: Signature(key.sign(receipt.signedBytes)))
            #expect(good.hasTrueSignature)
            var other = good
            other.receipt.status = .rejected
            #expect(!other.hasTrueSignature)
            other = good
            other.receipt.op = VerdictSamples.invalid.warrant.hash
            #expect(!other.hasTrueSignature)
            other = good
            other.receipt.validator = Samples.author
            #expect(!other.hasTrueSignature)
            // Signed without the domain: what another protocol might have made the key sign.
            #expect(!SignedReceipt(receipt: receipt, signature: Signature(key.sign(receipt.packed))).hasTrueSignature)
        }
    }

    @Test("a receipt of no verdict is refused")
    func abandoned() throws {
        var receipt = VerdictSamples.receipt.receipt
        receipt.status = .abandoned
        #expect(throws: PlasmidError.self) { try ValidationReceipt(packed: receipt.packed) }
    }

    @Test("a warrant is signed by its author, and its address covers neither signature nor evidence")
    func warrants() throws {
        try Self.withKey(3) { key in
            var signed = VerdictSamples.fork
            signed.warrant.author = AgentPubKey(core: key.publicKey)
            #expect(!signed.hasTrueSignature)
            signed.signature = Signature(key.sign(signed.warrant.signedBytes))
            #expect(signed.hasTrueSignature)
            var other = signed
            other.evidence = VerdictSamples.invalid.evidence
            #expect(DhtOp.warrant(other).hash == DhtOp.warrant(signed).hash)
            #expect(DhtOp.warrant(signed).location == Samples.author.location)
            other.warrant.warrantee = signed.warrant.author
            #expect(DhtOp.warrant(other).hash != DhtOp.warrant(signed).hash)
            #expect(!other.hasTrueSignature)
        }
    }

    @Test("an op of an action is the same bytes with and without the name of the whole")
    func chainOps() throws {
        let op = VerdictSamples.op
        #expect(DhtOp.chainOp(op).packed == op.packed)
        #expect(try DhtOp(packed: op.packed) == .chainOp(op))
        #expect(DhtOp.chainOp(op).hash == op.hash)
        #expect(DhtOp.chainOp(op).location == op.basis?.location)
    }
}
