import NIOCore
import NIOPosix

/// A TCP connection that sends any bytes and waits for any answer, with no manners of its own.
final class Wire: Sendable {
    enum Fault: Error { case ended([UInt8]), tooSlow([UInt8]) }

    private let channel: any Channel
    private let inbox: NIOLoopBound<Inbox>

    private init(channel: any Channel, inbox: NIOLoopBound<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// - Parameter receiveBuffer: bytes that the kernel may keep for us; systems differ widely in what they do by themselves.
    static func connect(
        _ port: Int, on group: any EventLoopGroup, host: String = "127.0.0.1", receiveBuffer: Int? = nil
    ) async throws -> Wire {
        let loop = group.next()
        let promise = loop.makePromise(of: Wire.self)
        var bootstrap = ClientBootstrap(group: loop)
        if let receiveBuffer { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBuffer) }
        let connected =
            bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let inbox = Inbox()
                    try channel.pipeline.syncOperations.addHandler(inbox)
                    promise.succeed(Wire(channel: channel, inbox: NIOLoopBound(inbox, eventLoop: loop)))
                }
            }
            .connect(host: host, port: port)
        _ = try await connected.get()
        return try await promise.futureResult.get()
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Stops and starts reading: a client that does not listen.
    func setReading(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
    }

    /// Waits until `parse` finds what it looks for in what came so far and takes that many bytes off.
    func next<T: Sendable>(_ parse: @escaping @Sendable ([UInt8]) -> (T, Int)?) async throws -> T {
        let inbox = inbox
        let loop = channel.eventLoop
        return try await loop.flatSubmit { () -> EventLoopFuture<T> in
            let promise = loop.makePromise(of: T.self)
            // A guard against hanging, not a timing: nothing that passes ever waits for it.
            let limit = loop.scheduleTask(in: .seconds(20)) { promise.fail(Fault.tooSlow(inbox.value.bytes)) }
            promise.futureResult.whenComplete { _ in limit.cancel() }
            inbox.value.wait { bytes, hasEnded in
                if let (found, used) = parse(bytes) {
                    promise.succeed(found)
                    return used
                }
                if hasEnded { promise.fail(Fault.ended(bytes)) }
                return hasEnded ? 0 : nil
            }
            return promise.futureResult
        }.get()
    }

    /// Everything until the other side ends the connection.
    func rest() async throws -> [UInt8] {
        do {
            _ = try await next { _ -> (Int, Int)? in nil }
            return []
        } catch Fault.ended(let bytes) {
            return bytes
        }
    }

    func close() async throws { try await channel.close().get() }
}

/// What came and who waits for it.
private final class Inbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var bytes: [UInt8] = []
    private var hasEnded = false
    private var waiter: (([UInt8], Bool) -> Int?)?

    func wait(_ waiter: @escaping ([UInt8], Bool) -> Int?) {
        self.waiter = waiter
        check()
    }

    private func check() {
        guard let waiter, let used = waiter(bytes, hasEnded) else { return }
        bytes.removeFirst(used)
        self.waiter = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        check()
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasEnded = true
        check()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
