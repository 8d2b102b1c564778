import Gossip
import Integrity
import Sodium
import Testing

/// Tests/Interop/space.py is made from docs/spec/space.md alone; what it computed is in Tests/Interop/Vectors.
@Suite("the bytes of a space are those of a program in Python")
struct SpaceVectorTests {
    private func secret(_ seed: [UInt8]) throws -> SecretKey {
        var seed = seed
        let made = SecretKey(seed: SecretBytes(moving: &seed))
        guard let made else { throw PlasmidError(.badInput, "not a seed") }
        return made
    }

    @Test("keys and hints")
    func keys() throws {
        for line in try Vector.file("space", "keys") {
            let keys = SpaceKeys(dna: try line.dna())
            #expect(keys.hint == (try line.bytes32("hint")))
            #expect(keys.member == (try line.bytes32("member")))
            #expect(keys.agent == (try line.bytes32("agent")))
            #expect(keys.rendezvous == (try line.bytes32("rendezvous")))
        }
        for line in try Vector.file("space", "hint") {
            let keys = SpaceKeys(dna: try line.dna())
            var (ephemeral, hint) = (try line.bytes("ephemeral"), try line.bytes("hint"))
            #expect(keys.hint(ephemeral: ephemeral) == hint)
            #expect(keys.accepts(hint: hint, ephemeral: ephemeral))
            ephemeral[31] ^= 1
            #expect(!keys.accepts(hint: hint, ephemeral: ephemeral))
            hint.append(0)
            #expect(!keys.accepts(hint: hint, ephemeral: try line.bytes("ephemeral")))
        }
    }

    @Test("membership, both ways")
    func membership() throws {
        for line in try Vector.file("space", "member") {
            let (keys, hash) = (SpaceKeys(dna: try line.dna()), try line.bytes("handshake"))
            let (noise, offer) = (try line.bytes("noise"), try line.bytes("offer"))
            let place: Int = try line.number("place")
            #expect(Membership.offer(keys, handshakeHash: hash, place: place) { Array(noise.prefix($0)) } == offer)
            let (answer, isMember) = Membership.answer(keys, offer: offer, handshakeHash: hash) {
                Array(noise.prefix($0))
            }
            #expect(isMember)
            #expect(answer == (try line.bytes("answer")))
            #expect(Membership.isTrue(answer, keys, handshakeHash: hash, place: place))
            #expect(!Membership.isTrue(answer, keys, handshakeHash: hash, place: place + 1))
            // The two roles have proofs of their own, and so has every connection.
            #expect(!Membership.isTrue(offer, keys, handshakeHash: hash, place: place))
            let mirrored = Membership.answer(keys, offer: answer, handshakeHash: hash) { Array(noise.prefix($0)) }
            #expect(!mirrored.isMember && mirrored.message == noise)
            let later = Membership.answer(keys, offer: offer, handshakeHash: noise) { Array(noise.prefix($0)) }
            #expect(!later.isMember && later.message == noise)
        }
    }

    @Test("proofs of agents, as the prover and as the other side compute them")
    func proofs() throws {
        for line in try Vector.file("space", "prove") {
            let role = try #require(LinkRole(rawValue: try line.word("role")))
            let prover = try secret(try line.bytes("agent_seed"))
            let other = try secret(try line.bytes("other_seed"))
            let (agentKey, otherKey) = (prover.publicKey, other.publicKey)
            func statement(_ role: LinkRole) throws -> [UInt8] {
                AgentProof.statement(
                    agent: AgentPubKey(core: agentKey), role: role, peer: otherKey,
                    keys: SpaceKeys(dna: try line.dna()),
                    handshakeHash: try line.bytes("handshake"))
            }
            let (said, wrong) = (try statement(role), try statement(role.other))
            guard let mine = prover.agree(with: otherKey), let theirs = other.agree(with: agentKey) else {
                Issue.record("no secret in common")
                continue
            }
            let (made, checked) = (
                AgentProof.mac(secret: mine, statement: said), AgentProof.mac(secret: theirs, statement: said)
            )
            let reflected = AgentProof.mac(secret: mine, statement: wrong)
            let mac = try line.bytes32("mac")
            #expect(made == mac && checked == mac && reflected != mac)
        }
    }

