import Gossip
import Integrity
import Sodium
import Testing

@Suite("Fuzz: messages of reconciliation")
struct ReconcileFuzzTests {
    /// Messages of real rounds, of every kind.
    static func samples(_ random: inout Seeded) throws -> [ReconcileMessage] {
        let common = random.keys(900)
        let left = OpIndex(common + random.keys(60))
        let right = OpIndex(common + random.keys(60, at: 77))
        var (one, first) = try ReconcileRound.begin(left, arcs: .full, peerArcs: .full, salt: random.bytes(16))
        var messages = [first, .close(.busy, reason: "später"), .close(.fault, reason: "")]
        var (other, step) = try ReconcileRound.join(right, arcs: .full, message: first)
        var isLeft = true
        while let message = step.reply {
            messages.append(message)
            step = isLeft ? try one.receive(message) : try other.receive(message)
            isLeft.toggle()
        }
        return messages
    }

    @Test("what is written is read as it was")
    func roundTrip() throws {
        var random = Seeded(1)
        let messages = try Self.samples(&random)
        #expect(messages.count > 6)
        for message in messages {
            let read = try ReconcileMessage(packed: message.packed)
            #expect(read == message)
            #expect(read.packed == message.packed)
        }
    }

    @Test("mutated and random bytes are refused or read as what they say")
    func fuzz() throws {
        let rounds = Fuzz("messages of reconciliation", rounds: 3_200)
        let seed = rounds.seed
        var random = Seeded(seed)
        let messages = try Self.samples(&random)
        let index = OpIndex(random.keys(300))
        var refused = 0
        for step in rounds {
            var bytes = messages[step % messages.count].packed
            for _ in 0...Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 9))
                case 2: bytes.insert(contentsOf: random.bytes(5), at: place)
                default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
            }
            if step.isMultiple(of: 10) { bytes = random.bytes(Int.random(in: 0..<300, using: &random)) }
            do {
                let message = try ReconcileMessage(packed: bytes)
                #expect(try ReconcileMessage(packed: message.packed) == message, "seed \(seed), step \(step)")
                // What can be read is played to a round in each state: it answers or ends, and never traps.
                _ = try? ReconcileRound.join(index, arcs: .full, message: message)
                var (round, _) = try ReconcileRound.begin(
                    index, arcs: .full, peerArcs: .full, salt: [UInt8](repeating: 1, count: 16))
                _ = try? round.receive(message)
                _ = try? round.receive(message)
            } catch { refused += 1 }
        }
        #expect(refused > 100, "seed \(seed)")
    }

    @Test("counts that promise more than the bytes hold reserve nothing")
    func promises() throws {
        for (kind, number) in [
            (2 as UInt8, [0xff, 0xff, 0x7f] as [UInt8]), (3, [0xff, 0x1f]), (4, [0xff, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            var writer = MessagePackWriter()
            writer.writeArrayHeader(4)
            writer.writeInt(1)
            writer.writeInt(6)
            writer.writeInt(1)
            writer.writeBinary([0, kind] + number)
            #expect(throws: PlasmidError.self) { _ = try ReconcileMessage(packed: writer.bytes) }
        }
        var writer = MessagePackWriter()
        writer.writeArrayHeader(4)
        writer.writeInt(1)
        writer.writeInt(6)
        writer.writeUInt(UInt64.max)
        writer.writeBinary([])
        #expect(throws: PlasmidError.self) { _ = try ReconcileMessage(packed: writer.bytes) }
    }
}
