import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("replay of a community")
struct ReplayTests {
    /// The folder of the test bundle: the program and the modules lie beside it.
    private static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let workload =
        (ProcessInfo.processInfo.environment["PLASMID_SHARED"] ?? root + "/../shared") + "/data/workload.jsonl"

    @Test("2,000 events through messenger survive a kill: every text, link, count and chain", .timeLimit(.minutes(5)))
    func replay() throws {
        let isThere = FileManager.default.fileExists(atPath: Self.workload)
        let report = try run(isThere ? [Self.workload, "--events", "2000"] : ["--generate", "2000", "--seed", "7"])
        #expect(report["ok"] == .bool(true), "\(report)")
        #expect(report["events"]?.number == 2_000)
        // A text and a list of answers for each event, a count and a chain for each author, and the tables' actions.
        let authors = report["authors"]?.number ?? 0
        #expect(authors > 1)
        #expect((report["checks"]?.number ?? 0) > 4_000 + 2 * authors)
    }

    @Test("events of every length and order, one at a time, are all there after the kill", .timeLimit(.minutes(5)))
    func generated() throws {
        let report = try run(["--generate", "300", "--seed", "11", "--in-flight", "1"])
        #expect(report["ok"] == .bool(true), "\(report)")
        #expect(report["events"]?.number == 300)
        #expect((report["links"]?.number ?? 0) > 200)
    }

    private func run(_ arguments: [String]) throws -> MessagePackValue {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.products + "/plasmid")
        process.arguments = ["bench", "replay"] + arguments + ["--json", "--apps", Self.root + "/dna"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try JSONLines.value(Array(told))
    }

    // MARK: The workload

    @Test("generated events are the same for the same seed, answer earlier ones only, and a few authors write most")
    func shape() throws {
        let seed: UInt64 = 3
        let workload = Workload(generate: 5_000, seed: seed)
        #expect(workload.arrivals == Workload(generate: 5_000, seed: seed).arrivals)
        #expect(workload.arrivals != Workload(generate: 5_000, seed: seed + 1).arrivals)
        for (index, arrival) in workload.arrivals.enumerated() {
            #expect(arrival.answers.allSatisfy { $0 < index } && Set(arrival.answers).count == arrival.answers.count)
        }
        #expect(workload.arrivals.dropFirst().allSatisfy { !$0.answers.isEmpty })
        let counts = Dictionary(grouping: workload.arrivals, by: \.author).mapValues(\.count).values.sorted(by: >)
        #expect(workload.authors == 83 && counts.prefix(8).reduce(0, +) > 2_000)
    }

    @Test("a text has its length in bytes, at least one and at most what messenger takes, and is the same again")
    func texts() {
        let texts = NoteTexts(seed: 5)
        for (index, bytes) in [0, 1, 2, 3, 4, 5, 17, 93, 3_999, 4_000, 4_001, 6_072].enumerated() {
            let text = texts.text(index, bytes: bytes)
            #expect(text.utf8.count == max(1, min(bytes, 4_000)))
            #expect(text == texts.text(index, bytes: bytes))
        }
        #expect(texts.text(1, bytes: 50) != texts.text(2, bytes: 50))
    }

    @Test("a file is read line by line; a line that is no event, or answers a later one, is named")
    func file() throws {
        let path = FileManager.default.temporaryDirectory.path + "/plasmid-\(UUID().uuidString).jsonl"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func read(_ text: String, limit: Int? = nil) throws -> Workload {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            return try Workload(file: path, limit: limit)
        }
        let good = #"{"t":0,"who":0,"bytes":32,"after":[]}"# + "\n" + #"{"t":9,"who":3,"bytes":1,"after":[0]}"# + "\n"
        let workload = try read(good)
        #expect(workload.arrivals.last == Arrival(time: 9, author: 3, bytes: 1, answers: [0]))
        #expect(workload.authors == 4 && workload.answers == 1)
        #expect(try read(good, limit: 1).arrivals.count == 1)
        let faulty = [
            "no json", "{}", #"{"t":0,"who":0,"bytes":1,"after":[2]}"#, #"{"t":0,"who":-1,"bytes":1,"after":[]}"#,
            #"{"t":0,"who":0,"bytes":1,"after":["a"]}"#, #"{"t":0,"who":0,"bytes":-1,"after":[]}"#,
        ]
        for line in faulty {
            let failure = #expect(throws: Failure.self) { try read(good + line) }
            #expect(failure?.error?.message.contains("line 3") == true)
        }
        #expect(throws: Failure.self) { try Workload(file: path + ".missing", limit: nil) }
    }

    // MARK: What counts as held

    @Test("a chain with a gap, a step back in time, a lost note or a missing link is told")
    func chains() {
        func record(_ seq: Int64, _ time: Int64, _ type: String, _ hash: String) -> MessagePackValue {
            .object([
                "seq": .int(seq), "timestamp": .int(time), "type": .string(type), "hash": .string(hash),
                "entry_type": type == "Create" ? .string("note") : .null,
            ])
        }
        func faults(_ records: [MessagePackValue], notes: [String], links: Int) -> [String] {
            var chain = ReplayChain(person: "p")
            for record in records { chain.take(record) }
            return chain.faults(notes: notes, links: links)
        }
        let good = [record(0, 1, "Dna", "d"), record(1, 2, "Create", "a"), record(2, 3, "CreateLink", "l")]
        #expect(faults(good, notes: ["a"], links: 1).isEmpty)
        #expect(faults(good, notes: ["a", "b"], links: 1).count == 2)
        #expect(faults(good, notes: ["a"], links: 2).count == 1)
        #expect(faults([good[0], record(2, 2, "Create", "a")], notes: ["a"], links: 0).count == 1)
        #expect(faults([good[0], record(1, 1, "Create", "a")], notes: ["a"], links: 0).count == 1)
        #expect(faults(good + [record(3, 4, "Create", "a")], notes: ["a"], links: 1).count == 1)
    }
}
