public import Integrity
public import Sodium

/// What is derived from a DNA's hash, so that those who know it can find and recognise each other and nobody else learns
/// that it is here (docs/spec/space.md §1).
///
/// All keys are BLAKE2b-256. With an empty network seed a DNA's hash can be computed by whoever has the manifest: the space
/// is public then.
public struct SpaceKeys: Sendable {
    /// Keys the hint of a dialer's first message.
    public let hint: Bytes32
    /// Keys the proofs of membership.
    public let member: Bytes32
    /// Goes into every agent's proof, so that none holds in another space.
    public let agent: Bytes32
    /// From it come the names under which members meet, and the key that seals what stands there.
    public let rendezvous: Bytes32

    /// The keys of a space.
    public init(dna: DnaHash) {
        let root = Blake2b.keyed256(key: dna.bytes, Array("plasmid space v1".utf8))
        func key(_ label: String) -> Bytes32 { Blake2b.keyed256(key: root.array, Array(label.utf8)) }
        hint = key("hint")
        member = key("member")
        agent = key("agent")
        rendezvous = key("rendezvous")
    }

    /// Bytes of a hint.
    public static let hintBytes = 16

    /// What a dialer puts into the payload of its first Noise message: random to all but members, and different each time.
    /// - Parameter ephemeral: the 32 bytes of the ephemeral key of that message.
    public func hint(ephemeral: [UInt8]) -> [UInt8] {
        Array(Blake2b.keyed256(key: hint.array, ephemeral).array.prefix(Self.hintBytes))
    }

    /// Whether a hint was made for this space.
    public func accepts(hint: [UInt8], ephemeral: [UInt8]) -> Bool {
        hint.count == Self.hintBytes && constantTimeEquals(hint, self.hint(ephemeral: ephemeral))
    }
}

/// Which side of a connection: the initiator is the one that began the Noise handshake.
public enum LinkRole: String, Sendable {
    /// Sent the first handshake message.
    case initiator
    /// Answered it.
    case responder

    /// The other side's.
    public var other: LinkRole { self == .initiator ? .responder : .initiator }

    func bytes(_ label: String) -> [UInt8] { Array(label.utf8) + [0] + Array(rawValue.utf8) + [0] }
}

extension SpaceKeys {
    /// Keys of no space, to do the same work with where none is known.
    static let nowhere = SpaceKeys(dna: DnaHash(core: Bytes32()))
}
