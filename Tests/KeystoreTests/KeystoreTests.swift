import Foundation
import Glibc
import Integrity
import Sodium
import Testing

@testable import Keystore

@Suite("keystore")
struct KeystoreTests {
    private func make(_ folder: Folder) throws -> Keystore {
        try Keystore.create(at: folder.file(), passphrase: secret("correct horse"), cost: .forTests)
    }

    @Test("keys survive a reopening, with tags, times and order, and sign as before")
    func reopen() throws {
        let folder = try Folder()
        let store = try make(folder)
        let alice = try store.newAgent(tag: "alice", createdAt: Timestamp(microseconds: 1))
        let bob = try store.newAgent(tag: "bob", createdAt: Timestamp(microseconds: -2))
        #expect(alice != bob)
        let message = Array("a message".utf8)
        let signature = try store.sign(message, by: alice)
        let again = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
        #expect(again.agents == store.agents)
        #expect(again.agents.map(\.tag) == ["alice", "bob"])
        #expect(again.agents.map(\.createdAt.microseconds) == [1, -2])
        #expect(try again.publicKey("bob") == bob)
        #expect(try again.sign(message, by: alice) == signature)
        #expect(folder.names == ["keys"], "no temporary file stays")
    }

    @Test("signatures verify under the agent's key only, over exactly the message")
    func signatures() throws {
        let folder = try Folder()
        let store = try make(folder)
        let alice = try store.newAgent(tag: "alice")
        let bob = try store.newAgent(tag: "bob")
        for count in [0, 1, 31, 32, 33, 1_000] {
            let message = [UInt8](repeating: 7, count: count)
            let signature = try store.sign(message, by: alice)
            #expect(Ed25519.verify(signature.bytes, message, by: alice.core))
            #expect(!Ed25519.verify(signature.bytes, message, by: bob.core))
            #expect(!Ed25519.verify(signature.bytes, message + [0], by: alice.core))
            let overBuffer = try message.withUnsafeBytes { try store.sign($0, by: alice) }
            #expect(overBuffer == signature)
        }
    }

    @Test("a key is in the file before newAgent returns")
    func savedFirst() throws {
        let folder = try Folder()
        let store = try make(folder)
        for index in 0..<5 {
            let key = try store.newAgent(tag: "agent \(index)")
            let other = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
            #expect(try other.publicKey("agent \(index)") == key)
            #expect(other.agents.count == index + 1)
        }
    }

    @Test("an unknown agent or tag is an error with its code")
    func unknown() throws {
        let folder = try Folder()
        let store = try make(folder)
        let stranger = AgentPubKey(core: Bytes32(repeating: 9))
        #expect(fault { _ = try store.sign([1], by: stranger) }?.code == .keyNotFound)
        #expect(fault { _ = try store.seal([1], by: stranger, context: []) }?.code == .keyNotFound)
        #expect(fault { _ = try store.open([1], by: stranger, context: []) }?.code == .keyNotFound)
        #expect(fault { _ = try store.publicKey("nobody") }?.code == .keyNotFound)
        #expect(!store.holds(stranger))
    }

    @Test(
        "tags that are empty, too long, not ASCII or taken are refused and nothing is written",
        arguments: ["", String(repeating: "x", count: 256), "käthe", "a\nb", "taken"])
    func tags(_ tag: String) throws {
        let folder = try Folder()
        let store = try make(folder)
        _ = try store.newAgent(tag: "taken")
        let before = try bytes(folder.file())
        let code = fault { _ = try store.newAgent(tag: tag) }?.code
        #expect(code == (tag == "taken" ? .keyTagTaken : .badKeyTag))
        #expect(try bytes(folder.file()) == before)
        #expect(store.agents.count == 1)
    }

