/// Who stands behind an address, as far as limits can tell: the machine, and the network that it is in.
///
/// One household or server often has a whole IPv6 /64, one provider an IPv4 /16 or IPv6 /32: whoever has many addresses
/// there shall not count as many people.
public struct AddressGroup: Hashable, Sendable {
    /// The IPv4 address, or the first 8 bytes of an IPv6 address; empty where the address is of no such kind.
    public let host: [UInt8]
    /// The first 2 bytes of an IPv4 address, or the first 4 of an IPv6 address; empty where the address is of no such kind.
    public let network: [UInt8]
    /// True for addresses that anyone can have behind their own door: loopback, link-local and private ones.
    public let isLocal: Bool

    /// The group of a bare IP address, 4 or 16 bytes; IPv4 in IPv6 (`::ffff:0:0/96`) counts as IPv4.
    public init(ip: [UInt8]) {
        var ip = ip
        if ip.count == 16, ip[..<10].allSatisfy({ $0 == 0 }), ip[10] == 0xff, ip[11] == 0xff { ip = [UInt8](ip[12...]) }
        switch ip.count {
        case 4:
            host = ip
            network = [UInt8](ip[..<2])
            isLocal = Self.isLocal4(ip)
        case 16:
            host = [UInt8](ip[..<8])
            network = [UInt8](ip[..<4])
            isLocal = Self.isLocal6(ip)
        default:
            host = []
            network = []
            isLocal = false
        }
    }

    /// The group of a multiaddr that begins with an IP address; otherwise one without host and network.
    public init(multiaddr: [UInt8]) {
        self.init(ip: Self.ip(of: multiaddr) ?? [])
    }

    /// The IP address at the start of a multiaddr, 4 or 16 bytes; nil where something else stands there.
    public static func ip(of multiaddr: [UInt8]) -> [UInt8]? {
        switch multiaddr.first {
        case 0x04 where multiaddr.count >= 5: [UInt8](multiaddr[1..<5])
        case 0x29 where multiaddr.count >= 17: [UInt8](multiaddr[1..<17])
        default: nil
        }
    }

    private static func isLocal4(_ ip: [UInt8]) -> Bool {
        switch (ip[0], ip[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168): true
        case (172, let second): (16...31).contains(second)
        case (100, let second): (64...127).contains(second)
        default: false
        }
    }

    private static func isLocal6(_ ip: [UInt8]) -> Bool {
        if ip[0] & 0xfe == 0xfc || (ip[0] == 0xfe && ip[1] & 0xc0 == 0x80) { return true }
        return ip[..<15].allSatisfy { $0 == 0 } && ip[15] <= 1
    }
}
