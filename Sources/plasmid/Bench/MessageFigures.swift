import Foundation
import Integrity
import NIOCore
import NIOPosix

/// Direct messages between two conductors, from one's zome to the other's `receive` and back.
enum MessageFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let nodes = [try BenchNode(place.folder + "/here"), try BenchNode(place.folder + "/there")]
        defer { for node in nodes { node.stop() } }
        try nodes[0].start()
        try nodes[0].install(place.happ)
        try nodes[1].start(bootstrap: [try nodes[0].address()])
        try nodes[1].install(place.happ)
        try BenchNode.until("two conductors are connected") { try nodes[0].connected() == 1 }
        let pair = try BarePair()
        defer { pair.stop() }
        let tcp = try BareTCP()
        defer { tcp.stop() }
        _ = try talk(nodes, 200)
        let all = [getpid(), pair.processID, tcp.processID] + nodes.map(\.processID)
        let free = try one("messages.one", place, nodes, pair, tcp, .ratioAtMost(2.5), "wherever the kernel runs them")
        let processors = ProcessFacts.processors
        for process in all { ProcessFacts.bind(process, to: [processors[processors.count - 1]]) }
        defer { for process in all { ProcessFacts.bind(process, to: processors) } }
        let core = try one("messages.one.core", place, nodes, pair, tcp, .none, "all on one processor")
        for process in all { ProcessFacts.bind(process, to: processors) }
        return [free, core, try many(place, nodes)]
    }

    /// Seconds that each of so many messages took, one after the other, as the sending zome saw it.
    private static func talk(_ nodes: [BenchNode], _ count: Int) throws -> [Double] {
        let answer = try nodes[0].call("bench", "talk", talk(to: nodes[1], count))
        let times = answer.items.compactMap { $0.number.map { Double($0) / 1e9 } }
        guard times.count == count else { throw PlasmidError(.internal, "messages of a figure are lost") }
        return times
    }

    private static func talk(to node: BenchNode, _ count: Int) -> MessagePackValue {
        .object(["to": .string(node.agent), "count": .int(Int64(count))])
    }

    private static func one(
        _ name: String, _ place: BenchPlace, _ nodes: [BenchNode], _ pair: BarePair, _ tcp: BareTCP, _ budget: Budget,
        _ where: String
    ) throws -> Figure {
        var (values, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        let count = place.count(1_000, quick: 400)
        for _ in 0..<place.rounds {
            let sockets = pair.exchange(count).median
            let floor = tcp.exchange(count, bytes: 200).median + 2 * sockets
            var times = Samples()
            for time in try talk(nodes, count) {
                times.add(time)
                latency.add(time)
            }
            values.append(times.median)
            floors.append(floor)
            ratios.append(times.median / floor)
        }
        return Figure(
            name: name, unit: "µs", value: median(values) * 1e6, p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, floor: median(floors) * 1e6,
            floorName: "bare TCP round trip + 2 bare socket-pair round trips, blocking, two processes",
            measuredRatio: median(ratios), budget: budget,
            note: "a message and its reply, from zome to zome over two conductors; four processes, \(`where`)")
    }

    /// Sixty-four calls that send at the same time, each its messages one after the other.
    private static func many(_ place: BenchPlace, _ nodes: [BenchNode]) throws -> Figure {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let server = try FloorChild(.echo)
        defer { server.stop() }
        let port = Int(try server.word().dropFirst("ready ".count)) ?? 0
        let echo = try FrameLoad(
            port: port, token: nil, request: [UInt8](repeating: 0x78, count: 200), digits: 0, on: group.next())
        defer { echo.close() }
        let (callers, each) = (64, place.count(200, quick: 80))
        let admin = try nodes[0].admin()
        let words = talk(to: nodes[1], each)
        var (values, floors, ratios) = ([Double](), [Double](), [Double]())
        _ = try echo.run(10_000, inFlight: callers)
        for _ in 0..<place.rounds {
            let floor = try echo.run(callers * each, inFlight: callers).perSecond
            let start = monotonicSeconds()
            let sent = try BenchNode.run {
                try await withThrowingTaskGroup(of: Int.self) { calls in
                    for _ in 0..<callers {
                        calls.addTask { try await admin.call("bench/bench", "bench", "talk", words).items.count }
                    }
                    return try await calls.reduce(0, +)
                }
            }
            guard sent == callers * each else { throw PlasmidError(.internal, "messages of a figure are lost") }
            let value = Double(sent) / (monotonicSeconds() - start)
            values.append(value)
            floors.append(floor)
            ratios.append(value / floor)
        }
        return Figure(
            name: "messages.64", unit: "/s", value: median(values), floor: median(floors),
            floorName: "NIO WebSocket echo between two processes, 64 in flight", measuredRatio: median(ratios),
            budget: .ratioAtLeast(0.25),
            note: "messages with replies; each crosses six sockets and four processes, an echo two and two")
    }
}
