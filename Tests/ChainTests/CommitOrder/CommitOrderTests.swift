import Chain
import Integrity
import Testing

@Suite("the order of commits, case by case")
struct CommitOrderTests {
    private let start = testHead(3, seq: 2)

    private func order(hold: UInt64 = 50, line: Int = 8) -> CommitOrder {
        CommitOrder(tail: start, bounds: .init(hold: hold, line: line))
    }

    /// Feeds the events in turn and answers with the effects of the last.
    @discardableResult
    private func play(_ order: inout CommitOrder, now: UInt64 = 0, _ events: CommitOrder.Event...)
        -> [CommitOrder.Effect]
    {
        events.reduce(into: []) { $0 = order.handle($1, now: now) }
    }

    private let a = CallRun(call: 1)
    private let b = CallRun(call: 2)
    private let c = CallRun(call: 3)

    @Test("a lone writer starts at the tail and commits once valid")
    func loneWriter() {
        var order = order()
        #expect(play(&order, .began(a), .writes(a)) == [.grantPosition(a, head: start)])
        let end = testHead(4, seq: 3)
        #expect(play(&order, .returned(a, end: end)) == [.beginValidation(a)])
        #expect(order.tail == end && order.certainTail == start && order.speculation == [a])
        #expect(play(&order, .validated(a, valid: true)) == [.commit(a)])
        #expect(order.certainTail == end && order.openCalls == 0)
    }

    @Test("the next writer starts on what is not yet validated; commits leave in order")
    func speculation() {
        var order = order()
        let end = testHead(4, seq: 3)
        play(&order, .began(a), .began(b), .writes(a))
        #expect(play(&order, .writes(b)).isEmpty)
        #expect(play(&order, .returned(a, end: end)) == [.beginValidation(a), .grantPosition(b, head: end)])
        play(&order, .returned(b, end: testHead(5, seq: 4)))
        #expect(play(&order, .validated(b, valid: true)).isEmpty)
        #expect(play(&order, .validated(a, valid: true)) == [.commit(a), .commit(b)])
    }

    @Test("a reader that finds the tail moved at its first write runs once more, under the position")
    func conflict() {
        var order = order()
        let end = testHead(4, seq: 3)
        #expect(play(&order, .began(b), .reads(b)) == [.headFixed(b, head: start)])
        play(&order, .began(a), .writes(a), .returned(a, end: end))
        #expect(play(&order, .writes(b)) == [.abandon(b), .rerun(b.next, head: end, certain: false)])
        #expect(play(&order, .writes(b.next)) == [.grantPosition(b.next, head: end)])
        #expect(play(&order, .writes(b)).isEmpty)
    }

    @Test("§11.45 an invalid call is refused alone; what was built on it starts over once all before it is certain")
    func invalidUnderOthers() {
        var order = order()
        let (first, second, third) = (testHead(4, seq: 3), testHead(5, seq: 4), testHead(6, seq: 5))
        play(&order, .began(a), .writes(a), .returned(a, end: first))
        play(&order, .began(b), .writes(b), .returned(b, end: second))
        play(&order, .began(c), .writes(c), .returned(c, end: third))
        #expect(play(&order, .validated(b, valid: false)) == [.abandon(c)])
        #expect(order.tail == first)
        let effects = play(&order, .validated(a, valid: true))
        #expect(effects == [.commit(a), .refuse(b, .invalid), .rerun(c.next, head: first, certain: true)])
    }

    @Test("a refusal that may rest on an earlier call's writes is not told before they are certain")
    func refusalWaits() {
        var order = order()
        play(&order, .began(a), .writes(a), .returned(a, end: testHead(4, seq: 3)))
        play(&order, .began(b), .writes(b), .returned(b, end: testHead(5, seq: 4)))
        #expect(play(&order, .validated(b, valid: false)).isEmpty)
        let effects = play(&order, .validated(a, valid: false))
        #expect(effects == [.abandon(b), .refuse(a, .invalid), .rerun(b.next, head: start, certain: true)])
    }

    @Test("§11.83 whoever waits for the network holds nobody up; having written, it fails if the tail moved")
    func networkWait() {
        var order = order()
        play(&order, .began(a), .began(b), .writes(a), .writes(b))
        #expect(play(&order, .waits(a)) == [.grantPosition(b, head: start)])
        play(&order, .returned(b, end: testHead(5, seq: 3)), .resumed(a))
        #expect(play(&order, .returned(a, end: testHead(4, seq: 3))) == [.refuse(a, .headMoved)])
        #expect(play(&order, .validated(b, valid: true)) == [.commit(b)])
    }

