import Integrity
import Sodium
import Testing

@testable import Keystore

@Suite("what agents encrypt for each other")
struct KeystoreBoxTests {
    @Test("§11.58 who encrypted it and for whom it is can decrypt it, nobody else; altered or cut it is an error")
    func boxes() throws {
        let folder = try Folder()
        let keystore = try Keystore.create(at: folder.file(), passphrase: secret("x"), cost: .forTests)
        let bob = try keystore.newAgent(tag: "bob")
        let carol = try keystore.newAgent(tag: "carol")
        let alice = try keystore.newAgent(tag: "alice")
        let sealed = try keystore.encrypt([1, 2, 3], to: carol, by: bob)
        #expect(sealed.count == 3 + 24 + 16)
        #expect(try keystore.decrypt(sealed, from: bob, by: carol) == [1, 2, 3])
        #expect(try keystore.decrypt(sealed, from: carol, by: bob) == [1, 2, 3])
        for (sender, reader) in [(bob, alice), (alice, carol), (carol, alice)] {
            #expect(fault { _ = try keystore.decrypt(sealed, from: sender, by: reader) }?.code == .decryptionFailed)
        }
        for cut in [0, 3, 24, 39, sealed.count - 1] {
            let bytes = Array(sealed.prefix(cut))
            #expect(fault { _ = try keystore.decrypt(bytes, from: bob, by: carol) }?.code == .decryptionFailed)
        }
        let nobody = AgentPubKey(hashing: [1])
        #expect(fault { _ = try keystore.encrypt([1], to: bob, by: nobody) }?.code == .keyNotFound)
        #expect(fault { _ = try keystore.encrypt([1], to: EntryHash(core: .init()).agent, by: bob) }?.code == .badInput)
    }

    @Test("a one-time key signs what it was made for, and is another each time")
    func once() throws {
        let (key, signatures) = try Keystore.signOnce([[1], [2]])
        #expect(signatures[0].verifies([1], by: key) && signatures[1].verifies([2], by: key))
        #expect(!signatures[0].verifies([2], by: key))
        #expect(try Keystore.signOnce([]).key != key)
    }
}
