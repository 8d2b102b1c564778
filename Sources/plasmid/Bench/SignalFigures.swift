import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix
import NIOWebSocket

/// Many signals to one client, and many clients that do nothing.
enum SignalFigures {
    static let idleClients = 1_000

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let echo = try FloorChild(.echo)
        defer { echo.stop() }
        let echoPort = Int(try echo.word().dropFirst("ready ".count)) ?? 0
        let conductor = try ConductorProcess(folder: place.folder + "/data", cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let token = try install(conductor, place.happ, on: group.next())
        let port = try conductor.folder.readPorts().app
        return [
            try burst(place, port: port, token: token, echoPort: echoPort, on: group.next()),
            try idle(conductor, port: port, token: token, echo: echo, echoPort: echoPort, on: group.next()),
        ]
    }

    private static func install(_ conductor: ConductorProcess, _ happ: String, on loop: any EventLoop) throws -> String
    {
        try loop.makeFutureWithTask {
            let admin = AppClient(socket: try await conductor.connect())
            _ = try await admin.request(
                "admin/app/install", .object(["path": .string(happ), "app_id": .string("bench")]))
            let issued = try await admin.request("admin/token/issue", .object(["app_id": .string("bench")]))
            // The first call starts the modules and runs `init`: not what is measured.
            _ = try await admin.call("bench/bench", "bench", "emit", .object(["count": .int(0)]))
            await admin.socket.close()
            return issued["token"]?.text ?? ""
        }.wait()
    }

    /// Calls that emit a thousand signals each, to the client that makes them; every number has to come, in order.
    private static func burst(
        _ place: BenchPlace, port: Int, token: String, echoPort: Int, on loop: any EventLoop
    ) throws -> Figure {
        let frame =
            #"{"type":"InstanceSignal","signal":{"signal_type":"User","name":"tick","arguments":"{\"number\":999}"},"#
            + #""instance_id":"bench/bench","zome":"bench","boot":"0123456789abcdef","seq":10000000}"#
        let echo = try FrameLoad(
            port: echoPort, token: nil, request: Array(frame.utf8), digits: frame.utf8.count - 9, on: loop)
        defer { echo.close() }
        let client = try SignalLoad(port: port, token: token, on: loop)
        defer { client.close() }
        let (calls, each) = (place.count(100, quick: 20), 1_000)
        _ = try client.run(calls: 5, each: each)
        var (values, floors, ratios) = ([Double](), [Double](), [Double]())
        for _ in 0..<place.rounds {
            let floor = try echo.run(calls * each, inFlight: 64).perSecond
            let value = Double(calls * each) / (try client.run(calls: calls, each: each))
            values.append(value)
            floors.append(floor)
            ratios.append(value / floor)
        }
        return Figure(
            name: "signals.one_client", unit: "/s", value: median(values), floor: median(floors),
            floorName: "bare NIO WebSocket echo of frames of that size, 64 in flight", measuredRatio: median(ratios),
            budget: .atLeast(50_000))
    }

    /// What the conductor's process holds for each client that is connected and silent.
    private static func idle(
        _ conductor: ConductorProcess, port: Int, token: String, echo: FloorChild, echoPort: Int, on loop: any EventLoop
    ) throws -> Figure {
        func grown(_ process: Int32, _ connect: () throws -> FrameLoad) throws -> Double {
            // The first ones make room that all share.
            var clients = try (0..<50).map { _ in try connect() }
            defer { for client in clients { client.close() } }
            let before = ProcessFacts.memory(of: process).privateBytes
            for _ in 0..<(idleClients - clients.count) { clients.append(try connect()) }
            let after = ProcessFacts.memory(of: process).privateBytes
            return Double(after - before) / Double(idleClients - 50) / 1_024
        }
        let floor = try grown(echo.processID) {
            try FrameLoad(port: echoPort, token: nil, request: [], digits: 0, on: loop)
        }
        let value = try grown(conductor.processID ?? 0) {
            try FrameLoad(port: port, token: token, request: [], digits: 0, on: loop)
        }
        return Figure(
            name: "clients.idle", unit: "KiB", value: value, floor: max(0.001, floor),
            floorName: "a client of a bare NIO WebSocket server", budget: .atMost(20))
    }
}

