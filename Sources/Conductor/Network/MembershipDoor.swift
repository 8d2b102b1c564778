import Gossip
import Integrity
import NIOCore
import Transport

/// The responder's side of the proof of membership, the same on every identity: the space's own, and the one that strangers
/// meet. Who shows no true proof gets as many bytes as a member, at the same time, and then nothing.
enum MembershipDoor {
    /// How long a stranger's stream stays open.
    private static let patience: Int64 = 10_000_000

    /// Answers what comes over `stream`.
    /// - Parameters:
    ///   - keys: the space of the identity; nil for the one that knows none.
    ///   - member: called for a true proof, with the bytes that came behind it. The stream is its own from then on.
    static func answer(
        _ stream: PeerStream, keys: SpaceKeys?, desk: NetworkDesk, _ member: @escaping (ByteBuffer) -> Void
    ) {
        var held = ByteBuffer()
        var isAnswered = false
        let timer = desk.conductor.after(microseconds: patience) { stream.reset() }
        stream.onEnd = { _ in
            timer.cancel()
            stream.reset()
        }
        stream.onBytes = { buffer in
            // What a stranger says after its offer is not kept.
            guard !isAnswered else { return }
            var buffer = buffer
            held.writeBuffer(&buffer)
            guard let offer = held.readBytes(length: Membership.messageBytes) else { return }
            isAnswered = true
            let (answer, isMember) = Membership.answer(
                keys, offer: offer, handshakeHash: stream.connection.handshakeHash,
                random: desk.conductor.options.randomBytes)
            stream.write(ByteBuffer(bytes: answer))
            guard isMember else { return held.clear() }
            timer.cancel()
            member(held)
        }
    }
}
