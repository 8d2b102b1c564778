/// How a page that the conductor serves comes to its token: it is opened once as `/?token=…`, which leaves the token in a
/// cookie that scripts cannot read and that no other site makes the browser send.
enum PageCookie {
    /// Cookies are shared by all ports of a host, so that each interface has a name of its own.
    static func name(interface: String) -> String { "plasmid_\(interface)" }

    /// The header that sets it; nil for what cannot be a token, such as text that would end the header.
    static func header(interface: String, token: String) -> String? {
        let isToken = (1...512).contains(token.utf8.count) && token.utf8.allSatisfy(isPlain)
        guard isToken, interface.utf8.allSatisfy(isPlain) else { return nil }
        return "\(name(interface: interface))=\(token); HttpOnly; SameSite=Strict; Path=/"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}
