import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix

/// No-op calls over WebSocket, through the API and the sandboxed child, beside a bare NIO WebSocket echo.
enum SocketFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let pair = try BarePair()
        defer { pair.stop() }
        let echoServer = try FloorChild(.echo)
        defer { echoServer.stop() }
        let port = Int(try echoServer.word().dropFirst("ready ".count)) ?? 0
        let conductor = try ConductorProcess(folder: place.folder + "/data", cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let token = try install(conductor, place.happ, on: group.next())
        let (request, digits) = request()
        let echo = try FrameLoad(port: port, token: nil, request: request, digits: digits, on: group.next())
        defer { echo.close() }
        let calls = try FrameLoad(
            port: try conductor.folder.readPorts().app, token: token, request: request, digits: digits,
            on: group.next())
        defer { calls.close() }
        _ = try calls.run(2_000, inFlight: 8)
        _ = try echo.run(2_000, inFlight: 8)
        let all = [getpid(), pair.processID, echoServer.processID, conductor.processID ?? 0]
        return [try one(place, pair, echo, calls, all), try many(place, echo, calls)]
    }

    /// A call of `ping`, 199 bytes long.
    private static func request() -> (bytes: [UInt8], digits: Int) {
        let head = #"{"jsonrpc":"2.0","id":"#
        let tail =
            #","method":"call","params":{"instance_id":"bench/bench","zome":"messenger","function":"ping","args":null}"#
        let bytes = Array((head + "10000000" + tail).utf8)
        return (bytes + [UInt8](repeating: 0x20, count: max(0, 198 - bytes.count)) + [0x7D], head.utf8.count)
    }

    private static func install(_ conductor: ConductorProcess, _ happ: String, on loop: any EventLoop) throws -> String
    {
        try loop.makeFutureWithTask {
            let admin = AppClient(socket: try await conductor.connect())
            _ = try await admin.request(
                "admin/app/install", .object(["path": .string(happ), "app_id": .string("bench")]))
            let issued = try await admin.request("admin/token/issue", .object(["app_id": .string("bench")]))
            // The first call starts the module and runs `init`: not what is measured.
            _ = try await admin.call("bench/bench", "messenger", "ping", .null)
            await admin.socket.close()
            return issued["token"]?.text ?? ""
        }.wait()
    }

    /// One request at a time, everything on one processor: what it costs, without the wake-ups between processors.
    private static func one(
        _ place: BenchPlace, _ pair: BarePair, _ echo: FrameLoad, _ calls: FrameLoad, _ processes: [Int32]
    ) throws -> Figure {
        let processors = ProcessFacts.processors
        for process in processes { ProcessFacts.bind(process, to: [processors[processors.count - 1]]) }
        defer { for process in processes { ProcessFacts.bind(process, to: processors) } }
        var (values, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        let count = place.count(6_000, quick: 2_000)
        for _ in 0..<place.rounds {
            let base = try pair.exchange(count).median + echo.run(count, inFlight: 1).latency.median
            let result = try calls.run(count, inFlight: 1).latency
            values.append(result.median)
            floors.append(base)
            ratios.append(result.median / base)
            for sample in result.seconds { latency.add(sample) }
        }
        return Figure(
            name: "websocket.one.core", unit: "µs", value: median(values) * 1e6, p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, floor: median(floors) * 1e6,
            floorName: "bare NIO WebSocket echo + bare socket pair, all on one core", measuredRatio: median(ratios),
            budget: .ratioAtMost(1.4))
    }

    private static func many(_ place: BenchPlace, _ echo: FrameLoad, _ calls: FrameLoad) throws -> Figure {
        var (values, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        let count = place.count(100_000, quick: 30_000)
        for _ in 0..<max(5, place.rounds) {
            let floor = try echo.run(count, inFlight: 64).perSecond
            let result = try calls.run(count, inFlight: 64)
            values.append(result.perSecond)
            floors.append(floor)
            ratios.append(result.perSecond / floor)
            latency = result.latency
        }
        return Figure(
            name: "websocket.64", unit: "/s", value: median(values), p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, floor: median(floors),
            floorName: "bare NIO WebSocket echo, 64 in flight",
            measuredRatio: median(ratios), budget: .ratioAtLeast(0.5))
    }
}
