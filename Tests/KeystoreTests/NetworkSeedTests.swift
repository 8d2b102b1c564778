import Foundation
import Integrity
import Sodium
import Testing

@testable import Keystore

@Suite("the seed of the identity in a space")
struct NetworkSeedTests {
    private static let lines: [[String: Substring]] = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let path = tests.appendingPathComponent("Interop/Vectors/space.txt")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.hasPrefix("identity ") }.map { line in
            Dictionary(
                uniqueKeysWithValues: line.split(separator: " ").dropFirst().map { pair in
                    let parts = pair.split(separator: "=")
                    return (String(parts[0]), parts[1].dropFirst())
                })
        }
    }()

    private func unhex(_ digits: Substring?) throws -> [UInt8] {
        let digits = try #require(digits).utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test("it is the one that a program in Python derives from docs/spec/space.md")
    func vectors() throws {
        #expect(Self.lines.count > 4)
        let folder = try Folder()
        for (number, line) in Self.lines.enumerated() {
            var bytes = try unhex(line["master"])
            let master = SecretBytes(moving: &bytes)
            let salt = [UInt8](repeating: 5, count: Argon2id.saltBytes)
            guard
                let key = Argon2id.derive(
                    passphrase: secret("x"), salt: salt, ops: UInt64(KeystoreCost.forTests.operations),
                    memoryBytes: Int(KeystoreCost.forTests.memoryBytes))
            else {
                Issue.record("no memory")
                return
            }
            let header = KeystoreFormat.Header(wrapping: master, key: key, salt: salt, cost: .forTests)
            let path = folder.file("\(number)")
            try put(KeystoreFormat.file(header, master: master, entries: []), path)
            let keystore = try Keystore.open(at: path, passphrase: secret("x"))
            let seed = keystore.networkSeed(for: try unhex(line["dna"]))
            let derived = seed.withUnsafeBytes { Array($0) }
            let key32 = Ed25519.publicKey(seed: seed)
            #expect(derived == (try unhex(line["seed"])))
            #expect(key32?.array == (try unhex(line["public"])))
            #expect([0, 36, 8, 1, 18, 32] + (key32?.array ?? []) == (try unhex(line["peer"])))
        }
    }
}