    @Test("the file has mode 0600, also after someone opened it up", arguments: [mode_t(0o644), 0o666, 0o640])
    func mode(_ opened: mode_t) throws {
        let folder = try Folder()
        let store = try make(folder)
        func mode() throws -> Int? {
            (try FileManager.default.attributesOfItem(atPath: folder.file())[.posixPermissions] as? NSNumber)?.intValue
        }
        #expect(try mode() == 0o600)
        // A mode that someone opened up is closed again by the next write.
        chmod(folder.file(), opened)
        _ = try store.newAgent(tag: "alice")
        #expect(try mode() == 0o600)
    }

    @Test("a file is never overwritten by create", arguments: [[], Array("not a keystore".utf8)] as [[UInt8]])
    func neverOverwritten(_ content: [UInt8]) throws {
        let folder = try Folder()
        try put(content, folder.file())
        #expect(fault { _ = try make(folder) }?.code == .keystoreExists)
        #expect(try bytes(folder.file()) == content)
        // Even when the file appears between the check and the write.
        let file = SealedFile(path: folder.file())
        #expect(fault { try file.write([1, 2, 3], .create) }?.code == .keystoreExists)
        #expect(try bytes(folder.file()) == content)
        #expect(folder.names == ["keys"])
    }

    @Test("two programs on one file: the second writer is told, and loses no key of the first")
    func changedMeanwhile() throws {
        let folder = try Folder()
        let first = try make(folder)
        let second = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
        let alice = try first.newAgent(tag: "alice")
        #expect(fault { _ = try second.newAgent(tag: "bob") }?.code == .keystoreChanged)
        #expect(second.agents.isEmpty)
        let again = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
        #expect(again.agents.map(\.key) == [alice])
    }

    @Test("while another program writes, nobody waits and nothing is written")
    func locked() throws {
        let folder = try Folder()
        let store = try make(folder)
        let descriptor = Glibc.open(folder.path, O_RDONLY | O_DIRECTORY)
        try #require(flock(descriptor, LOCK_EX) == 0)
        let before = try bytes(folder.file())
        #expect(fault { _ = try store.newAgent(tag: "alice") }?.code == .keystoreLocked)
        #expect(try bytes(folder.file()) == before)
        close(descriptor)
        #expect(fault { _ = try store.newAgent(tag: "alice") } == nil)
        let longest = String(repeating: "t", count: Keystore.maxTagBytes)
        let key = try store.newAgent(tag: longest)
        #expect(try Keystore.open(at: folder.file(), passphrase: secret("correct horse")).publicKey(longest) == key)
    }

    @Test("§11.29 a test agent: same name, same key; never in the file; clearly marked")
    func testAgents() throws {
        let folder = try Folder()
        let store = try make(folder)
        let before = try bytes(folder.file())
        let alice = try store.addTestAgent(name: "alice")
        #expect(try store.addTestAgent(name: "alice") == alice)
        #expect(try bytes(folder.file()) == before)
        let bob = try store.newAgent(tag: "bob")
        #expect(store.agents.map(\.key) == [bob, alice])
        #expect(store.agents.map(\.isThrowaway) == [false, true])
        let signature = try store.sign([1, 2], by: alice)
        #expect(Ed25519.verify(signature.bytes, [1, 2], by: alice.core))
        let again = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
        #expect(again.agents.map(\.tag) == ["bob"])
        #expect(!again.holds(alice))
        #expect(try again.addTestAgent(name: "alice") == alice)
        #expect(try again.addTestAgent(name: "alicf") != alice)
        // Saved and test names share one list: neither takes the other's place.
        #expect(fault { try store.addTestAgent(name: "bob") }?.code == .keyTagTaken)
        #expect(fault { _ = try store.newAgent(tag: "alice") }?.code == .keyTagTaken)
        #expect(fault { try store.addTestAgent(name: "") }?.code == .badKeyTag)
    }

