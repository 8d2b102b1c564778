@testable import ConductorAPI
import Integrity
import NIOCore
import NIOEmbedded

/// A WebSocket behind its upgrade without a network: bytes in, frames out, time by hand.
final class EmbeddedSocket {
    let channel: EmbeddedChannel
    let conductor = TestConductor()
    let server: APIServer
    private var pending: [UInt8] = []

    init(scope: APIScope = .app("app"), _ change: (inout APIConfiguration) -> Void = { _ in }) throws {
        var configuration = APIConfiguration()
        change(&configuration)
        let loop = EmbeddedEventLoop()
        server = APIServer(loop: loop, handler: conductor, configuration: configuration)
        conductor.signalReceiver = { [weak server] in server?.deliver($0) }
        conductor.systemSignalReceiver = { [weak server] in server?.deliver($0) }
        channel = EmbeddedChannel(handler: SocketHandler(server: server, scope: scope), loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Feeds bytes as one read.
    func feed(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        channel.embeddedEventLoop.run()
    }

    /// The frames that came out since the last look.
    func frames() throws -> [ServerFrame] {
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            pending.append(contentsOf: buffer.readableBytesView)
        }
        var frames: [ServerFrame] = []
        while let (frame, used) = ServerFrame.read(pending) {
            frames.append(frame)
            pending.removeFirst(used)
        }
        return frames
    }

    /// Sends one text message and returns the answers to it.
    func ask(_ json: String) throws -> [String] {
        try feed(textFrame(json))
        return try frames().map(\.text)
    }

    /// Ends the channel without looking at what is left.
    func end() { _ = try? channel.finish(acceptAlreadyClosed: true) }
}
