import Gossip
import Integrity
import Sodium

/// An agent at a place of the ring that a test chooses.
func agent(_ number: Int, at location: UInt32) -> AgentPubKey {
    var bytes = [UInt8](repeating: 0, count: 32)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * (7 - index))) }
    return AgentPubKey(core: bytes.withUnsafeBytes { Bytes32($0) }, location: location)
}

func agents(_ count: Int, _ random: inout Seeded) -> [AgentPubKey] {
    (0..<count).map { agent($0 + 1, at: UInt32(truncatingIfNeeded: random.next())) }
}

func seconds(_ count: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + count) }

/// A record whose signature nobody looks at: the table takes only verified ones.
func record(
    _ agent: AgentPubKey, peer: [UInt8]? = nil, arc: Arc = .full, created: Timestamp = seconds(0),
    lifetime: Int64 = 1_200,
    tombstone: Bool = false
) -> AgentRecord {
    AgentRecord(
        info: AgentPresence(
            agent: agent, peer: peer ?? Array(agent.bytes.prefix(20)), addresses: [[1, 2, 3]], arc: arc,
            createdAt: created, expiresAt: created.advanced(byMicroseconds: lifetime * 1_000_000),
            isTombstone: tombstone),
        signature: Signature(Bytes64()))
}
