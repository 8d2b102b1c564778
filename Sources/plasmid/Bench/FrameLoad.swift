import ConductorAPI
import Integrity
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A WebSocket client that sends requests of one shape and counts frames: the same for the echo and for the conductor,
/// so that what differs is the server.
final class FrameLoad {
    private let channel: any Channel
    private let handler: NIOLoopBound<FrameLoadHandler>

    /// Connects.
    /// - Parameter request: a request whose eight digits at `digits` are replaced by its number.
    init(port: Int, token: String?, request: [UInt8], digits: Int, on loop: any EventLoop) throws {
        let made = loop.makePromise(of: NIOLoopBound<FrameLoadHandler>.self)
        let client = try FrameClient(port: port, token: token, on: loop) { channel in
            let handler = FrameLoadHandler(request: request, digits: digits)
            try channel.pipeline.syncOperations.addHandler(handler)
            made.succeed(NIOLoopBound(handler, eventLoop: channel.eventLoop))
        }
        handler = try made.futureResult.wait()
        channel = client.channel
    }

    /// Sends `calls` requests, so many at a time.
    func run(_ calls: Int, inFlight: Int) throws -> LoadResult {
        let handler = handler
        return try channel.eventLoop.flatSubmit { handler.value.run(calls, inFlight: inFlight) }.wait()
    }

    func close() { try? channel.close().wait() }
}

/// An open WebSocket of NIO's own client.
struct FrameClient {
    let channel: any Channel

    /// Connects; returns once the handlers are in place.
    /// - Parameter add: puts what reads the frames into the pipeline, on the channel's loop.
    init(
        port: Int, token: String?, on loop: any EventLoop, add: @escaping @Sendable (any Channel) throws -> Void
    ) throws {
        let ready = loop.makePromise(of: Void.self)
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: 1 << 20) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try add(channel)
                ready.succeed(())
            }
        }
        channel = try ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers(
                        withClientUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
        var headers: HTTPHeaders = ["Host": "127.0.0.1:\(port)"]
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        channel.closeFuture.whenComplete { _ in
            ready.fail(PlasmidError(.connectionLost, "the WebSocket was not opened"))
        }
        try ready.futureResult.wait()
    }

    func close() { try? channel.close().wait() }
}

/// Confined to its channel's loop.
final class FrameLoadHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private var request: [UInt8]
    private let digits: Int
    private var context: ChannelHandlerContext?
    private var number = 10_000_000
    private var toSend = 0
    private var toCome = 0
    private var begin = 0.0
    private var sentAt = CircularBuffer<Double>()
    private var result = LoadResult()
    private var done: EventLoopPromise<LoadResult>?

    init(request: [UInt8], digits: Int) {
        self.request = request
        self.digits = digits
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        done?.fail(PlasmidError(.connectionLost, "the WebSocket ended before all answers came"))
        done = nil
    }

    func run(_ calls: Int, inFlight: Int) -> EventLoopFuture<LoadResult> {
        guard let context else {
            return MultiThreadedEventLoopGroup.singleton.next().makeFailedFuture(
                PlasmidError(.connectionLost, "the WebSocket has ended"))
        }
        let promise = context.eventLoop.makePromise(of: LoadResult.self)
        done = promise
        toSend = calls
        toCome = calls
        result = LoadResult()
        begin = monotonicSeconds()
        for _ in 0..<inFlight { send(context) }
        context.flush()
        return promise.futureResult
    }

    private func send(_ context: ChannelHandlerContext) {
        guard toSend > 0 else { return }
        toSend -= 1
        number += 1
        var rest = number
        for place in stride(from: digits + 7, through: digits, by: -1) {
            request[place] = 0x30 + UInt8(rest % 10)
            rest /= 10
        }
        sentAt.append(monotonicSeconds())
        let frame = WebSocketFrame(
            fin: true, opcode: .text, maskKey: [1, 2, 3, 4], data: context.channel.allocator.buffer(bytes: request))
        context.write(wrapOutboundOut(frame), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard unwrapInboundIn(data).opcode == .text, let sent = sentAt.popFirst() else { return }
        result.latency.add(monotonicSeconds() - sent)
        toCome -= 1
        if toCome > 0 { return send(context) }
        result.seconds = monotonicSeconds() - begin
        done?.succeed(result)
        done = nil
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}
