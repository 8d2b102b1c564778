import Sodium
import Testing
import Transport

@Suite("Messages of a bootstrap server")
struct BootstrapMessageTests {
    private static func record(_ byte: UInt8, _ size: Int = 512) throws -> SealedRecord {
        try #require(SealedRecord(bytes: [UInt8](repeating: byte, count: size)))
    }

    @Test("requests and answers are read as they were written")
    func roundTrip() throws {
        let put = BootstrapRequest.put(
            name: Bytes32(repeating: 1), slot: Bytes32(repeating: 2), lifetime: 3_600, record: try Self.record(3, 2_048)
        )
        let get = BootstrapRequest.get(name: Bytes32(repeating: 1), count: 32)
        for request in [put, get] { #expect(BootstrapRequest(bytes: request.bytes) == request) }
        #expect(put.bytes.count == BootstrapRequest.bytesMaximum)
        #expect(hex(get.bytes) == "02" + String(repeating: "01", count: 32) + "20")
        #expect(hex([UInt8](put.bytes[65..<70])) == "00000e1003")

        let many = try (0..<32).map { try Self.record(UInt8($0), 2_048) }
        let answers: [BootstrapAnswer] =
            [.kept, .records([]), .records([try Self.record(1), try Self.record(2, 1_024)]), .records(many)]
            + BootstrapAnswer.Refusal.allCases.map { .refused($0) }
        for answer in answers { #expect(BootstrapAnswer(bytes: answer.bytes) == answer) }
        #expect(BootstrapAnswer.records(many).bytes.count == BootstrapAnswer.bytesMaximum)
    }

    @Test("lifetimes, counts and sizes outside the rules are no messages")
    func outside() throws {
        for lifetime in [0, 3_601, UInt32.max] {
            let put = BootstrapRequest.put(
                name: Bytes32(), slot: Bytes32(), lifetime: lifetime, record: try Self.record(3))
            #expect(BootstrapRequest(bytes: put.bytes) == nil)
        }
        for count in [0, 33, UInt8.max] {
            #expect(BootstrapRequest(bytes: BootstrapRequest.get(name: Bytes32(), count: count).bytes) == nil)
        }
        #expect(BootstrapAnswer(bytes: [2, 33]) == nil)
        #expect(BootstrapAnswer(bytes: [3, 0]) == nil)
        #expect(BootstrapAnswer(bytes: [2, 0, 0]) == nil)
    }

    @Test("no bytes trap a decoder, and what it accepts it would have written")
    func fuzz() throws {
        let rounds = Fuzz("bootstrap messages", rounds: 4_000)
        var random = DiscoveryRandom(rounds.seed)
        let requests = [
            BootstrapRequest.get(name: Bytes32(repeating: 1), count: 3).bytes,
            BootstrapRequest.put(
                name: Bytes32(), slot: Bytes32(), lifetime: 60, record: try Self.record(3)
            ).bytes,
        ]
        let answers = [
            BootstrapAnswer.kept.bytes, BootstrapAnswer.records([try Self.record(1), try Self.record(2)]).bytes,
            BootstrapAnswer.refused(.full).bytes,
        ]
        for round in rounds {
            let random1 = random.bytes(Int.random(in: 0...80, using: &random))
            let request = round % 4 == 0 ? random1 : random.mutated(requests[round % 2])
            if let read = BootstrapRequest(bytes: request) { #expect(read.bytes == request) }
            let answer = round % 4 == 0 ? random1 : random.mutated(answers[round % 3])
            if let read = BootstrapAnswer(bytes: answer) { #expect(read.bytes == answer) }
        }
    }
}
