import Integrity
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// Between the frames of a WebSocket and the plain bytes of a connection: frames carry no meaning, kinds and continuations
/// neither. Pings are answered, a close is answered and obeyed.
final class WebSocketPipe: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = WebSocketFrame

    /// Bytes of the longest frame that is read: a peer may put several Noise frames in one.
    static let readMaximum = 1 << 20
    /// Bytes of the longest frame that is written.
    static let writtenMaximum = 65_536

    private let isClient: Bool
    private var hasClosed = false

    init(isClient: Bool) { self.isClient = isClient }

    /// A client's frames are masked, by the protocol; what they carry is encrypted anyway.
    private var mask: WebSocketMaskingKey? { isClient ? .random() : nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .binary, .text, .continuation:
            let bytes = frame.unmaskedData
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
        case .ping:
            // Not before the last answer has gone: pings fill no memory.
            guard context.channel.isWritable else { return }
            send(.pong, frame.unmaskedData, context, nil)
            context.flush()
        case .connectionClose:
            close(context, frame.unmaskedData)
            context.close(promise: nil)
        default: break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = unwrapOutboundIn(data)
        while bytes.readableBytes > Self.writtenMaximum, let piece = bytes.readSlice(length: Self.writtenMaximum) {
            send(.binary, piece, context, nil)
        }
        guard bytes.readableBytes > 0 else { return context.write(wrapOutboundOut(emptyPong), promise: promise) }
        send(.binary, bytes, context, promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if context.channel.isActive { close(context, ByteBuffer(integer: UInt16(1000))) }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// What carries a promise where there are no bytes.
    private var emptyPong: WebSocketFrame {
        WebSocketFrame(fin: true, opcode: .pong, maskKey: mask, data: ByteBuffer())
    }

    private func close(_ context: ChannelHandlerContext, _ reason: ByteBuffer) {
        guard !hasClosed else { return }
        hasClosed = true
        send(.connectionClose, reason, context, nil)
        context.flush()
    }

    private func send(
        _ opcode: WebSocketOpcode, _ bytes: ByteBuffer, _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>?
    ) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: mask, data: bytes)
        context.write(wrapOutboundOut(frame), promise: promise)
    }
}

/// The HTTP upgrade in front of a ``WebSocketPipe``. `ready` is called on the loop once bytes can flow.
enum WebSocketUpgrade {
    /// The listening side. A page of an origin that is not listed is refused; programs send none.
    static func listen(
        _ channel: any Channel, origins: [String], wire: ChannelWire, ready: @escaping () -> Void
    ) throws {
        let bound = NIOLoopBound((wire, ready), eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: WebSocketPipe.readMaximum, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                let isWelcome = head.headers["origin"].allSatisfy { origins.contains($0) }
                return channel.eventLoop.makeSucceededFuture(isWelcome ? HTTPHeaders() : nil)
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    let (wire, ready) = bound.value
                    try channel.pipeline.syncOperations.addHandlers([WebSocketPipe(isClient: false), wire])
                    ready()
                }
            })
        let refusal = PlainRequestRefusal()
        let refusalBound = NIOLoopBound(refusal, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(refusalBound.value, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(refusal)
    }

    /// The dialling side.
    static func dial(
        _ channel: any Channel, host: String, wire: ChannelWire, ready: @escaping () -> Void
    ) throws {
        let bound = NIOLoopBound((wire, ready), eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketClientUpgrader(
            maxFrameSize: WebSocketPipe.readMaximum, automaticErrorHandling: false,
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    let (wire, ready) = bound.value
                    try channel.pipeline.syncOperations.addHandlers([WebSocketPipe(isClient: true), wire])
                    ready()
                }
            })
        let request = UpgradeRequest(host: host)
        let requestBound = NIOLoopBound(request, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHTTPClientHandlers(
            withClientUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(requestBound.value, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(request)
    }
}

/// Asks for the upgrade; any other answer ends it.
private final class UpgradeRequest: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let host: String

    init(host: String) { self.host = host }

    func channelActive(context: ChannelHandlerContext) {
        let headers = HTTPHeaders([("host", host), ("content-length", "0")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Whoever asks for anything but the upgrade is told that there is nothing else.
private final class PlainRequestRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data) else { return }
        let headers = HTTPHeaders([("content-length", "0"), ("connection", "close")])
        let head = HTTPResponseHead(version: request.version, status: .upgradeRequired, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
