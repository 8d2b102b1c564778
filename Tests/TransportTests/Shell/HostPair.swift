import Integrity
import Logging
import NIOCore
import NIOPosix
import Sodium

@testable import Transport

/// Hosts of a test, on one loop of their own.
final class TestHosts: @unchecked Sendable {
    // Sendable: everything in it is touched on `loop` alone, `loop` itself and `group` never change.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    private var hosts: [TransportHost] = []

    init() { loop = group.next() }

    /// A host whose default identity has the seed of 32 times `seed`.
    func host(_ seed: UInt8, _ settings: TransportSettings = TransportSettings()) -> TransportHost {
        loop.preconditionInEventLoop()
        let host = TransportHost(
            loop: loop, defaultIdentity: Self.identity(seed), settings: settings, logger: Logger(label: "test"))
        hosts.append(host)
        return host
    }

    static func identity(_ seed: UInt8) -> HostIdentity {
        var bytes = [UInt8](repeating: seed, count: 32)
        return HostIdentity(seed: SecretBytes(moving: &bytes))
    }

    /// Does `body` on the loop.
    func run<T: Sendable>(_ body: @escaping @Sendable (TestHosts) throws -> T) async throws -> T {
        try await loop.submit { try body(self) }.get()
    }

    /// Does `body` on the loop and waits for what it begins.
    func wait<T: Sendable>(_ body: @escaping @Sendable (TestHosts) throws -> EventLoopFuture<T>) async throws -> T {
        try await loop.flatSubmit {
            do { return try body(self) } catch { return self.loop.makeFailedFuture(error) }
        }.get()
    }

    /// Ends all hosts and the loop.
    func close() async throws {
        try await wait { hosts in EventLoopFuture.andAllComplete(hosts.hosts.map { $0.close() }, on: hosts.loop) }
        try await group.shutdownGracefully()
    }

    /// Runs `body` and closes, whatever comes of it.
    static func with(_ body: (TestHosts) async throws -> Void) async throws {
        let hosts = TestHosts()
        do {
            try await body(hosts)
        } catch {
            try await hosts.close()
            throw error
        }
        try await hosts.close()
    }
}

/// Serves `/plasmid/echo/1.0.0`: gives back what comes, no faster than it is taken.
func serveEcho(_ identity: HostIdentity) {
    identity.handle("/plasmid/echo/1.0.0") { stream in
        stream.onBytes = { [unowned stream] bytes in
            stream.write(bytes)
            if !stream.isWritable { stream.pauseReading() }
        }
        stream.onWritable = { [unowned stream] in stream.resumeReading() }
        stream.onEnd = { [unowned stream] end in if case .finished = end { stream.finish() } }
    }
}

extension PeerStream {
    /// Everything that comes until the peer finishes.
    func collected() -> EventLoopFuture<ByteBuffer> {
        let promise = connection.loop.makePromise(of: ByteBuffer.self)
        let all = NIOLoopBoundBox(ByteBuffer(), eventLoop: connection.loop)
        onBytes = { bytes in
            var bytes = bytes
            all.value.writeBuffer(&bytes)
        }
        onEnd = { end in
            switch end {
            case .finished: promise.succeed(all.value)
            case .reset: promise.fail(PlasmidError(.connectionLost, "reset"))
            case .refused: promise.fail(PlasmidError(.protocolRefused, "refused"))
            }
        }
        return promise.futureResult
    }
}
