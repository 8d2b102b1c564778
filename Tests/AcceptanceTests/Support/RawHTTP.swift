import Foundation
import NIOCore
import NIOPosix

@testable import plasmid

/// One HTTP exchange by hand: any method, headers and body; the answer as text, whatever it is.
enum RawHTTP {
    static func get(_ path: String, port: Int, token: String?) async throws -> (status: Int, body: String, head: String)
    {
        try await send("GET", path: path, port: port, token: token, body: "", type: nil)
    }

    static func send(
        _ method: String = "POST", path: String = "/", port: Int, token: String?, body: String,
        type: String? = "application/json", headers: [String] = []
    ) async throws -> (status: Int, body: String, head: String) {
        var lines = ["\(method) \(path) HTTP/1.1", "Content-Length: \(body.utf8.count)", "Connection: close"]
        if !headers.contains(where: { $0.hasPrefix("Host:") }) { lines.append("Host: 127.0.0.1:\(port)") }
        if let type { lines.append("Content-Type: \(type)") }
        if let token { lines.append("Authorization: Bearer \(token)") }
        lines += headers
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + body
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: String.self)
        let limit = loop.scheduleTask(in: .seconds(60)) { promise.fail(ChannelError.connectTimeout(.seconds(60))) }
        _ = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(UntilEnd(text, promise))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        defer { limit.cancel() }
        let answer = try await promise.futureResult.get()
        let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let end = answer.range(of: "\r\n\r\n")?.upperBound ?? answer.endIndex
        return (status, String(answer[end...]), String(answer[..<end]))
    }
}

private final class UntilEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let request: String
    private let promise: EventLoopPromise<String>
    private var bytes: [UInt8] = []

    init(_ request: String, _ promise: EventLoopPromise<String>) {
        self.request = request
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(String(decoding: bytes, as: UTF8.self)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
