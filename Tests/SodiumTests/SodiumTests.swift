import Sodium
import Testing

@Suite("libsodium behind typed values")
struct SodiumTests {
    @Test("32 and 64 bytes keep their order, count and comparison")
    func fixedBytes() {
        let rising = (0..<32).map { UInt8($0) }
        let value = Bytes32(rising)
        #expect(value?.array == rising)
        #expect(value?[31] == 31)
        #expect(Bytes32([1, 2]) == nil && Bytes64(rising) == nil)
        #expect(Bytes32([UInt8](repeating: 7, count: 32)) == Bytes32(repeating: 7))
        for at in 0..<32 {
            var low = [UInt8](repeating: 5, count: 32)
            low[at] = 4
            var high = [UInt8](repeating: 5, count: 32)
            high[at] = 6
            let values = [low, [UInt8](repeating: 5, count: 32), high].compactMap { Bytes32($0) }
            #expect(values[0] < values[1] && values[1] < values[2] && !(values[2] < values[1]))
            let wide = values.map { Bytes64(low: Bytes32(), high: $0) }
            #expect(wide[0] < wide[1] && wide[1] < wide[2])
        }
        let joined = Bytes64(low: Bytes32(repeating: 1), high: Bytes32(repeating: 2))
        #expect(joined.array == [UInt8](repeating: 1, count: 32) + [UInt8](repeating: 2, count: 32))
        #expect(Bytes64(joined.array) == joined)
    }

    @Test("BLAKE2b gives the digests of RFC 7693 and of known values, whole or in parts")
    func blake2b() {
        let empty = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
        #expect(Blake2b.hash256([]).array == hex(empty))
        let abc = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
        #expect(Blake2b.hash256(Array("abc".utf8)).array == hex(abc))
        #expect(Blake2b.hash128(Array("abc".utf8)) == hex("cf4ab791c62b8d2b2109c90275287816"))
        let long = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
        var hasher = Blake2b.Hasher256()
        hasher.update(Array(long[..<1]))
        hasher.update(Array(long[1..<700]))
        hasher.update([])
        hasher.update(Array(long[700...]))
        let inParts = hasher.finish()
        #expect(inParts == Blake2b.hash256(long))
        #expect(Blake2b.keyed256(key: [UInt8](repeating: 1, count: 32), long) != Blake2b.hash256(long))
        let guarded = secret([UInt8](repeating: 1, count: 32))
        let keyed = Blake2b.keyed256(key: guarded, long)
        #expect(keyed == Blake2b.keyed256(key: [UInt8](repeating: 1, count: 32), long))
        #expect(Blake2b.location(of: Bytes32(repeating: 1)) == UInt32(littleEndian: 0xBECE_CF7E))
    }

    @Test("secrets are moved, doubled and wiped")
    func secrets() {
        var bytes: [UInt8] = [1, 2, 3]
        let moved = SecretBytes(moving: &bytes)
        #expect(bytes.isEmpty)
        #expect(shown(moved) == [1, 2, 3])
        let double = moved.duplicate()
        #expect(shown(double) == [1, 2, 3])
        var written = SecretBytes(count: 4)
        #expect(shown(written) == [0, 0, 0, 0])
        written.withUnsafeMutableBytes { $0[2] = 9 }
        #expect(shown(written) == [0, 0, 9, 0])
        #expect(shown(SecretBytes(count: 0)).isEmpty)
        #expect(shown(SecretBytes.random(count: 32)) != shown(SecretBytes.random(count: 32)))
        var rest: [UInt8] = [5, 6]
        rest.withUnsafeMutableBytes { wipe($0) }
        #expect(rest == [0, 0])
    }

    @Test("Ed25519 signs the same message the same way, and nothing changed verifies")
    func signing() {
        let seed = secret(hex("9be53b81dc56d40eb8ecefb8c24b8258ebed18655f1c4b313527052a22fcfa4f"))
        guard let key = SecretKey(seed: seed) else {
            Issue.record("a seed of 32 bytes was refused")
            return
        }
        let publicKey = key.publicKey
        for message in [[], [1], [UInt8](repeating: 3, count: 1_000)] {
            let signature = key.sign(message)
            let again = message.withUnsafeBytes { key.sign($0) }
            #expect(signature == again)
            #expect(Ed25519.verify(signature, message, by: publicKey))
            #expect(!Ed25519.verify(signature, message + [0], by: publicKey))
            #expect(!Ed25519.verify(signature, message, by: Bytes32(repeating: 4)))
            var flipped = signature
            flipped.withUnsafeMutableBytes { $0[40] ^= 1 }
            #expect(!Ed25519.verify(flipped, message, by: publicKey))
        }
        #expect(Ed25519.publicKey(seed: secret([1, 2, 3])) == nil)
    }

