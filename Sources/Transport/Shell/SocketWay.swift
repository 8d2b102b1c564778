import Glibc
import Integrity
import NIOCore
import NIOPosix

/// What of an address a socket needs.
struct SocketWay: Sendable {
    let host: String
    let port: Int
    let isWebSocket: Bool

    /// IP or name, TCP port, and `/ws` or nothing; a `/p2p` at the end says nothing here.
    init(_ address: Multiaddr) throws(PlasmidError) {
        let parts = address.withoutPeer.parts
        let names: [MultiaddrKind] = [.ip4, .ip6, .dns, .dns4, .dns6]
        guard !address.isOpaque, parts.count == 2 || parts.count == 3, names.contains(parts[0].kind),
            let host = parts[0].text, parts[1].kind == .tcp, parts[1].value.count == 2,
            parts.count == 2 || parts[2].kind == .ws
        else {
            throw PlasmidError(
                .malformedAddress, "there is no way to \(address)",
                hint: "addresses of TCP (/ip4/…/tcp/…) and WebSockets (…/ws) can be used")
        }
        self.host = host
        port = Int(parts[1].value[0]) << 8 | Int(parts[1].value[1])
        isWebSocket = parts.count == 3
    }

    /// The address of a socket of this kind.
    func multiaddr(_ address: SocketAddress?) throws(PlasmidError) -> Multiaddr {
        guard let address, let ip = address.ipAddress, let port = address.port else {
            throw PlasmidError(.malformedAddress, "a socket has no address")
        }
        let isFour = address.protocol == .inet
        return try Multiaddr("/\(isFour ? "ip4" : "ip6")/\(ip)/tcp/\(port)\(isWebSocket ? "/ws" : "")")
    }
}

/// How sockets of peers are set up.
enum SocketDial {
    /// Unsent bytes at which a connection stops handing on, and those at which it goes on.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 65_536, high: 262_144)
    /// A read takes several Noise frames at a time where they come fast.
    static let allocator = AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 4_096, maximum: 262_144)

    /// Lets sockets of one user share a port, if all of them say so.
    static let reusePort = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)

    /// `local`: where the socket is bound, a port that is listened on as well.
    static func bootstrap(
        _ loop: any EventLoop, _ settings: TransportSettings, from local: SocketAddress?
    ) -> ClientBootstrap {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(settings.upgradeTime)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: waterMark)
            .channelOption(.recvAllocator, value: allocator)
        guard let local else { return bootstrap }
        return
            bootstrap
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.socketOption(reusePort), value: 1)
            .bind(to: local)
    }
}
