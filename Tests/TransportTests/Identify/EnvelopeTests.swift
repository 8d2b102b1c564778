import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("Signed envelopes and records of addresses")
struct EnvelopeTests {
    private static let record =
        "0a2600240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b81080e2cfaa061a0a0a08047f000001060fa1"
    private static let envelope =
        "0a240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8120203011a3a" + record
        + "2a40e5a5c14c04f1a442438826c949576382b9d4fc1a3f2150e5168fa23ee76cfd1ec255e72fcdf8b3c2abda539e283a44bbdbc718df1cbcd4b3b85c8300948c6a0f"

    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    @Test("the worked example that another program accepted, byte for byte")
    func workedExample() throws {
        let a = try key(seed: 0x00...0x1f)
        let record = PeerRecord(
            peer: PeerID(publicKey: a.publicKey), sequence: 1_700_000_000,
            addresses: [try Multiaddr("/ip4/127.0.0.1/tcp/4001")])
        #expect(hex(record.encoded) == Self.record)
        #expect(
            hex(SignedEnvelope.toSign(record.encoded, .peerRecord))
                == "126c69627032702d706565722d7265636f72640203013a" + Self.record)
        #expect(hex(record.sealed(by: a)) == Self.envelope)
        #expect(try PeerRecord(envelope: hex(Self.envelope)) == record)
    }

    @Test("a record signed by another peer, for another purpose, or altered is none")
    func forged() throws {
        let (a, b) = (PeerID(publicKey: try key(seed: 0x00...0x1f).publicKey), try Self.publicKey(0x20...0x3f))
        let forger = try key(seed: 0x20...0x3f)
        let record = PeerRecord(peer: a, sequence: 1, addresses: [])
        #expect(code { _ = try PeerRecord(envelope: record.sealed(by: forger)) } == .badSignature)
        let own = PeerRecord(peer: PeerID(publicKey: b), sequence: 1, addresses: [])
        let elsewhere = SignedEnvelope.sealed(own.encoded, for: .relayVoucher, by: forger)
        #expect(code { _ = try PeerRecord(envelope: elsewhere) } == .protocolBroken)
        // The same type under another domain: only the signature tells.
        let purpose = SignedEnvelope.Purpose(domain: "libp2p-routing-state", type: [3, 1])
        let replayed = SignedEnvelope.sealed(own.encoded, for: purpose, by: forger)
        #expect(code { _ = try PeerRecord(envelope: replayed) } == .badSignature)
        let good = own.sealed(by: forger)
        for place in good.indices {
            var bad = good
            bad[place] ^= 1
            #expect(throws: PlasmidError.self) { try PeerRecord(envelope: bad) }
        }
        for count in good.indices {
            #expect(throws: PlasmidError.self) { try PeerRecord(envelope: Array(good[..<count])) }
        }
        #expect(throws: PlasmidError.self) {
            try PeerRecord(envelope: good + [UInt8](repeating: 0, count: SignedEnvelope.bytesMaximum))
        }
    }

    @Test("addresses that are none are left out, unknown ones kept")
    func addresses() throws {
        let a = try key(seed: 0x00...0x1f)
        var message = PBPeerRecord()
        message.peerID = PeerID(publicKey: a.publicKey).bytes.data
        for bytes in [[4, 1], [0x99, 0x13, 1], hex("047f000001060fa1")] {
            var info = PBPeerRecord.AddressInfo()
            info.multiaddr = bytes.map { UInt8($0) }.data
            message.addresses.append(info)
        }
        let record = try PeerRecord(envelope: SignedEnvelope.sealed(message.encoded, for: .peerRecord, by: a))
        #expect(record.addresses.count == 2 && record.sequence == 0)
        #expect(record.addresses[0].isOpaque)
    }

    static func publicKey(_ seed: ClosedRange<UInt8>) throws -> Bytes32 { try key(seed: seed).publicKey }
}
