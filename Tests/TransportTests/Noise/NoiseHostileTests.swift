import Integrity
import NIOCore
import Sodium
import Testing

@testable import Transport

/// A handshake with somebody who lies.
@Suite("A hostile handshake")
struct NoiseHostileTests {
    private static let muxers = ["/yamux/1.0.0"]

    private func dialer(_ muxers: [String] = muxers) -> NoiseHandshake {
        NoiseHandshake(isInitiator: true, secrets: NoiseSecrets(), muxers: muxers)
    }

    private func listener(_ muxers: [String] = muxers) -> NoiseHandshake {
        NoiseHandshake(isInitiator: false, secrets: NoiseSecrets(), muxers: muxers)
    }

    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    private func bare(_ frame: [UInt8]) -> [UInt8] { Array(frame.dropFirst(2)) }

    private func a() throws -> SecretKey { try key(seed: 0x00...0x1f) }
    private func b() throws -> SecretKey { try key(seed: 0x20...0x3f) }

    /// Both sides as far as the message whose number is given, which is returned and not read.
    private func until(_ number: Int, _ dialer: NoiseHandshake, _ listener: NoiseHandshake) throws -> [UInt8] {
        let first = bare(try dialer.writeMessage1(hint: [UInt8](repeating: 7, count: 16)))
        if number == 1 { return first }
        _ = try listener.readMessage1(first)
        let second = bare(try listener.writeMessage2(identity: try b()))
        if number == 2 { return second }
        _ = try dialer.readMessage2(second, expecting: nil)
        return bare(try dialer.writeMessage3(identity: try a()))
    }

    private func read(_ number: Int, _ bytes: [UInt8], _ dialer: NoiseHandshake, _ listener: NoiseHandshake) throws {
        switch number {
        case 1: _ = try listener.readMessage1(bytes)
        case 2: _ = try dialer.readMessage2(bytes, expecting: nil)
        default: _ = try listener.readMessage3(bytes)
        }
    }

