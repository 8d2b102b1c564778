import Testing

@testable import Sodium

@Suite("boxes between two keys, and under a shared secret")
struct BoxTests {
    /// A key that tests can hand around: the key itself cannot be copied.
    private final class Holder {
        let secret: SecretKey
        var key: Bytes32 { secret.publicKey }

        init(_ byte: UInt8) throws {
            var seed = [UInt8](repeating: byte, count: 32)
            guard let secret = SecretKey(seed: SecretBytes(moving: &seed)) else { throw NoKey() }
            self.secret = secret
        }

        func seal(_ plain: [UInt8], _ nonce: [UInt8], to key: Bytes32) -> [UInt8]? {
            Box.seal(plain, nonce: nonce, from: secret, to: key)
        }

        func open(_ sealed: [UInt8], _ nonce: [UInt8], from key: Bytes32) -> [UInt8]? {
            Box.open(sealed, nonce: nonce, from: key, to: secret)
        }
    }

    private struct NoKey: Error {}

    @Test("§11.58 what Bob seals for Carol both can open and Alice cannot; a flipped bit or a cut opens nothing")
    func boxes() throws {
        let (bob, carol, alice) = (try Holder(1), try Holder(2), try Holder(3))
        let nonce = [UInt8](repeating: 9, count: Box.nonceBytes)
        for plain in [[], [7], [UInt8](repeating: 5, count: 1_000)] as [[UInt8]] {
            let sealed = try #require(bob.seal(plain, nonce, to: carol.key))
            #expect(sealed.count == plain.count + Box.tagBytes)
            #expect(carol.open(sealed, nonce, from: bob.key) == plain)
            #expect(bob.open(sealed, nonce, from: carol.key) == plain)
            #expect(alice.open(sealed, nonce, from: bob.key) == nil)
            #expect(carol.open(sealed, nonce, from: alice.key) == nil)
            for index in sealed.indices {
                var flipped = sealed
                flipped[index] ^= 1
                #expect(carol.open(flipped, nonce, from: bob.key) == nil)
            }
            for count in [0, 3, sealed.count - 1] {
                #expect(carol.open(Array(sealed.prefix(count)), nonce, from: bob.key) == nil)
            }
        }
    }

    @Test("no two agents share a key, as all did in 2019: each pair's bytes differ")
    func distinct() throws {
        let (bob, carol) = (try Holder(1), try Holder(2))
        let nonce = [UInt8](repeating: 0, count: Box.nonceBytes)
        let own = try #require(bob.seal([1, 2, 3], nonce, to: bob.key))
        let hers = try #require(carol.seal([1, 2, 3], nonce, to: bob.key))
        #expect(own != hers)
        #expect(bob.open(own, nonce, from: bob.key) == [1, 2, 3])
    }

    @Test("bytes that are no key, or one of small order, are refused")
    func badKeys() throws {
        let bob = try Holder(1)
        let nonce = [UInt8](repeating: 0, count: Box.nonceBytes)
        let sealed = try #require(bob.seal([1], nonce, to: bob.key))
        var one = [UInt8](repeating: 0, count: 32)
        one[0] = 1
        for bad in [Bytes32(), Bytes32(repeating: 255), try #require(Bytes32(one))] {
            #expect(bob.seal([1], nonce, to: bad) == nil)
            #expect(bob.open(sealed, nonce, from: bad) == nil)
        }
    }

    @Test("crypto_secretbox: NaCl's own vector, another key, a flipped bit, a cut")
    func secretBox() throws {
        let first = try #require(
            Bytes32(hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")))
        let text =
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01"
            + "233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd"
            + "4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"
        let expected =
            "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c"
            + "98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfea"
            + "bd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
        let vector = SecretBox.seal(
            hex(text), nonce: hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"), key: first)
        #expect(vector == hex(expected))
        let key = Bytes32(repeating: 4)
        let nonce = [UInt8](repeating: 1, count: SecretBox.nonceBytes)
        let sealed = SecretBox.seal([1, 2, 3], nonce: nonce, key: key)
        #expect(sealed.count == 3 + SecretBox.tagBytes)
        #expect(SecretBox.open(sealed, nonce: nonce, key: key) == [1, 2, 3])
        #expect(SecretBox.open(SecretBox.seal([], nonce: nonce, key: key), nonce: nonce, key: key) == [])
        #expect(SecretBox.open(sealed, nonce: nonce, key: Bytes32(repeating: 5)) == nil)
        #expect(SecretBox.open([1, 2, 3], nonce: nonce, key: key) == nil)
        for index in sealed.indices {
            var flipped = sealed
            flipped[index] ^= 128
            #expect(SecretBox.open(flipped, nonce: nonce, key: key) == nil)
        }
    }
}
