import Foundation
import Integrity
import Sodium
import Testing

@testable import Gossip

private let pythonPath = ["/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// A program in Python that answers line by line.
private final class Talk {
    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())
    private var held: [UInt8] = []

    init(_ script: String) throws {
        process.executableURL = URL(fileURLWithPath: try #require(pythonPath))
        process.arguments = [Vector.interop.appendingPathComponent(script).path]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
    }

    func say(_ words: [String]) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((words.joined(separator: " ") + "\n").utf8))
    }

    func line() throws -> [String] {
        while true {
            if let end = held.firstIndex(of: 10) {
                defer { held.removeFirst(end + 1) }
                return held[..<end].split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
            }
            let more = output.fileHandleForReading.availableData
            try #require(!more.isEmpty, "the program in Python ended")
            held += more
        }
    }

    func end() throws -> Int32 {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// Tests/Interop/gossip.py takes the other side, and cuts ranges in every way that the page allows.
@Suite("reconciliation with a program in Python")
struct RoundInteropTests {
    private struct Sides {
        var held: [[OpKey]]
        var aside: [[OpKey]]
        var arcs: [ArcSet]
        let believed: ArcSet
        let salt: [UInt8]
    }

    private static func sides(_ random: inout Seeded) -> Sides {
        func some(_ most: Int) -> [OpKey] { random.keys(Int.random(in: 0...most, using: &random)) }
        let crowd: UInt32? = Bool.random(using: &random) ? nil : 7
        let both = some([3, 40, 500].randomElement(using: &random) ?? 3) + random.keys(3, at: crowd)
        let (left, right) = (some(60) + random.keys(2, at: crowd), some(60) + random.keys(2, at: crowd))
        let (one, other) = (some(5), some(5))
        let choices: [ArcSet] = [
            .full, .full, ArcSet([Arc(start: 0, length: 1 << 31)]), ArcSet([Arc(start: 3 << 30, length: 3 << 30)]),
            ArcSet(covering: [0...9, 1 << 29...1 << 30, 3 << 30...UInt32.max]),
        ]
        let arcs = (0..<2).map { _ in choices.randomElement(using: &random) ?? .full }
        return Sides(
            held: [both + left + one, both + right + other],
            // Each knows some of what the other alone holds.
            aside: [Array(right.prefix(2)) + some(3), Array(left.prefix(1)) + some(60)], arcs: arcs,
            believed: Bool.random(using: &random) ? arcs[1] : .full, salt: random.bytes(16))
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "-" : bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// What the program says to a line: its message, if any, and the ops that it sends.
    private func told(_ talk: Talk, _ words: [String]) throws -> (message: ReconcileMessage?, sends: [OpKey]) {
        try talk.say(words)
        let line = try talk.line()
        try #require(line.first == "say" && line.count == 4, "\(line)")
        let message = line[1] == "-" ? nil : try ReconcileMessage(packed: Vector.unhex(line[1].utf8))
        return (message, line[2] == "-" ? [] : try OpKey.all(Vector.unhex(line[2].utf8)))
    }

    /// One round; side 0 begins, and the program in Python is side `theirs`. What each side sent.
    private func round(_ sides: Sides, theirs: Int, seed: UInt64, _ talk: Talk) throws -> [[OpKey]] {
        let mine = 1 - theirs
        let (index, aside) = (OpIndex(sides.held[mine]), OpIndex(sides.aside[mine]))
        try talk.say([
            "new", "\(seed)", hex(sides.held[theirs].flatMap(\.vector)), hex(sides.aside[theirs].flatMap(\.vector)),
            hex(sides.arcs[theirs].packed), hex(sides.believed.packed),
        ])
        var sent: [[OpKey]] = [[], []]
        var message: ReconcileMessage?
        var round: ReconcileRound?
        if mine == 0 {
            let begun = try ReconcileRound.begin(
                index, aside: aside, arcs: sides.arcs[0], peerArcs: sides.believed, salt: sides.salt)
            (round, message) = (begun.round, begun.message)
            (message, sent[1]) = try told(talk, ["take", hex(begun.message.packed)])
        } else {
            message = try told(talk, ["begin", hex(sides.salt)]).message
        }
        while let said = message {
            let step: ReconcileStep
            if var going = round {
                step = try going.receive(said)
                round = going
            } else {
                let joined = try ReconcileRound.join(index, aside: aside, arcs: sides.arcs[mine], message: said)
                (round, step) = (joined.round, joined.step)
            }
            sent[mine] += index.keys(of: step.gifts)
            guard let reply = step.reply else { break }
            let (next, sends) = try told(talk, ["take", hex(reply.packed)])
            (message, sent[theirs]) = (next, sent[theirs] + sends)
        }
        #expect(round?.isFinished == true, "seed \(seed)")
        return sent
    }

    @Test("each is sent what it lacks, and nothing else", .enabled(if: pythonPath != nil, "python3 is absent"))
    func rounds() throws {
        let talk = try Talk("gossip.py")
        var moved = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            var random = Seeded(seed)
            let sides = Self.sides(&random)
            let shared = sides.arcs[0].intersection(sides.arcs[1])
            guard !shared.isEmpty, !sides.arcs[0].intersection(sides.believed).isEmpty else { continue }
            let sent = try round(sides, theirs: Int(seed % 2), seed: seed, talk)
            for side in 0..<2 {
                let known = Set(sides.held[1 - side] + sides.aside[1 - side])
                let lacking = sides.held[side].filter { shared.contains($0.location) && !known.contains($0) }
                // What a side knows and does not hold may be left out of what it says, beyond 48 ops in a range.
                let unsaid = Set(sides.aside[1 - side].count > 48 ? sides.aside[1 - side] : [])
                #expect(Set(sent[side]).subtracting(unsaid) == Set(lacking), "seed \(seed), side \(side)")
                moved += lacking.count
            }
        }
        #expect(try talk.end() == 0)
        #expect(moved > 1_000)
    }

    @Test("the vectors are those that the program writes", .enabled(if: pythonPath != nil, "python3 is absent"))
    func vectors() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vectors-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(pythonPath))
        process.arguments = [Vector.interop.appendingPathComponent("vectors.py").path, folder.path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for name in ["space", "gossip", "receipts", "discovery"] {
            let kept = try Data(contentsOf: Vector.interop.appendingPathComponent("Vectors/\(name).txt"))
            #expect(try Data(contentsOf: folder.appendingPathComponent("\(name).txt")) == kept, "\(name)")
        }
    }
}