    @Test(
        "records of agents: what is signed, what is taken and what is refused",
        arguments: try Vector.file("space", "record"))
    func record(_ line: Vector) throws {
        let (bytes, dna) = (try line.bytes("record"), try line.dna())
        let now = Timestamp(microseconds: try line.number("now"))
        let read = Result { try AgentRecord(packed: bytes) }
        guard line.isFine else {
            if case .success(let record) = read {
                #expect(record.fault(dna: dna, now: now)?.code == .agentRecordRefused)
            }
            return
        }
        let record = try read.get()
        #expect(record.fault(dna: dna, now: now) == nil)
        #expect(record.packed == bytes)
        #expect(AgentRecord.message(record.infoBytes, dna: dna) == (try line.bytes("message")))
        // What Plasmid would have written itself; arcs of nothing begin at 0 there.
        guard !["field-more", "other-order", "more-to-4096", "empty-arc"].contains(line.why) else { return }
        #expect(AgentRecord(info: record.info, signature: record.signature).packed == bytes)
    }

    @Test("frames, and where a stream of them ends")
    func frames() throws {
        func read(_ bytes: [UInt8]) throws -> [Frame] {
            var (reader, frames) = (FrameReader(), [Frame]())
            try bytes.withUnsafeBytes { raw in try reader.read(raw) { frames.append($0) } }
            return frames
        }
        for line in try Vector.file("space", "frame") {
            let kind = try #require(FrameKind(rawValue: try line.number("kind")))
            let frame = Frame(kind, id: try line.number("id"), body: try line.bytes("body"))
            let bytes = try line.bytes("bytes")
            #expect(frame.header + frame.body == bytes)
            #expect(try read(bytes) == [frame])
        }
        for line in try Vector.file("space", "stream") {
            // A length that is refused is so once the header is there.
            let bytes = try line.bytes("bytes") + (line.isFine ? [] : [64, 0, 0, 0, 1])
            let frames = Result { try read(bytes) }
            #expect(((try? frames.get())?.count == 1) == line.isFine, "\(line.why)")
            if case .failure(let error) = frames { #expect((error as? PlasmidError)?.code == .badFrame) }
        }
    }

    /// Reads a frame's body and writes it again.
    private func again(_ kind: FrameKind, _ bytes: [UInt8]) throws -> [UInt8] {
        switch kind {
        case .agents: try [AgentRecord](packed: bytes).packed
        case .prove: try ProofBody(packed: bytes).packed
        case .message: try MessageBody(packed: bytes).packed
        case .call: try CallBody(packed: bytes).packed
        case .signal: try SignalBody(packed: bytes).packed
        case .receipts: try [SignedReceipt](packed: bytes).packed
        case .get: try GetBody(packed: bytes).packed
        case .query: try QueryBody(packed: bytes).packed
        case .ops: try OpsBody(packed: bytes).packed
        case .round: try RoundBody(packed: bytes).packed
        case .wanted: try WantedBody(packed: bytes).packed
        case .refusal: try RefusalBody(packed: bytes).packed
        case .answer: bytes
        }
    }

    @Test("bodies of frames", arguments: try Vector.file("space", "body"))
    func body(_ line: Vector) throws {
        let kind = try #require(FrameKind(rawValue: try line.number("kind")))
        let bytes = try line.bytes("bytes")
        if line.isFine {
            #expect(try again(kind, bytes) == bytes)
            #expect(throws: PlasmidError.self) { try again(kind, bytes + [0xc0]) }
            #expect(throws: PlasmidError.self) { try again(kind, bytes.dropLast()) }
        } else {
            #expect(throws: PlasmidError.self) { try again(kind, bytes) }
        }
    }

    @Test("the codes of op types in queries")
    func types() throws {
        let lines = try Vector.file("space", "optype")
        #expect(lines.count == ChainOpType.allCases.count)
        for line in lines {
            let type = try #require(ChainOpType(rawValue: try line.number("code")))
            #expect("\(type.name)" == (try line.word("name")))
        }
    }

    @Test("refusals: codes that are no words, sentences that are too long")
    func refusals() throws {
        for line in try Vector.file("space", "refusal") {
            let error = try RefusalBody(packed: try line.bytes("bytes")).error
            #expect(error.code.rawValue == (try line.word("code")))
            #expect(Array(error.message.utf8) == (try line.bytes("message")))
        }
    }
}
