import Integrity
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// JSON-RPC and signals over one WebSocket. Safe to use from any thread; requests may overlap.
public final class RPCSocket: Sendable {
    /// Longest frame taken from a conductor.
    private static let maximumFrame = 1 << 30

    private let channel: any Channel
    private let handler: NIOLoopBound<ClientSocketHandler>

    private init(channel: any Channel, handler: NIOLoopBound<ClientSocketHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Connects and upgrades.
    /// - Parameters:
    ///   - hearsFromFirstAnswer: leaves out what comes before the first answer: a socket hears everything until its
    ///     `signals/subscribe` is answered, and what comes before may come again with `since`.
    ///   - onSignal: gets every frame that answers nothing (`InstanceSignal`, `SignalsMissed`) as JSON, on the
    ///     connection's loop.
    /// - Throws: the conductor's refusal, or `conductorUnreachable`, `connectionLost` or `timeout`.
    public static func open(
        _ address: RPCAddress, on group: any EventLoopGroup, timeout: TimeAmount = .seconds(10),
        hearsFromFirstAnswer: Bool = false, onSignal: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws(PlasmidError) -> RPCSocket {
        do {
            return try await connect(address, group.next(), timeout) {
                ClientSocketHandler(hearsFromFirstAnswer: hearsFromFirstAnswer, onSignal: onSignal)
            }.get()
        } catch {
            throw address.told(error)
        }
    }

    /// Sends one request.
    /// - Parameter params: a JSON object; empty means `{}`.
    /// - Returns: the `result` as JSON.
    /// - Throws: the conductor's error, or `connectionLost`.
    public func call(_ method: String, params: [UInt8] = []) async throws(PlasmidError) -> [UInt8] {
        do {
            return try await request(method, params: params).get()
        } catch {
            if let error = error as? PlasmidError { throw error }
            throw PlasmidError(.connectionLost, "the connection failed", cause: String(describing: error))
        }
    }

    /// Like `call`, for callers who keep many requests under way: fails with `PlasmidError`, completes on the connection's loop.
    public func request(_ method: String, params: [UInt8] = []) -> EventLoopFuture<[UInt8]> {
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        let handler = handler
        if channel.eventLoop.inEventLoop {
            handler.value.send(method, params, promise)
        } else {
            channel.eventLoop.execute { handler.value.send(method, params, promise) }
        }
        return promise.futureResult
    }

    /// Says goodbye and waits until the connection has ended; requests without an answer fail with `connectionLost`.
    public func close() async {
        let handler = handler
        channel.eventLoop.execute { handler.value.close() }
        try? await channel.closeFuture.get()
    }

    /// Completes when the connection has ended, whoever ended it.
    public var closed: EventLoopFuture<Void> { channel.closeFuture }

    private static func connect(
        _ address: RPCAddress, _ loop: any EventLoop, _ timeout: TimeAmount,
        _ handler: @escaping @Sendable () -> ClientSocketHandler
    ) -> EventLoopFuture<RPCSocket> {
        let ready = loop.makePromise(of: RPCSocket.self)
        let connected = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, ready, handler)
                }
            }
            .connect(host: address.host, port: address.port)
        connected.whenFailure { ready.fail($0) }
        connected.whenSuccess { channel in
            let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: address.headers)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            let limit = loop.scheduleTask(in: timeout) {
                ready.fail(PlasmidError(.timeout, "the conductor did not open the WebSocket in time"))
            }
            ready.futureResult.whenComplete { result in
                limit.cancel()
                if case .failure = result { channel.close(promise: nil) }
            }
        }
        return ready.futureResult
    }

    private static func prepare(
        _ channel: any Channel, _ ready: EventLoopPromise<RPCSocket>,
        _ handler: @escaping @Sendable () -> ClientSocketHandler
    ) throws {
        // Hears something only if the conductor refuses the upgrade.
        let refusal = AnswerCollector { result in ready.fail(result.refusal) }
        let collector = NIOLoopBound(refusal, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: maximumFrame) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                let handler = handler()
                try channel.pipeline.syncOperations.addHandler(handler)
                let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                ready.succeed(RPCSocket(channel: channel, handler: bound))
            }
        }
        let upgrade: NIOHTTPClientUpgradeSendableConfiguration = (
            upgraders: [upgrader],
            completionHandler: { context in
                context.pipeline.syncOperations.removeHandler(collector.value, promise: nil)
            }
        )
        try channel.pipeline.syncOperations.addHTTPClientHandlers(withClientUpgrade: upgrade)
        try channel.pipeline.syncOperations.addHandler(collector.value)
    }
}

