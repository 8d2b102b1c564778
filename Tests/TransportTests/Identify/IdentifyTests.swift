import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

@Suite("Identify")
struct IdentifyTests {
    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    private func read(_ bytes: [UInt8]) throws -> IdentifyMessage {
        var reader = IdentifyReader()
        var buffer = ByteBuffer(bytes: bytes)
        try reader.read(&buffer)
        return try reader.finish(left: buffer)
    }

    private func message() throws -> IdentifyMessage {
        let a = try key(seed: 0x00...0x1f)
        var message = IdentifyMessage()
        message.publicKey = PublicKeyCoding.bytes(ed25519: a.publicKey)
        message.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/4001"), try Multiaddr("/ip6/::1/tcp/4001/ws")]
        message.protocols = ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"]
        message.observedAddress = try Multiaddr("/ip4/203.0.113.7/tcp/9")
        message.protocolVersion = "plasmid/0.1"
        message.agentVersion = "plasmid/1"
        message.signedPeerRecord = PeerRecord(
            peer: PeerID(publicKey: a.publicKey), sequence: 7, addresses: message.listenAddresses
        ).sealed(by: a)
        return message
    }

    private func a() throws -> PeerID { PeerID(publicKey: try key(seed: 0x00...0x1f).publicKey) }

    @Test("what is written is read back, byte by byte too")
    func roundTrip() throws {
        let message = try message()
        #expect(try read(message.framed()) == message)
        var reader = IdentifyReader()
        var buffer = ByteBuffer()
        for byte in message.framed() {
            buffer.writeInteger(byte)
            try reader.read(&buffer)
        }
        #expect(try reader.finish(left: buffer) == message)
    }

    @Test("parts are merged: lists grow, single values are replaced")
    func parts() throws {
        var first = try message()
        first.signedPeerRecord = nil
        var second = IdentifyMessage()
        second.signedPeerRecord = try message().signedPeerRecord
        second.protocols = ["/more"]
        second.agentVersion = "other"
        let merged = try read(first.framed() + second.framed())
        #expect(merged.protocols == ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/more"])
        #expect(merged.agentVersion == "other" && merged.protocolVersion == "plasmid/0.1")
        #expect(merged.signedPeerRecord == (try message().signedPeerRecord))
        #expect(code { _ = try read(Array(repeatElement(second.framed(), count: 11).joined())) } == .protocolBroken)
        #expect(try read(Array(repeatElement(second.framed(), count: 10).joined())).protocols.count == 10)
    }

    @Test("nothing, half a message, and one beyond the cap are refused, the last before it has come")
    func cut() throws {
        let whole = try message().framed()
        #expect(code { _ = try read([]) } == .protocolBroken)
        #expect(code { _ = try read(Array(whole.dropLast())) } == .protocolBroken)
        #expect(code { _ = try read(whole + [5]) } == .protocolBroken)
        #expect(code { _ = try read([0x81, 0x40]) } == .protocolBroken)
        #expect(code { _ = try read([0x80, 0x00]) } == .protocolBroken)
    }

    @Test("what is written stays below what the smallest reader takes")
    func writtenSize() throws {
        var message = try message()
        message.listenAddresses = try (0..<300).map { try Multiaddr("/dns4/host-\($0).example.org/tcp/\($0)") }
        message.protocols = (0..<400).map { "/protocol/\($0)" }
        let bytes = message.framed()
        #expect(bytes.count <= 4096)
        let read = try read(bytes)
        #expect(read.publicKey == message.publicKey && read.protocols.count > 200)
    }

    @Test("addresses that are none, ids that nobody could ask for and control characters are left out")
    func odd() throws {
        var raw = PBIdentify()
        raw.listenAddrs = [[4, 1].map { UInt8($0) }.data, hex("047f000001060fa1").data, [0x99, 0x13, 1].data]
        raw.protocols = ["no-slash", "/ok", "/" + String(repeating: "x", count: 300)]
        raw.agentVersion = "a\u{1b}[31m\n" + String(repeating: "b", count: 500)
        raw.observedAddr = [4, 1].data
        let message = try read(LengthPrefixed.framed(raw.encoded))
        #expect(message.listenAddresses.count == 2 && message.listenAddresses[1].isOpaque)
        #expect(message.protocols == ["/ok"])
        #expect(message.agentVersion?.hasPrefix("a[31mb") == true && (message.agentVersion?.utf8.count ?? 0) <= 128)
        #expect(message.observedAddress == nil)
    }

