import Gossip
import Integrity
import Sodium
import Testing

/// A decoder of what stands in frames, with bytes that it reads.
private struct Body {
    let name: String
    let sample: [UInt8]
    /// What was read, written again; nil where it was refused.
    let read: ([UInt8]) -> [UInt8]?

    init<Value: Packable>(_ value: Value) {
        name = "\(Value.self)"
        sample = value.packed
        read = { (try? Value(packed: $0))?.packed }
    }
}

@Suite("Fuzz: bodies of frames")
struct BodyFuzzTests {
    private static func bodies(_ random: inout Seeded) -> [Body] {
        let (one, two) = (agent(1, at: 5), agent(2, at: 6))
        let key = AgentPubKey(core: one.core)
        let hash = ActionHash(core: random.hash().core)
        let ops = [random.bytes(40), random.bytes(300), []]
        let presence = record(one).info
        var bodies = [
            Body(OpsBody(receiptsWanted: true, ops: ops)), Body(WantedBody(hashes: [random.hash(), random.hash()])),
            Body(GetBody(hashes: [AnyDhtHash(hash), AnyDhtHash(EntryHash(core: random.hash().core))])),
            Body(QueryBody(base: AnyLinkableHash(hash), types: [1, 5, 9], skip: 300)),
            Body(QueryAnswer(ops: ops, hasMore: true)), Body(ProofBody(agent: key, mac: random.hash().core)),
            Body(MessageBody(from: one, to: two, zome: "notes", payload: random.bytes(70))),
            Body(SignalBody(from: one, to: two, zome: "notes", name: "n", payload: [0xc0])),
            Body(
                CallBody(
                    from: one, to: two, zome: "notes", function: "f", payload: [0xc0],
                    secret: CapSecret(Bytes64(random.bytes(64)) ?? Bytes64()), certificates: [])),
            Body(RefusalBody(PlasmidError(.overloaded, "too much at a time"))), Body(presence),
            Body([record(one), record(two, tombstone: true)]),
            Body(SignedReceiptList(receipts: [Self.receipt(&random), Self.receipt(&random)])),
        ]
        for message in (try? ReconcileFuzzTests.samples(&random)) ?? [] {
            bodies.append(Body(RoundBody(round: 7, message: message)))
            bodies.append(Body(Optional(message)))
        }
        return bodies
    }

    private static func receipt(_ random: inout Seeded) -> SignedReceipt {
        SignedReceipt(
            receipt: ValidationReceipt(
                op: random.hash(), status: .valid, validator: agent(3, at: 1), whenIntegrated: seconds(3)),
            signature: Signature(Bytes64()))
    }

    @Test("altered bytes are refused, or are a value that is written as it was read")
    func fuzz() throws {
        let rounds = Fuzz("bodies of frames", rounds: 8_000)
        var random = Seeded(rounds.seed)
        let bodies = Self.bodies(&random)
        #expect(Set(bodies.map(\.name)).count > 13)
        for body in bodies { #expect(body.read(body.sample) == body.sample, "\(body.name)") }
        for round in rounds {
            let body = bodies[round % bodies.count]
            let other = bodies[Int.random(in: 0..<bodies.count, using: &random)].sample
            let bytes = random.altered(body.sample, with: other)
            guard let once = body.read(bytes) else { continue }
            #expect(body.read(once) == once, "\(body.name), seed \(rounds.seed), round \(round)")
            // Nothing that is read is larger than what came, but for words that are cut or mended.
            #expect(once.count <= bytes.count + 1_024, "\(body.name), seed \(rounds.seed), round \(round)")
        }
    }

    @Test("frames altered on their way, cut anywhere: whole frames or an error, and what is kept is what came")
    func fuzzFrames() {
        let rounds = Fuzz("frames between members", rounds: 3_000)
        var random = Seeded(rounds.seed)
        let bodies = Self.bodies(&random)
        let kinds: [FrameKind] = [.agents, .prove, .message, .ops, .round, .wanted, .get, .query, .answer, .refusal]
        for round in rounds {
            var bytes: [UInt8] = []
            for _ in 0..<3 {
                let body = bodies[Int.random(in: 0..<bodies.count, using: &random)].sample
                let frame = Frame(kinds[Int.random(in: 0..<kinds.count, using: &random)], id: 1, body: body)
                bytes += frame.header + frame.body
            }
            bytes = random.altered(bytes, with: random.bytes(9))
            var reader = FrameReader()
            var came = 0
            var rest = bytes[...]
            var isOver = false
            while !rest.isEmpty, !isOver {
                let piece = Array(rest.prefix(Int.random(in: 1...400, using: &random)))
                rest = rest.dropFirst(piece.count)
                do {
                    try piece.withUnsafeBytes { raw in
                        try reader.read(raw) { frame in
                            came += Frame.headerBytes + frame.body.count
                            for body in bodies.prefix(13) { _ = body.read(frame.body) }
                        }
                    }
                } catch { isOver = true }
                #expect(came + reader.heldBytes <= bytes.count, "seed \(rounds.seed), round \(round)")
            }
        }
    }

    @Test("records of agents, altered: refused by form, time or signature, and never believed")
    func fuzzRecords() {
        let rounds = Fuzz("records of agents", rounds: 1_500)
        var random = Seeded(rounds.seed)
        let dna = DnaHash(hashing: [1])
        guard let key = SecretKey(seed: SecretBytes.random(count: 32)) else {
            Issue.record("no key")
            return
        }
        let info = record(AgentPubKey(core: key.publicKey)).info
        let message = AgentRecord.message(info.packed, dna: dna)
        let good = AgentRecord(info: info, signature: Signature(key.sign(message)))
        #expect(good.fault(dna: dna, now: seconds(5)) == nil)
        #expect(good.fault(dna: DnaHash(hashing: [2]), now: seconds(5)) != nil)
        for round in rounds {
            let bytes = random.altered(good.packed, with: random.bytes(40))
            guard bytes != good.packed, let read = try? AgentRecord(packed: bytes), read != good else { continue }
            #expect(read.fault(dna: dna, now: seconds(5)) != nil, "seed \(rounds.seed), round \(round)")
        }
    }
}

/// An array of receipts as it stands in a frame.
private struct SignedReceiptList: Packable {
    var receipts: [SignedReceipt]

    init(receipts: [SignedReceipt]) { self.receipts = receipts }
    func pack(into w: inout MessagePackWriter) { w.write(receipts) }
    init(from r: inout MessagePackReader) throws(PlasmidError) { receipts = try r.readArray() }
}

extension Seeded {
    /// `bytes` with a few things done to them, or noise, or a piece of `other` put in.
    mutating func altered(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0...3, using: &self) {
            let place = Int.random(in: 0...bytes.count, using: &self)
            switch Int.random(in: 0..<8, using: &self) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...9, using: &self)))
            case 3: bytes.insert(contentsOf: self.bytes(Int.random(in: 1...6, using: &self)), at: place)
            case 4: bytes.insert(contentsOf: [0xdd, 0xff, 0xff, 0xff, 0xff], at: place)
            case 5: bytes.insert(contentsOf: other.prefix(Int.random(in: 0...60, using: &self)), at: place)
            case 6 where Int.random(in: 0..<6, using: &self) == 0: bytes = self.bytes(bytes.count % 200)
            default: bytes = Array(bytes.prefix(place))
            }
        }
        return bytes
    }
}
