import Gossip
import Integrity
import Testing

@Suite("Publishing one's own ops")
struct PublishBookTests {
    let people = (1...6).map { agent($0, at: UInt32($0) * 1_000) }

    func sends(_ effects: [PublishEffect]) -> [AgentPubKey: [OpKey]] {
        var sent: [AgentPubKey: [OpKey]] = [:]
        for case .send(let keys, let agent) in effects { sent[agent, default: []] += keys }
        return sent
    }

    @Test("an op goes to all holders at once and is complete with enough different receipts")
    func complete() {
        var random = Seeded(1)
        var book = PublishBook()
        let key = random.key(at: 5)
        let effects = book.add(
            [(key, 2, [])], now: seconds(0), holders: { _ in Array(people.prefix(3)) }, using: &random)
        #expect(sends(effects) == [people[0]: [key], people[1]: [key], people[2]: [key]])
        #expect(book.receipt(for: key, by: people[0]) == [.mark(key, receipts: 1, isComplete: false)])
        #expect(book.receipt(for: key, by: people[0]).isEmpty)
        #expect(book.receipts(of: key) == 1)
        #expect(book.receipt(for: key, by: people[2]) == [.mark(key, receipts: 2, isComplete: true)])
        #expect(book.receipt(for: key, by: people[1]).isEmpty)
        #expect(book.count == 0)
        #expect(book.tick(now: seconds(9_999), holders: { _ in people }, using: &random).isEmpty)
        #expect(book.nextWake == nil)
    }

    @Test("what is not signed for goes again, to new holders first, ever more rarely")
    func retries() {
        var random = Seeded(2)
        var book = PublishBook()
        let key = random.key(at: 5)
        var known = Array(people.prefix(2))
        _ = book.add([(key, 5, [])], now: seconds(0), holders: { _ in known }, using: &random)
        _ = book.receipt(for: key, by: people[0])
        #expect(book.tick(now: seconds(5), holders: { _ in known }, using: &random).isEmpty)
        #expect(sends(book.tick(now: seconds(12), holders: { _ in known }, using: &random)) == [people[1]: [key]])
        known.append(people[4])
        #expect(sends(book.tick(now: seconds(40), holders: { _ in known }, using: &random)) == [people[4]: [key]])
        var last = seconds(40)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            guard let next = book.nextWake else { break }
            pauses.append((next.microseconds - last.microseconds) / 1_000_000)
            let sent = sends(book.tick(now: next, holders: { _ in known }, using: &random))
            #expect(Set(sent.keys) == [people[1], people[4]])
            last = next
        }
        #expect(pauses.last.map { $0 >= 260 && $0 <= 340 } == true, "\(pauses)")
        for person in known { _ = book.receipt(for: key, by: person) }
        #expect(
            book.tick(now: last.advanced(byMicroseconds: 400_000_000), holders: { _ in known }, using: &random).isEmpty)
        #expect(book.count == 1)
    }

    @Test("alone, ops wait; who comes or grows an arc is sent what it holds, in pieces; who goes is forgotten")
    func comings() {
        var random = Seeded(3)
        var book = PublishBook()
        let keys = (0..<600).map { random.key(at: UInt32($0)) }
        let none = book.add(keys.map { ($0, 3, []) }, now: seconds(0), holders: { _ in [] }, using: &random)
        #expect(none.isEmpty)
        let small = book.came(people[0], arc: Arc(start: 10, length: 20), now: seconds(1))
        #expect(sends(small)[people[0]] == Array(keys[10..<30]))
        #expect(book.came(people[0], arc: Arc(start: 10, length: 20), now: seconds(1)).isEmpty)
        let grown = book.came(people[0], arc: .full, now: seconds(2))
        #expect(sends(grown)[people[0]]?.count == 256)
        let rest = sends(book.tick(now: seconds(2), holders: { _ in [people[0]] }, using: &random))[people[0]] ?? []
        #expect(rest.count == 600 - 256 - 20)
        book.went(people[0], arc: .full)
        let back = book.came(people[0], arc: Arc(start: 0, length: 5), now: seconds(3))
        #expect(sends(back)[people[0]]?.count == 5)
    }

    @Test("a start brings back what had receipts; what wants none is sent once to somebody")
    func restart() {
        var random = Seeded(4)
        var book = PublishBook()
        let key = random.key(at: 1)
        let other = random.key(at: 2)
        let effects = book.add(
            [(key, 3, [people[0], people[1]]), (other, 0, [])], now: seconds(0),
            holders: { _ in Array(people.prefix(3)) },
            using: &random)
        #expect(sends(effects)[people[0]] == [other])
        #expect(sends(effects)[people[2]] == [key, other])
        #expect(effects.contains(.mark(other, receipts: 0, isComplete: true)))
        #expect(book.receipt(for: key, by: people[2]).last == .mark(key, receipts: 3, isComplete: true))
        let done = book.add([(key, 2, [people[0], people[1]])], now: seconds(1), holders: { _ in [] }, using: &random)
        #expect(done == [.mark(key, receipts: 2, isComplete: true)])
    }

    @Test("what wants no receipt and was sent is complete for good, whether it was sent by time or to who came")
    func wantsNone() {
        var random = Seeded(5)
        var book = PublishBook()
        let keys = [random.key(at: 1), random.key(at: 2)]
        #expect(
            book.add([(keys[0], 0, [])], now: seconds(0), holders: { _ in [] }, using: &random).isEmpty)
        let came = book.came(people[0], arc: .full, now: seconds(1))
        #expect(came == [.send([keys[0]], to: people[0]), .mark(keys[0], receipts: 0, isComplete: true)])
        #expect(
            book.add([(keys[1], 0, [])], now: seconds(1), holders: { _ in [] }, using: &random).isEmpty)
        let later = book.tick(now: seconds(60), holders: { _ in [people[1]] }, using: &random)
        #expect(later == [.send([keys[1]], to: people[1]), .mark(keys[1], receipts: 0, isComplete: true)])
        #expect(book.count == 0)
    }
}
