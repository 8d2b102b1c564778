import Testing

@testable import Manifests

@Suite("addresses of other conductors")
struct NetworkAddressTests {
    private static let id = "12D3KooWB6JHk1gWyZbqvMzXyC6AtqYzF3VtQ7ZQwr8fJxSc3Zzz"

    @Test(
        "ports of this machine",
        arguments: ["/ip4/0.0.0.0/tcp/0", "/ip4/127.0.0.1/tcp/65535/ws", "/ip6/::/tcp/4001", "/ip6/fe80::1/tcp/1/ws"])
    func listen(text: String) {
        #expect(NetworkAddress.fault(text, for: .listen) == nil)
    }

    @Test(
        "machines to dial",
        arguments: [
            "/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001/ws", "/dns/example.org/tcp/1",
            "/dns4/a-b.example/tcp/443/ws", "/dns6/localhost/tcp/443/ws/p2p/\(id)",
            "/ip4/192.0.2.7/tcp/4001/p2p/\(id)", "/ip4/192.0.2.7/tcp/4001/ipfs/\(id)",
        ])
    func dial(text: String) {
        #expect(NetworkAddress.fault(text, for: .dial) == nil)
    }

    @Test(
        "what is no address is told with a reason and what to write",
        arguments: [
            ("", "is no address"), ("4001", "is no address"), ("/ip4", "is no address"),
            ("//ip4/1.2.3.4", "is no address"),
            ("/ip4/1.2.3.4/tcp/1/", "is no address"), ("/ip4/1.2.3.4\u{0}/tcp/1", "is no address"),
            ("/ip4/1.2.3.4 /tcp/1", "is no address"), ("/ip4/1.2.3/tcp/1", "wants an IP address"),
            ("/ip4/1.2.3.256/tcp/1", "wants an IP address"), ("/ip4/::1/tcp/1", "wants an IP address"),
            ("/ip6/1.2.3.4/tcp/1", "wants an IP address"), ("/tcp/1/ip4/1.2.3.4", "begins with \"tcp\""),
            ("/ip4/1.2.3.4", "has no port"), ("/ip4/1.2.3.4/udp/1/quic-v1", "has \"udp\" where tcp belongs"),
            ("/ip4/1.2.3.4/tcp/65536", "where a port from"), ("/ip4/1.2.3.4/tcp/-1", "where a port from"),
            ("/ip4/1.2.3.4/tcp/+1", "where a port from"), ("/ip4/1.2.3.4/tcp/000001", "where a port from"),
            ("/ip4/1.2.3.4/tcp/1/http", "has \"http\" where it should end"),
            ("/" + String(repeating: "x", count: 500), "is too long"),
        ])
    func neither(text: String, reason: String) throws {
        for use in [NetworkAddress.Use.listen, .dial] {
            let fault = try #require(NetworkAddress.fault(text, for: use), "\(text)")
            #expect(fault.reason.contains(reason) && !fault.hint.isEmpty, "\(text): \(fault.reason)")
        }
    }

    @Test(
        "what only one of the two can be",
        arguments: [
            ("/dns4/example.org/tcp/1", NetworkAddress.Use.listen, "has a name"),
            ("/ip4/0.0.0.0/tcp/1/p2p/\(id)", .listen, "has a peer id"),
            ("/ip4/0.0.0.0/tcp/443/tls/ws", .listen, "no certificate"),
            ("/ip4/0.0.0.0/tcp/443/wss", .listen, "no certificate"),
            ("/ip4/1.2.3.4/tcp/1", .relay, "does not name the relay's key"),
            ("/ip4/0.0.0.0/tcp/1/p2p/\(id)", .relay, "names no machine"),
            ("/ip4/1.2.3.4/tcp/443/wss", .dial, "asks for TLS"),
            ("/ip4/0.0.0.0/tcp/1", .dial, "names no machine"), ("/ip6/::/tcp/1", .dial, "names no machine"),
            ("/ip4/1.2.3.4/tcp/0", .dial, "a port from 1"), ("/dnsaddr/example.org/p2p/\(id)", .dial, "dnsaddr"),
            ("/dns4/ex ample/tcp/1", .dial, "is no address"), ("/dns4/-x.org/tcp/1", .dial, "wants a host name"),
            ("/dns4/x..org/tcp/1", .dial, "wants a host name"), ("/ip4/1.2.3.4/tcp/1/tls/ws", .dial, "asks for TLS"),
            ("/ip4/1.2.3.4/tcp/1/p2p/short", .dial, "no peer id"), ("/ip4/1.2.3.4/tcp/1/p2p", .dial, "no peer id"),
            ("/ip4/1.2.3.4/tcp/1/p2p/\(id)/p2p-circuit/p2p/\(id)", .dial, "through a relay"),
        ])
    func oneOnly(text: String, use: NetworkAddress.Use, reason: String) throws {
        let fault = try #require(NetworkAddress.fault(text, for: use), "\(text)")
        #expect(fault.reason.contains(reason) && !fault.hint.isEmpty, "\(text): \(fault.reason)")
    }
}