    @Test("a wait for the network before the first write loses nothing")
    func networkWaitBeforeWriting() {
        var order = order()
        let end = testHead(4, seq: 3)
        play(&order, .began(b), .reads(b), .waits(b))
        play(&order, .began(a), .writes(a), .returned(a, end: end), .validated(a, valid: true))
        play(&order, .resumed(b))
        #expect(play(&order, .writes(b)) == [.grantPosition(b, head: end)])
    }

    @Test("a write during a wait for the network is taken up when the wait is over")
    func writeDuringWait() {
        var order = order()
        play(&order, .began(a), .waits(a))
        #expect(play(&order, .writes(a)).isEmpty)
        #expect(play(&order, .resumed(a)) == [.grantPosition(a, head: start)])
    }

    @Test("a slow holder is demoted when others wait, and keeps its writes if nobody else wrote meanwhile")
    func demotionWithoutLoss() {
        var order = order()
        let end = testHead(4, seq: 3)
        play(&order, .began(a), .writes(a))
        #expect(order.nextDeadline == nil)
        play(&order, .began(b), .writes(b))
        #expect(order.nextDeadline == 50)
        #expect(play(&order, now: 49, .tick).isEmpty)
        #expect(play(&order, now: 50, .tick) == [.grantPosition(b, head: start)])
        #expect(play(&order, now: 60, .returned(a, end: end)).isEmpty)
        #expect(play(&order, now: 61, .returned(b, end: nil)) == [.release(b), .beginValidation(a)])
    }

    @Test("a slow holder that lost runs again in certain mode, and then nobody takes the position from it")
    func demotionWithLoss() {
        var order = order()
        let end = testHead(5, seq: 3)
        play(&order, .began(a), .began(b), .began(c), .writes(a), .writes(b))
        play(&order, now: 50, .tick)
        play(&order, now: 51, .returned(b, end: end))
        #expect(play(&order, now: 52, .returned(a, end: testHead(4, seq: 3))) == [.abandon(a)])
        let effects = play(&order, now: 53, .validated(b, valid: true))
        #expect(effects == [.commit(b), .rerun(a.next, head: end, certain: true)])
        play(&order, now: 54, .writes(c))
        #expect(order.nextDeadline == nil)
        #expect(play(&order, now: 900, .tick).isEmpty)
    }

    @Test("a module that crashes with the position frees it")
    func crash() {
        var order = order()
        play(&order, .began(a), .began(b), .writes(a), .writes(b))
        #expect(play(&order, .failed(a)) == [.refuse(a, .failed), .grantPosition(b, head: start)])
    }

    @Test("what a re-run saw and did not change is told when it is certain")
    func releaseWaits() {
        var order = order()
        play(&order, .began(b), .reads(b), .began(a), .writes(a), .returned(a, end: testHead(4, seq: 3)))
        play(&order, .writes(b))
        #expect(play(&order, .returned(b.next, end: nil)).isEmpty)
        #expect(play(&order, .validated(a, valid: true)) == [.commit(a), .release(b.next)])
    }

    @Test("a full line holds new writers back until a verdict comes")
    func lineBound() {
        var order = order(line: 1)
        let end = testHead(4, seq: 3)
        play(&order, .began(a), .writes(a), .returned(a, end: end), .began(b))
        #expect(play(&order, .writes(b)).isEmpty)
        #expect(play(&order, .validated(a, valid: true)) == [.commit(a), .grantPosition(b, head: end)])
    }

    @Test("after storage failed every open call ends and the chain goes on where it was set back to")
    func reset() {
        var order = order()
        let back = testHead(2, seq: 1)
        play(&order, .began(a), .began(b), .writes(a), .reads(b))
        #expect(play(&order, .reset(tail: back)) == [.refuse(a, .chainReset), .refuse(b, .chainReset)])
        #expect(play(&order, .began(c), .writes(c)) == [.grantPosition(c, head: back)])
    }

    @Test("writers get the position in the order in which they asked")
    func fairness() {
        var order = order()
        let runs = (10..<74).map { CallRun(call: $0) }
        play(&order, .began(a), .writes(a))
        for run in runs { play(&order, .began(run), .writes(run)) }
        var granted: [CallRun] = []
        var holder = a
        for _ in runs {
            for case .grantPosition(let next, _) in play(&order, .returned(holder, end: nil)) {
                granted.append(next)
                holder = next
            }
        }
        #expect(granted == runs)
    }
}
