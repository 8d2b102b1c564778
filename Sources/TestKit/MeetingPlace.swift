import Integrity
import Logging
import NIOCore
import Sodium
import Transport

/// Where the conductors of a test find each other.
public enum Meeting: Sendable {
    /// At a bootstrap server, which serves Kad as well.
    case bootstrap
    /// In Kad.
    case kad
}

/// A server of a test, in this process.
final class MeetingPlace: @unchecked Sendable {
    // Sendable: `loop` never changes, everything else is touched on it alone.
    private let loop: any EventLoop
    private var host: TransportHost?
    private var service: BootstrapService?
    private var kad: KadService?

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Begins to serve; gives the address that conductors are told.
    func start(_ meeting: Meeting, clock: VirtualClock) async throws -> String {
        try await loop.flatSubmit { [self] in
            let identity = HostIdentity(seed: SecretBytes.random(count: 32))
            let host = TransportHost(loop: loop, defaultIdentity: identity, logger: Logger(label: "meeting place"))
            if meeting == .bootstrap {
                let service = BootstrapService(
                    host: host, now: { clock.now }, random: SystemRandomNumberGenerator())
                service.start()
                self.service = service
            }
            let kad = KadService(
                host: host, identity: identity, now: { clock.now }, random: SystemRandomNumberGenerator())
            identity.onConnection = { kad.watch($0) }
            kad.start(serves: true)
            (self.host, self.kad) = (host, kad)
            do {
                return host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0")).flatMapThrowing { bound in
                    try bound.map { try $0.appending(identity.peerID).description }.first ?? ""
                }
            } catch { return loop.makeFailedFuture(error) }
        }.get()
    }

    /// Ends it.
    func stop() async throws {
        try await loop.flatSubmit { [self] in
            service?.stop()
            kad?.stop()
            return host?.close() ?? loop.makeSucceededVoidFuture()
        }.get()
    }
}
