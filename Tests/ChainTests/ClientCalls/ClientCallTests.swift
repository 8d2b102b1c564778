import Chain
import Integrity
import Sodium
import Testing

@Suite("calls that a client signs")
struct ClientCallTests {
    private let call = ClientCall(
        dna: DnaHash(hashing: [1]), agent: testAgent(1), zome: "blog", function: "post", payload: [0xC0],
        nonce: Array(repeating: 3, count: 32), expiresAt: Timestamp(microseconds: 0x0102_0304), secret: nil)

    @Test("§11.73 a signature fits the call it was made for and no other")
    func bound() throws {
        guard let key = SecretKey(seed: SecretBytes.random(count: 32)) else {
            Issue.record("32 bytes are a seed")
            return
        }
        let signer = AgentPubKey(core: key.publicKey)
        let signature = Signature(key.sign(call.signedBytes))
        try call.authenticate(signature, by: signer)
        var others = Array(repeating: call, count: 8)
        others[0].dna = DnaHash(hashing: [2])
        others[1].agent = testAgent(2)
        others[2].zome = "other"
        others[3].function = "delete"
        others[4].payload = [0xC2]
        others[5].nonce[31] = 4
        others[6].expiresAt = Timestamp(microseconds: 9)
        others[7].secret = CapSecret(Array(repeating: 0, count: 64))
        for other in others {
            #expect(throws: PlasmidError.self) { try other.authenticate(signature, by: signer) }
        }
        #expect(throws: PlasmidError.self) { try call.authenticate(signature, by: testAgent(5)) }
        var short = call
        short.nonce = [1]
        let shortSignature = Signature(key.sign(short.signedBytes))
        #expect(throws: PlasmidError.self) { try short.authenticate(shortSignature, by: signer) }
    }

    @Test("the signed bytes are the domain, then each part behind its length")
    func layout() {
        let bytes = call.signedBytes
        #expect(bytes.starts(with: Array("plasmid:call:v1".utf8) + [0, 0, 0, 0, 39] + call.dna.bytes))
        let lengths = 39 + 39 + 4 + 4 + 32 + 32 + 8 + 0
        #expect(bytes.count == 16 + 8 * 4 + lengths)
        #expect(bytes.suffix(4 + 8 + 4) == [0, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0])
    }
}
