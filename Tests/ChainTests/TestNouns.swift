import Integrity

/// Distinct action hashes for tests that never look at what is behind them.
func testActionHash(_ n: UInt64) -> ActionHash { ActionHash(hashing: Array("action \(n)".utf8)) }

/// Distinct agents; nobody holds their keys.
func testAgent(_ n: Int) -> AgentPubKey { EntryHash(hashing: Array("agent \(n)".utf8)).agent }

/// A signature that only stands in a place where nobody verifies.
let testSignature: Signature = {
    guard let signature = Signature(Array(repeating: 7, count: 64)) else {
        preconditionFailure("64 bytes are a signature")
    }
    return signature
}()

/// A public app entry of the first type.
let noteType = EntryType.app(AppEntryDef(entryIndex: 0, zomeIndex: 0, visibility: .public))

/// An app entry that holds a text.
func note(_ text: String) -> Entry { .app(text.packed) }

/// The space of the tests.
let testDna = DnaHash(hashing: Array("dna".utf8))
