import Integrity
import Sodium
import Testing

@testable import Transport

@Suite struct PeerIDTests {
    static let a = "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"
    static let b = "12D3KooWCd3eX8r5ihRvzK7P1yPq5aakaBJhG5GNj18YTztPhoCa"

    @Test func theWorkedExample() throws {
        let a = PeerID(publicKey: try key(seed: 0x00...0x1f).publicKey)
        #expect(a.description == Self.a)
        #expect(
            hex(a.bytes) == "00240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
        #expect(a.cid == "bafzaajaiaejcaa5ba677htqqxyoxbxiy45f4bglh4tldbg5fbvpr3xegmqjfkmny")
        #expect(PeerID(text: Self.a) == a && PeerID(text: a.cid) == a && PeerID(bytes: a.bytes) == a)
        #expect(a.ed25519 == (try key(seed: 0x00...0x1f).publicKey))
        #expect(PeerID(publicKey: try key(seed: 0x20...0x3f).publicKey).description == Self.b)
        #expect(
            SHA256.hash(a.bytes).array == hex("384150e323eab36b9cda6c59f5f5abe3e9d9f906989c7e35d1bd50895166c8c3"))
    }

    @Test(.enabled(if: Shared.isThere, "the shared vectors are not beside the repository"))
    func thePublishedIDs() throws {
        var seen = 0
        for vector in try Shared.list("libp2p", "vectors") {
            guard let multihash = vector["multihash"] as? String else { continue }
            seen += 1
            let id = try #require(PeerID(bytes: hex(multihash)))
            #expect(id.description == vector["peer_id_base58"] as? String)
            #expect(id.cid == vector["peer_id_cid_base32"] as? String)
            #expect(PeerID(text: id.description) == id && PeerID(text: id.cid) == id)
            if vector["type"] as? String == "Ed25519" {
                let seed = try #require(Self.seed(hex(vector["private_key_protobuf"] as? String ?? "")))
                let own = try key(seed: seed).publicKey
                #expect(own == id.ed25519)
                #expect(hex(PublicKeyCoding.bytes(ed25519: own)) == vector["public_key_protobuf"] as? String)
            }
        }
        #expect(seen >= 5)
    }

    @Test(arguments: [
        "", "1", "0", "Qm", "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeS0",
        "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPV",
        "bafzaajaiaejcaa5ba677htqqxyoxbxiy45f4bglh4tldbg5fbvpr3xegmqjfkmn1", "bafzaajai", "fooo", "ÄÖ", "b",
        String(repeating: "1", count: 200), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ])
    func whatIsNone(_ text: String) {
        #expect(PeerID(text: text) == nil)
    }

    @Test func bytesThatAreNone() {
        for bytes in [
            [], [0], [0, 1], [0, 1, 2, 3], [0x12, 2, 1, 2], [0x11, 1, 0], [0, 43] + [UInt8](repeating: 1, count: 43),
        ] {
            #expect(PeerID(bytes: bytes.map { UInt8($0) }) == nil)
        }
    }

    @Test func privateKeysOfOldFiles() throws {
        let seed = Array(UInt8(0)...31)
        let key = try key(seed: seed).publicKey.array
        let head: [UInt8] = [8, 1, 0x12]
        #expect(Self.seed(head + [0x60] + seed + key + key) == seed)
        #expect(Self.seed(head + [0x60] + seed + key + seed) == nil)
        #expect(Self.seed(head + [0x40] + seed + key) == seed)
        #expect(Self.seed(head + [0x40] + seed + seed) == nil)
        #expect(Self.seed(head + [0x40] + seed) == nil)
        #expect(Self.seed([]) == nil)
    }

    /// The seed of an encoded private key, to look at.
    private static func seed(_ bytes: [UInt8]) -> [UInt8]? {
        guard let seed = PublicKeyCoding.seed(privateKey: secret(bytes)) else { return nil }
        return seed.withUnsafeBytes { [UInt8]($0) }
    }
}

@Suite struct MultiaddrTests {
    @Test(arguments: [
        ("/ip4/127.0.0.1/tcp/4001", "047f000001060fa1"),
        (
            "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB",
            "047f000001060fa1a5032600240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
        ),
        ("/ip4/127.0.0.1/tcp/4001/ws", "047f000001060fa1dd03"),
        ("/dns4/example.org/tcp/443/tls/ws", "360b6578616d706c652e6f72670601bbc003dd03"),
        ("/dns4/example.org/tcp/443/wss", "360b6578616d706c652e6f72670601bbde03"),
        ("/ip6/::1/tcp/4001", "2900000000000000000000000000000001060fa1"),
        ("/ip4/203.0.113.7/udp/4001/quic-v1", "04cb00710791020fa1cd03"),
        ("/ip6zone/eth0/ip6/fe80::1/tcp/1", "2a046574683029fe80000000000000000000000000000106" + "0001"),
        ("/dnsaddr/bootstrap.libp2p.io", "3813626f6f7473747261702e6c69627032702e696f"),
        ("/dns/a/tcp/80/ws/http-path/a%2Fb", "350161060050dd03e10303612f62"),
    ])
    func textAndBytes(_ text: String, _ bytes: String) throws {
        let address = try Multiaddr(text)
        #expect(hex(address.bytes) == bytes)
        #expect(address.description == text)
        let back = try Multiaddr(bytes: hex(bytes))
        #expect(back == address && back.description == text && !back.isOpaque)
    }

