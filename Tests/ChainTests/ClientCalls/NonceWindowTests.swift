import Chain
import Integrity
import Testing

@Suite("nonces of signed calls")
struct NonceWindowTests {
    private let bob = testAgent(2)

    private func time(seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }
    private func use(_ n: UInt8, by agent: Int = 2) -> NonceWindow.Use {
        .init(agent: testAgent(agent), nonce: Array(repeating: n, count: 32))
    }

    @Test("§11.73 a captured call is refused when replayed, after its expiry, and when it expires too far ahead")
    func replay() {
        var window = NonceWindow()
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 0)) == .fresh)
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 1)) == .replayed)
        #expect(window.use(use(1), expiresAt: time(seconds: 400), now: time(seconds: 2)) == .replayed)
        #expect(window.use(use(1, by: 3), expiresAt: time(seconds: 300), now: time(seconds: 3)) == .fresh)
        #expect(window.use(use(2), expiresAt: time(seconds: 4), now: time(seconds: 4)) == .expired)
        #expect(window.use(use(2), expiresAt: time(seconds: 3_005), now: time(seconds: 4)) == .tooFarAhead)
        #expect(window.use(use(2), expiresAt: time(seconds: 3_004), now: time(seconds: 4)) == .fresh)
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 301)) == .expired)
    }

    @Test("strangers who flood the window leave a quarter of it to the authors")
    func flood() {
        var window = NonceWindow(capacity: 8)
        let end = time(seconds: 300)
        for n in 0..<6 as Range<UInt8> {
            #expect(window.use(use(n), byStranger: true, expiresAt: end, now: time(seconds: 0)) == .fresh)
        }
        #expect(window.use(use(6), byStranger: true, expiresAt: end, now: time(seconds: 0)) == .full)
        #expect(window.use(use(0), byStranger: true, expiresAt: end, now: time(seconds: 0)) == .replayed)
        for n in 6..<8 as Range<UInt8> {
            #expect(window.use(use(n), expiresAt: end, now: time(seconds: 0)) == .fresh)
        }
        #expect(window.use(use(8), expiresAt: end, now: time(seconds: 0)) == .full)
    }

    @Test("a nonce is forgotten once its call could no longer be accepted, and not before")
    func forgetting() {
        var window = NonceWindow()
        for n in 0..<100 as Range<Int64> {
            let expiry = time(seconds: 60 + n)
            #expect(window.use(use(UInt8(n)), expiresAt: expiry, now: time(seconds: 0)) == .fresh)
        }
        #expect(window.use(use(50), expiresAt: time(seconds: 110), now: time(seconds: 109)) == .replayed)
        _ = window.use(use(200), expiresAt: time(seconds: 900), now: time(seconds: 400))
        #expect(window.count == 101, "remembered a while longer")
        _ = window.use(use(201), expiresAt: time(seconds: 1_500), now: time(seconds: 1_000))
        #expect(window.count == 2)
    }

    @Test("a clock that is set back brings no captured call to life, neither before nor after it was forgotten")
    func clockSetBack() {
        var window = NonceWindow()
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 0)) == .fresh)
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 500)) == .expired)
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 200)) == .replayed)
        #expect(window.use(use(2), expiresAt: time(seconds: 5_000), now: time(seconds: 4_000)) == .fresh)
        #expect(window.count == 1)
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 200)) == .expired)
        #expect(window.use(use(3), expiresAt: time(seconds: 301), now: time(seconds: 200)) == .fresh)
    }

    @Test("what was forgotten before a start is not taken after it")
    func floor() {
        var window = NonceWindow()
        window.raiseFloor(to: time(seconds: 300))
        window.raiseFloor(to: time(seconds: 200))
        #expect(window.use(use(1), expiresAt: time(seconds: 300), now: time(seconds: 10)) == .expired)
        #expect(window.use(use(1), expiresAt: time(seconds: 301), now: time(seconds: 10)) == .fresh)
    }

    @Test("one key is one signer, however its address is written")
    func addressOfSigner() {
        var window = NonceWindow()
        let other = AgentPubKey(core: bob.core, location: bob.location ^ 1)
        #expect(other != bob)
        let nonce = [UInt8](repeating: 1, count: 32)
        let first = NonceWindow.Use(agent: bob, nonce: nonce)
        #expect(window.use(first, expiresAt: time(seconds: 300), now: time(seconds: 0)) == .fresh)
        let second = NonceWindow.Use(agent: other, nonce: nonce)
        #expect(window.use(second, expiresAt: time(seconds: 300), now: time(seconds: 0)) == .replayed)
    }

    @Test("a full window makes room from what has expired, and takes what is new again")
    func fullOfExpired() {
        var window = NonceWindow(capacity: 2)
        #expect(window.use(use(1), expiresAt: time(seconds: 60), now: time(seconds: 0)) == .fresh)
        #expect(window.use(use(2), expiresAt: time(seconds: 60), now: time(seconds: 0)) == .fresh)
        #expect(window.use(use(3), expiresAt: time(seconds: 300), now: time(seconds: 59)) == .full)
        #expect(window.use(use(3), expiresAt: time(seconds: 300), now: time(seconds: 121)) == .fresh)
        #expect(window.use(use(1), expiresAt: time(seconds: 60), now: time(seconds: 30)) == .expired)
    }

    @Test("a full window takes no more; what storage remembers comes back; each refusal says what to do")
    func boundsAndWords() {
        var window = NonceWindow(capacity: 1)
        window.restore(use(1), expiresAt: time(seconds: 100), now: time(seconds: 0))
        window.restore(use(2), expiresAt: time(seconds: 100), now: time(seconds: 800))
        #expect(window.count == 1)
        #expect(window.use(use(1), expiresAt: time(seconds: 100), now: time(seconds: 1)) == .replayed)
        #expect(window.use(use(3), expiresAt: time(seconds: 100), now: time(seconds: 1)) == .full)
        let refusals: [NonceWindow.Verdict] = [.expired, .tooFarAhead, .replayed, .full]
        #expect(refusals.map { $0.error?.code } == [.callExpired, .callExpired, .nonceReplayed, .overloaded])
        #expect(refusals.allSatisfy { $0.error?.hint != nil } && NonceWindow.Verdict.fresh.error == nil)
    }
}
