import Foundation
import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Sodium
import Transport

/// Connections between members of a space, and what one stream carries.
enum TransportFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        [try connect(place), try stream(place)]
    }

    // MARK: Connecting

    /// From nothing to the answer of a question that only a proved agent may ask, of a conductor in another process.
    private static func connect(_ place: BenchPlace) throws -> Figure {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let node = try BenchNode(place.folder + "/connect")
        defer { node.stop() }
        try node.start()
        try node.install(place.happ)
        let address = try Multiaddr(try node.address())
        let keystore = try BenchKeys.make(place)
        let peer = try BenchPeer(space: try node.space(), keystore: keystore, on: group.next())
        let echo = try FloorChild(.echo)
        defer { echo.stop() }
        let port = Int(try echo.word().dropFirst("ready ".count)) ?? 0
        let each = place.count(60, quick: 25)
        _ = try met(peer, address, 10)
        var (values, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        for _ in 0..<place.rounds {
            let floor = try bareConnects(each, port: port, on: group.next()).median + curves(each, keystore).median
            let times = try met(peer, address, each)
            values.append(times.median)
            floors.append(floor)
            ratios.append(times.median / floor)
            for time in times.seconds { latency.add(time) }
        }
        try peer.close()
        return Figure(
            name: "transport.connect", unit: "µs", value: median(values) * 1e6, p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, floor: median(floors) * 1e6,
            floorName: "bare TCP connect of NIO + the curve and signature operations of both sides",
            measuredRatio: median(ratios), budget: .ratioAtMost(3),
            note: "TCP, Noise, yamux, proofs of the space and of one agent, a question and its answer; two processes")
    }

    private static func met(_ peer: BenchPeer, _ address: Multiaddr, _ count: Int) throws -> Samples {
        var times = Samples()
        for _ in 0..<count { times.add(try peer.meet(address).wait()) }
        return times
    }

    private static func bareConnects(_ count: Int, port: Int, on loop: any EventLoop) throws -> Samples {
        var times = Samples()
        for _ in 0..<count {
            let start = monotonicSeconds()
            let channel = try ClientBootstrap(group: loop).channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: "127.0.0.1", port: port).wait()
            times.add(monotonicSeconds() - start)
            try channel.close().wait()
        }
        return times
    }

    /// What both sides compute: of Noise two keys, three agreements, a signature and its check each; of the agent's proof an
    /// agreement of converted keys each.
    private static func curves(_ count: Int, _ keystore: Keystore) throws -> Samples {
        let (one, other) = (try keystore.newAgent(tag: UUID().uuidString), HostIdentity(seed: Ed25519.generateSeed()))
        let secret = SecretBytes.random(count: 32)
        let message = [UInt8](repeating: 7, count: 56)
        var times = Samples()
        for _ in 0..<count {
            let start = monotonicSeconds()
            var isGood = true
            for _ in 0..<2 {
                let first = X25519.publicKey(of: secret)
                let second = X25519.publicKey(of: secret)
                for _ in 0..<3 { isGood = X25519.agree(secret, first) != nil && isGood }
                let signature = try keystore.sign(message, by: one)
                isGood = signature.verifies(message, by: one) && first == second && isGood
                isGood = other.secret(with: one.core) != nil && isGood
            }
            times.add(monotonicSeconds() - start)
            guard isGood else { throw PlasmidError(.internal, "the curve's operations fail") }
        }
        return times
    }

    // MARK: One stream

    /// Bytes over one stream, both ends on one loop, so that times of both add up.
    private static func stream(_ place: BenchPlace) throws -> Figure {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let bytes = place.count(256, quick: 96) << 20
        let pair = try StreamPair(on: group.next())
        defer { pair.stop() }
        _ = try pair.seconds(bytes / 4)
        var (values, floors, ratios) = ([Double](), [Double](), [Double]())
        for _ in 0..<place.count(5, quick: 3) {
            let floor = try BareStream.seconds(bytes, on: group.next()) + sealing(bytes)
            let time = try pair.seconds(bytes)
            values.append(Double(bytes) / 1e6 / time)
            floors.append(Double(bytes) / 1e6 / floor)
            ratios.append(floor / time)
        }
        return Figure(
            name: "transport.stream", unit: "MB/s", value: median(values), floor: median(floors),
            floorName: "the same bytes over a NIO socket + sealed and opened once", measuredRatio: median(ratios),
            budget: .ratioAtLeast(0.6), note: "both ends on one thread")
    }

    /// Seconds to encrypt and decrypt so many bytes, in the largest frames.
    private static func sealing(_ bytes: Int) -> Double {
        let key = SecretBytes.random(count: 32)
        let size = 65_519
        var frame = [UInt8](repeating: 7, count: size + 16)
        let start = monotonicSeconds()
        frame.withUnsafeMutableBytes { raw in
            let plain = UnsafeMutableRawBufferPointer(rebasing: raw[..<size])
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            for counter in 0..<UInt64(bytes / size) {
                ChaCha20Poly1305.seal(UnsafeRawBufferPointer(plain), into: raw, key: key, counter: counter, ad: none)
                _ = ChaCha20Poly1305.open(
                    UnsafeRawBufferPointer(raw), into: plain, key: key, counter: counter, ad: none)
            }
        }
        return monotonicSeconds() - start
    }
}

