import Glibc
import Integrity

extension APIServer {
    /// Looks whether another program has one of the two ports, before a person has typed a passphrase for nothing. Nothing
    /// listens afterwards; ``start()`` makes sure of it.
    /// - Throws: `addressInUse`. What else may be wrong with a port, `start` tells.
    public static func checkPorts(_ configuration: APIConfiguration) throws(PlasmidError) {
        for (door, port) in [(Door.admin, configuration.adminPort), (.app, configuration.appPort)] {
            guard let number = UInt16(exactly: port), number > 0, isTaken4(number) || isTaken6(number) else { continue }
            throw inUse(door, port)
        }
    }

    static func inUse(_ door: Door, _ port: Int) -> PlasmidError {
        PlasmidError(
            .addressInUse, "the \(door.name) port \(port) is taken",
            hint: "another conductor may be running; choose another port, or 0 to let the system pick one")
    }

    private static func isTaken4(_ port: UInt16) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return isTaken(AF_INET, &address, MemoryLayout<sockaddr_in>.size)
    }

    private static func isTaken6(_ port: UInt16) -> Bool {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = 1 }
        return isTaken(AF_INET6, &address, MemoryLayout<sockaddr_in6>.size)
    }

    private static func isTaken(_ family: Int32, _ address: UnsafeRawPointer, _ size: Int) -> Bool {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        // As the service itself binds: what an ended conductor's connections left behind is no hindrance.
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let bound = Glibc.bind(descriptor, address.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        return bound != 0 && errno == EADDRINUSE
    }
}