    @Test("§11.60 a changed passphrase opens every key, the old one none")
    func changePassphrase() throws {
        let folder = try Folder()
        let store = try make(folder)
        let alice = try store.newAgent(tag: "alice")
        try store.changePassphrase(to: secret("new"), cost: .forTests)
        let bob = try store.newAgent(tag: "bob")
        #expect(
            fault { _ = try Keystore.open(at: folder.file(), passphrase: secret("correct horse")) }?.code
                == .wrongPassphrase)
        let again = try Keystore.open(at: folder.file(), passphrase: secret("new"))
        #expect(again.agents.map(\.key) == [alice, bob])
        #expect(fault { try again.changePassphrase(to: secret(""), cost: .forTests) }?.code == .passphraseUnusable)
    }

    @Test("private entries open for their agent in their context only, also after a reopening")
    func sealing() throws {
        let folder = try Folder()
        let store = try make(folder)
        let alice = try store.newAgent(tag: "alice")
        let bob = try store.newAgent(tag: "bob")
        let plain = Array("dear diary".utf8)
        let sealed = try store.seal(plain, by: alice, context: [1])
        #expect(sealed.count == plain.count + 40)
        #expect(try store.seal(plain, by: alice, context: [1]) != sealed, "a fresh nonce every time")
        #expect(try store.open(sealed, by: alice, context: [1]) == plain)
        #expect(fault { _ = try store.open(sealed, by: bob, context: [1]) }?.code == .sealBroken)
        #expect(fault { _ = try store.open(sealed, by: alice, context: [2]) }?.code == .sealBroken)
        for index in sealed.indices {
            var broken = sealed
            broken[index] ^= 0x40
            #expect(fault { _ = try store.open(broken, by: alice, context: [1]) }?.code == .sealBroken)
            #expect(
                fault { _ = try store.open(Array(sealed[..<index]), by: alice, context: [1]) }?.code == .sealBroken)
        }
        let again = try Keystore.open(at: folder.file(), passphrase: secret("correct horse"))
        #expect(try again.open(sealed, by: alice, context: [1]) == plain)
    }

    @Test("opening in the background delivers exactly once, off the calling thread, with the same errors")
    func background() async throws {
        let folder = try Folder()
        let path = folder.file()
        func opened(_ passphrase: String) async -> Result<Keystore, PlasmidError> {
            await withCheckedContinuation { continuation in
                Keystore.open(at: path, passphrase: secret(passphrase), deliver: { $0() }) {
                    continuation.resume(returning: $0)
                }
            }
        }
        let created: Result<Keystore, PlasmidError> = await withCheckedContinuation { continuation in
            Keystore.create(at: path, passphrase: secret("p"), cost: .forTests, deliver: { $0() }) {
                continuation.resume(returning: $0)
            }
        }
        let alice = try created.get().newAgent(tag: "alice")
        #expect(try await opened("p").get().agents.map(\.key) == [alice])
        #expect(fault { _ = try Keystore.open(at: path, passphrase: secret("q")) }?.code == .wrongPassphrase)
        let refused = await opened("q")
        #expect(fault { _ = try refused.get() }?.code == .wrongPassphrase)
    }

    @Test("a full keystore refuses the next key")
    func full() throws {
        #expect(Keystore.maxKeys == 1_000)
        let folder = try Folder()
        let header = KeystoreFormat.Header(
            wrapping: SecretBytes(count: 32), key: SecretBytes(count: 32), salt: Array(repeating: 1, count: 16),
            cost: .forTests)
        let entries = (0..<Keystore.maxKeys).map {
            KeystoreFormat.Entry(
                tag: String(repeating: "t", count: 251) + "\($0)", createdAt: Timestamp(microseconds: 0),
                seed: SecretBytes(count: 32))
        }
        let file = KeystoreFormat.file(header, master: SecretBytes(count: 32), entries: entries)
        #expect(file.count < SealedFile.maxBytes)
        let read = try KeystoreFormat.entries(of: file, header: header, master: SecretBytes(count: 32), path: "f")
        #expect(read.map(\.tag) == entries.map(\.tag))
        #expect(folder.names.isEmpty)
    }
}
