import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("Messages of Kad")
struct KadMessageTests {
    private let a = "00240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"

    @Test("requests are the reference's bytes")
    func reference() throws {
        let id = try #require(PeerID(text: "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"))
        #expect(hex(KadMessage(.findNode, key: id.bytes).bytes) == "08041226" + a)
        let key = [0x12, 0x20] + [UInt8](repeating: 7, count: 32)
        #expect(hex(KadMessage(.getProviders, key: key).bytes) == "080312221220" + String(repeating: "07", count: 32))
        #expect(hex(KadMessage(.ping).bytes) == "0805")
    }

    @Test("messages are read as they were written, up to the limit")
    func roundTrip() throws {
        var random = DiscoveryRandom(1)
        let addresses = try ["/ip4/1.2.3.4/tcp/5", "/ip6/::1/tcp/80/ws"].map { try Multiaddr($0) }
        let contacts = (0..<20).map { _ in
            KadContact(peer: PeerID(publicKey: random.bytes32()), addresses: addresses)
        }
        for kind in KadMessage.Kind.allCases {
            let message = KadMessage(kind, key: [1, 2], closer: contacts, providers: Array(contacts.prefix(3)))
            #expect(try KadMessage(bytes: message.bytes) == message)
        }
        let long = try Multiaddr("/dns4/" + String(repeating: "a", count: 100) + "/tcp/1")
        let fat = (0..<200).map { number in
            let addresses = (0..<8).compactMap { try? Multiaddr("\(long)/p2p/\(contacts[$0].peer)") }
            return KadContact(peer: contacts[number % 20].peer, addresses: addresses)
        }
        let full = KadMessage(.getProviders, key: [UInt8](repeating: 1, count: 80), closer: fat, providers: fat)
        #expect(full.bytes.count <= KadMessage.bytesMaximum)
        let read = try KadMessage(bytes: full.bytes)
        #expect(read.providers.count > 10 && read.closer.count > 5)
        // Twenty contacts of the largest size there is stand in one answer.
        #expect(try KadMessage(bytes: KadMessage(.findNode, closer: Array(fat.prefix(20))).bytes).closer.count == 20)
    }

    @Test("contacts keep no more addresses than the bounds allow, and none twice")
    func contacts() throws {
        let peer = PeerID(publicKey: Bytes32(repeating: 1))
        let many = try (0..<100).map { try Multiaddr("/ip4/1.2.3.\($0)/tcp/5") }
        #expect(KadContact(peer: peer, addresses: many + many).addresses == Array(many.prefix(8)))
        #expect(KadContact(peer: peer, addresses: [many[0], many[0]]).addresses == [many[0]])
    }

    @Test("too large a message, too long a key and bytes that are none are refused")
    func refused() {
        #expect(throws: PlasmidError.self) { try KadMessage(bytes: [UInt8](repeating: 0x12, count: 16_385)) }
        #expect(throws: PlasmidError.self) { try KadMessage(bytes: [0x12, 81] + [UInt8](repeating: 1, count: 81)) }
        #expect(throws: PlasmidError.self) { try KadMessage(bytes: [0xff]) }
    }

    @Test("no bytes trap the decoder")
    func fuzz() throws {
        let rounds = Fuzz("Kad messages", rounds: 4_000)
        var random = DiscoveryRandom(rounds.seed)
        let address = try Multiaddr("/ip4/1.2.3.4/tcp/5")
        let contacts = (0..<4).map { _ in
            KadContact(peer: PeerID(publicKey: random.bytes32()), addresses: [address, address])
        }
        let message = KadMessage(.getProviders, key: [1, 2, 3], closer: contacts, providers: contacts).bytes
        var read = 0
        for round in rounds {
            let bytes = round % 5 == 0 ? random.bytes(Int.random(in: 0...100, using: &random)) : random.mutated(message)
            guard let message = try? KadMessage(bytes: bytes) else { continue }
            read += 1
            #expect(message.bytes.count <= KadMessage.bytesMaximum)
            #expect(message.closer.count <= 128 && message.key.count <= 80)
        }
        #expect(read > 0)
    }
}
