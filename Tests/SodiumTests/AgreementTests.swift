import Testing

@testable import Sodium

/// X25519, HMAC and HKDF against the examples of their RFCs, and ChaCha20-Poly1305 against another implementation.
@Suite struct AgreementTests {
    @Test func theExampleOfRFC7748() throws {
        let mine = secret(hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
        let theirs = try #require(Bytes32(hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")))
        let shared = try shared(X25519.agree(mine, theirs))
        #expect(shared == hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"))
    }

    @Test func bothSidesAgree() throws {
        let a = secret([UInt8](repeating: 1, count: 32))
        let b = secret([UInt8](repeating: 2, count: 32))
        let there = try shared(X25519.agree(a, X25519.publicKey(of: b)))
        let back = try shared(X25519.agree(b, X25519.publicKey(of: a)))
        #expect(there == back)
    }

    @Test func aKeyOfSmallOrderLeavesNothing() {
        var out = secret([UInt8](repeating: 7, count: 32))
        let agreed = X25519.agree(secret([UInt8](repeating: 1, count: 32)), Bytes32(), into: &out)
        #expect(!agreed)
        #expect(shown(out) == [UInt8](repeating: 0, count: 32))
    }

    @Test func signingKeysAgreeToo() throws {
        let seeds = [[UInt8](repeating: 3, count: 32), [UInt8](repeating: 4, count: 32)]
        let publics = seeds.map { Ed25519.publicKey(seed: secret($0)) ?? Bytes32() }
        func agreed(_ seed: [UInt8], _ other: Bytes32) throws -> [UInt8]? {
            guard let key = SecretKey(seed: secret(seed)) else { throw Missing() }
            guard let out = key.agree(with: other) else { return nil }
            return shown(out)
        }
        let there = try #require(try agreed(seeds[0], publics[1]))
        #expect(try agreed(seeds[1], publics[0]) == there)
        #expect(try agreed(seeds[0], publics[0]) != there)
        // Not a point, and a point of small order.
        for none in [Bytes32(repeating: 2), Bytes32()] { #expect(try agreed(seeds[0], none) == nil) }
        #expect(X25519.converted(Bytes32()) == nil)
    }

    @Test func theExamplesOfRFC4231() {
        func code(_ key: [UInt8], _ message: String) -> [UInt8] {
            key.withUnsafeBytes { HMACSHA256.code(Array(message.utf8), key: $0).array }
        }
        #expect(
            code([UInt8](repeating: 0x0b, count: 20), "Hi There")
                == hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"))
        #expect(
            code([UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First")
                == hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"))
        #expect(code([], "") == hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
    }

    @Test func theExamplesOfRFC5869() {
        func derived(_ input: [UInt8], _ salt: [UInt8], _ info: [UInt8], _ count: Int) -> [UInt8] {
            shown(HKDF.derive(from: secret(input), salt: salt, info: info, count: count))
        }
        #expect(
            derived([UInt8](repeating: 0x0b, count: 22), Array(0x00...0x0c), Array(0xf0...0xf9), 42)
                == hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
        #expect(
            derived(Array(0x00...0x4f), Array(0x60...0xaf), Array(0xb0...0xff), 82)
                == hex(
                    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
                ))
        #expect(
            derived([UInt8](repeating: 0x0b, count: 22), [], [], 42)
                == hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
    }

    @Test func aStepOfAChainIsHKDFOf64Bytes() {
        for input in [[UInt8](), [UInt8](repeating: 5, count: 32)] {
            var chain = secret([UInt8](repeating: 1, count: 32))
            var key = SecretBytes(count: 32)
            input.withUnsafeBytes { HKDF.step(chain: &chain, input: $0, key: &key) }
            let both = shown(
                HKDF.derive(from: secret(input), salt: [UInt8](repeating: 1, count: 32), info: [], count: 64))
            #expect(shown(chain) + shown(key) == both)
        }
    }

    @Test func chaChaPolyAsAnotherImplementationHasIt() {
        let plain = Array("Ladies and Gentlemen".utf8)
        let counter: UInt64 = 0x0102_0304_0506_0708
        let key = secret(Array(0...31))
        var bytes = plain + [UInt8](repeating: 0, count: 16)
        Array("ad".utf8).withUnsafeBytes { ad in
            bytes.withUnsafeMutableBytes { buffer in
                let text = UnsafeRawBufferPointer(rebasing: buffer[..<plain.count])
                ChaCha20Poly1305.seal(text, into: buffer, key: key, counter: counter, ad: ad)
            }
            #expect(bytes == hex("bc28c98dce4aca790acf0a8b161615d4856b97aab144ac68e7c3a8c0a175dafa8662d3eb"))
            for place in bytes.indices {
                var bad = bytes
                bad[place] ^= 1
                #expect(!open(&bad, key, counter, ad))
            }
            // What does not open leaves zeros, hence the copies.
            var copies = (bytes, bytes)
            #expect(!open(&copies.0, key, counter + 1, ad))
            #expect(copies.0.prefix(plain.count).allSatisfy { $0 == 0 })
            #expect(!open(&copies.1, key, counter, UnsafeRawBufferPointer(start: nil, count: 0)))
            #expect(open(&bytes, key, counter, ad))
            #expect(Array(bytes.prefix(plain.count)) == plain)
        }
        var short = [UInt8](repeating: 0, count: 15)
        #expect(!open(&short, key, 0, UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    /// In place.
    private func open(
        _ bytes: inout [UInt8], _ key: borrowing SecretBytes, _ counter: UInt64, _ ad: UnsafeRawBufferPointer
    ) -> Bool {
        bytes.withUnsafeMutableBytes {
            ChaCha20Poly1305.open(UnsafeRawBufferPointer($0), into: $0, key: key, counter: counter, ad: ad)
        }
    }

    private func shared(_ secret: consuming SecretBytes?) throws -> [UInt8] {
        guard let secret else { throw Missing() }
        return shown(secret)
    }

    private struct Missing: Error {}
}
