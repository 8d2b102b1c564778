import Integrity
import NIOCore
import NIOPosix

import Sodium

@testable import Transport

/// A socket that says what a test makes it say.
final class RawPeer: ChannelInboundHandler, @unchecked Sendable {
    // Sendable: everything but `channel`, which is set before anybody else sees it, is touched on the loop alone.
    typealias InboundIn = ByteBuffer

    private(set) var received = ByteBuffer()
    private var waiters: [(count: Int, promise: EventLoopPromise<ByteBuffer>)] = []
    private let loop: any EventLoop
    private var socket: (any Channel)?

    private init(loop: any EventLoop) { self.loop = loop }

    static func connect(_ address: Multiaddr, on loop: any EventLoop) -> EventLoopFuture<RawPeer> {
        let peer = RawPeer(loop: loop)
        do {
            let way = try SocketWay(address)
            return ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(peer) }
                }
                .connect(host: way.host, port: way.port)
                .map { channel in
                    peer.socket = channel
                    return peer
                }
        } catch { return loop.makeFailedFuture(error) }
    }

    /// Done once the other side has closed it.
    var closed: EventLoopFuture<Void> { socket?.closeFuture ?? loop.makeSucceededVoidFuture() }

    func send(_ bytes: [UInt8]) { socket?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func end() { socket?.close(promise: nil) }

    func pauseReading() { _ = socket?.setOption(.autoRead, value: false) }

    /// All that came, once it is at least `count` bytes; fails when the socket closes before.
    func bytes(_ count: Int) -> EventLoopFuture<ByteBuffer> {
        let promise = loop.makePromise(of: ByteBuffer.self)
        waiters.append((count, promise))
        wake()
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        wake()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let left = waiters
        waiters = []
        for waiter in left { waiter.promise.fail(ChannelError.eof) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func wake() {
        let ready = waiters.filter { $0.count <= received.readableBytes }
        waiters.removeAll { $0.count <= received.readableBytes }
        for waiter in ready { waiter.promise.succeed(received) }
    }
}

/// What a dialer says, step by step.
enum Script {
    static let opening = MultistreamDialer([NoiseHandshake.protocolID]).start()

    static func handshake(muxers: [String] = [ConnectionUpgrade.muxerID]) -> NoiseHandshake {
        NoiseHandshake(isInitiator: true, secrets: NoiseSecrets(), muxers: muxers)
    }

    /// Bytes of the answer up to message 2, where both list a muxer.
    static let answerBytes = opening.count + 2 + 216

    /// Message 2 of what a listener has answered.
    static func message2(_ answer: ByteBuffer) throws -> [UInt8] {
        var rest = answer
        rest.moveReaderIndex(forwardBy: opening.count)
        guard let message = try NoiseFrame.takeHandshakeMessage(&rest) else { throw ChannelError.eof }
        return message
    }
}