    @Test("an answer says all, a push what changed")
    func pushes() throws {
        var info = PeerInfo(peer: try a(), isRelayed: false)
        var full = try message()
        full.signedPeerRecord = nil
        try info.take(full, isPush: false)
        #expect(info.addresses == full.listenAddresses && !info.areSigned)
        #expect(info.observedAddress == full.observedAddress)
        var push = IdentifyMessage()
        push.protocols = ["/new"]
        try info.take(push, isPush: true)
        #expect(info.protocols == ["/new"] && info.addresses == full.listenAddresses)
        try info.take(IdentifyMessage(), isPush: false)
        #expect(info.protocols.isEmpty && info.addresses.isEmpty && info.agentVersion == "plasmid/1")
    }

    @Test("a signed record wins over what is only said, and only a newer one replaces it")
    func signedRecords() throws {
        let a = try key(seed: 0x00...0x1f)
        var info = PeerInfo(peer: try self.a(), isRelayed: false)
        func push(_ sequence: UInt64, _ text: String, by signer: borrowing SecretKey) throws {
            var push = IdentifyMessage()
            push.signedPeerRecord = PeerRecord(
                peer: PeerID(publicKey: signer.publicKey), sequence: sequence, addresses: [try Multiaddr(text)]
            ).sealed(by: signer)
            try info.take(push, isPush: true)
        }
        try push(5, "/ip4/1.1.1.1/tcp/1/p2p/\(self.a())", by: a)
        #expect(info.areSigned && info.addresses.map(\.description) == ["/ip4/1.1.1.1/tcp/1"])
        try push(5, "/ip4/2.2.2.2/tcp/2", by: a)
        try push(4, "/ip4/2.2.2.2/tcp/2", by: a)
        try push(9, "/ip4/2.2.2.2/tcp/2", by: key(seed: 0x20...0x3f))
        var said = IdentifyMessage()
        said.listenAddresses = [try Multiaddr("/ip4/3.3.3.3/tcp/3")]
        try info.take(said, isPush: true)
        #expect(info.addresses.map(\.description) == ["/ip4/1.1.1.1/tcp/1"] && info.sequence == 5)
        try push(6, "/ip4/4.4.4.4/tcp/4/p2p/\(PeerIDTests.b)", by: a)
        #expect(info.sequence == 6 && info.addresses.isEmpty)
    }

    @Test("another peer's key ends it, and over a relay nobody says where one is")
    func foreign() throws {
        var info = PeerInfo(peer: try a(), isRelayed: true)
        try info.take(try message(), isPush: false)
        #expect(info.observedAddress == nil)
        var other = try message()
        other.publicKey = PublicKeyCoding.bytes(ed25519: try key(seed: 0x20...0x3f).publicKey)
        other.protocols = ["/evil"]
        let before = info
        #expect(code { try info.take(other, isPush: true) } == .protocolBroken)
        other.publicKey = [8, 0]
        #expect(code { try info.take(other, isPush: true) } == .protocolBroken)
        #expect(info == before)
    }

    @Test("hostile bytes")
    func fuzz() throws {
        let rounds = Fuzz("identify", rounds: 3_000)
        let seed = rounds.seed
        var random = SeededRandom(seed: seed)
        let good = try message().framed()
        for _ in rounds {
            let bytes = random.mutated(good)
            let code = code {
                let message = try read(bytes)
                var info = PeerInfo(peer: try a(), isRelayed: false)
                try info.take(message, isPush: Bool.random(using: &random))
                #expect(message.framed().count <= 4096, "seed \(seed)")
            }
            #expect(code == nil || code == .protocolBroken, "seed \(seed)")
            if let envelope = try message().signedPeerRecord {
                let altered = random.mutated(envelope)
                if let record = try? PeerRecord(envelope: altered) {
                    #expect(record.sequence == 7, "seed \(seed)")
                }
            }
        }
    }
}