/// A WebSocket client that makes calls which emit signals, and counts them.
private final class SignalLoad {
    private let client: FrameClient
    private let handler: NIOLoopBound<SignalLoadHandler>

    init(port: Int, token: String, on loop: any EventLoop) throws {
        let made = loop.makePromise(of: NIOLoopBound<SignalLoadHandler>.self)
        client = try FrameClient(port: port, token: token, on: loop) { channel in
            let handler = SignalLoadHandler()
            try channel.pipeline.syncOperations.addHandler(handler)
            made.succeed(NIOLoopBound(handler, eventLoop: channel.eventLoop))
        }
        handler = try made.futureResult.wait()
    }

    /// Seconds from the first call to the last signal and answer.
    func run(calls: Int, each: Int) throws -> Double {
        let handler = handler
        return try client.channel.eventLoop.flatSubmit { handler.value.run(calls: calls, each: each) }.wait()
    }

    func close() { client.close() }
}

/// Confined to its channel's loop.
private final class SignalLoadHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// Calls under way at a time: the next burst is made while the last one is read.
    private static let inFlight = 4

    private var context: ChannelHandlerContext?
    private var each = 0
    private var toSend = 0
    private var answersToCome = 0
    private var signalsToCome = 0
    private var lastNumber: Int?
    private var begin = 0.0
    private var done: EventLoopPromise<Double>?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        fail("the WebSocket ended before all signals came")
    }

    func run(calls: Int, each: Int) -> EventLoopFuture<Double> {
        guard let context else {
            return MultiThreadedEventLoopGroup.singleton.next().makeFailedFuture(
                PlasmidError(.connectionLost, "the WebSocket has ended"))
        }
        let promise = context.eventLoop.makePromise(of: Double.self)
        done = promise
        (self.each, toSend, answersToCome, signalsToCome) = (each, calls, calls, calls * each)
        begin = monotonicSeconds()
        for _ in 0..<Self.inFlight { send(context) }
        context.flush()
        return promise.futureResult
    }

    private func send(_ context: ChannelHandlerContext) {
        guard toSend > 0 else { return }
        toSend -= 1
        let request =
            #"{"jsonrpc":"2.0","id":1,"method":"call","params":{"instance_id":"bench/bench","zome":"bench","#
            + #""function":"emit","args":{"count":\#(each)}}}"#
        let data = context.channel.allocator.buffer(string: request)
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: [1, 2, 3, 4], data: data)
        context.write(wrapOutboundOut(frame), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard frame.opcode == .text else { return }
        let isSignal = frame.data.readableBytesView.starts(with: Array(#"{"type":"InstanceSignal""#.utf8))
        if isSignal {
            take(number: Self.number(frame.data))
        } else {
            guard frame.data.readableBytesView.contains(UInt8(ascii: "O")) else { return fail("a call failed") }
            answersToCome -= 1
            send(context)
        }
        guard answersToCome == 0, signalsToCome == 0, let done else { return }
        self.done = nil
        done.succeed(monotonicSeconds() - begin)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    private func take(number: Int) {
        if let lastNumber, number != lastNumber + 1 { return fail("signal \(number) came after \(lastNumber)") }
        lastNumber = number
        signalsToCome -= 1
    }

    /// The digits before the brace at the end.
    private static func number(_ data: ByteBuffer) -> Int {
        var (value, unit) = (0, 1)
        for byte in data.readableBytesView.dropLast().reversed() {
            guard (0x30...0x39).contains(byte) else { break }
            value += Int(byte - 0x30) * unit
            unit *= 10
        }
        return value
    }

    private func fail(_ words: String) {
        done?.fail(PlasmidError(.connectionLost, words))
        done = nil
    }
}
