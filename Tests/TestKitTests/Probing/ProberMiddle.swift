import Integrity
import Logging
import NIOCore
import Sodium

@testable import Transport

/// Somebody between a member and a conductor, who ends the connections of both and hands each what the other shows of its
/// membership. On its loop only.
final class ProberMiddle: @unchecked Sendable {
    // Sendable: everything is touched on `loop` alone.
    private let loop: any EventLoop
    private let host: TransportHost
    private var target: (address: Multiaddr, promise: EventLoopPromise<[String]>)?

    private init(_ loop: any EventLoop) {
        self.loop = loop
        host = TransportHost(loop: loop, defaultIdentity: Self.identity(90), logger: Logger(label: "middle"))
    }

    private static func identity(_ seed: UInt8) -> HostIdentity {
        var bytes = [UInt8](repeating: seed, count: 32)
        return HostIdentity(seed: SecretBytes(moving: &bytes))
    }

    /// Listens for members; the address is where they are to look for others.
    static func listen(on loop: any EventLoop) async throws -> (ProberMiddle, String) {
        let middle = try await loop.submit { ProberMiddle(loop) }.get()
        let bound = try await loop.flatSubmit {
            middle.host.defaultIdentity.handle("/plasmid/space/1.0.0") { middle.take($0) }
            do {
                return middle.host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
            } catch { return loop.makeFailedFuture(error) }
        }.get()
        return (middle, bound[0].description)
    }

    /// What comes of the next offer that a member makes, shown to the conductor at `address`.
    func relayNext(to address: String) async throws -> [String] {
        let promise = loop.makePromise(of: [String].self)
        let target = try Multiaddr(address)
        loop.execute { self.target = (target, promise) }
        return try await promise.futureResult.get()
    }

    func close() async throws { try await loop.flatSubmit { self.host.close() }.get() }

    private func take(_ near: PeerStream) {
        guard let (address, promise) = target else { return near.reset() }
        target = nil
        var log: [String] = []
        Self.gather(256, from: near) { [self] offer in
            log.append("the member offers \(offer.count) bytes")
            host.dial(address, as: Self.identity(91)).assumeIsolated().whenComplete { result in
                do {
                    let far = try result.get().open("/plasmid/space/1.0.0")
                    far.write(ByteBuffer(bytes: offer))
                    Self.gather(256, from: far) { answer in
                        log.append("the conductor answers \(answer.count) bytes")
                        near.connection.onClose.append { _ in
                            log.append("the member hangs up")
                            promise.succeed(log)
                            far.connection.close()
                        }
                        near.write(ByteBuffer(bytes: answer))
                    }
                } catch { promise.fail(error) }
            }
        }
    }

    private static func gather(_ count: Int, from stream: PeerStream, _ done: @escaping ([UInt8]) -> Void) {
        var all: [UInt8] = []
        stream.onBytes = { bytes in
            let before = all.count
            all += Array(bytes.readableBytesView)
            if before < count, all.count >= count { done(all) }
        }
    }
}