extension Result<HTTPAnswer, any Error> {
    /// Why an upgrade came to nothing.
    fileprivate var refusal: any Error {
        switch self {
        case .success(let answer): answer.refusal
        case .failure(let error): error
        }
    }
}

/// The client's end of a WebSocket. Confined to its channel's loop.
final class ClientSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let onSignal: @Sendable ([UInt8]) -> Void
    private var waiting: [Int64: EventLoopPromise<[UInt8]>] = [:]
    private var lastID: Int64 = 0
    private var context: ChannelHandlerContext?
    private var gathered: [UInt8] = []
    private var isFlushDue = false
    private var farewell: String?
    private var hears: Bool

    init(hearsFromFirstAnswer: Bool = false, onSignal: @escaping @Sendable ([UInt8]) -> Void) {
        hears = !hearsFromFirstAnswer
        self.onSignal = onSignal
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { fail() }

    func channelInactive(context: ChannelHandlerContext) {
        fail()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        farewell = farewell ?? String(describing: error)
        context.close(promise: nil)
    }

    private func fail() {
        context = nil
        let error = PlasmidError(
            .connectionLost, "the connection ended before the answer came", cause: farewell)
        let promises = waiting.values
        waiting = [:]
        for promise in promises { promise.fail(error) }
    }

    func send(_ method: String, _ params: [UInt8], _ promise: EventLoopPromise<[UInt8]>) {
        guard let context else {
            promise.fail(PlasmidError(.connectionLost, "the connection has ended", cause: farewell))
            return
        }
        lastID += 1
        waiting[lastID] = promise
        write(.text, RPCReply.request(lastID, method, params), context)
        flushSoon(context)
    }

    func close() {
        guard let context else { return }
        write(.connectionClose, [0x03, 0xE8], context)
        context.flush()
    }

    private func write(_ opcode: WebSocketOpcode, _ payload: [UInt8], _ context: ChannelHandlerContext) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: payload))
        context.write(wrapOutboundOut(frame), promise: nil)
    }

    /// One flush for all that is sent in one turn of the loop.
    private func flushSoon(_ context: ChannelHandlerContext) {
        guard !isFlushDue else { return }
        isFlushDue = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushDue = false
            self.context?.flush()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let bytes = frame.unmaskedData.readableBytesView
        switch frame.opcode {
        case .text, .continuation:
            gathered.append(contentsOf: bytes)
            guard frame.fin else { return }
            let message = gathered
            gathered = []
            take(message)
        case .ping:
            write(.pong, Array(bytes), context)
            context.flush()
        case .connectionClose:
            let code = bytes.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            farewell = "\(code) \(String(decoding: bytes.dropFirst(2), as: UTF8.self))"
            write(.connectionClose, Array(bytes.prefix(2)), context)
            context.flush()
            context.close(promise: nil)
        default: break
        }
    }

    private func take(_ message: [UInt8]) {
        guard let members = JSONMembers(message), let reply = RPCReply(members) else {
            return hears ? onSignal(message) : ()
        }
        hears = true
        guard let id = reply.id else { return failAll(reply.outcome) }
        guard let promise = waiting.removeValue(forKey: id) else { return }
        promise.completeWith(reply.outcome.mapError { $0 as any Error })
    }

    /// A request could not be read, and so the answer cannot say which: none of those under way may wait for ever.
    private func failAll(_ outcome: Result<[UInt8], PlasmidError>) {
        guard case .failure(let error) = outcome else { return }
        let promises = waiting.values
        waiting = [:]
        for promise in promises { promise.fail(error) }
    }
}