/// Two hosts on one loop.
// `@unchecked Sendable`: the hosts are made and used on the loop only.
private final class StreamPair: @unchecked Sendable {
    private let loop: any EventLoop
    private let server: TransportHost
    private let client: TransportHost
    private let address: Multiaddr
    static let piece = ByteBuffer(repeating: 7, count: 65_536)

    init(on loop: any EventLoop) throws {
        self.loop = loop
        let made = try loop.submit {
            let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
            return (0..<2).map { _ in
                TransportHost(
                    loop: loop, defaultIdentity: HostIdentity(seed: Ed25519.generateSeed()), logger: logger)
            }
        }.wait()
        (server, client) = (made[0], made[1])
        let anywhere = try Multiaddr("/ip4/127.0.0.1/tcp/0")
        let bound = try loop.flatSubmit { made[0].listen(on: anywhere) }.wait()
        address = bound[0]
    }

    /// How long it takes to send so many bytes, on a connection of their own, which is not counted.
    func seconds(_ total: Int) throws -> Double {
        let done = loop.makePromise(of: Double.self)
        let (server, client, address) = (server, client, address)
        loop.execute {
            var start = 0.0
            server.defaultIdentity.handle("/sink/1.0.0") { stream in
                var got = 0
                stream.onBytes = { bytes in
                    got += bytes.readableBytes
                    if got == total { done.succeed(monotonicSeconds() - start) }
                }
            }
            client.dial(address, as: client.defaultIdentity).flatMap { $0.openAgreedStream("/sink/1.0.0") }
                .assumeIsolated().whenComplete { result in
                    do {
                        let stream = try result.get()
                        var sent = 0
                        let send = { [weak stream] in
                            guard let stream else { return }
                            while stream.isWritable, sent < total {
                                stream.write(Self.piece)
                                sent += Self.piece.readableBytes
                            }
                        }
                        stream.onWritable = send
                        stream.onEnd = { _ in done.fail(PlasmidError(.connectionLost, "the stream ended")) }
                        start = monotonicSeconds()
                        send()
                    } catch {
                        done.fail(error)
                    }
                }
        }
        let seconds = try done.futureResult.wait()
        try loop.submit {
            for peer in client.defaultIdentity.connectedPeers {
                for connection in client.defaultIdentity.connections(with: peer) { connection.close(atOnce: true) }
            }
        }.wait()
        return seconds
    }

    func stop() {
        let (server, client) = (server, client)
        try? loop.flatSubmit { server.close().and(client.close()).map { _ in } }.wait()
    }
}

/// The same bytes over a socket of NIO's.
private enum BareStream {
    private final class Sink: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let total: Int
        private var got = 0
        private let done: EventLoopPromise<Double>
        private var start = 0.0

        init(_ total: Int, _ done: EventLoopPromise<Double>) {
            self.total = total
            self.done = done
        }

        func channelActive(context: ChannelHandlerContext) { start = monotonicSeconds() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            got += unwrapInboundIn(data).readableBytes
            if got == total { done.succeed(monotonicSeconds() - start) }
        }
    }

    private final class Source: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let total: Int
        private var sent = 0

        init(_ total: Int) { self.total = total }

        func channelActive(context: ChannelHandlerContext) { send(context) }

        func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

        private func send(_ context: ChannelHandlerContext) {
            while context.channel.isWritable, sent < total {
                context.writeAndFlush(wrapOutboundOut(StreamPair.piece), promise: nil)
                sent += StreamPair.piece.readableBytes
            }
        }
    }

    static func seconds(_ total: Int, on loop: any EventLoop) throws -> Double {
        let done = loop.makePromise(of: Double.self)
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 4_096, maximum: 262_144)
        let server = try ServerBootstrap(group: loop)
            .childChannelOption(.recvAllocator, value: allocator)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Sink(total, done))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        let mark = ChannelOptions.Types.WriteBufferWaterMark(low: 65_536, high: 262_144)
        let client = try ClientBootstrap(group: loop)
            .channelOption(.writeBufferWaterMark, value: mark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Source(total))
                }
            }
            .connect(host: "127.0.0.1", port: server.localAddress?.port ?? 0).wait()
        let seconds = try done.futureResult.wait()
        try client.close().wait()
        try server.close().wait()
        return seconds
    }
}
