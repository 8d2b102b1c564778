import Integrity
import Sodium
import Testing

/// Tests/Interop/receipts.py is made from docs/spec/receipts.md alone; what it computed is in Tests/Interop/Vectors.
@Suite("receipts and warrants have the bytes of a program in Python")
struct ReceiptVectorTests {
    @Test("receipts: what is read, what is signed, and by whom", arguments: try Vector.file("receipts", "receipt"))
    func receipt(_ line: Vector) throws {
        let bytes = try line.bytes("bytes")
        guard line.isFine else {
            #expect(throws: PlasmidError.self) { try SignedReceipt(packed: bytes) }
            return
        }
        let signed = try SignedReceipt(packed: bytes)
        #expect(signed.packed == bytes)
        #expect(signed.receipt.signedBytes == (try line.bytes("message")))
        #expect(signed.hasTrueSignature == (try line.word("holds") == "yes"))
    }

    @Test(
        "warrants: what is read, what is signed, where they are kept", arguments: try Vector.file("receipts", "warrant")
    )
    func warrant(_ line: Vector) throws {
        let bytes = try line.bytes("bytes")
        guard line.isFine else {
            #expect(throws: PlasmidError.self) { try DhtOp(packed: bytes) }
            return
        }
        let op = try DhtOp(packed: bytes)
        guard case .warrant(let signed) = op else {
            Issue.record("\(line.why) is read as \(op)")
            return
        }
        #expect(op.packed == bytes)
        #expect(op.hash.bytes == (try line.bytes("hash")))
        #expect(signed.warrant.warrantee.bytes == (try line.bytes("basis")))
        #expect(op.location == signed.warrant.warrantee.location)
        #expect(signed.warrant.signedBytes == (try line.bytes("message")))
        #expect(signed.hasTrueSignature == (try line.word("holds") == "yes"))
    }

    @Test("an op's hash, and the basis at whose location it lies")
    func op() throws {
        for line in try Vector.file("receipts", "op") {
            let op = try ChainOp(packed: try line.bytes("bytes"))
            #expect(op.hash.bytes == (try line.bytes("hash")))
            // A basis is a linkable address here: an agent's key has the prefix of an entry.
            #expect(op.basis?.bytes.dropFirst(3) == (try line.bytes("basis").dropFirst(3)))
            #expect(DhtOp.chainOp(op).location == (try line.number("location")))
        }
    }
}
