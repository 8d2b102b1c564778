import Foundation
import Glibc
import Integrity
import Sodium
import Testing

@testable import Keystore

@Suite("keystore: damaged files and interrupted writes")
struct DamageTests {
    private let right = "correct horse"

    private func small(_ folder: Folder) throws -> (file: [UInt8], agents: [Keystore.Agent]) {
        let store = try Keystore.create(at: folder.file(), passphrase: secret(right), cost: .forTests)
        _ = try store.newAgent(tag: "a")
        return (try bytes(folder.file()), store.agents)
    }

    private func open(_ folder: Folder, _ passphrase: String = "correct horse") -> Result<Keystore, PlasmidError> {
        Result { () throws(PlasmidError) in
            try Keystore.open(at: folder.file(), passphrase: secret(passphrase))
        }
    }

    private func code(_ result: Result<Keystore, PlasmidError>) -> PlasmidError.Code? {
        if case .failure(let error) = result { return error.code }
        return nil
    }

    @Test("every single flipped bit of the file is damage, and the file stays as it is")
    func bitFlips() throws {
        let folder = try Folder()
        let (file, _) = try small(folder)
        for index in file.indices {
            for bit in [UInt8(1), 0x10, 0x80] {
                var broken = file
                broken[index] ^= bit
                try put(broken, folder.file())
                #expect(code(open(folder)) == .keystoreDamaged, "byte \(index), bit \(bit)")
                #expect(try bytes(folder.file()) == broken)
            }
        }
        try put(file, folder.file())
        #expect(code(open(folder)) == nil)
    }

    @Test("every truncation and every appended byte is damage")
    func truncation() throws {
        let folder = try Folder()
        let (file, _) = try small(folder)
        for count in file.indices {
            try put(Array(file[..<count]), folder.file())
            #expect(code(open(folder)) == .keystoreDamaged, "\(count) bytes")
        }
        try put(file + [0], folder.file())
        #expect(code(open(folder)) == .keystoreDamaged)
    }

    @Test("a wrong passphrase is told from damage, and an empty or long one is just wrong")
    func wrongPassphrase() throws {
        let folder = try Folder()
        _ = try small(folder)
        for passphrase in ["", "correct hors", "correct horse ", "Correct horse", String(repeating: "x", count: 900)] {
            #expect(code(open(folder, passphrase)) == .wrongPassphrase)
        }
    }

    @Test("a forged header whose check is put right still opens nothing")
    func forgedHeader() throws {
        let folder = try Folder()
        let (file, _) = try small(folder)
        for index in 24..<112 {
            var forged = file
            forged[index] ^= 1
            forged.replaceSubrange(112..<128, with: Blake2b.hash256(Array(forged[..<112])).array[..<16])
            try put(forged, folder.file())
            #expect(code(open(folder)) == .wrongPassphrase, "byte \(index)")
        }
    }

    @Test("the entries of one keystore do not open under the header of another")
    func swappedEntries() throws {
        let folder = try Folder()
        let (one, _) = try small(folder)
        let other = try Folder()
        let (two, _) = try small(other)
        try put(Array(one[..<128]) + two[128...], folder.file())
        #expect(code(open(folder)) == .keystoreDamaged)
        // Nor does an old state of the same keystore under a header made later.
        let store = try Keystore.open(at: other.file(), passphrase: secret(right))
        try store.changePassphrase(to: secret("new"), cost: .forTests)
        let later = try bytes(other.file())
        try put(Array(later[..<128]) + two[128...], other.file())
        #expect(code(open(other, "new")) == .keystoreDamaged)
    }