    @Test("a hint reaches the responder before it chooses who it is")
    func hint() throws {
        let (dialer, listener) = (dialer(), listener())
        let hint = [UInt8](1...16)
        let hello = try listener.readMessage1(bare(try dialer.writeMessage1(hint: hint)))
        #expect(hello.hint == hint && hello.ephemeral == dialer.ephemeralKey)
        let second = bare(try listener.writeMessage2(identity: try b()))
        #expect(
            try dialer.readMessage2(second, expecting: PeerID(publicKey: b().publicKey)).description == PeerIDTests.b)
        _ = try listener.readMessage3(bare(try dialer.writeMessage3(identity: try a())))
        let (mine, theirs) = (try dialer.finish(), try listener.finish())
        #expect(mine.handshakeHash == theirs.handshakeHash && mine.handshakeHash.count == 32)
        let mineKey = try a().publicKey
        #expect(theirs.peer.description == PeerIDTests.a && theirs.peerKey == mineKey)
    }

    @Test("another payload in message 1 is no hint, and does no harm", arguments: [0, 1, 15, 17, 4000])
    func otherPayloads(_ count: Int) throws {
        let (dialer, listener) = (dialer(), listener())
        let first = bare(try dialer.writeMessage1()) + [UInt8](repeating: 1, count: count)
        #expect(try listener.readMessage1(first).hint == nil)
        let second = bare(try listener.writeMessage2(identity: try b()))
        // The dialer did not say that, so that the two disagree on what was said.
        #expect(code { _ = try dialer.readMessage2(second, expecting: nil) } == (count == 0 ? nil : .handshakeFailed))
    }

    @Test("a hint that was altered on the way ends it at message 2")
    func alteredHint() throws {
        let (dialer, listener) = (dialer(), listener())
        var first = try until(1, dialer, listener)
        first[40] ^= 1
        _ = try listener.readMessage1(first)
        let second = bare(try listener.writeMessage2(identity: try b()))
        #expect(code { _ = try dialer.readMessage2(second, expecting: nil) } == .handshakeFailed)
    }

    @Test("a message cut anywhere is refused", arguments: [1, 2, 3])
    func truncated(_ number: Int) throws {
        let whole = try until(number, dialer(), listener()).count
        // Message 1 may carry anything behind its 32 bytes.
        for count in Set(stride(from: 0, to: number == 1 ? 32 : whole, by: 7)).union([31, 32, 48, 80, whole - 1])
        where count < (number == 1 ? 32 : whole) {
            let (dialer, listener) = (dialer(), listener())
            let message = try until(number, dialer, listener)
            #expect(code { try read(number, Array(message[..<count]), dialer, listener) } == .handshakeFailed)
            // And nothing goes on after that.
            #expect(code { try read(number, message, dialer, listener) } == .handshakeFailed)
        }
    }

    @Test("a message altered in any byte, or longer by one, is refused", arguments: [2, 3])
    func altered(_ number: Int) throws {
        let whole = try until(number, dialer(), listener()).count
        for place in Set(stride(from: 0, to: whole, by: 5)).union([31, 32, 79, 80, whole - 1, whole]) {
            let (dialer, listener) = (dialer(), listener())
            var message = try until(number, dialer, listener)
            if place < whole { message[place] ^= 0x80 } else { message.append(0) }
            // The highest bit of an X25519 key is masked when it is used, but it is hashed as it came.
            #expect(code { try read(number, message, dialer, listener) } == .handshakeFailed, "byte \(place)")
        }
    }

    @Test("the length is looked at before the message has come")
    func oversized() throws {
        var bytes = ByteBuffer(bytes: [0x10, 0x01])
        #expect(code { _ = try NoiseFrame.takeHandshakeMessage(&bytes) } == .handshakeFailed)
        bytes = ByteBuffer(bytes: [0x10, 0x00] + [UInt8](repeating: 1, count: 4095))
        #expect(try NoiseFrame.takeHandshakeMessage(&bytes) == nil)
        bytes.writeBytes([1, 2])
        #expect(try NoiseFrame.takeHandshakeMessage(&bytes)?.count == 4096 && bytes.readableBytes == 1)
    }

    @Test("messages out of turn, or twice, are refused")
    func reordered() throws {
        let (first, second) = (dialer(), listener())
        let message1 = try until(1, first, second)
        #expect(code { _ = try first.readMessage1(message1) } == .handshakeFailed)
        let other = listener()
        _ = try other.readMessage1(message1)
        #expect(code { _ = try other.readMessage1(message1) } == .handshakeFailed)
        #expect(code { _ = try other.writeMessage2(identity: try b()) } == .handshakeFailed)
        #expect(code { _ = try listener().readMessage3(message1) } == .handshakeFailed)
        #expect(code { _ = try dialer().finish() } == .handshakeFailed)
        #expect(code { _ = try dialer().writeMessage3(identity: try a()) } == .handshakeFailed)
        #expect(code { _ = try listener().writeMessage1() } == .handshakeFailed)
        // A message that comes back to its sender.
        let (third, fourth) = (dialer(), listener())
        let echo = try until(1, third, fourth)
        #expect(code { _ = try third.readMessage2(echo + echo + echo, expecting: nil) } == .handshakeFailed)
    }

    @Test("what another handshake recorded opens nothing in this one", arguments: [2, 3])
    func replayed(_ number: Int) throws {
        let old = try until(number, dialer(), listener())
        let (dialer, listener) = (dialer(), listener())
        _ = try until(number, dialer, listener)
        #expect(code { try read(number, old, dialer, listener) } == .handshakeFailed)
    }

    @Test("a recorded first message gets an answer that its sender cannot read")
    func replayedHint() throws {
        let recorded = try until(1, dialer(), listener())
        let listener = listener()
        _ = try listener.readMessage1(recorded)
        let second = bare(try listener.writeMessage2(identity: try b()))
        // Neither the identity's key nor its id stands in what the replayer gets.
        let key = try b().publicKey.array
        #expect(!(0...(second.count - 32)).contains { Array(second[$0..<$0 + 32]) == key })
        let thief = dialer()
        _ = try thief.writeMessage1(hint: Array(recorded.suffix(16)))
        #expect(code { _ = try thief.readMessage2(second, expecting: nil) } == .handshakeFailed)
    }

    @Test("a dialer that meets another peer does not say who it is")
    func wrongPeer() throws {
        let (dialer, listener) = (dialer(), listener())
        let second = try until(2, dialer, listener)
        let other = PeerID(publicKey: try a().publicKey)
        #expect(code { _ = try dialer.readMessage2(second, expecting: other) } == .wrongPeer)
        #expect(code { _ = try dialer.writeMessage3(identity: try a()) } == .handshakeFailed)
    }

    @Test(
        "keys of small order are refused wherever they stand",
        arguments: [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ])
    func smallOrder(_ point: String) throws {
        let listener = listener()
        _ = try listener.readMessage1(hex(point))
        #expect(code { _ = try listener.writeMessage2(identity: try b()) } == .handshakeFailed)
        let dialer = dialer()
        _ = try dialer.writeMessage1()
        let second = hex(point) + [UInt8](repeating: 0, count: 200)
        #expect(code { _ = try dialer.readMessage2(second, expecting: nil) } == .handshakeFailed)
    }

    /// A responder that plays by the rules of Noise and puts any payload into message 2.
    private func message2(
        to first: [UInt8], staticKey: Bytes32? = nil, payload: (_ staticKey: Bytes32) throws -> [UInt8]
    ) throws -> [UInt8] {
        let secrets = NoiseSecrets()
        let remote = try #require(Bytes32(first.prefix(32)))
        var state = NoiseState(prologue: [])
        state.mixHash(remote.array)
        _ = state.decryptAndHash(Array(first.dropFirst(32)))
        var message = secrets.ephemeralKey.array
        state.mixHash(message)
        var shared = SecretBytes(count: 32)
        _ = X25519.agree(secrets.ephemeral, remote, into: &shared)
        state.mixKey(shared)
        message += state.encryptAndHash((staticKey ?? secrets.staticKey).array)
        _ = X25519.agree(secrets.staticSecret, remote, into: &shared)
        state.mixKey(shared)
        return message + state.encryptAndHash(try payload(secrets.staticKey))
    }

    private func verdict(_ payload: (_ staticKey: Bytes32) throws -> [UInt8]) throws -> PlasmidError.Code? {
        let dialer = dialer()
        let second = try message2(to: bare(try dialer.writeMessage1()), payload: payload)
        return code { _ = try dialer.readMessage2(second, expecting: nil) }
    }

    @Test("the counterpart that these lies are told with is sound")
    func honestCounterpart() throws {
        let verdict = try verdict { try NoisePayload.encoded(identity: b(), staticKey: $0, muxers: []) }
        #expect(verdict == nil)
    }

    @Test("a static key of small order is refused behind the encryption too")
    func smallStatic() throws {
        let dialer = dialer()
        let second = try message2(to: bare(try dialer.writeMessage1()), staticKey: Bytes32()) {
            try NoisePayload.encoded(identity: b(), staticKey: $0, muxers: [])
        }
        #expect(code { _ = try dialer.readMessage2(second, expecting: nil) } == .handshakeFailed)
    }

    @Test("payloads that prove nothing are refused")
    func payloads() throws {
        let lies: [(Bytes32) throws -> [UInt8]] = [
            { _ in [] },
            { _ in [0xff, 0xff, 0xff] },
            // A true signature over another static key.
            { _ in try NoisePayload.encoded(identity: b(), staticKey: Bytes32(repeating: 9), muxers: []) },
            // The identity of one with the signature of another.
            { staticKey in
                let good = try NoisePayload.encoded(identity: b(), staticKey: staticKey, muxers: [])
                var message = try PBNoisePayload.decoded(good, maximum: 4096, "a payload")
                message.identityKey = PublicKeyCoding.bytes(ed25519: try a().publicKey).data
                return message.encoded
            },
            // A signature over the bare key, without the words before it.
            { staticKey in
                var message = PBNoisePayload()
                message.identityKey = PublicKeyCoding.bytes(ed25519: try b().publicKey).data
                message.identitySig = try b().sign(staticKey.array).array.data
                return message.encoded
            },
            // Keys of other kinds, and an Ed25519 key written another way.
            { try Self.payload($0, key: [8, 0, 0x12, 2, 1, 2], by: b()) },
            { try Self.payload($0, key: [8, 2, 0x12, 33] + [UInt8](repeating: 2, count: 33), by: b()) },
            { try Self.payload($0, key: [8, 1, 0x12, 31] + b().publicKey.array.dropLast(), by: b()) },
            { try Self.payload($0, key: [0x12, 32] + b().publicKey.array + [8, 1], by: b()) },
            { try Self.payload($0, key: [], by: b()) },
            // 101 muxers, true otherwise.
            { staticKey in
                let muxers = (0...100).map { "/m/\($0)" }
                return try NoisePayload.encoded(identity: b(), staticKey: staticKey, muxers: muxers)
            },
        ]
        for (index, lie) in lies.enumerated() {
            #expect(try verdict(lie) == .handshakeFailed, "lie \(index)")
        }
    }

    private static func payload(
        _ staticKey: Bytes32, key: [UInt8], by signer: borrowing SecretKey
    ) throws -> [UInt8] {
        var message = PBNoisePayload()
        message.identityKey = key.data
        message.identitySig = signer.sign(NoisePayload.signedPrefix + staticKey.array).array.data
        return message.encoded
    }

    @Test("fields that are not known are passed over")
    func unknownFields() throws {
        let verdict = try verdict { staticKey in
            try NoisePayload.encoded(identity: b(), staticKey: staticKey, muxers: []) + [0x1a, 2, 1, 2, 0x78, 5]
        }
        #expect(verdict == nil)
    }

    @Test(
        "muxers: the initiator's first that the responder has, else none of these",
        arguments: [
            (["/y"], ["/y"], EarlyMuxer.chosen("/y")), (["/a", "/y"], ["/y", "/a"], .chosen("/a")),
            ([], ["/y"], .negotiate),
            (["/y"], [], .negotiate), ([], [], .negotiate), (["/a"], ["/y"], nil),
        ])
    func muxers(_ mine: [String], _ theirs: [String], _ outcome: EarlyMuxer?) throws {
        let (dialer, listener) = (dialer(mine), listener(theirs))
        _ = try listener.readMessage3(try until(3, dialer, listener))
        if let outcome {
            #expect(try dialer.finish().muxer == outcome)
            #expect(try listener.finish().muxer == outcome)
        } else {
            #expect(code { _ = try dialer.finish() } == .handshakeFailed)
            #expect(code { _ = try listener.finish() } == .handshakeFailed)
        }
        #expect(code { _ = try dialer.finish() } == .handshakeFailed)
    }

    @Test("hostile bytes at each step")
    func fuzz() throws {
        let rounds = Fuzz("handshakes", rounds: 300)
        let seed = rounds.seed
        var random = SeededRandom(seed: seed)
        for round in rounds {
            let number = 1 + round % 3
            let (dialer, listener) = (dialer(), listener())
            let message = try until(number, dialer, listener)
            let altered = random.mutated(message)
            let code = code { try read(number, altered, dialer, listener) }
            #expect(code == nil || code == .handshakeFailed, "seed \(seed)")
            #expect(number == 1 || altered == message || code != nil, "seed \(seed)")
            var frames = ByteBuffer(bytes: random.mutated([0, 4, 1, 2, 3, 4] + message))
            while let taken = try? NoiseFrame.takeHandshakeMessage(&frames) { #expect(taken.count <= 4096) }
            let bytes = random.mutated(try NoisePayload.encoded(identity: b(), staticKey: Bytes32(), muxers: ["/a"]))
            _ = try? NoisePayload(bytes, staticKey: Bytes32())
        }
    }
}
