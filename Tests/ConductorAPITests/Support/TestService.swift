@testable import ConductorAPI
import Integrity
import NIOCore
import NIOPosix

/// A service on real sockets, with its own loop and a `TestConductor` behind it.
final class TestService: Sendable {
    let group: MultiThreadedEventLoopGroup
    let loop: any EventLoop
    let ports: APIPorts
    private let parts: NIOLoopBound<Parts>

    final class Parts {
        let conductor = TestConductor()
        var server: APIServer?
    }

    private init(
        group: MultiThreadedEventLoopGroup, loop: any EventLoop, ports: APIPorts, parts: NIOLoopBound<Parts>
    ) {
        self.group = group
        self.loop = loop
        self.ports = ports
        self.parts = parts
    }

    /// Starts a service, runs `body` with it, stops it.
    static func run(
        _ change: @escaping @Sendable (inout APIConfiguration) -> Void = { _ in },
        _ body: (TestService) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let started = try await loop.flatSubmit { () -> EventLoopFuture<(APIPorts, NIOLoopBound<Parts>)> in
            var configuration = APIConfiguration()
            (configuration.adminPort, configuration.appPort) = (0, 0)
            change(&configuration)
            let parts = Parts()
            let server = APIServer(loop: loop, handler: parts.conductor, configuration: configuration)
            parts.server = server
            let bound = NIOLoopBound(parts, eventLoop: loop)
            return server.start().map { ($0, bound) }
        }.get()
        let service = TestService(group: group, loop: loop, ports: started.0, parts: started.1)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(service))
        } catch {
            outcome = .failure(error)
        }
        try await service.stop()
        try await group.shutdownGracefully()
        try outcome.get()
    }

    /// Stops the server; harmless if it has stopped.
    func stop() async throws {
        let parts = parts
        try await loop.flatSubmit { () -> EventLoopFuture<Void> in
            let stopped = parts.value.server?.stop()
            parts.value.server = nil
            return stopped ?? parts.eventLoop.makeSucceededVoidFuture()
        }.get()
    }

    /// Runs something with the conductor, on its loop.
    func conductor<T: Sendable>(_ body: @escaping @Sendable (TestConductor) -> T) async throws -> T {
        let parts = parts
        return try await loop.submit { body(parts.value.conductor) }.get()
    }

    /// How many connections an interface has.
    func connections(_ name: String) async throws -> Int {
        let parts = parts
        return try await loop.submit { parts.value.server?.connectionCount(name) ?? 0 }.get()
    }

    func appAddress(_ token: String? = "app-token") -> RPCAddress { RPCAddress(port: ports.app, token: token) }

    func adminAddress(_ token: String? = "admin-token") -> RPCAddress { RPCAddress(port: ports.admin, token: token) }
}
