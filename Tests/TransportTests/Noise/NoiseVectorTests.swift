import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

/// The worked example of two other implementations, byte for byte, and the vectors of the Noise framework.
@Suite struct NoiseVectorTests {
    static func bytes(_ range: ClosedRange<UInt8>) -> [UInt8] { Array(range) }

    static func side(isInitiator: Bool, muxers: [String] = ["/yamux/1.0.0"]) throws -> NoiseHandshake {
        let (ephemeral, fixed) =
            isInitiator ? (bytes(0x80...0x9f), bytes(0x40...0x5f)) : (bytes(0xa0...0xbf), bytes(0x60...0x7f))
        guard let secrets = NoiseSecrets(ephemeral: secret(ephemeral), staticSecret: secret(fixed)) else {
            throw NoKey()
        }
        return NoiseHandshake(isInitiator: isInitiator, secrets: secrets, muxers: muxers)
    }

    @Test func theWorkedExampleByteForByte() throws {
        let a = try key(seed: 0x00...0x1f)
        let b = try key(seed: 0x20...0x3f)
        let dialer = try Self.side(isInitiator: true)
        let listener = try Self.side(isInitiator: false)
        let first = try dialer.writeMessage1()
        #expect(hex(first) == "0020493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d")
        #expect(try listener.readMessage1(Array(first[2...])).hint == nil)
        let second = try listener.writeMessage2(identity: b)
        #expect(hex(second) == Self.message2)
        #expect(try dialer.readMessage2(Array(second[2...]), expecting: nil) == PeerID(publicKey: b.publicKey))
        let third = try dialer.writeMessage3(identity: a)
        #expect(hex(third) == Self.message3)
        #expect(try listener.readMessage3(Array(third[2...])) == PeerID(publicKey: a.publicKey))
        let (mine, theirs) = (try dialer.finish(), try listener.finish())
        #expect(mine.handshakeHash == theirs.handshakeHash)
        #expect(hex(mine.handshakeHash) == "4f95eca27c3eaa810f649d2426932b34f4a85359cbd5343f63028e92aefabb09")
        #expect(mine.muxer == .chosen("/yamux/1.0.0") && theirs.muxer == mine.muxer)

        var wire = ByteBuffer()
        try mine.transport.seal(ByteBuffer(bytes: hex("000100010000000100000000")), into: &wire)
        #expect(
            hex(wire.readableBytesView) == "001ce999d713deb2a9dea4318a82281b52fa89a95cf63135cacf6e277115")
        var plain = ByteBuffer()
        try theirs.transport.open(&wire, into: &plain)
        #expect(hex(plain.readableBytesView) == "000100010000000100000000")
        #expect(wire.readableBytes == 0)
    }

    @Test(.enabled(if: Shared.isThere, "the shared vectors are not beside the repository"))
    func theVectorsOfTheFramework() throws {
        for vector in try Shared.list("noise-xx", "vectors") {
            func field(_ name: String) -> [UInt8] { hex(vector[name] as? String ?? "") }
            let messages = try #require(vector["messages"] as? [[String: String]])
            let payloads = messages.map { hex($0["payload"] ?? "") }
            let wire = messages.map { hex($0["ciphertext"] ?? "") }
            let keys = try Self.replay(
                prologue: field("init_prologue"),
                initiator: (field("init_ephemeral"), field("init_static")),
                responder: (field("resp_ephemeral"), field("resp_static")), payloads: payloads, wire: wire,
                hash: field("handshake_hash"))
            #expect(keys.0 == field("split_key_initiator_to_responder"))
            #expect(keys.1 == field("split_key_responder_to_initiator"))
            // Later messages alternate: the fourth is the responder's.
            for (index, payload) in payloads.enumerated().dropFirst(3) {
                let key = secret(index % 2 == 0 ? keys.0 : keys.1)
                var sealed = [UInt8](repeating: 0, count: payload.count + 16)
                payload.withUnsafeBytes { plain in
                    sealed.withUnsafeMutableBytes {
                        ChaCha20Poly1305.seal(
                            plain, into: $0, key: key, counter: UInt64((index - 3) / 2),
                            ad: UnsafeRawBufferPointer(start: nil, count: 0))
                    }
                }
                #expect(sealed == wire[index])
            }
        }
    }

    /// The pattern XX on the bare state, as ``NoiseHandshake`` walks it, with payloads of any kind.
    private static func replay(
        prologue: [UInt8], initiator: ([UInt8], [UInt8]), responder: ([UInt8], [UInt8]), payloads: [[UInt8]],
        wire: [[UInt8]], hash: [UInt8]
    ) throws -> ([UInt8], [UInt8]) {
        let ephemeral = (X25519.publicKey(of: secret(initiator.0)), X25519.publicKey(of: secret(responder.0)))
        let fixed = (X25519.publicKey(of: secret(initiator.1)), X25519.publicKey(of: secret(responder.1)))
        func mix(_ state: inout NoiseState, _ own: [UInt8], _ other: Bytes32) {
            var shared = SecretBytes(count: 32)
            #expect(X25519.agree(secret(own), other, into: &shared))
            state.mixKey(shared)
        }
        var state = NoiseState(prologue: prologue)
        state.mixHash(ephemeral.0.array)
        #expect(ephemeral.0.array + state.encryptAndHash(payloads[0]) == wire[0])
        state.mixHash(ephemeral.1.array)
        mix(&state, responder.0, ephemeral.0)
        var second = ephemeral.1.array + state.encryptAndHash(fixed.1.array)
        mix(&state, responder.1, ephemeral.0)
        second += state.encryptAndHash(payloads[1])
        #expect(second == wire[1])
        var third = state.encryptAndHash(fixed.0.array)
        mix(&state, initiator.1, ephemeral.1)
        third += state.encryptAndHash(payloads[2])
        #expect(third == wire[2])
        #expect(state.hash.array == hash)
        let keys = state.split()
        return (keys.toResponder.withUnsafeBytes { [UInt8]($0) }, keys.toInitiator.withUnsafeBytes { [UInt8]($0) })
    }

    static let message2 = hex(
        hex(
            """
            00d8605a725d2a4adfeeb1a29e17edd621c1b7593ee8cdbc44ac6c4ab6e2f805d23c6b0e173c7c7af5198345a35f7935b2416574d31f
            81b81848ed02dc9de76d3e12a3220487faf57ef04163648b495eda4b7298162b7bbd0ec71e2a3a4da6360d41a2c21e7f4bed4fa19537
            d502362d4a3025105d21d7ba7502e1550885afc9252406532c4f6850a3db3e0e7159d013b3b5631c910adbae1d06dc4156141705baa5
            ede81ea3dede35f2e82070ddc66729f8079b8c34591e67de40953eb7438b177a61e2c66a69bb8d1971c4a4eb795081121eedac25bfe3
            099f
            """))
    static let message3 = hex(
        hex(
            """
            00b8379d0acee9a3e3165c66a8e866476229ae67f5b017a18c743579698e09d76932e48faf892a4ce2540ed12d94a3d517c8625b76a4
            fd61eddab20b93f8b6b2fefb3844e73a0ee7b09fa7f0100cbcbb3dd802790a7007c8c68ac558632c1589cc929c2d14cd1225cff72f7d
            6c7982465c085716998fe74853f7b3b40ec822942a2b6c403f0099eba1ca7cb59c32af3270b5b5c8b40bf8be4dcba22c6830bcc31628
            3d77ad64d49beccdfd9682f5552aa3d4a57a8febf389c68d
            """))
}
