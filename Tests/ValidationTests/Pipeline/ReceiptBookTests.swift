import Integrity
import Sodium
import Testing

@testable import Validation

@Suite("receipts for ops that were published here")
struct ReceiptBookTests {
    private let op = DhtOpHash(core: Bytes32(repeating: 1))
    private let author = TestAgent(1)

    private func book(required: Int = 2) -> ReceiptBook {
        var book = ReceiptBook()
        book.expect(
            op, action: ActionHash(core: Bytes32(repeating: 2)), type: .createRecord, author: author.key, location: 7,
            required: required)
        return book
    }

    private func receipt(
        _ agent: TestAgent, _ status: ValidationStatus = .valid, of op: DhtOpHash? = nil, as other: AgentPubKey? = nil
    ) -> SignedReceipt {
        let receipt = ValidationReceipt(
            op: op ?? self.op, status: status, validator: other ?? agent.key,
            whenIntegrated: Timestamp(microseconds: 5))
        return SignedReceipt(receipt: receipt, signature: agent.sign(receipt.signedBytes))
    }

    @Test("distinct validators count, once each, up to what the app wants")
    func counting() {
        var book = book()
        let first = book.count([receipt(TestAgent(2)), receipt(TestAgent(2))]) { _, _ in true }
        #expect(first.new.count == 1 && first.complete.isEmpty)
        let second = book.count([receipt(TestAgent(2), .rejected), receipt(TestAgent(3))]) { _, _ in true }
        #expect(second.new.count == 1)
        #expect(second.complete.map(\.op) == [op])
        #expect(book.count == 0)
        #expect(!book.isWanted(receipt(TestAgent(4)).receipt))
    }

    @Test("whoever signs when there are enough already does no wrong, also where that was found while it was verified")
    func lateWhileVerified() {
        var book = book()
        let signers = [TestAgent(2), TestAgent(3), TestAgent(4), TestAgent(5)]
        let wanted = signers.map { receipt($0) }.filter { book.isWanted($0.receipt) }
        #expect(wanted.count == 4)
        #expect(book.count(Array(wanted[..<2])) { _, _ in true }.complete.map(\.op) == [op])
        let late = book.count(Array(wanted[2...])) { _, _ in true }
        #expect(late.new.isEmpty && late.faults == 0)
    }

    @Test("nobody vouches for themselves, for ops of others, or for what they cannot hold")
    func notCounted() {
        var book = book()
        let other = DhtOpHash(core: Bytes32(repeating: 9))
        let refused = [receipt(author), receipt(TestAgent(2), of: other)]
        for receipt in refused { #expect(!book.isWanted(receipt.receipt)) }
        let counted = book.count(refused) { _, _ in true }
        #expect(counted.faults == 1 && counted.new.isEmpty)
        let far = book.count([receipt(TestAgent(2))]) { _, location in location != 7 }
        #expect(far.faults == 0 && far.new.isEmpty, "news of arcs take their time")
        // The same key under another location is no second validator.
        let twin = AgentPubKey(core: TestAgent(2).key.core, location: 0)
        #expect(!book.isWanted(receipt(TestAgent(2), as: twin).receipt))
    }

    @Test("receipts that come when there are enough are no faults: holders do not know of each other")
    func late() {
        var book = book(required: 5)
        let all = (2...9 as ClosedRange<UInt8>).map { receipt(TestAgent($0)) }
        // Wanted when they came, and verified while others made the op complete.
        #expect(all.allSatisfy { book.isWanted($0.receipt) })
        let first = book.count(Array(all.prefix(5))) { _, _ in true }
        #expect(first.new.count == 5 && first.complete.count == 1)
        let late = book.count(Array(all.suffix(3))) { _, _ in true }
        #expect(late.faults == 0 && late.new.isEmpty && late.complete.isEmpty)
    }

    @Test("unsigned and foreign-signed receipts are not receipts")
    func signatures() {
        let good = receipt(TestAgent(2))
        #expect(good.hasTrueSignature)
        #expect(!receipt(TestAgent(3), as: TestAgent(2).key).hasTrueSignature)
        #expect(!SignedReceipt(receipt: good.receipt, signature: Signature(Bytes64())).hasTrueSignature)
    }

    @Test("rejections are counted apart, and what is known from before counts on")
    func known() {
        var book = ReceiptBook()
        book.expect(
            op, action: ActionHash(core: Bytes32(repeating: 2)), type: .createRecord, author: author.key, location: 7,
            required: 2, known: [receipt(TestAgent(2)), receipt(TestAgent(3), .rejected)])
        #expect(book.tally(of: op)?.valid.count == 1 && book.tally(of: op)?.rejected.count == 1)
        #expect(book.count([receipt(TestAgent(4))]) { _, _ in true }.complete.count == 1)
    }
}
