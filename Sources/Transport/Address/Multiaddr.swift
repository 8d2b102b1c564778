import Integrity

/// An address of a peer, as a path of parts: `/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW…`.
///
/// A part of an unknown kind ends what can be read, since its length is not known: the rest is kept as it is
/// (``isOpaque``), so that such an address can be stored and passed on. `/wss` is equal to `/tls/ws`.
///
/// Source: the multiaddr specification, and the table of codes of multicodec.
public struct Multiaddr: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of the longest address.
    public static let bytesMaximum = 1024
    /// Parts of the longest address.
    public static let partsMaximum = 10
    private static let charactersMaximum = 2048

    /// The address on the wire: for each part its code as an unsigned varint, then the value.
    public let bytes: [UInt8]
    /// The bytes with `/tls/ws` for `/wss`: what equality goes by.
    private let canonical: [UInt8]
    /// The parts that are known here, in order; what follows an unknown code is not among them.
    public let parts: [MultiaddrPart]
    /// True when an unknown code stands in it, so that it can be kept but not dialled.
    public let isOpaque: Bool

    /// Reads an address from its bytes. Throws `malformedAddress` when they are none, or beyond the limits.
    public init(bytes: some Collection<UInt8>) throws(PlasmidError) {
        let bytes = [UInt8](bytes)
        guard bytes.count <= Self.bytesMaximum else { throw Self.tooLong }
        guard !bytes.isEmpty else { throw PlasmidError(.malformedAddress, "an address on the wire is empty") }
        var parts: [MultiaddrPart] = []
        var rest = bytes[...]
        var isOpaque = false
        while !rest.isEmpty {
            guard parts.count < Self.partsMaximum else { throw Self.tooLong }
            let code = try Self.takeVarint(&rest)
            guard let kind = MultiaddrKind(rawValue: code) else {
                isOpaque = true
                break
            }
            var count = UInt64(0)
            switch kind.size {
            case .fixed(let bytes): count = UInt64(bytes)
            case .counted: count = try Self.takeVarint(&rest)
            }
            guard count <= rest.count, let part = MultiaddrPart(kind, Array(rest.prefix(Int(count)))) else {
                throw PlasmidError(.malformedAddress, "an address on the wire has a /\(kind.name) that is none")
            }
            rest = rest.dropFirst(Int(count))
            parts.append(part)
        }
        self.init(bytes: bytes, parts: parts, isOpaque: isOpaque)
    }

    /// Reads an address from text. Throws `malformedAddress`, naming the part that is none.
    public init(_ text: some StringProtocol) throws(PlasmidError) {
        guard text.utf8.count <= Self.charactersMaximum else { throw Self.tooLong }
        let text = String(text)
        var fields = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard fields.count >= 2, fields.removeFirst().isEmpty else {
            throw Self.malformed(text, "begins with no slash")
        }
        // A slash at the end is the same as none.
        if fields.count > 1, fields.last == "" { fields.removeLast() }
        var parts: [MultiaddrPart] = []
        while let name = fields.popFirst() {
            guard let kind = MultiaddrKind(name: name) else {
                throw Self.malformed(text, "has an unknown part '/\(name)'")
            }
            guard kind.takesValue else {
                if let part = MultiaddrPart(kind) { parts.append(part) }
                continue
            }
            guard let value = fields.popFirst() else { throw Self.malformed(text, "ends after '/\(name)'") }
            guard let part = MultiaddrPart(kind, text: value) else {
                throw Self.malformed(text, "has no good value in '/\(name)/\(value)'")
            }
            parts.append(part)
        }
        try self.init(parts: parts)
    }

    /// Joins parts. Throws `malformedAddress` beyond the limits.
    public init(parts: [MultiaddrPart]) throws(PlasmidError) {
        let bytes = Self.encoded(parts)
        guard parts.count <= Self.partsMaximum, bytes.count <= Self.bytesMaximum else { throw Self.tooLong }
        self.init(bytes: bytes, parts: parts, isOpaque: false)
    }

    private init(bytes: [UInt8], parts: [MultiaddrPart], isOpaque: Bool) {
        self.bytes = bytes
        self.parts = parts
        self.isOpaque = isOpaque
        guard !isOpaque, parts.contains(where: { $0.kind == .wss }) else {
            canonical = bytes
            return
        }
        canonical = Self.encoded(
            parts.flatMap { part in
                part.kind == .wss ? [.tls, .ws].compactMap { MultiaddrPart($0) } : [part]
            })
    }

    /// The text; of an opaque address the known parts, then `/?` and the rest in hex, which cannot be read back.
    public var description: String {
        var text = ""
        for part in parts {
            text += "/" + part.kind.name
            if let value = part.text { text += "/" + value }
        }
        guard isOpaque else { return text }
        let rest = bytes.dropFirst(Self.encoded(parts).count)
        return text + "/?" + rest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The peer that the address leads to: the value of its last `/p2p`, if that is not followed by a `/p2p-circuit`.
    public var peerID: PeerID? {
        guard !isOpaque, let last = parts.last(where: { $0.kind == .p2p || $0.kind == .circuit }), last.kind == .p2p
        else { return nil }
        return PeerID(bytes: last.value)
    }

    /// The address of the relay (with its `/p2p` part, if it has one), where this one leads over a relay.
    public var relay: Multiaddr? {
        guard let end = parts.lastIndex(where: { $0.kind == .circuit }), end > 0 else { return nil }
        return Multiaddr(known: Array(parts[..<end]))
    }

    /// True when the way leads over a relay.
    public var isRelayed: Bool { parts.contains { $0.kind == .circuit } }

    /// The same address with `kind` at its end. Throws `malformedAddress` when the kind can have no such value, when the
    /// address is opaque, and beyond the limits.
    public func appending(_ kind: MultiaddrKind, _ value: [UInt8] = []) throws(PlasmidError) -> Multiaddr {
        guard !isOpaque, let part = MultiaddrPart(kind, value) else {
            throw PlasmidError(.malformedAddress, "/\(kind.name) cannot follow \(self)")
        }
        return try Multiaddr(parts: parts + [part])
    }

    /// The same address with `/p2p/<peer>` at its end; unchanged where it leads to that peer already.
    public func appending(_ peer: PeerID) throws(PlasmidError) -> Multiaddr {
        peerID == peer ? self : try appending(.p2p, peer.bytes)
    }

    /// The same address without the `/p2p` at its end, if it has one there (with nothing in it, if that was all).
    public var withoutPeer: Multiaddr {
        guard !isOpaque, parts.last?.kind == .p2p else { return self }
        return Multiaddr(known: Array(parts.dropLast()))
    }

    /// For parts of an address that was within the limits.
    private init(known parts: [MultiaddrPart]) {
        self.init(bytes: Self.encoded(parts), parts: parts, isOpaque: false)
    }

    /// Equal when they lead the same way: `/wss` counts as `/tls/ws`.
    public static func == (left: Multiaddr, right: Multiaddr) -> Bool { left.canonical == right.canonical }

    /// Hashes what equality goes by.
    public func hash(into hasher: inout Hasher) { hasher.combine(canonical) }

    private static func encoded(_ parts: [MultiaddrPart]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            UnsignedVarint.append(part.kind.rawValue, to: &bytes)
            if case .counted = part.kind.size { UnsignedVarint.append(UInt64(part.value.count), to: &bytes) }
            bytes += part.value
        }
        return bytes
    }

    private static func takeVarint(_ rest: inout ArraySlice<UInt8>) throws(PlasmidError) -> UInt64 {
        guard case .value(let value, let count) = UnsignedVarint.read(rest) else {
            throw PlasmidError(.malformedAddress, "an address on the wire has a number that is cut or overlong")
        }
        rest = rest.dropFirst(count)
        return value
    }

    private static var tooLong: PlasmidError {
        PlasmidError(.malformedAddress, "an address has more than \(partsMaximum) parts or \(bytesMaximum) bytes")
    }

    private static func malformed(_ text: String, _ fault: String) -> PlasmidError {
        PlasmidError(
            .malformedAddress, "the address '\(text)' \(fault)",
            hint: "write it as /ip4/127.0.0.1/tcp/4001 or /dns4/example.org/tcp/443/tls/ws")
    }
}
