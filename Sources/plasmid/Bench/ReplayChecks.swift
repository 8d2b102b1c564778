import ConductorAPI
import Integrity
import NIOCore

/// Reads back every note, every list of answers and every author's count. Confined to the loop.
final class ReplayChecker: RequestSource {
    private enum Question {
        case note(Int)
        case answers(Int)
        case count(author: Int, notes: Int)
    }

    private let workload: Workload
    private let texts: NoteTexts
    private let hashes: [String]
    private let clients: [Int: ReplayClient]
    private let bar: ProgressBar
    private var questions: [Question] = []
    private var answersOf: [[Int]]
    private var asked = 0
    private(set) var checks = 0
    private(set) var faults: [String] = []

    init(workload: Workload, texts: NoteTexts, hashes: [String], clients: [Int: ReplayClient], bar: ProgressBar) {
        self.workload = workload
        self.texts = texts
        self.hashes = hashes
        self.clients = clients
        self.bar = bar
        answersOf = Array(repeating: [], count: hashes.count)
        var notes: [Int: Int] = [:]
        for (index, arrival) in workload.arrivals.enumerated() {
            for answered in arrival.answers { answersOf[answered].append(index) }
            notes[arrival.author, default: 0] += 1
        }
        for index in hashes.indices { questions += [.note(index), .answers(index)] }
        questions += notes.sorted { $0.key < $1.key }.map { .count(author: $0.key, notes: $0.value) }
    }

    var isDone: Bool { checks == questions.count }

    func next() throws -> EventLoopFuture<Void>? {
        guard asked < questions.count else { return nil }
        let question = questions[asked]
        asked += 1
        let answer: EventLoopFuture<MessagePackValue>
        switch question {
        case .note(let index): answer = try client(of: index).call("read", note(index))
        case .answers(let index): answer = try client(of: index).call("answers", note(index))
        case .count(let author, _): answer = try client(author).call("note_count", .map([]))
        }
        return answer.map { Result<MessagePackValue, AppError>.success($0) }.flatMapErrorThrowing {
            // What an app says is a fault of this one check; what the conductor says ends the replay.
            guard let error = $0 as? AppError else { throw $0 }
            return .failure(error)
        }.assumeIsolated().map { [self] result in
            checks += 1
            bar.update(checks)
            judge(question, result)
        }.nonisolated()
    }

    private func note(_ index: Int) -> MessagePackValue { .object(["hash": .string(hashes[index])]) }

    private func client(of index: Int) throws -> ReplayClient { try client(workload.arrivals[index].author) }

    private func client(_ author: Int) throws -> ReplayClient {
        guard let client = clients[author] else {
            throw PlasmidError(.internal, "author \(author) has no socket")
        }
        return client
    }

    private func judge(_ question: Question, _ result: Result<MessagePackValue, AppError>) {
        let value: MessagePackValue
        switch result {
        case .success(let found): value = found
        case .failure(let error):
            faults.append("\(question): \(error.words)")
            return
        }
        switch question {
        case .note(let index):
            if !isNote(index, value) { faults.append("note \(index) (\(hashes[index])) is not what was written") }
        case .answers(let index):
            let wanted = answersOf[index].map { hashes[$0] }.sorted()
            let found = value.items.map { $0["hash"]?.text ?? "" }.sorted()
            if found != wanted {
                faults.append("note \(index) has \(found.count) answers, or others, in place of \(wanted.count)")
            }
        case .count(let author, let notes):
            if value.number != Int64(notes) {
                faults.append("author \(author) has \(value.number ?? -1) notes in place of \(notes)")
            }
        }
    }

    private func isNote(_ index: Int, _ value: MessagePackValue) -> Bool {
        let arrival = workload.arrivals[index]
        return value["hash"]?.text == hashes[index] && value["author"]?.text == clients[arrival.author]?.person.agent
            && value["text"]?.text == texts.text(index, bytes: arrival.bytes)
    }
}

/// One author's chain, as the operator sees it.
struct ReplayChain {
    let person: String
    private(set) var length = 0
    private var lastTime = Int64.min
    private var notes: [String: Int] = [:]
    private var links = 0
    private var broken: [String] = []

    init(person: String) {
        self.person = person
    }

    mutating func take(_ record: MessagePackValue) {
        let time = record["timestamp"]?.number ?? Int64.min
        if record["seq"]?.number != Int64(length) {
            broken.append("\(person): action \(record["seq"]?.number ?? -1) stands at place \(length)")
        } else if time <= lastTime {
            broken.append("\(person): action \(length) is not later than the one before")
        }
        lastTime = time
        length += 1
        switch record["type"]?.text {
        case "Create" where record["entry_type"]?.text == "note": notes[record["hash"]?.text ?? "", default: 0] += 1
        case "CreateLink": links += 1
        default: break
        }
    }

    /// What differs from the notes and links that were acknowledged.
    func faults(notes wanted: [String], links wantedLinks: Int) -> [String] {
        var faults = broken
        let lost = wanted.filter { notes[$0] != 1 }
        if !lost.isEmpty { faults.append("\(person): \(lost.count) notes are not in the chain, \(lost[0]) first") }
        if notes.count != wanted.count {
            faults.append("\(person): the chain holds \(notes.count) notes, not \(wanted.count)")
        }
        if links != wantedLinks { faults.append("\(person): the chain holds \(links) links, not \(wantedLinks)") }
        return faults
    }
}
