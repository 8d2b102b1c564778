import Integrity
import Sodium
import Testing

@testable import Gossip

extension OpKey {
    /// As in the vectors: the location, most significant byte first, and the hash.
    init(vector bytes: ArraySlice<UInt8>) throws {
        let core: Bytes32? = Bytes32(bytes.dropFirst(4))
        self.init(location: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }, core: Word256(try #require(core)))
    }

    var vector: [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: location >> $0) } + core.bytes.array
    }

    static func all(_ bytes: [UInt8]) throws -> [OpKey] {
        try stride(from: 0, to: bytes.count, by: 36).map { try OpKey(vector: bytes[$0..<$0 + 36]) }
    }
}

extension OpIndex {
    func keys(of gifts: [ReconcileGift]) -> [OpKey] {
        gifts.flatMap { gift in
            switch gift {
            case .ops(let keys): keys
            case .range(let range, let except): keys(in: range).filter { !Set(except).contains($0) }
            }
        }
    }
}

/// Tests/Interop/gossip.py is made from docs/spec/gossip.md alone; what it computed is in Tests/Interop/Vectors.
@Suite("reconciliation has the bytes of a program in Python")
struct RoundVectorTests {
    @Test("short ids and fingerprints")
    func salted() throws {
        for line in try Vector.file("gossip", "short") {
            let salt = try RoundSalt(try line.bytes("salt"), idBytes: 6)
            let id = try line.bytes("id").reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(salt.id(of: Word256(try line.bytes32("hash"))) == id)
        }
        for line in try Vector.file("gossip", "fingerprint") {
            let salt = try RoundSalt(try line.bytes("salt"), idBytes: 6)
            let index = OpIndex(try OpKey.all(try line.bytes("ops")))
            let value = try line.bytes("fingerprint").reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(salt.fingerprint(index.tally(in: OpRange(0...UInt32.max))) == value)
        }
    }

    @Test("messages that can be read, and those that cannot", arguments: try Vector.file("gossip", "message"))
    func message(_ line: Vector) throws {
        let bytes = try line.bytes("bytes")
        if line.isFine {
            #expect(try ReconcileMessage(packed: bytes).packed == bytes)
        } else {
            #expect(throws: PlasmidError.self) { try ReconcileMessage(packed: bytes) }
        }
    }

    /// What ends a round and is held against the peer.
    private static let faults: Set<PlasmidError.Code> = [
        .malformedMessagePack, .syncMalformed, .syncOutOfTurn, .syncStalled, .syncLied, .syncTooMuch,
        .syncNothingShared,
    ]

    private func check(_ line: Vector, _ step: Result<ReconcileStep, any Error>) throws {
        switch (step, try line.word("verdict")) {
        case (.success(let step), "yes"):
            if line.has("answer") { #expect(step.reply?.packed == (try line.bytes("answer"))) }
        case (.failure(let error as PlasmidError), "closed"): #expect(error.code == .syncRefused)
        case (.failure(let error as PlasmidError), "no"): #expect(Self.faults.contains(error.code), "\(error)")
        default: Issue.record("\(line.why): \(step)")
        }
    }

    @Test("a round that one joined, kept and broken by the other side", arguments: try Vector.file("gossip", "fault"))
    func joined(_ line: Vector) throws {
        let index = OpIndex(try OpKey.all(try line.bytes("held")))
        let first = Result {
            try ReconcileRound.join(
                index, arcs: .full, message: try ReconcileMessage(packed: try line.bytes("say0")))
        }
        guard line.has("say1") else { return try check(line, first.map(\.step)) }
        var round = try first.get().round
        try check(line, Result { try round.receive(try ReconcileMessage(packed: try line.bytes("say1"))) })
    }

    @Test("a round that one began, kept and broken by the other side", arguments: try Vector.file("gossip", "opener"))
    func began(_ line: Vector) throws {
        let index = OpIndex(try OpKey.all(try line.bytes("held")))
        var (round, message) = try ReconcileRound.begin(
            index, arcs: .full, peerArcs: .full, salt: try line.bytes("salt"))
        guard case .open(_, _, _, let asks, _) = message else {
            Issue.record("\(message)")
            return
        }
        #expect(asks == [.fingerprint(try line.bytes("print").reduce(0) { $0 << 8 | UInt64($1) })])
        try check(line, Result { try round.receive(try ReconcileMessage(packed: try line.bytes("then"))) })
    }

    private static func index(_ line: Vector, _ name: String) throws -> OpIndex {
        let (seed, ranges) = (try line.bytes("seed"), try line.word(name))
        guard ranges != "none" else { return OpIndex() }
        let numbers = try ranges.split(separator: ",").flatMap { range in
            let ends = try range.split(separator: "-").map { try #require(UInt32($0)) }
            return Array(ends[0]..<ends[1])
        }
        return OpIndex(
            try numbers.map { number in
                let core = Blake2b.hash256(seed + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) })
                return try OpKey(vector: core.array[28...] + core.array)
            })
    }

    @Test("whole rounds, message for message", arguments: try Vector.file("gossip", "transcript"))
    func transcript(_ line: Vector) throws {
        let names = ["left", "right"]
        let held = try names.map { try Self.index(line, $0) }
        let aside = try names.map { try Self.index(line, $0 + "_aside") }
        let arcs = try names.map { try ArcSet(packed: try line.bytes($0 + "_arcs")) }
        var rounds: [ReconcileRound?] = [nil, nil]
        var sent: [[OpKey]] = [[], []]
        let (begun, first) = try ReconcileRound.begin(
            held[0], aside: aside[0], arcs: arcs[0], peerArcs: try ArcSet(packed: try line.bytes("believed")),
            salt: try line.bytes("salt"))
        rounds[0] = begun
        var (turn, message) = (0, Optional(first))
        while let written = message {
            let bytes = written.packed
            let said = try ReconcileMessage(packed: bytes)
            #expect(
                try line.bytes("m\(turn)") == (bytes.count <= 700 ? bytes : Blake2b.hash256(bytes).array), "\(turn)")
            let side = 1 - turn % 2
            let step: ReconcileStep
            if var round = rounds[side] {
                step = try round.receive(said)
                rounds[side] = round
            } else {
                let joined = try ReconcileRound.join(held[side], aside: aside[side], arcs: arcs[side], message: said)
                (rounds[side], step) = (joined.round, joined.step)
            }
            sent[side] += held[side].keys(of: step.gifts)
            (message, turn) = (step.reply, turn + 1)
        }
        #expect(!line.has("m\(turn)") && rounds.allSatisfy { $0?.isFinished == true })
        for (name, keys) in zip(names, sent) {
            #expect(keys.count == (try line.number(name + "_sends")))
            #expect(Blake2b.hash256(keys.sorted().flatMap(\.vector)) == (try line.bytes32(name + "_sent")))
        }
    }
}
