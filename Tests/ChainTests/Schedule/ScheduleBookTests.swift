import Chain
import Integrity
import Testing

@Suite("what is to run when")
struct ScheduleBookTests {
    private let tidy = ScheduledFunction(instance: "a/main", zome: "z", function: "tidy")
    private let ring = ScheduledFunction(instance: "a/main", zome: "z", function: "ring")

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }

    @Test("what a scheduled function asks for at once runs after the shortest delay: two cannot drive each other round")
    func circle() {
        var book = ScheduleBook()
        book.add(tidy, nil, now: at(0))
        guard let run = book.takeDue(now: at(0)).first else {
            Issue.record("what is asked for at once is due")
            return
        }
        book.add(ring, nil, byRun: true, now: at(0))
        book.ran(tidy, run: run.run, answer: nil, now: at(0))
        #expect(book.takeDue(now: at(0)).isEmpty)
        #expect(book.due(ring) == at(0).advanced(byMicroseconds: ScheduleBook.shortestDelay))
        book.add(ring, .ephemeral(5_000_000), byRun: true, now: at(0))
        #expect(book.due(ring) == at(5))
    }

    @Test("an ephemeral function runs once after its delay, and again only if it asks")
    func ephemeral() {
        let book = Book()
        book.add(tidy, .ephemeral(5_000_000), now: at(0))
        #expect(book.takeDue(now: at(4)).isEmpty && book.nextDue == at(5))
        let due = book.takeDue(now: at(5))
        #expect(due.map(\.function) == [tidy] && due.first?.schedule == .ephemeral(5_000_000))
        // While it runs it is not due, and nothing is to be waited for.
        #expect(book.takeDue(now: at(50)).isEmpty && book.nextDue == nil)
        book.ran(tidy, run: due[0].run, answer: .ephemeral(1_000_000), now: at(60))
        #expect(book.nextDue == at(61))
        let again = book.takeDue(now: at(61))
        book.ran(tidy, run: again[0].run, answer: nil, now: at(61))
        #expect(!book.holds(tidy) && book.nextDue == nil)
    }

    @Test("without a schedule it runs at once and is told nothing; no delay is so short that it runs in a circle")
    func atOnce() {
        let book = Book()
        book.add(tidy, nil, now: at(7))
        let due = book.takeDue(now: at(7))
        #expect(due.count == 1 && due.first?.schedule == nil)
        book.ran(tidy, run: due[0].run, answer: .ephemeral(0), now: at(7))
        #expect(book.takeDue(now: at(7)).isEmpty)
        #expect(book.nextDue == at(7).advanced(byMicroseconds: ScheduleBook.shortestDelay))
    }

    @Test("a persisted function runs at its times; what was missed by more than the window is left out")
    func persisted() {
        let book = Book()
        book.add(tidy, .persisted("* * * * *"), now: at(10))
        #expect(book.nextDue == at(60))
        let late = book.takeDue(now: at(75))
        #expect(late.count == 1)
        book.ran(tidy, run: late[0].run, answer: .persisted("* * * * *"), now: at(76))
        #expect(book.nextDue == at(120))
        // The computer slept for an hour.
        #expect(book.takeDue(now: at(3_655)).isEmpty && book.nextDue == at(3_660))
        #expect(book.takeDue(now: at(3_660)).count == 1)
    }

    @Test("a cron expression that never fires is not kept, nor one that is none")
    func never() {
        let book = Book()
        for text in ["0 0 30 2 *", "nonsense", "0 0 0 1 1 * 1999"] {
            #expect(!book.add(tidy, .persisted(text), now: at(2_000_000_000)))
            #expect(!book.holds(tidy))
        }
        book.add(tidy, nil, now: at(2_000_000_000))
        let due = book.takeDue(now: at(2_000_000_000))
        book.ran(tidy, run: due[0].run, answer: .persisted("0 0 30 2 *"), now: at(2_000_000_000))
        #expect(!book.holds(tidy))
    }

    @Test("scheduling anew replaces what was, also while it runs: the answer of that run means nothing then")
    func replaced() {
        let book = Book()
        book.add(tidy, nil, now: at(0))
        let first = book.takeDue(now: at(0))
        book.add(tidy, .ephemeral(9_000_000), now: at(1))
        #expect(!book.ran(tidy, run: first[0].run, answer: nil, now: at(2)))
        #expect(book.due(tidy) == at(10))
        book.remove(tidy)
        book.add(tidy, nil, now: at(3))
        let second = book.takeDue(now: at(3))
        #expect(!book.ran(tidy, run: first[0].run, answer: nil, now: at(4)))
        #expect(book.ran(tidy, run: second[0].run, answer: nil, now: at(4)))
        #expect(book.count == 0)
    }

    @Test("of one cell so many run at a time, and another cell is not held up by that")
    func bounded() {
        let book = Book(runningMaximum: 3)
        let many = (0..<300).map { ScheduledFunction(instance: "a/main", zome: "z", function: "f\($0)") }
        for function in many { book.add(function, nil, now: at(0)) }
        let other = ScheduledFunction(instance: "b/main", zome: "z", function: "f")
        book.add(other, nil, now: at(1))
        var ran: Set<ScheduledFunction> = []
        var turns = 0
        while book.count > 0, turns < 1_000 {
            turns += 1
            let due = book.takeDue(now: at(2))
            #expect(due.count { $0.function.instance == "a/main" } <= 3)
            if turns == 1 { #expect(due.contains { $0.function == other }) }
            for (function, run, _) in due {
                ran.insert(function)
                book.ran(function, run: run, answer: nil, now: at(2))
            }
        }
        #expect(ran.count == 301)
    }

    @Test("a cell that goes takes its functions with it, running or not")
    func gone() {
        let book = Book(runningMaximum: 1)
        book.add(tidy, nil, now: at(0))
        book.add(ring, nil, now: at(0))
        let due = book.takeDue(now: at(0))
        #expect(due.count == 1 && book.nextDue == nil)
        book.removeAll(of: "a/main")
        #expect(book.count == 0 && !book.ran(due[0].function, run: due[0].run, answer: nil, now: at(0)))
        // The place of what ran is free again.
        book.add(ring, nil, now: at(1))
        #expect(book.takeDue(now: at(1)).count == 1)
    }
}

/// A book that expectations may ask to change.
private final class Book {
    private var book: ScheduleBook

    init(runningMaximum: Int = 8) { book = ScheduleBook(runningMaximum: runningMaximum) }

    var count: Int { book.count }
    var nextDue: Timestamp? { book.nextDue }
    func holds(_ function: ScheduledFunction) -> Bool { book.holds(function) }
    func due(_ function: ScheduledFunction) -> Timestamp? { book.due(function) }
    func remove(_ function: ScheduledFunction) { book.remove(function) }
    func removeAll(of instance: String) { book.removeAll(of: instance) }

    @discardableResult
    func add(_ function: ScheduledFunction, _ schedule: Schedule?, now: Timestamp) -> Bool {
        book.add(function, schedule, now: now)
    }

    func takeDue(now: Timestamp) -> [(function: ScheduledFunction, run: UInt64, schedule: Schedule?)] {
        book.takeDue(now: now)
    }

    @discardableResult
    func ran(_ function: ScheduledFunction, run: UInt64, answer: Schedule?, now: Timestamp) -> Bool {
        book.ran(function, run: run, answer: answer, now: now)
    }
}
