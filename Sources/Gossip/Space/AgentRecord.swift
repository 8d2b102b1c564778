public import Integrity

/// What an agent says of itself to the members of a space: where it is, what it keeps, and until when that holds
/// (docs/spec/space.md §4).
public struct AgentPresence: Hashable, Sendable {
    /// Who.
    public var agent: AgentPubKey
    /// The libp2p peer id under which its conductor answers in this space.
    public var peer: [UInt8]
    /// Where that peer may be dialled: multiaddrs as bytes, best first.
    public var addresses: [[UInt8]]
    /// The locations whose ops it keeps.
    public var arc: Arc
    /// When this was said; of two the newer counts.
    public var createdAt: Timestamp
    /// From when on it does not hold any more.
    public var expiresAt: Timestamp
    /// True when the agent leaves: it is at no address.
    public var isTombstone: Bool

    /// What an agent says of itself.
    public init(
        agent: AgentPubKey, peer: [UInt8], addresses: [[UInt8]], arc: Arc, createdAt: Timestamp, expiresAt: Timestamp,
        isTombstone: Bool = false
    ) {
        self.agent = agent
        self.peer = peer
        self.addresses = addresses
        self.arc = arc
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.isTombstone = isTombstone
    }
}

extension AgentPresence: Packable {
    /// Writes a map of 8 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(8)
        w.writeString("agent")
        agent.pack(into: &w)
        w.writeString("peer")
        w.writeBinary(peer)
        w.writeString("addresses")
        w.writeArrayHeader(addresses.count)
        for address in addresses { w.writeBinary(address) }
        w.writeString("arc_start")
        w.writeUInt(arc.start)
        w.writeString("arc_length")
        w.writeUInt(arc.length)
        w.writeString("created_at")
        w.writeInt(createdAt.microseconds)
        w.writeString("expires_at")
        w.writeInt(expiresAt.microseconds)
        w.writeString("tombstone")
        w.writeBool(isTombstone)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var agent: AgentPubKey?
        var peer: [UInt8]?
        var addresses: [[UInt8]]?
        var (start, length): (UInt32?, UInt64?)
        var (created, expires): (Int64?, Int64?)
        var tombstone: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "agent": try r.read(into: &agent)
            case "peer": peer = try r.readBytes()
            case "addresses": addresses = try Self.addresses(&r)
            case "arc_start": start = try r.readUInt32()
            case "arc_length": length = try r.readUInt()
            case "created_at": created = try r.readInt()
            case "expires_at": expires = try r.readInt()
            case "tombstone": tombstone = try r.readBool()
            default: try r.skip()
            }
        }
        let keeps = try r.require(length, "arc_length", of: "AgentPresence")
        guard keeps <= Arc.ring else {
            throw PlasmidError(.agentRecordRefused, "An agent record claims \(keeps) locations; there are \(Arc.ring)")
        }
        self.init(
            agent: try r.require(agent, "agent", of: "AgentPresence"),
            peer: try r.require(peer, "peer", of: "AgentPresence"),
            addresses: try r.require(addresses, "addresses", of: "AgentPresence"),
            arc: Arc(
                start: try r.require(start, "arc_start", of: "AgentPresence"),
                length: keeps),
            createdAt: Timestamp(microseconds: try r.require(created, "created_at", of: "AgentPresence")),
            expiresAt: Timestamp(microseconds: try r.require(expires, "expires_at", of: "AgentPresence")),
            isTombstone: try r.require(tombstone, "tombstone", of: "AgentPresence"))
    }

    private static func addresses(_ r: inout MessagePackReader) throws(PlasmidError) -> [[UInt8]] {
        let count = try r.readArrayHeader()
        guard count <= AgentRecord.addressesMaximum else {
            throw PlasmidError(
                .agentRecordRefused,
                "An agent record has \(count) addresses; at most \(AgentRecord.addressesMaximum) are taken")
        }
        var addresses: [[UInt8]] = []
        for _ in 0..<count { addresses.append(try r.readBytes()) }
        return addresses
    }
}

/// An ``AgentPresence`` as its agent signed it: the signed bytes are kept as they came.
public struct AgentRecord: Hashable, Sendable {
    /// What is said.
    public let info: AgentPresence
    /// The MessagePack of ``info``, as it was signed.
    public let infoBytes: [UInt8]
    /// By the agent, in the domain `agent-info`, over the DNA's 39 bytes and ``infoBytes``.
    public let signature: Signature

    /// Addresses in one record, at most.
    public static let addressesMaximum = 10
    /// Bytes of one address, at most.
    public static let addressBytesMaximum = 256
    /// Bytes of ``infoBytes``, at most.
    public static let infoBytesMaximum = 4_096
    /// How long a record may hold, in microseconds: half an hour.
    public static let lifetimeMaximum: Int64 = 1_800_000_000
    /// How far two clocks may be apart, in microseconds: an hour.
    public static let skewMaximum: Int64 = 3_600_000_000

    /// A record, from what is said and a signature over ``message(_:dna:)``.
    public init(info: AgentPresence, signature: Signature) {
        self.info = info
        infoBytes = info.packed
        self.signature = signature
    }

    /// What an agent signs to say `info` in the space of `dna`.
    public static func message(_ infoBytes: [UInt8], dna: DnaHash) -> [UInt8] {
        SigningDomain.agentInfo.message([dna.bytes, infoBytes])
    }

    /// Why a record is not believed in the space of `dna` at `now`; nil if it is.
    public func fault(dna: DnaHash, now: Timestamp) -> PlasmidError? {
        func refused(_ words: String) -> PlasmidError {
            PlasmidError(
                .agentRecordRefused, "The record of agent \(info.agent) \(words)",
                hint: "compare the clocks of both machines")
        }
        guard info.addresses.allSatisfy({ $0.count <= Self.addressBytesMaximum }), info.peer.count <= 64 else {
            return refused("names addresses or a peer that are too long")
        }
        // One key is one agent: with another location it would pass for someone else, whom no warrant names.
        guard info.agent.hasDerivedLocation else { return refused("is of a key with the location of another") }
        let lifetime = info.expiresAt.microseconds.subtractingReportingOverflow(info.createdAt.microseconds)
        guard !lifetime.overflow, lifetime.partialValue > 0, lifetime.partialValue <= Self.lifetimeMaximum else {
            return refused("does not say when it ends, or holds for too long")
        }
        let ahead = info.createdAt.microseconds.subtractingReportingOverflow(now.microseconds)
        guard !ahead.overflow, ahead.partialValue <= Self.skewMaximum else {
            return refused("is of the future by the clock here")
        }
        let behind = now.microseconds.subtractingReportingOverflow(info.expiresAt.microseconds)
        guard !behind.overflow, behind.partialValue <= Self.skewMaximum else {
            return refused("has run out by the clock here")
        }
        guard signature.verifies(Self.message(infoBytes, dna: dna), by: info.agent) else {
            return refused("is not signed by it")
        }
        return nil
    }
}

extension AgentRecord: Packable {
    /// Writes `[bin info, bin signature]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeBinary(infoBytes)
        signature.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "An agent record")
        let bytes = try r.readBytes()
        guard bytes.count <= Self.infoBytesMaximum else {
            throw PlasmidError(
                .agentRecordRefused,
                "An agent record has \(bytes.count) bytes; at most \(Self.infoBytesMaximum) are taken")
        }
        infoBytes = bytes
        info = try AgentPresence(packed: bytes)
        signature = try r.read()
    }
}
