import Testing
@testable import Transport

@Suite("addresses that peers are given")
struct AnnouncedAddressesTests {
    let machine: [[UInt8]] = [[127, 0, 0, 1], [10, 0, 0, 5], [169, 254, 3, 3], [192, 0, 2, 7]]

    func texts(_ listening: [String], _ machine: [[UInt8]]) throws -> [String] {
        AnnouncedAddresses.of(try listening.map { try Multiaddr($0) }, machine: machine).map(\.description)
    }

    @Test("the wildcard stands for the machine's own addresses, those that only the machine or the link knows left out")
    func wildcard() throws {
        let given = try texts(["/ip4/0.0.0.0/tcp/4001"], machine)
        #expect(given == ["/ip4/10.0.0.5/tcp/4001", "/ip4/192.0.2.7/tcp/4001"])
        #expect(try texts(["/ip6/::/tcp/4001"], machine).isEmpty)
    }

    @Test("a machine without others gives its loopback; what was named stays as it was named, once")
    func named() throws {
        #expect(try texts(["/ip4/0.0.0.0/tcp/1/ws"], [[127, 0, 0, 1]]) == ["/ip4/127.0.0.1/tcp/1/ws"])
        let named = ["/ip4/10.0.0.5/tcp/4001", "/ip4/0.0.0.0/tcp/4001"]
        #expect(try texts(named, machine) == ["/ip4/10.0.0.5/tcp/4001", "/ip4/192.0.2.7/tcp/4001"])
    }
}
