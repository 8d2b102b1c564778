import Gossip
import Integrity
import Sodium
import Testing

@Suite("Membership of a space")
struct MembershipTests {
    let keys = SpaceKeys(dna: DnaHash(hashing: Array("a space".utf8)))
    let others = SpaceKeys(dna: DnaHash(hashing: Array("another".utf8)))
    let hash = [UInt8](repeating: 7, count: 32)
    func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    @Test("two members recognise each other, wherever the proof stands", arguments: 0..<8)
    func members(_ place: Int) {
        let offer = Membership.offer(keys, handshakeHash: hash, place: place, random: zeros)
        #expect(offer.count == Membership.messageBytes)
        let (answer, isMember) = Membership.answer(keys, offer: offer, handshakeHash: hash, random: zeros)
        #expect(isMember)
        #expect(answer.count == Membership.messageBytes)
        #expect(Membership.isTrue(answer, keys, handshakeHash: hash, place: place))
        #expect(!Membership.isTrue(answer, keys, handshakeHash: hash, place: place + 1))
    }

    @Test("a stranger gets an answer of the same size that holds no proof, whether the space is here or not")
    func strangers() {
        let offer = Membership.offer(others, handshakeHash: hash, place: 3, random: zeros)
        for here in [keys, nil] {
            let (answer, isMember) = Membership.answer(here, offer: offer, handshakeHash: hash, random: zeros)
            #expect(!isMember)
            #expect(answer == zeros(Membership.messageBytes))
        }
        let random = Membership.answer(keys, offer: zeros(256), handshakeHash: hash, random: SystemRandom.bytes)
        #expect(!random.isMember)
        #expect(!Membership.answer(keys, offer: [], handshakeHash: hash, random: zeros).isMember)
    }

    @Test("a proof holds for one handshake and one side only: replays and reflections show nothing")
    func replays() {
        let offer = Membership.offer(keys, handshakeHash: hash, place: 0, random: zeros)
        let another = [UInt8](repeating: 8, count: 32)
        #expect(!Membership.answer(keys, offer: offer, handshakeHash: another, random: zeros).isMember)
        #expect(!Membership.isTrue(offer, keys, handshakeHash: hash, place: 0))
        let (answer, _) = Membership.answer(keys, offer: offer, handshakeHash: hash, random: zeros)
        #expect(!Membership.answer(keys, offer: answer, handshakeHash: hash, random: zeros).isMember)
    }

    @Test("a hint is known to members alone, and is another for every ephemeral key")
    func hints() {
        let hint = keys.hint(ephemeral: zeros(32))
        #expect(hint.count == SpaceKeys.hintBytes)
        #expect(keys.accepts(hint: hint, ephemeral: zeros(32)))
        #expect(!keys.accepts(hint: hint, ephemeral: hash))
        #expect(!others.accepts(hint: hint, ephemeral: zeros(32)))
        #expect(!keys.accepts(hint: [], ephemeral: zeros(32)))
        #expect(hint != keys.hint(ephemeral: hash))
    }
}
