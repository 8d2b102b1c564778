import Foundation
import Integrity
import Testing

@testable import Storage

/// A process commits and is killed; then everything it was told is durable must be there, and nothing half-written.
@Suite struct KillTests {
    private static let isSlow = ProcessInfo.processInfo.environment["PLASMID_SLOW"] == "1"
    /// Deaths at each sync point; with the ones at random and of the disk at least 500 in the slow suite.
    private static let rounds = isSlow ? 36 : 6

    @Test(
        "killed at a sync point: everything acknowledged is there, nothing half-written is visible",
        arguments: SyncPoint.allCases)
    func syncPoints(point: SyncPoint) throws {
        try cycles(Self.rounds, seed: 11) { round in (point.rawValue, nth(point, round)) }
    }

    @Test("power lost at a sync: unsynced sectors reach the disk in part and in any order")
    func powerLoss() throws {
        try cycles(Self.rounds * 3, seed: UInt64.random(in: 0...9999)) { round in ("power", 2 + round * 7 % 60) }
    }

    @Test("killed from outside, at any moment")
    func anyMoment() throws {
        try cycles(Self.rounds, seed: UInt64.random(in: 0...9999), killAfterLines: { round in 1 + round * 13 % 70 }) {
            _ in ("none", 0)
        }
    }

    /// Steps that are taken once or seldom are waited for less long.
    private func nth(_ point: SyncPoint, _ round: Int) -> Int {
        switch point {
        case .beforeSegmentRename, .beforeSpaceRename, .afterSpaceRename: 1 + round % 2
        case .beforeSegmentSwitch, .afterSegmentSwitch: 1 + round % 4
        default: 1 + round * 5 % 37
        }
    }

    private func cycles(
        _ count: Int, seed: UInt64, killAfterLines: ((Int) -> Int)? = nil, _ step: (Int) -> (String, Int)
    ) throws {
        var round = 0
        while round < count {
            try withFolder { folder in
                // A few deaths of one folder, then a new one: both first starts and late ones are killed.
                var acknowledged = Acknowledged()
                for _ in 0..<4 where round < count {
                    let (name, nth) = step(round)
                    let arguments = [folder, "80", name, "\(nth)", "\(seed + UInt64(round))"]
                    let output = try KilledProcess.run(arguments, killAfterLines: killAfterLines?(round))
                    acknowledged.read(output)
                    let faults = try Verifier(folder: folder).faults(acknowledged)
                    #expect(faults.isEmpty, "step \(name), time \(nth), seed \(seed), round \(round)")
                    round += 1
                }
            }
        }
    }
}

/// What the process said before it died.
struct Acknowledged {
    var seqs: [Int: Int] = [:]
    var told: [Int: Int] = [:]
    var setting = 0
    var errors: [String] = []

    mutating func read(_ output: String) {
        // The last line may have been cut by the death; it was not said then.
        for line in output.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            if words.count == 3, words[0] == "A", let space = Int(words[1]), let seq = Int(words[2]) {
                seqs[space] = max(seqs[space] ?? -1, seq)
            } else if words.count == 3, words[0] == "O", let space = Int(words[1]), let seq = Int(words[2]) {
                told[space] = max(told[space] ?? -1, seq)
            } else if words.count == 2, words[0] == "S", let value = Int(words[1]) {
                setting = max(setting, value)
            } else {
                errors.append(String(line))
            }
        }
    }
}

/// Opens what a killed process left and looks for everything it had said.
struct Verifier {
    let folder: String

    func faults(_ said: Acknowledged) throws -> [String] {
        var faults = said.errors
        var options = smallOptions()
        options.segmentBytes = 16 << 10
        try withDatabase(folder, options) { database, _ in
            let setting = try database.conductor.settings.get([1]).map { Int($0[0]) << 8 | Int($0[1]) } ?? 0
            if setting < said.setting { faults.append("setting \(setting), \(said.setting) was said") }
            for index in 0..<2 {
                let hash = DnaHash(hashing: [UInt8(index)])
                let made = try database.spaces().contains(hash)
                guard made else {
                    if said.seqs[index] != nil || said.told[index] != nil { faults.append("space \(index) is gone") }
                    continue
                }
                faults += try check(try database.space(hash), index, said.seqs[index] ?? -1)
                faults += try checkTold(try database.space(hash), index, said.told[index] ?? -1)
            }
        }
        return faults
    }

