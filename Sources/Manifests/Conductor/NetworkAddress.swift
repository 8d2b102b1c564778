import Glibc

/// The shape of a libp2p address as conductor.yaml and the command line have it: `/ip4/192.0.2.7/tcp/4001`.
///
/// Only what this program listens on or dials: TCP and WebSocket. Whether a peer id is a true one, and whether a name leads
/// anywhere, is for those to say who dial it.
public enum NetworkAddress {
    /// What an address is for.
    public enum Use: Sendable {
        /// A port of this machine to listen on.
        case listen
        /// A machine to dial.
        case dial
        /// A relay: a machine to dial whose key has to be named.
        case relay
    }

    /// Why a text is no address for a use.
    public struct Fault: Hashable, Sendable {
        /// What is wrong, without the address.
        public let reason: String
        /// What to write instead.
        public let hint: String
    }

    /// Longest address, in bytes; a host name has 253 at most, a peer id about 60.
    public static let maxBytes = 500
    /// Most addresses of one list.
    public static let maxCount = 64

    /// What is wrong with an address; nil for one of the right shape.
    public static func fault(_ text: String, for use: Use) -> Fault? {
        guard text.utf8.count <= maxBytes else { return Fault(reason: "is too long", hint: examples(use)) }
        // Before anything reads it as a C string, which ends at a zero.
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return Fault(reason: "is no address", hint: examples(use))
        }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard parts.popFirst() == "", parts.count >= 2, !parts.contains("") else {
            return Fault(reason: "is no address", hint: examples(use))
        }
        if let fault = host(&parts, use) ?? port(&parts, use) ?? webSocket(&parts, use) ?? peer(&parts, use) {
            return fault
        }
        guard let rest = parts.first else { return nil }
        if rest == "p2p-circuit" {
            return Fault(
                reason: "leads through a relay",
                hint: "name the relay itself; who is behind it is found through the space")
        }
        return Fault(reason: "has \"\(Spelling.shown(String(rest)))\" where it should end", hint: examples(use))
    }

    private static func examples(_ use: Use) -> String {
        switch use {
        case .listen: "write it as /ip4/0.0.0.0/tcp/4001, or /ip6/::/tcp/4001/ws for browsers"
        case .dial: "write it as /dns4/example.org/tcp/4001 or /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"
        case .relay: "write it as the relay prints it: /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"
        }
    }

    private static func host(_ parts: inout ArraySlice<Substring>, _ use: Use) -> Fault? {
        let (kind, value) = (parts.removeFirst(), parts.removeFirst())
        switch kind {
        case "ip4", "ip6":
            guard isAddress(String(value), kind == "ip4" ? AF_INET : AF_INET6) else {
                return Fault(
                    reason: "has \"\(Spelling.shown(String(value)))\" where \(kind) wants an IP address",
                    hint: examples(use))
            }
            if use != .listen, value == "0.0.0.0" || value == "::" {
                return Fault(reason: "names no machine", hint: "\(value) is for listening; name the machine to dial")
            }
            return nil
        case "dns", "dns4", "dns6":
            if use == .listen {
                return Fault(
                    reason: "has a name", hint: "listen on an IP address of this machine: /ip4/0.0.0.0/tcp/4001")
            }
            return isHostName(value)
                ? nil
                : Fault(
                    reason: "has \"\(Spelling.shown(String(value)))\" where \(kind) wants a host name",
                    hint: examples(use))
        case "dnsaddr":
            return Fault(
                reason: "has a dnsaddr, which is not looked up here", hint: "name host and port: \(examples(.dial))")
        default:
            return Fault(
                reason: "begins with \"\(Spelling.shown(String(kind)))\" and not with a host", hint: examples(use))
        }
    }

    private static func port(_ parts: inout ArraySlice<Substring>, _ use: Use) -> Fault? {
        guard parts.count >= 2 else { return Fault(reason: "has no port", hint: examples(use)) }
        let (kind, value) = (parts.removeFirst(), parts.removeFirst())
        guard kind == "tcp" else {
            return Fault(
                reason: "has \"\(Spelling.shown(String(kind)))\" where tcp belongs",
                hint: kind == "udp" ? "this program speaks TCP and WebSocket, not QUIC" : examples(use))
        }
        let least = use == .listen ? 0 : 1
        guard value.utf8.count <= 5, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(value),
            (least...65_535).contains(port)
        else {
            return Fault(
                reason: "has \"\(Spelling.shown(String(value)))\" where a port from \(least) to 65535 belongs",
                hint: examples(use))
        }
        return nil
    }

    private static func webSocket(_ parts: inout ArraySlice<Substring>, _ use: Use) -> Fault? {
        switch parts.first {
        case "ws": parts.removeFirst()
        case "wss", "tls":
            if use == .listen {
                return Fault(
                    reason: "asks to listen with TLS, for which this program has no certificate",
                    hint: "listen on /ws and let a web server in front end the TLS")
            }
            return Fault(
                reason: "asks for TLS, which this program does not dial",
                hint: "connections have Noise, over TCP or /ws: name such an address of the same machine")
        default: break
        }
        return nil
    }

    private static func peer(_ parts: inout ArraySlice<Substring>, _ use: Use) -> Fault? {
        guard parts.first == "p2p" || parts.first == "ipfs" else {
            guard use == .relay, parts.isEmpty else { return nil }
            return Fault(reason: "does not name the relay's key", hint: examples(use))
        }
        if use == .listen {
            return Fault(reason: "has a peer id", hint: "the conductor's own keys answer there: end it before /p2p")
        }
        parts.removeFirst()
        guard let id = parts.popFirst(), (40...80).contains(id.utf8.count),
            id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) })
        else { return Fault(reason: "has no peer id behind p2p", hint: "write /p2p/12D3KooW…, or leave /p2p out") }
        return nil
    }

    /// Exactly as the system writes such an address, or shorter forms of an IPv6 one.
    private static func isAddress(_ text: String, _ family: Int32) -> Bool {
        var address = in6_addr()
        return inet_pton(family, text, &address) == 1
    }

    private static func isHostName(_ text: Substring) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || $0 == 0x2d || $0 == 0x5f
                }
        }
    }
}
