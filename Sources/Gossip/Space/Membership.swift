public import Sodium

/// Proofs that both ends of a connection know the same space (docs/spec/space.md §3): the initiator shows a fixed number of
/// proofs, one of them true; the responder answers as many, true only where it knows the space too. Whoever does not know
/// the space sees random bytes of the same length in both cases.
public enum Membership {
    /// Proofs in a message, either way.
    public static let count = 8
    /// Bytes of one proof.
    public static let proofBytes = 32
    /// Bytes of a message: what the talk stream begins with, in both directions.
    public static let messageBytes = count * proofBytes

    /// The proof of one side: `MAC(member key, "member" 0 role 0 handshake hash)`.
    public static func proof(_ keys: SpaceKeys, _ role: LinkRole, handshakeHash: [UInt8]) -> Bytes32 {
        Blake2b.keyed256(key: keys.member.array, role.bytes("member") + handshakeHash)
    }

    /// The initiator's message: its proof at place `place` (any, 0…7), the rest from `random`.
    /// - Parameter random: gives that many random bytes.
    public static func offer(
        _ keys: SpaceKeys, handshakeHash: [UInt8], place: Int, random: (Int) -> [UInt8]
    ) -> [UInt8] {
        var message = random(messageBytes)
        put(proof(keys, .initiator, handshakeHash: handshakeHash), at: place % count, into: &message)
        return message
    }

    /// The responder's answer to an offer.
    ///
    /// The same work is done whether the offer holds a true proof or not, and whether a space is known here or not.
    /// - Parameter keys: the space of the identity that answers; nil where it has none.
    /// - Returns: what to send, and whether the offer was good.
    public static func answer(
        _ keys: SpaceKeys?, offer: [UInt8], handshakeHash: [UInt8], random: (Int) -> [UInt8]
    ) -> (message: [UInt8], isMember: Bool) {
        var message = random(messageBytes)
        let known = keys ?? SpaceKeys.nowhere
        let wanted = proof(known, .initiator, handshakeHash: handshakeHash).array
        let mine = proof(known, .responder, handshakeHash: handshakeHash)
        var place: Int?
        for index in 0..<count where offer.count == messageBytes {
            let shown = Array(offer[index * proofBytes..<(index + 1) * proofBytes])
            if constantTimeEquals(shown, wanted) { place = index }
        }
        guard keys != nil, let place else { return (message, false) }
        put(mine, at: place, into: &message)
        return (message, true)
    }

    /// Whether an answer shows that the responder is a member: its proof stands where the offer's stood.
    public static func isTrue(_ answer: [UInt8], _ keys: SpaceKeys, handshakeHash: [UInt8], place: Int) -> Bool {
        guard answer.count == messageBytes else { return false }
        let index = place % count
        let shown = Array(answer[index * proofBytes..<(index + 1) * proofBytes])
        return constantTimeEquals(shown, proof(keys, .responder, handshakeHash: handshakeHash).array)
    }

    private static func put(_ proof: Bytes32, at place: Int, into message: inout [UInt8]) {
        message.replaceSubrange(place * proofBytes..<(place + 1) * proofBytes, with: proof.array)
    }
}
