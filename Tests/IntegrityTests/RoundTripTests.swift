import Foundation
import Integrity
import Sodium
import Testing

/// One decoder with bytes that it reads: what comes out of changed bytes must be refused or be a value like any other.
struct Subject: Sendable {
    let name: String
    let sample: @Sendable (inout Seeded) -> [UInt8]
    /// The canonical bytes of what was read, or nil when it was refused.
    let read: @Sendable ([UInt8]) -> [UInt8]?

    init<Value: Packable & Equatable>(_ name: String, _ make: @escaping @Sendable (inout Seeded) -> Value) {
        self.name = name
        sample = { make(&$0).packed }
        read = { bytes in
            guard let value = try? Value(packed: bytes) else { return nil }
            return value.packed
        }
    }
}

private let subjects = dataSubjects + readingSubjects + verdictSubjects

private let dataSubjects: [Subject] = [
    Subject("Action") { $0.action() },
    Subject("Entry") { $0.entry() },
    Subject("SignedAction") { $0.signed() },
    Subject("Record") { $0.record() },
    Subject("Op") { $0.op() },
    Subject("ChainOp") { random in
        ChainOp.ops(for: random.record()).randomElement(using: &random)
            ?? ChainOp(type: .createRecord, action: random.action(), signature: Signature(random.bytes64()))
    },
    Subject("Link") { $0.link() },
    Subject("LinkPage") { LinkPage(links: [$0.link(), $0.link()], next: $0.bytes(0...9)) },
    Subject("CapGrant") { $0.grant() },
    Subject("Value") { $0.value() },
    Subject("ValidateOutcome") { random in
        random.chance(3)
            ? ValidateOutcome.valid : random.chance(2) ? .invalid(random.text()) : .unresolved([random.dht()])
    },
    Subject("Invocation") { Invocation(caller: $0.chance(2) ? nil : $0.hash(), payload: $0.value().packed) },
    Subject("ModuleError") { ModuleError(code: $0.text(), message: $0.text()) },
    Subject("ModuleDescription") { random in
        ModuleDescription(
            abi: 1, hdk: "1", zome: random.text(), kind: .coordinator, functions: ["a", "b"], callbacks: ["init"],
            validates: ["note"], validatesLinks: [], validatesActivity: random.chance(2))
    },
    Subject("GetLinksRequest") { random in
        GetLinksRequest(
            base: random.linkable(), types: random.chance(2) ? nil : ["a"], tagPrefix: random.chance(2) ? nil : [1],
            after: Timestamp(microseconds: 5), author: random.hash(), cursor: [9], limit: 3)
    },
    Subject("ChainQuery") { random in
        ChainQuery(
            range: SequenceRange(from: 1), entryTypes: ["note"], entryHashes: [random.hash()], includeEntries: true)
    },
    Subject("SendRequest") { SendRequest(to: $0.hash(), payload: $0.value().packed, timeoutMilliseconds: 5_000) },
    Subject("CallRequest") {
        CallRequest(
            to: $0.hash(), zome: "z", function: "f", payload: $0.value().packed, secret: CapSecret($0.bytes64()),
            timeoutMilliseconds: 1)
    },
    Subject("GrantRequest") {
        GrantRequest(tag: $0.text(), access: .assigned, assignees: [$0.hash()], functions: .all)
    },
    Subject("DnaInfo") { random in
        DnaInfo(
            name: "n", hash: random.hash(), networkSeed: random.text(), properties: random.value().packed, zomes: ["z"],
            entryTypes: ["e"], linkTypes: [])
    },
    Subject("AgentInfo") { random in
        AgentInfo(
            agent: random.hash(),
            chainHead: ChainHead(hash: random.hash(), seq: 4, timestamp: Timestamp(microseconds: -1)))
    },
    Subject("DnaDefinition") { Samples.dna(properties: $0.value(depth: 2)) },
]

@Suite("round trips and hostile bytes")
struct RoundTripTests {
    @Test("what is packed is read back, and packs to the same bytes", arguments: subjects.indices)
    func roundTrip(_ index: Int) {
        let subject = subjects[index]
        var random = Seeded("round trip of \(subject.name)")
        for _ in 0..<200 {
            let bytes = subject.sample(&random)
            #expect(subject.read(bytes) == bytes, "\(subject.name), seed \(random.seed)")
        }
    }

    @Test("changed bytes are refused, or read as a value whose canonical bytes are stable", arguments: subjects.indices)
    func fuzz(_ index: Int) {
        let subject = subjects[index]
        let rounds = Fuzz(subject.name, rounds: 800)
        var random = Seeded(rounds.seed)
        for _ in rounds {
            let bytes = mutated(subject.sample(&random), &random)
            guard let canonical = subject.read(bytes) else { continue }
            #expect(subject.read(canonical) == canonical, "\(subject.name), seed \(random.seed)")
        }
    }

    @Test("every cut of a value is refused", arguments: subjects.indices)
    func truncations(_ index: Int) {
        let subject = subjects[index]
        var random = Seeded("cuts of \(subject.name)")
        let bytes = subject.sample(&random)
        for count in 0..<bytes.count {
            #expect(subject.read(Array(bytes.prefix(count))) == nil, "\(subject.name), seed \(random.seed)")
        }
        #expect(subject.read(bytes + [0xC0]) == nil)
    }

    @Test("random bytes harm no decoder")
    func fuzzWithNoise() {
        let rounds = Fuzz("noise", rounds: 4_000)
        var random = Seeded(rounds.seed)
        var read = 0
        for _ in rounds {
            let bytes = random.bytes(0...60)
            for subject in subjects where subject.read(bytes) != nil { read += 1 }
            _ = try? JSONText.json(fromMessagePack: bytes)
            _ = try? JSONText.messagePack(fromJSON: bytes)
            _ = try? MessagePackDecoder().decode([String: [Int?]].self, from: bytes)
        }
        #expect(read > 0, "some noise is a value, seed \(random.seed)")
    }

    @Test("values survive JSON where JSON can say them")
    func throughJSON() throws {
        var random = Seeded("through JSON")
        for _ in 0..<500 {
            let value = random.value()
            guard let json = try? JSONText.json(fromMessagePack: value.packed) else { continue }
            let parsed = try JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed)
            #expect(parsed is NSNull || JSONSerialization.isValidJSONObject([parsed]), "seed \(random.seed)")
            let back = try JSONText.messagePack(fromJSON: json)
            #expect(try JSONText.json(fromMessagePack: back) == json, "seed \(random.seed)")
        }
    }

    private func mutated(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = random.index()
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.remove(at: at)
            case 3:
                bytes.insert(
                    [0xC0, 0xDF, 0xDD, 0xDB, 0xC6, 0xFF, 0x8F, 0x91].randomElement(using: &random) ?? 0, at: at)
            default: bytes.removeSubrange(at...)
            }
        }
        return bytes
    }
}
