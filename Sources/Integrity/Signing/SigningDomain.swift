import Sodium

/// Everything that an agent key signs besides actions, each under a name of its own: the one list.
///
/// A signed message is `plasmid:<domain>:v1`, a zero byte, and the parts, each behind its length in four bytes (big-endian). No
/// action can be such bytes, since actions start with `82`; and no message of one domain is one of another, since names have
/// no zero byte and the lengths say where each part ends.
public enum SigningDomain: String, CaseIterable, Sendable {
    /// A call of a zome function by a client: the whole call (see `docs/spec`).
    case call
    /// A capability passed on from one holder to the next (``Delegation``).
    case delegation
    /// A validation receipt.
    case receipt
    /// The charge that an agent broke the rules (``Warrant``).
    case warrant
    /// What an agent says of itself to peers: arc, addresses, expiry.
    case agentInfo = "agent-info"
    /// The binding of an agent key to a connection, where a signature and not a MAC is asked for.
    case connection
    /// A request to a bootstrap server.
    case bootstrap
    /// A mailbox descriptor.
    case mailbox
    /// An agent's certificate inside an encrypted message.
    case certificate
    /// A warrant that this version makes for the system space.
    case systemWarrant = "system-warrant"
    /// Built modules in a bundle.
    case module
    /// What a zome signs: the parts are the DNA's 39 bytes, the zome's name, the zome's data.
    case app

    /// The bytes to sign for `parts`.
    public func message(_ parts: [[UInt8]]) -> [UInt8] {
        var out = Array("plasmid:\(rawValue):v1".utf8)
        out.reserveCapacity(out.count + 1 + parts.reduce(0) { $0 + $1.count + 4 })
        out.append(0)
        for part in parts {
            let count = UInt32(truncatingIfNeeded: part.count)
            for shift in [24, 16, 8, 0] as [UInt32] { out.append(UInt8(truncatingIfNeeded: count >> shift)) }
            out += part
        }
        return out
    }

    /// The bytes to sign for `parts` in `domain`.
    public static func message(_ domain: SigningDomain, _ parts: [[UInt8]]) -> [UInt8] { domain.message(parts) }

    /// What the host signs when zome `zome` of the DNA asks for a signature over `data`.
    public static func app(dna: DnaHash, zome: String, data: [UInt8]) -> [UInt8] {
        SigningDomain.app.message([dna.bytes, Array(zome.utf8), data])
    }
}