    /// Batches of ops: every acknowledged one is there, and each is there wholly or not at all.
    private func checkTold(_ space: Space, _ index: Int, _ said: Int) throws -> [String] {
        var faults: [String] = []
        let author = AgentPubKey(hashing: [UInt8(100 + index)])
        let chain = try space.chain(of: author)
        if chain.count <= said { faults.append("space \(index) was told up to \(chain.count - 1), \(said) was said") }
        if !chain.isEmpty, (chain.count - 1) % 3 != 0 { faults.append("half a batch: \(chain.count) actions") }
        for record in chain {
            let hash = record.signedAction.hash
            for type in ChainOpType.produced(by: record.signedAction.action)
            where try space.standing(of: hash, type) != .integrated {
                faults.append("no \(type) of \(record.signedAction.action.actionSeq)")
            }
            let missing = AnyDhtHash(ActionHash(hashing: hash.bytes))
            if try space.parked(waitingFor: missing, limit: 2).count != 1 { faults.append("nothing waits for \(hash)") }
        }
        if try space.parkedCount() != chain.count { faults.append("\(try space.parkedCount()) parked") }
        if try space.head(of: author).map({ Int($0.seq) }) ?? -1 != chain.count - 1 { faults.append("a gap") }
        return faults
    }

    private func check(_ space: Space, _ index: Int, _ said: Int) throws -> [String] {
        var faults: [String] = []
        let author = AgentPubKey(hashing: [UInt8(index)])
        let chain = try space.chain(of: author)
        if chain.count <= said { faults.append("space \(index) ends at \(chain.count - 1), \(said) was said") }
        // After the first action come commits of three.
        if !chain.isEmpty, (chain.count - 1) % 3 != 0 { faults.append("half a commit: \(chain.count) actions") }
        var previous: ActionHash?
        for (seq, record) in chain.enumerated() {
            let header = record.signedAction.action.header
            if header.actionSeq != UInt32(seq) || header.prevAction != previous { faults.append("gap at \(seq)") }
            if seq % 3 == 1, record.entry.entry == nil { faults.append("no entry at \(seq)") }
            if seq % 3 == 0, seq > 0, let hash = record.signedAction.action.entryHash,
                try space.sealedEntry(author: author, hash) != [1, 2, 3]
            {
                faults.append("no sealed entry at \(seq)")
            }
            previous = record.signedAction.hash
        }
        let links = try space.links(LinkRequest(base: AnyLinkableHash(author), limit: 100_000)).links
        if links.count != max(chain.count - 1, 0) / 3 { faults.append("\(links.count) links, \(chain.count) actions") }
        return faults
    }
}

/// The helper program beside the tests.
enum KilledProcess {
    static func run(_ arguments: [String], killAfterLines: Int?) throws -> String {
        let process = Process()
        process.executableURL = try helper()
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        try? pipe.fileHandleForWriting.close()
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipe.fileHandleForReading.fileDescriptor, &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer[..<count]
            if let killAfterLines, bytes.count(where: { $0 == 10 }) >= killAfterLines {
                kill(process.processIdentifier, SIGKILL)
            }
        }
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func helper() throws -> URL {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // The test runner lies beside what was built with it, or is the toolchain's and names the bundle it runs.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? runner
        for candidate in [bundle, runner] {
            let folder = URL(fileURLWithPath: candidate).resolvingSymlinksInPath().deletingLastPathComponent()
            let helper = folder.appendingPathComponent("storage-killer")
            if FileManager.default.isExecutableFile(atPath: helper.path) { return helper }
        }
        throw CocoaError(.fileNoSuchFile)
    }
}