    @Test("Ed25519 edge cases: libsodium's verdict, case by case", .enabled(if: Shared.isThere))
    func edgeCases() throws {
        let cases = try Shared.list("ed25519-edge-cases", "vectors") + Shared.list("ed25519-edge-cases", "extra")
        #expect(cases.count == 20)
        for one in cases {
            let message = hex(try #require(one["message"] as? String))
            let keyText = try #require(one["pub_key"] as? String)
            let signatureText = try #require(one["signature"] as? String)
            let wanted = try #require(one["libsodium_1_0_18_accepts"] as? Bool)
            guard let key = Bytes32(hex(keyText)), let signature = Bytes64(hex(signatureText)) else { continue }
            #expect(Ed25519.verify(signature, message, by: key) == wanted, "\(one)")
        }
    }

    @Test("no pair of small-order points is a signature", .enabled(if: Shared.isThere))
    func smallOrder() throws {
        let texts = try Shared.list("ed25519-edge-cases", "small_order_points").compactMap { $0["encoding"] as? String }
        let points = texts.compactMap { Bytes32(hex($0)) }
        #expect(points.count == 14)
        for key in points {
            for point in points {
                #expect(!Ed25519.verify(Bytes64(low: point, high: Bytes32()), Array("Zcash".utf8), by: key))
            }
        }
    }

    @Test("Argon2id gives the published keys", .enabled(if: Shared.isThere))
    func argon2id() throws {
        var compared = 0
        for one in try Shared.list("argon2id", "vectors") {
            guard let ops = one["opslimit"] as? UInt64, let memory = one["memlimit"] as? Int, memory <= 2_000_000
            else { continue }
            let password = hex(try #require(one["password"] as? String))
            let salt = hex(try #require(one["salt"] as? String))
            let count = try #require(one["outlen"] as? Int)
            let wanted = hex(try #require(one["out"] as? String))
            let derived = Argon2id.derive(
                passphrase: secret(password), salt: salt, ops: ops, memoryBytes: memory, count: count)
            guard let derived else {
                Issue.record("refused: \(one)")
                continue
            }
            #expect(shown(derived) == wanted)
            compared += 1
        }
        #expect(compared >= 8)
        for one in try Shared.list("argon2id", "refused") {
            let password = hex(try #require(one["password"] as? String))
            let salt = hex(try #require(one["salt"] as? String))
            let derived = Argon2id.derive(
                passphrase: secret(password), salt: salt, ops: one["opslimit"] as? UInt64 ?? 0,
                memoryBytes: one["memlimit"] as? Int ?? 0, count: one["outlen"] as? Int ?? 0)
            if derived != nil { Issue.record("accepted: \(one)") }
        }
    }

    @Test("sealed bytes open only as they were sealed")
    func sealing() {
        let key = SecretBytes.random(count: 32)
        let nonce = SystemRandom.bytes(24)
        for plain in [[], [1, 2, 3], [UInt8](repeating: 9, count: 100)] {
            let sealed = XChaCha20Poly1305.seal(plain, key: key, nonce: nonce, ad: [7])
            #expect(sealed.count == plain.count + XChaCha20Poly1305.overhead)
            #expect(XChaCha20Poly1305.open(sealed, key: key, nonce: nonce, ad: [7]) == plain)
            if let opened = XChaCha20Poly1305.openSecret(sealed, key: key, nonce: nonce, ad: [7]) {
                #expect(shown(opened) == plain)
            } else {
                Issue.record("a sealed secret did not open")
            }
            #expect(XChaCha20Poly1305.open(sealed, key: key, nonce: nonce, ad: []) == nil)
            #expect(XChaCha20Poly1305.open(sealed, key: SecretBytes(count: 32), nonce: nonce, ad: [7]) == nil)
            #expect(XChaCha20Poly1305.open(sealed, key: SecretBytes(count: 31), nonce: nonce, ad: [7]) == nil)
            #expect(XChaCha20Poly1305.open(sealed, key: key, nonce: [1], ad: [7]) == nil)
            for at in sealed.indices {
                var changed = sealed
                changed[at] ^= 1
                #expect(XChaCha20Poly1305.open(changed, key: key, nonce: nonce, ad: [7]) == nil)
                #expect(XChaCha20Poly1305.open(Array(sealed[..<at]), key: key, nonce: nonce, ad: [7]) == nil)
            }
        }
        #expect(XChaCha20Poly1305.open([], key: key, nonce: nonce) == nil)
    }

    @Test("subkeys differ by number and context, and are the same every time")
    func subkeys() {
        let master = secret([UInt8](repeating: 5, count: 32))
        let first = shown(KDF.derive(from: master, context: "plasmid0", id: 1))
        #expect(first == shown(KDF.derive(from: master, context: "plasmid0", id: 1)))
        #expect(first != shown(KDF.derive(from: master, context: "plasmid0", id: 2)))
        #expect(first != shown(KDF.derive(from: master, context: "plasmid1", id: 1)))
        #expect(shown(KDF.derive(from: master, context: "plasmid0", id: 1, count: 64)).count == 64)
    }

    @Test("comparison in constant time says what equality says")
    func comparison() {
        #expect(constantTimeEquals([1, 2], [1, 2]) && !constantTimeEquals([1, 2], [1, 3]))
        #expect(!constantTimeEquals([1], [1, 2]) && constantTimeEquals([], []))
        #expect(constantTimeEquals(Bytes32(repeating: 1), Bytes32(repeating: 1)))
        #expect(!constantTimeEquals(Bytes64(), Bytes64(low: Bytes32(), high: Bytes32(repeating: 1))))
    }

    @Test("random bytes come in the count that was asked for, and differ")
    func randomness() {
        #expect(SystemRandom.bytes(0).isEmpty)
        #expect(SystemRandom.bytes(33).count == 33)
        #expect(SystemRandom.bytes32() != SystemRandom.bytes32())
        #expect(SystemRandom.bytes64() != SystemRandom.bytes64())
    }
}
