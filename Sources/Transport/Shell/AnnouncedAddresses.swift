import Integrity
import NIOCore

/// Which addresses are given to peers: those that a host listens on, with `0.0.0.0` and `::` replaced by the
/// machine's own.
public enum AnnouncedAddresses {
    /// - Parameters:
    ///   - listening: as bound, ports filled in.
    ///   - machine: the addresses of the machine's interfaces, 4 or 16 bytes each.
    /// - Returns: without repeats, in the order of `listening`. Loopback is given only where nothing else would be.
    public static func of(_ listening: [Multiaddr], machine: [[UInt8]]) -> [Multiaddr] {
        var found: [Multiaddr] = []
        for address in listening {
            guard let first = address.parts.first, isWildcard(first) else {
                found.append(address)
                continue
            }
            let same = machine.filter { $0.count == first.value.count && !isLinkLocal($0) }
            let others = same.filter { !isLoopback($0) }
            for bytes in others.isEmpty ? same : others {
                guard let part = MultiaddrPart(first.kind, bytes),
                    let replaced = try? Multiaddr(parts: [part] + address.parts.dropFirst())
                else { continue }
                found.append(replaced)
            }
        }
        var seen: Set<Multiaddr> = []
        return found.filter { seen.insert($0).inserted }
    }

    /// The addresses of the machine's interfaces, as the system tells them now; none if it does not.
    public static func ofMachine() -> [[UInt8]] {
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.compactMap { device in
            guard let text = device.address?.ipAddress else { return nil }
            let kind = text.contains(":") ? "ip6" : "ip4"
            // A zone (fe80::1%eth0) belongs to link-local addresses, which are not given anyway.
            return (try? Multiaddr("/\(kind)/\(text.prefix { $0 != "%" })"))?.parts.first?.value
        }
    }

    private static func isWildcard(_ part: MultiaddrPart) -> Bool {
        (part.kind == .ip4 || part.kind == .ip6) && part.value.allSatisfy { $0 == 0 }
    }

    private static func isLoopback(_ address: [UInt8]) -> Bool {
        address.count == 4 ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
    }

    private static func isLinkLocal(_ address: [UInt8]) -> Bool {
        address.count == 4 ? address[0] == 169 && address[1] == 254 : address[0] == 0xfe && address[1] & 0xc0 == 0x80
    }
}
