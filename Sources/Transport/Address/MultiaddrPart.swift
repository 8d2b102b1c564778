import Integrity

/// The kinds of parts of a ``Multiaddr`` that are known here, by their codes.
public enum MultiaddrKind: UInt64, Hashable, Sendable, CaseIterable {
    case ip4 = 4
    case tcp = 6
    case ip6 = 41
    case ip6zone = 42
    case dns = 53
    case dns4 = 54
    case dns6 = 55
    case dnsaddr = 56
    case udp = 273
    case circuit = 290
    case p2p = 421
    case tls = 448
    case sni = 449
    case quicV1 = 461
    case webtransport = 465
    case certhash = 466
    case ws = 477
    case wss = 478
    case httpPath = 481

    /// The name between slashes.
    public var name: String {
        switch self {
        case .ip4: "ip4"
        case .tcp: "tcp"
        case .ip6: "ip6"
        case .ip6zone: "ip6zone"
        case .dns: "dns"
        case .dns4: "dns4"
        case .dns6: "dns6"
        case .dnsaddr: "dnsaddr"
        case .udp: "udp"
        case .circuit: "p2p-circuit"
        case .p2p: "p2p"
        case .tls: "tls"
        case .sni: "sni"
        case .quicV1: "quic-v1"
        case .webtransport: "webtransport"
        case .certhash: "certhash"
        case .ws: "ws"
        case .wss: "wss"
        case .httpPath: "http-path"
        }
    }

    private static let byName: [String: MultiaddrKind] = {
        var table = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })
        // The old spelling, from before libp2p left IPFS.
        table["ipfs"] = .p2p
        return table
    }()

    /// The kind of a name; `ipfs` is `p2p`.
    init?(name: Substring) {
        guard let kind = Self.byName[String(name)] else { return nil }
        self = kind
    }

    /// How the bytes of a value are told from what follows.
    enum Size {
        case fixed(Int)
        /// An unsigned varint says.
        case counted
    }

    var size: Size {
        switch self {
        case .ip4: .fixed(4)
        case .tcp, .udp: .fixed(2)
        case .ip6: .fixed(16)
        case .circuit, .tls, .quicV1, .webtransport, .ws, .wss: .fixed(0)
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .p2p, .sni, .certhash, .httpPath: .counted
        }
    }

    var takesValue: Bool { if case .fixed(0) = size { false } else { true } }
}

/// One part of a ``Multiaddr``: what it is, and its value as bytes (empty for kinds without one).
public struct MultiaddrPart: Hashable, Sendable {
    /// What the part is.
    public let kind: MultiaddrKind
    /// The value without its length: an address in network order, a port in two bytes, a name in UTF-8, a peer id.
    public let value: [UInt8]

    /// The port of a `tcp` or `udp` part.
    public var port: Int? {
        kind == .tcp || kind == .udp ? Int(value[0]) << 8 | Int(value[1]) : nil
    }

    /// The value as it stands in text; nil for kinds without one.
    public var text: String? {
        switch kind {
        case .ip4: IPText.text4(value)
        case .ip6: IPText.text6(value)
        case .tcp, .udp: port.map(String.init)
        case .p2p: PeerID(bytes: value)?.description
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .sni: String(decoding: value, as: UTF8.self)
        case .certhash: "u" + Base64.encode(value, alphabet: .url)
        case .httpPath: PercentText.text(value)
        case .circuit, .tls, .quicV1, .webtransport, .ws, .wss: nil
        }
    }

    /// A part, if the value is one that its kind can have.
    public init?(_ kind: MultiaddrKind, _ value: [UInt8] = []) {
        switch kind.size {
        case .fixed(let count): guard value.count == count else { return nil }
        case .counted: guard !value.isEmpty else { return nil }
        }
        switch kind {
        case .p2p: guard PeerID(bytes: value) != nil else { return nil }
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .sni:
            // A name; what would end it in the text, or could not be told from nothing on a screen, is refused.
            let isName = value.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 < 0x7f }
            guard value.count <= 253, isName else { return nil }
        default: break
        }
        self.kind = kind
        self.value = value
    }

    /// A part from its text between slashes; nil when the kind can have no such value.
    init?(_ kind: MultiaddrKind, text: Substring) {
        let value: [UInt8]? =
            switch kind {
            case .ip4: IPText.bytes4(text)
            case .ip6: IPText.bytes6(text)
            case .tcp, .udp: IPText.port(text)
            case .p2p: PeerID(text: text)?.bytes
            case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .sni: Array(text.utf8)
            case .certhash: text.hasPrefix("u") ? Base64.decode(String(text.dropFirst()), alphabet: .url) : nil
            case .httpPath: PercentText.bytes(text)
            case .circuit, .tls, .quicV1, .webtransport, .ws, .wss: nil
            }
        guard let value else { return nil }
        self.init(kind, value)
    }
}
