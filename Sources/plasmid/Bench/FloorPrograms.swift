import ArgumentParser
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// `plasmid bench-floor`: the other end of a floor, in a process of its own. Not for people.
struct FloorProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-floor", abstract: "The other end of a floor that 'plasmid bench' measures.",
        shouldDisplay: false)

    enum Kind: String, ExpressibleByArgument {
        /// Writes what it reads from the socket that is its standard input.
        case pair
        /// Takes one TCP connection and writes what it reads from it; prints its port.
        case tcp
        /// A WebSocket server that sends every frame back; prints its port.
        case echo
        /// Ends at once.
        case nothing
        /// One event loop that does nothing until standard input ends.
        case idle
    }

    @Argument var kind: Kind

    func run() throws {
        switch kind {
        case .pair: Self.answer(on: STDIN_FILENO)
        case .tcp:
            let (listening, port) = try LoopbackSocket.listen()
            Output.line("ready \(port)")
            Self.answer(on: try LoopbackSocket.accept(listening))
        case .echo: try EchoServer.run()
        case .nothing: break
        case .idle:
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try group.next().submit {}.wait()
            Output.line("ready")
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
            try group.syncShutdownGracefully()
        }
    }

    private static func answer(on descriptor: Int32) {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                guard count > 0, write(descriptor, buffer.baseAddress, count) == count else { return }
            }
        }
    }
}

/// A WebSocket server of NIO and nothing else.
private enum EchoServer {
    static func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(EchoHandler()) }
            })
        let server = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: 0).wait()
        Output.line("ready \(server.localAddress?.port ?? 0)")
        var byte: UInt8 = 0
        while read(STDIN_FILENO, &byte, 1) > 0 {}
        try server.close().wait()
        try group.syncShutdownGracefully()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard frame.opcode == .text else { return context.close(promise: nil) }
        let answer = WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)
        context.write(wrapOutboundOut(answer), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}