    @Test func theOldSpellingAndTheCID() throws {
        let a = try #require(PeerID(text: PeerIDTests.a))
        let address = try Multiaddr("/ip4/1.2.3.4/tcp/5/p2p/\(PeerIDTests.a)")
        #expect(try Multiaddr("/ip4/1.2.3.4/tcp/5/ipfs/\(PeerIDTests.a)") == address)
        #expect(try Multiaddr("/ip4/1.2.3.4/tcp/5/p2p/\(a.cid)/") == address)
        #expect(address.peerID == a)
        #expect(address.withoutPeer.description == "/ip4/1.2.3.4/tcp/5")
        #expect(try address.withoutPeer.appending(a) == address)
        #expect(try address.appending(a) == address)
    }

    @Test func relayed() throws {
        let text = "/ip4/1.2.3.4/tcp/5/p2p/\(PeerIDTests.a)/p2p-circuit"
        let relayOnly = try Multiaddr(text)
        #expect(relayOnly.peerID == nil && relayOnly.isRelayed)
        let whole = try Multiaddr(text + "/p2p/\(PeerIDTests.b)")
        #expect(whole.peerID?.description == PeerIDTests.b)
        #expect(whole.relay?.description == "/ip4/1.2.3.4/tcp/5/p2p/\(PeerIDTests.a)")
    }

    @Test func secureWebSocketsAreOneThing() throws {
        let (short, long) = (try Multiaddr("/dns/a.b/tcp/443/wss"), try Multiaddr("/dns/a.b/tcp/443/tls/ws"))
        #expect(short == long && Set([short, long]).count == 1)
        #expect(short.bytes != long.bytes && short.description != long.description)
        #expect(try short != Multiaddr("/dns/a.b/tcp/443/ws"))
    }

    @Test func unknownPartsAreKept() throws {
        // Code 0x999 does not exist.
        let bytes = hex("047f000001060fa1") + [0x99, 0x13, 1, 2, 3]
        let address = try Multiaddr(bytes: bytes)
        #expect(address.isOpaque && address.bytes == bytes && address.parts.count == 2)
        #expect(address.description == "/ip4/127.0.0.1/tcp/4001/?9913010203")
        #expect(address.peerID == nil)
        #expect(throws: PlasmidError.self) { try address.appending(.ws) }
        #expect(try address != Multiaddr("/ip4/127.0.0.1/tcp/4001"))
    }

    @Test(arguments: [
        "", "ip4/1.2.3.4", "/", "//", "/ip4", "/ip4/", "/ip4/1.2.3", "/ip4/1.2.3.256", "/ip4/01.2.3.4",
        "/ip4/1.2.3.4/tcp",
        "/ip4/1.2.3.4/tcp/65536", "/ip4/1.2.3.4/tcp/-1", "/ip4/1.2.3.4/tcp/0x1", "/ip4/1.2.3.4/tcp/080", "/nothing/1",
        "/ip6/:::1", "/ip6/1::2::3", "/ip6/1:2:3:4:5:6:7", "/ip6/1:2:3:4:5:6:7:8:9", "/ip6/::1.2.3", "/ip6/12345::",
        "/ip6/1.2.3.4::", "/dns/", "/dns//tcp/1", "/p2p/Qm", "/tcp/1/http-path/%2", "/tcp/1/http-path/%+1",
        "/ip4/1.2.3.4//tcp/1", "/certhash/x", "/certhash/u=", String(repeating: "/ws", count: 11),
        "/dns/" + String(repeating: "a", count: 254),
    ])
    func textThatIsNone(_ text: String) {
        #expect { try Multiaddr(text) } throws: { ($0 as? PlasmidError)?.code == .malformedAddress }
    }

    @Test(arguments: [
        ("::", "::"), ("1::", "1::"), ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("0:0:1::", "0:0:1::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func ip6(_ text: String, _ printed: String) throws {
        #expect(try Multiaddr("/ip6/\(text)").description == "/ip6/\(printed)")
    }

    @Test(arguments: [
        "047f0000", "", "06", "80", "8000", "a50302", "a5030100", "3600", "36ff", "3603612f62",
        "a503ffffffffffffffff7f",
    ])
    func bytesThatAreNone(_ bytes: String) {
        #expect { try Multiaddr(bytes: hex(bytes)) } throws: { ($0 as? PlasmidError)?.code == .malformedAddress }
    }

    @Test func limits() throws {
        let ten = [UInt8](repeating: 0xdd, count: 1) + [3]
        let bytes = Array(repeatElement(ten, count: 10).joined())
        #expect(try Multiaddr(bytes: bytes).parts.count == 10)
        #expect(throws: PlasmidError.self) { try Multiaddr(bytes: bytes + ten) }
        #expect(throws: PlasmidError.self) { try Multiaddr(bytes: [0x99, 0x13] + [UInt8](repeating: 0, count: 1023)) }
    }

    @Test func fuzz() throws {
        let rounds = Fuzz("addresses", rounds: 3_000)
        let seed = rounds.seed
        var random = SeededRandom(seed: seed)
        let good = hex(
            "047f000001060fa1a5032600240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8dd03")
        for _ in rounds {
            let bytes =
                Bool.random(using: &random)
                ? random.mutated(good) : random.bytes(Int.random(in: 0...40, using: &random))
            guard let address = try? Multiaddr(bytes: bytes) else { continue }
            #expect(address.bytes == bytes, "seed \(seed)")
            guard !address.isOpaque else { continue }
            let text = address.description
            #expect(try Multiaddr(text) == address, "seed \(seed): \(text)")
            _ = PeerID(text: String(decoding: bytes, as: UTF8.self))
            _ = try? Multiaddr("/" + String(decoding: bytes, as: UTF8.self))
        }
    }
}
