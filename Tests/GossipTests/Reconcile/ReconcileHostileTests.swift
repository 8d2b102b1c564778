import Gossip
import Integrity
import Sodium
import Testing

/// A peer that keeps to the bytes and not to the rules.
@Suite("A hostile peer in a round")
struct ReconcileHostileTests {
    static let salt = [UInt8](repeating: 7, count: 16)

    /// A round that this side began over `index`, with the asks that it opened.
    func begun(_ index: OpIndex) throws -> (ReconcileRound, [ReconcileAsk]) {
        let (round, message) = try ReconcileRound.begin(index, arcs: .full, peerArcs: .full, salt: Self.salt)
        guard case .open(_, _, _, let asks, _) = message else {
            throw PlasmidError(.syncMalformed, "the first message opens nothing")
        }
        return (round, asks)
    }

    func turn(_ settled: Int, _ replies: [(Int, ReconcileReply)]) -> ReconcileMessage {
        .turn(settled: settled, replies: replies.map { ReconcileItem(offset: $0.0, reply: $0.1) }, idBytes: 6)
    }

    func code(_ round: ReconcileRound, _ message: ReconcileMessage) -> PlasmidError.Code? {
        var round = round
        do {
            _ = try round.receive(message)
            return nil
        } catch {
            #expect(round.isFinished)
            return error.code
        }
    }

    @Test("a range that is said to differ and does not ends the round")
    func lyingFingerprint() throws {
        var random = Seeded(1)
        let index = OpIndex(random.keys(1_000))
        let (round, asks) = try begun(index)
        #expect(code(round, turn(1, [(0, .split(cuts: [], asks: asks))])) == .syncLied)
        let ids = try ReconcileRound.begin(
            OpIndex(index.keys(in: OpRange(0...UInt32.max), limit: 40)), arcs: .full, peerArcs: .full, salt: Self.salt)
        guard case .open(_, _, _, let same, _) = ids.message else { return }
        let (small, _) = try begun(OpIndex(index.keys(in: OpRange(0...UInt32.max), limit: 40)))
        // Ids are answered by ops, not by questions.
        #expect(code(small, turn(1, [(0, .split(cuts: [], asks: same))])) == .syncOutOfTurn)
    }

    @Test("fingerprints that always differ end: each turn narrows what is open, until ids tell the truth")
    func alwaysDiffers() throws {
        var random = Seeded(2)
        let index = OpIndex(random.keys(20_000))
        var (round, _) = try begun(index)
        var open = 1
        var turns = 0
        var most = 0
        while turns < 1_000 {
            // "It differs", with one false fingerprint for the whole of each range; ids are said to hold no difference.
            let lies = (0..<open).map { ($0, ReconcileReply.split(cuts: [], asks: [.fingerprint(random.next())])) }
            let step: ReconcileStep
            do { step = try round.receive(turn(open, lies)) } catch {
                // By then it answers ids with a fingerprint.
                #expect(error.code == .syncOutOfTurn)
                break
            }
            guard case .turn(_, let replies, _)? = step.reply else { break }
            open = replies.reduce(0) { sum, item in
                if case .split(_, let asks) = item.reply { sum + asks.count } else { sum }
            }
            most = max(most, round.byteCount)
            turns += 1
        }
        #expect(turns < 12, "\(turns) turns")
        #expect(most < 4 * GossipLimits.reconcileMessage, "\(most) bytes")
    }

    @Test("settling nothing, or little at a time, is a fault; so is a reply that nothing asked for")
    func stalling() throws {
        var random = Seeded(3)
        let index = OpIndex(random.keys(3_000))
        let (round, _) = try begun(index)
        #expect(code(round, turn(0, [])) == .syncStalled)
        #expect(code(round, turn(2, [])) == .syncStalled)
        #expect(code(round, turn(1, [(1, .answer(wanted: [], giving: 1))])) == .syncOutOfTurn)
        #expect(code(round, turn(1, [(0, .answer(wanted: [], giving: 1))])) == .syncOutOfTurn)
        #expect(code(round, .close(.busy, reason: "later")) == .syncRefused)
        var other = round
        let step = try other.receive(turn(1, [(0, .split(cuts: [], asks: [.fingerprint(1)]))]))
        guard case .turn(_, let replies, _)? = step.reply, case .split(_, let asks)? = replies.first?.reply else {
            Issue.record("no pieces were asked about")
            return
        }
        #expect(asks.count > 8)
        #expect(code(other, turn(asks.count - 1, [])) == .syncStalled)
        #expect(code(other, turn(asks.count, [])) == nil)
        var finished = other
        _ = try finished.receive(turn(asks.count, []))
        #expect(code(finished, turn(0, [])) == .syncOutOfTurn)
    }

