import Integrity
import NIOCore
import NIOPosix

@testable import Transport

/// A bare socket of a peer that says what a test makes it say, and hears every byte of the answer.
final class ProberLine: ChannelInboundHandler, @unchecked Sendable {
    // Sendable: everything but `loop` and `socket`, which is set before anybody else sees it, is touched on the loop alone.
    typealias InboundIn = ByteBuffer

    /// How the other side ended it.
    enum End: String { case closed, reset }

    let loop: any EventLoop
    private var socket: (any Channel)?
    private var received = ByteBuffer()
    private var end: End?
    private var wait: (count: Int, promise: EventLoopPromise<[UInt8]?>)?

    private init(_ loop: any EventLoop) { self.loop = loop }

    static func connect(_ address: String, on loop: any EventLoop) async throws -> ProberLine {
        let way = try SocketWay(try Multiaddr(address))
        let line = ProberLine(loop)
        line.socket = try await ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(line) }
            }
            .connect(host: way.host, port: way.port).get()
        return line
    }

    func send(_ bytes: [UInt8]) { socket?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func close() { socket?.close(promise: nil) }

    /// The next bytes; nil where it ended before they came.
    func read(_ count: Int) async throws -> [UInt8]? {
        let promise = loop.makePromise(of: [UInt8]?.self)
        loop.execute { [self] in
            wait = (count, promise)
            wake()
        }
        return try await promise.futureResult.get()
    }

    /// How it ended and what came before, once the other side has ended it.
    func readToEnd() async throws -> (bytes: [UInt8], end: End?) {
        _ = try await read(.max)
        return try await loop.submit { [self] in (received.readBytes(length: received.readableBytes) ?? [], end) }.get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        wake()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end = .reset
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end = end ?? .closed
        wake()
    }

    private func wake() {
        guard let wait else { return }
        if let bytes = received.readBytes(length: wait.count) {
            self.wait = nil
            received.discardReadBytes()
            wait.promise.succeed(bytes)
        } else if end != nil {
            self.wait = nil
            wait.promise.succeed(nil)
        }
    }
}

/// A port that passes everything on to another, and remembers it: what somebody on the line sees.
final class ProberTap: @unchecked Sendable {
    // Sendable: what it remembers is touched on the loop alone.
    struct Recording {
        var there: [UInt8] = []
        var back: [UInt8] = []
    }

    let loop: any EventLoop
    private var recorded: [Recording] = []

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Everything so far, by connection.
    var recordings: [Recording] { get async throws { try await loop.submit { self.recorded }.get() } }

    /// Listens; the address passes on to `target`.
    func listen(before target: String) async throws -> String {
        let way = try SocketWay(try Multiaddr(target))
        let channel = try await ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [self] near in
                recorded.append(Recording())
                let number = recorded.count - 1
                return ClientBootstrap(group: loop).channelOption(.autoRead, value: false)
                    .connect(host: way.host, port: way.port)
                    .flatMapThrowing { [self] far in
                        try near.pipeline.syncOperations.addHandler(
                            Pipe(far) { self.recorded[number].there += $0 })
                        try far.pipeline.syncOperations.addHandler(
                            Pipe(near) { self.recorded[number].back += $0 })
                        _ = near.setOption(.autoRead, value: true)
                        _ = far.setOption(.autoRead, value: true)
                    }
            }
            .bind(host: way.host, port: 0).get()
        return try way.multiaddr(channel.localAddress).description
    }

    private final class Pipe: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let record: ([UInt8]) -> Void

        init(_ other: any Channel, _ record: @escaping ([UInt8]) -> Void) {
            self.other = other
            self.record = record
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            record(Array(bytes.readableBytesView))
            other.writeAndFlush(bytes, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
