import Integrity
import Testing

@testable import Conductor

@Suite("signals of other agents are let in by measure")
struct SignalGateTests {
    private func agent(_ number: Int) -> AgentPubKey { AgentPubKey(hashing: Array("agent \(number)".utf8)) }

    @Test("a burst, then so many a second, for each pair of agents on its own")
    func rate() {
        var gate = SignalGate()
        var admitted = 0
        for _ in 0..<5_000 where gate.admit(from: agent(1), to: agent(2), bytes: 10, now: 7) { admitted += 1 }
        #expect(admitted == 1_000 && gate.refused == 4_000)
        let other = gate.admit(from: agent(3), to: agent(2), bytes: 10, now: 7)
        let elsewhere = gate.admit(from: agent(1), to: agent(3), bytes: 10, now: 7)
        #expect(other && elsewhere)
        admitted = 0
        for _ in 0..<5_000 where gate.admit(from: agent(1), to: agent(2), bytes: 10, now: 1_000_007) { admitted += 1 }
        #expect(admitted == 200)
        // A clock that stands still or goes back gives nothing.
        let back = gate.admit(from: agent(1), to: agent(2), bytes: 10, now: 0)
        #expect(!back)
    }

    @Test("large ones use the bytes up before the count")
    func bytes() {
        var gate = SignalGate()
        var admitted = 0
        for _ in 0..<100 where gate.admit(from: agent(1), to: agent(2), bytes: 1 << 20, now: 0) { admitted += 1 }
        #expect(admitted == 8)
        admitted = 0
        for _ in 0..<100 where gate.admit(from: agent(1), to: agent(2), bytes: 1 << 20, now: 1_000_000) {
            admitted += 1
        }
        #expect(admitted == 2)
    }

    @Test("many senders take bounded memory, and room comes back when they are quiet")
    func manySenders() {
        var gate = SignalGate()
        var admitted = 0
        for number in 0..<10_000 where gate.admit(from: agent(number), to: agent(-1), bytes: 1, now: 5) {
            admitted += 1
        }
        #expect(admitted == SignalGate.maximumPairs)
        let known = gate.admit(from: agent(0), to: agent(-1), bytes: 1, now: 5)
        let new = gate.admit(from: agent(9_999), to: agent(-1), bytes: 1, now: 5)
        let later = gate.admit(from: agent(9_999), to: agent(-1), bytes: 1, now: 1_000_005)
        #expect(known && !new && later)
    }
}
