import Integrity
import Sodium
import Testing
import Transport

@Suite("Meeting places of a space")
struct RendezvousTests {
    private let place = Rendezvous(spaceKey: Bytes32(repeating: 1))
    private let nonce = [UInt8](repeating: 9, count: 24)

    @Test("what a member seals another member opens, in every size", arguments: [0, 1, 470, 471, 982, 983, 2_006])
    func roundTrip(_ count: Int) throws {
        let record = [UInt8](repeating: 7, count: count)
        let sealed = try #require(place.seal(record, epoch: 5, nonce: nonce))
        #expect(SealedRecord.sizes.contains(sealed.bytes.count))
        #expect(Rendezvous(spaceKey: Bytes32(repeating: 1)).open(sealed, epoch: 5) == record)
    }

    @Test("an altered record opens as nothing")
    func fuzz() throws {
        let rounds = Fuzz("sealed records", rounds: 1_000)
        var random = DiscoveryRandom(rounds.seed)
        for round in rounds {
            let record = random.bytes(Int.random(in: 0...Rendezvous.recordBytesMaximum, using: &random))
            let sealed = try #require(place.seal(record, epoch: 5, nonce: random.bytes(24)))
            var bytes = random.mutated(sealed.bytes)
            bytes = Array((bytes + sealed.bytes).prefix(sealed.bytes.count))
            guard bytes != sealed.bytes, let altered = SealedRecord(bytes: bytes) else { continue }
            #expect(place.open(altered, epoch: 5) == nil, "seed \(rounds.seed), round \(round)")
        }
    }

    @Test("sizes tell only which of three it is")
    func sizes() throws {
        let short = try #require(place.seal([1], epoch: 5, nonce: nonce))
        let longer = try #require(place.seal([UInt8](repeating: 1, count: 470), epoch: 5, nonce: nonce))
        #expect(short.bytes.count == 512 && longer.bytes.count == 512)
        #expect(Rendezvous.recordBytesMaximum == 2_006)
        #expect(
            place.seal([UInt8](repeating: 0, count: Rendezvous.recordBytesMaximum + 1), epoch: 5, nonce: nonce) == nil)
        #expect(SealedRecord(bytes: [UInt8](repeating: 0, count: 513)) == nil)
    }

    @Test("nobody else opens it: another space, another hour, a changed bit anywhere")
    func refused() throws {
        let sealed = try #require(place.seal([1, 2, 3], epoch: 5, nonce: nonce))
        #expect(Rendezvous(spaceKey: Bytes32(repeating: 2)).open(sealed, epoch: 5) == nil)
        #expect(place.open(sealed, epoch: 6) == nil)
        for index in sealed.bytes.indices {
            var bytes = sealed.bytes
            bytes[index] ^= 0x40
            let altered = try #require(SealedRecord(bytes: bytes))
            #expect(place.open(altered, epoch: 5) == nil)
        }
    }

    @Test("names, provider keys and slots change with space, hour and owner")
    func names() {
        var seen: Set<[UInt8]> = []
        for space in UInt8(1)...4 {
            let place = Rendezvous(spaceKey: Bytes32(repeating: space))
            for epoch in UInt64(0)..<50 {
                let name = place.name(epoch: epoch)
                seen.insert(name.array)
                seen.insert(place.providerKey(epoch: epoch))
                for owner in UInt8(10)...12 { seen.insert(Rendezvous.slot(secret: secret(owner), name: name).array) }
            }
        }
        #expect(seen.count == 4 * 50 * 5)
        #expect(place.providerKey(epoch: 1).prefix(2) == [0x12, 0x20])
        #expect(place.providerKey(epoch: 1).count == 34)
    }

    /// So that a second implementation can compare: computed with Python's hashlib from the words of docs/spec/discovery.md.
    @Test("the derivations are those of the specification")
    func vector() throws {
        #expect(hex(place.name(epoch: 497_222).array) == Vector.name)
        #expect(hex(place.providerKey(epoch: 497_222)) == Vector.providerKey)
        #expect(hex(Rendezvous.slot(secret: secret(3), name: place.name(epoch: 497_222)).array) == Vector.slot)
        let sealed = try #require(place.seal([1, 2, 3], epoch: 497_222, nonce: nonce))
        #expect(hex(SHA256.hash(sealed.bytes).array) == Vector.sealedDigest)
    }

    @Test("clocks may differ by an hour either way", arguments: [-3_600, -3_599, -1, 0, 1, 3_599, 3_600])
    func skew(_ offset: Int64) {
        for start in stride(from: Int64(0), to: 7_200, by: 300) {
            let published = Rendezvous.epoch(at: seconds(start))
            #expect(Rendezvous.epochs(at: seconds(start + offset)).contains(published))
        }
        #expect(Rendezvous.epochs(at: Timestamp(microseconds: .min)) == [0, 1])
        #expect(!Rendezvous.epochs(at: Timestamp(microseconds: .max)).isEmpty)
    }
}

func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

private enum Vector {
    static let name = "1f65abbb4ada7ca19163cf561470e6d5ae7c64f7b20b58cc5b760dc435e1ed0b"
    static let providerKey = "12205bf9f05e194bfb3e4691d9b6af6a3e0bc6e9e3bf495a03937cebea5d69466795"
    static let slot = "da55888422e300810155612426ba137c86a8083b35a0408228d36240abf2c2f1"
    /// SHA-256 of the sealed bytes.
    static let sealedDigest = "3bc7708d0ae2d1b4650bdecb3c258b16bad5a5845bc84842ef85a56d5d32fa5e"
}