    @Test(
        "absurd costs in a file are refused before any memory is taken",
        arguments: [
            (1, UInt64.max), (1, 1 << 62), (1, (4 << 30) + 1), (UInt32.max, 8192), (17, 8192), (0, 8192),
            (1, 8191), (1, 0), (16, 2 << 30),
        ] as [(UInt32, UInt64)])
    func memoryBombs(_ operations: UInt32, _ memory: UInt64) throws {
        let folder = try Folder()
        var (file, _) = try small(folder)
        file.replaceSubrange(12..<16, with: operations.littleEndianBytes)
        file.replaceSubrange(16..<24, with: memory.littleEndianBytes)
        file.replaceSubrange(112..<128, with: Blake2b.hash256(Array(file[..<112])).array[..<16])
        try put(file, folder.file())
        #expect(code(open(folder)) == .keystoreDamaged)
        let cost = KeystoreCost(operations: operations, memoryBytes: memory)
        #expect(
            fault { _ = try Keystore.create(at: folder.file("other"), passphrase: secret("p"), cost: cost) }?.code
                == .keystoreCost)
        #expect(folder.names == ["keys"])
    }

    @Test("the costs on offer are bearable")
    func costs() {
        for cost in [KeystoreCost.sensitive, .moderate, .forTests] { #expect(cost.isBearable) }
        #expect(KeystoreCost.sensitive == KeystoreCost(operations: 4, memoryBytes: 1_073_741_824))
    }

    @Test("a later version says so")
    func newer() throws {
        let folder = try Folder()
        var (file, _) = try small(folder)
        file[8] = 2
        file.replaceSubrange(112..<128, with: Blake2b.hash256(Array(file[..<112])).array[..<16])
        try put(file, folder.file())
        #expect(code(open(folder)) == .keystoreNewer)
    }

    @Test("no file, a folder, a link and another file each say what they are")
    func notAKeystore() throws {
        let folder = try Folder()
        #expect(code(open(folder)) == .keystoreMissing)
        try put(Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 0, count: 500), folder.file())
        #expect(code(open(folder)) == .keystoreDamaged)
        unlink(folder.file())
        symlink("elsewhere", folder.file())
        #expect(code(open(folder)) == .keystoreUnusable)
        unlink(folder.file())
        mkdir(folder.file(), 0o700)
        #expect(code(open(folder)) == .keystoreDamaged)
    }

    @Test("entries that decrypt but make no sense are refused", arguments: 0..<7)
    func senselessEntries(_ variant: Int) throws {
        let key = SecretBytes(count: 32)
        let header = KeystoreFormat.Header(
            wrapping: key, key: key, salt: Array(repeating: 1, count: 16), cost: .forTests)
        func entry(kind: UInt8 = 1, tag: [UInt8] = [0x61], seed: Int = 32) -> [UInt8] {
            [kind, UInt8(tag.count)] + tag + [UInt8](repeating: 0, count: 8 + seed)
        }
        let plains: [[UInt8]] = [
            [1, 0, 0, 0] + entry(kind: 2), [1, 0, 0, 0] + entry(tag: []), [1, 0, 0, 0] + entry(tag: [0xFF]),
            [1, 0, 0, 0] + entry(seed: 31), [1, 0, 0, 0] + entry() + [0], [2, 0, 0, 0] + entry() + entry(),
            [0xFF, 0xFF, 0xFF, 0xFF],
        ]
        let nonce = SystemRandom.bytes(24)
        let sealed = XChaCha20Poly1305.seal(plains[variant], key: key, nonce: nonce, ad: header.bytes)
        let file = header.bytes + nonce + sealed
        #expect(
            fault { _ = try KeystoreFormat.entries(of: file, header: header, master: key, path: "f") }?.code
                == .keystoreDamaged)
        let good = [1, 0, 0, 0] + entry()
        let goodFile = header.bytes + nonce + XChaCha20Poly1305.seal(good, key: key, nonce: nonce, ad: header.bytes)
        #expect(try KeystoreFormat.entries(of: goodFile, header: header, master: key, path: "f").count == 1)
    }

    @Test("a write that dies at any step leaves the old file or the new one", arguments: SealedFile.Step.allCases)
    func killedReplace(_ step: SealedFile.Step) throws {
        let folder = try Folder()
        _ = try small(folder)
        let killed = PlasmidError("killed", "killed at \(step)")
        let dying = SealedFile(path: folder.file()) { (now: SealedFile.Step) throws(PlasmidError) in
            if now == step { throw killed }
        }
        let store = try Keystore.open(dying, passphrase: secret(right))
        #expect(fault { _ = try store.newAgent(tag: "b") } == killed)
        #expect(store.agents.map(\.tag) == ["a"], "a key that may not be saved is not handed out")
        let after = try Keystore.open(at: folder.file(), passphrase: secret(right))
        let isNew = step == .afterRename || step == .afterFolderSync
        #expect(after.agents.map(\.tag) == (isNew ? ["a", "b"] : ["a"]))
        // What the dead writer left behind hinders nobody.
        _ = try after.newAgent(tag: "c")
        #expect(folder.names == ["keys"])
    }

    @Test("a creation that dies at any step leaves no file or a whole one", arguments: SealedFile.Step.allCases)
    func killedCreate(_ step: SealedFile.Step) throws {
        let folder = try Folder()
        let killed = PlasmidError("killed", "killed at \(step)")
        let dying = SealedFile(path: folder.file()) { (now: SealedFile.Step) throws(PlasmidError) in
            if now == step { throw killed }
        }
        #expect(fault { _ = try Keystore.create(dying, passphrase: secret(right), cost: .forTests) } == killed)
        if step == .afterRename || step == .afterFolderSync {
            #expect(code(open(folder)) == nil)
        } else {
            #expect(code(open(folder)) == .keystoreMissing)
            #expect(
                fault { _ = try Keystore.create(at: folder.file(), passphrase: secret(right), cost: .forTests) } == nil)
        }
    }

    @Test("a folder that takes no file is an error and leaves the old file")
    func unwritable() throws {
        #expect(
            fault {
                _ = try Keystore.create(at: "/proc/keystore", passphrase: secret("p"), cost: .forTests)
            }?.code == .keystoreUnusable)
        let folder = try Folder()
        #expect(
            fault {
                _ = try Keystore.create(at: folder.file("no/such/folder"), passphrase: secret("p"), cost: .forTests)
            }?.code == .keystoreUnusable)
    }
}