    @Test("cuts outside of the range that was asked about, and ids that were never told, are faults")
    func outside() throws {
        var random = Seeded(4)
        let index = OpIndex(random.keys(2_000))
        let (round, message) = try ReconcileRound.begin(
            index, arcs: ArcSet([Arc(start: 1_000, length: 1 << 31)]), peerArcs: .full, salt: Self.salt)
        guard case .open = message else { return }
        for location in [0, 999, 1_000, 0x8000_0000 + 1_000, .max] as [UInt32] {
            let cut = OpKey(location: location, hash: DhtOpHash(core: Bytes32(), location: 0))
            let asks = [ReconcileAsk.fingerprint(1), .fingerprint(2)]
            #expect(code(round, turn(1, [(0, .split(cuts: [cut], asks: asks))])) == .syncMalformed)
        }
        let (small, _) = try begun(OpIndex(random.keys(10)))
        #expect(code(small, turn(1, [(0, .answer(wanted: [12], giving: 0))])) == .syncLied)
    }

    @Test("a second opening, another salt, or ids of another size are refused")
    func reopening() throws {
        var random = Seeded(5)
        let index = OpIndex(random.keys(100))
        let (round, asks) = try begun(index)
        func open(_ salt: [UInt8], _ arcs: ArcSet, idBytes: Int = 6) -> ReconcileMessage {
            .open(salt: salt, arcs: arcs, peerArcs: .full, asks: asks, idBytes: idBytes)
        }
        let half = ArcSet([Arc(start: 0, length: 1 << 31)])
        #expect(code(round, open(Self.salt, .full)) == .syncOutOfTurn)
        #expect(code(round, open(random.bytes(16), half)) == .syncOutOfTurn)
        #expect(code(round, open(Self.salt, half, idBytes: 1)) == .syncOutOfTurn)
        #expect(code(round, open(Self.salt, .empty)) == .syncNothingShared)
        var twice = round
        _ = try twice.receive(open(Self.salt, half))
        #expect(code(twice, open(Self.salt, ArcSet([Arc(start: 0, length: 9)]))) == .syncOutOfTurn)
        #expect(throws: PlasmidError.self) {
            _ = try ReconcileRound.join(index, arcs: .full, message: self.turn(1, []))
        }
        #expect(throws: PlasmidError.self) {
            let message = ReconcileMessage.open(
                salt: Self.salt, arcs: .full, peerArcs: .full, asks: asks + asks, idBytes: 6)
            _ = try ReconcileRound.join(index, arcs: .full, message: message)
        }
    }

    @Test("more open questions than a round may have end it")
    func tooMany() throws {
        var random = Seeded(6)
        let index = OpIndex(random.keys(40_000))
        var (round, _) = try begun(index)
        var step = try round.receive(turn(1, [(0, .split(cuts: [], asks: [.fingerprint(1)]))]))
        guard case .turn(_, let replies, _)? = step.reply, case .split(let cuts, let asks)? = replies.first?.reply
        else {
            return
        }
        // Every piece comes back in as many pieces as the form allows, all false.
        var lower: [UInt32] = [0]
        lower.append(contentsOf: cuts.map(\.location))
        var items: [(Int, ReconcileReply)] = []
        for offset in 0..<min(20, asks.count) {
            let piece = asks.count - 1 - offset
            let cuts = (1..<4_000).map {
                OpKey(location: lower[piece] + UInt32($0), hash: DhtOpHash(core: Bytes32(), location: 0))
            }
            items.append((offset, .split(cuts: cuts, asks: (0..<4_000).map { .fingerprint(UInt64($0)) })))
        }
        do {
            step = try round.receive(turn(asks.count, items))
            Issue.record("80,000 questions were taken")
        } catch { #expect(error.code == .syncTooMuch) }
    }

    @Test("the vectors of the spec: short ids and fingerprints")
    func vectors() throws {
        // SipHash-2-4 of bytes 0…31 under key 0…15, as libsodium's crypto_shorthash gives it: 0x7127512f72f27cce.
        let core = Bytes32((0..<32).map { UInt8($0) }) ?? Bytes32()
        let index = OpIndex([OpKey(location: 0, hash: DhtOpHash(core: core, location: 0))])
        let salt = (0..<16).map { UInt8($0) }
        let (_, message) = try ReconcileRound.begin(index, arcs: .full, peerArcs: .full, salt: salt)
        guard case .open(_, _, _, let asks, _) = message else { return }
        #expect(asks == [.ids(held: [0x512f_72f2_7cce], aside: [])])
        var many = index
        for location in 1...48 as ClosedRange<UInt32> {
            many.insert(OpKey(location: location, hash: DhtOpHash(core: Bytes32(), location: 0)))
        }
        let (_, second) = try ReconcileRound.begin(many, arcs: .full, peerArcs: .full, salt: salt)
        guard case .open(_, _, _, let print, _) = second else { return }
        let digest = Blake2b.keyed256(key: salt, core.array + [0, 0, 0, 0, 0, 0, 0, 49])
        let value = digest.array.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        #expect(print == [.fingerprint(value)])
    }
}
