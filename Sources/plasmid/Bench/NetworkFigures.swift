import Foundation
import Integrity
import NIOCore
import NIOPosix

/// Ten conductors on this machine, each a process of its own, all of which hold everything.
enum NetworkFigures {
    private static let count = 10
    /// Ops in a second, of all together: three of each note.
    private static let opsPerSecond = 300

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        var nodes: [BenchNode] = []
        defer { for node in nodes { node.stop() } }
        for index in 0..<count {
            let node = try BenchNode(place.folder + "/node-\(index)")
            nodes.append(node)
            try node.start(bootstrap: index == 0 ? [] : [try nodes[0].address()])
            try node.install(place.happ)
        }
        let all = nodes
        try BenchNode.until("ten conductors are connected", every: .milliseconds(100)) {
            try all.allSatisfy { try $0.connected() == count - 1 }
        }
        // Starts every cell's module and the validators of all.
        for node in nodes { _ = try node.call("messenger", "write", .object(["text": "a first note"])) }
        try BenchNode.until("ten conductors hold the same", every: .milliseconds(100)) {
            Set(try all.map { try $0.heldOps() }).count == 1
        }
        let writers = try nodes.map { Member(client: try $0.admin()) }
        return try spread(place, writers) + [try receipts(place, nodes)]
    }

    /// One of the ten, as tasks use it.
    private struct Member: Sendable {
        let client: AppClient

        func write(_ text: String) async throws -> String {
            try await client.call("bench/bench", "messenger", "write", .object(["text": .string(text)])).text ?? ""
        }

        func holds(_ hash: String) async throws -> Bool {
            let question: MessagePackValue = .object([
                "instance_id": "bench/bench", "hash": .string(hash), "timeout_ms": .int(20_000),
            ])
            return try await client.request("admin/held", question)["held"] == .bool(true)
        }
    }

    /// Whether all hold it, asked at once.
    private static func holds(_ hash: String, _ members: [Member]) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { questions in
            for member in members { questions.addTask { try await member.holds(hash) } }
            return try await questions.reduce(true) { $0 && $1 }
        }
    }

    // MARK: A steady flow of notes

    /// What became of one note.
    private struct Fate: Sendable {
        let hash: String
        /// From the call that wrote it until the last of the ten held it.
        let seconds: Double
        let isHeld: Bool
    }

    private static func spread(_ place: BenchPlace, _ members: [Member]) throws -> [Figure] {
        let notes = place.count(1_500, quick: 500)
        let pause = TimeAmount.microseconds(Int64(3_000_000 / opsPerSecond))
        let begin = monotonicSeconds()
        let fates = try BenchNode.run {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            return try await withThrowingTaskGroup(of: Fate.self) { tasks in
                let start = NIODeadline.now()
                for number in 0..<notes {
                    // At its time, whether or not those before are held.
                    try await loop.scheduleTask(deadline: start + pause * number) {}.futureResult.get()
                    tasks.addTask {
                        let start = monotonicSeconds()
                        let hash = try await members[number % members.count].write("note \(number), for everybody")
                        let isHeld = try await holds(hash, members)
                        return Fate(hash: hash, seconds: monotonicSeconds() - start, isHeld: isHeld)
                    }
                }
                return try await tasks.reduce(into: [Fate]()) { $0.append($1) }
            }
        }
        let seconds = monotonicSeconds() - begin
        let lost = fates.count { !$0.isHeld }
        var (times, floors) = (Samples(), Samples())
        for fate in fates { times.add(fate.seconds) }
        for fate in fates.suffix(100) {
            let start = monotonicSeconds()
            _ = try BenchNode.run { try await holds(fate.hash, members) }
            floors.add(monotonicSeconds() - start)
        }
        return [
            Figure(
                name: "network.spread", unit: "ms", value: times.quantile(0.99) * 1e3, p50: times.median * 1e3,
                p99: times.quantile(0.99) * 1e3, floor: floors.median * 1e3,
                floorName: "asking all ten for what they hold already", budget: .atMost(1_000),
                note: "p99 from the call that writes a note until all ten conductors hold it, at "
                    + "\(Int(Double(notes * 3) / seconds)) ops/s in all, each validated by ten"),
            Figure(
                name: "network.lost", unit: "notes", value: Double(lost), floor: 0,
                floorName: "none of \(notes)", budget: .atMost(0)),
        ]
    }

    // MARK: Receipts

    private static func receipts(_ place: BenchPlace, _ nodes: [BenchNode]) throws -> Figure {
        let question: MessagePackValue = .object([
            "instance_id": "bench/bench", "state": "own", "limit": .int(3),
        ])
        var (times, floors) = (Samples(), Samples())
        for number in 0..<place.count(40, quick: 15) {
            let node = nodes[number % nodes.count]
            let start = monotonicSeconds()
            let hash = try node.call("messenger", "write", .object(["text": .string("receipts \(number)")])).text
            try BenchNode.until("five conductors have signed for a note", seconds: 20, every: .milliseconds(2)) {
                let ops = try node.request("admin/network/ops", question).items.filter { $0["action"]?.text == hash }
                return ops.count == 3 && ops.allSatisfy { $0["receipts"]?.number ?? 0 >= 5 }
            }
            times.add(monotonicSeconds() - start)
            let asking = monotonicSeconds()
            _ = try node.request("admin/network/ops", question)
            floors.add(monotonicSeconds() - asking)
        }
        return Figure(
            name: "network.receipts", unit: "ms", value: times.quantile(0.99) * 1e3, p50: times.median * 1e3,
            p99: times.quantile(0.99) * 1e3, floor: floors.median * 1e3, floorName: "asking the author's conductor",
            budget: .atMost(1_000),
            note: "p99 from the call that writes a note until its author sees five receipts of each of its three ops")
    }
}
