import Integrity

/// Who waits for what, and when it is asked for next. A thing is named by kind and 32 bytes: the location that came with a hash says
/// nothing of what it names.
struct WaitBook: Sendable {
    struct Thing: Hashable, Sendable {
        let kind: AnyDhtHash.Kind
        /// Its bytes, whatever its kind.
        let name: EntryHash

        init(_ hash: AnyDhtHash) {
            kind = hash.kind
            name = EntryHash(core: hash.core, location: 0)
        }

        /// The address where holders of it are found.
        var address: AnyDhtHash {
            kind == .action ? .action(ActionHash(core: name.core)) : .entry(EntryHash(core: name.core))
        }
    }

    private struct Want: Sendable {
        var waiters: Set<DhtOpHash> = []
        /// Whose ops wait for it; the first to come counts.
        let author: AgentPubKey
        var nextAsk: Timestamp
        var pause: Int64
    }

    private var wants: [Thing: Want] = [:]
    private var things: [DhtOpHash: [Thing]] = [:]
    /// When what is asked for next; a question that was overtaken stays in it until its time.
    private var agenda = Agenda()

    var isEmpty: Bool { wants.isEmpty }
    var count: Int { wants.count }

    /// Lets an op wait for these, and for nothing else any more.
    mutating func wait(
        _ op: DhtOpHash, by author: AgentPubKey, for missing: [AnyDhtHash], patience: Int64, now: Timestamp,
        _ limits: PipelineLimits
    ) {
        // What it waited for and waits for again keeps its place in the order of questions.
        let new = missing.map { Thing($0) }
        let old = things[op] ?? []
        for thing in old where !new.contains(thing) { leave(thing, op) }
        for thing in new {
            if wants[thing] == nil {
                let first = now.advanced(byMicroseconds: patience)
                wants[thing] = Want(author: author, nextAsk: first, pause: limits.firstRetry)
                agenda.add(first, thing)
            }
            wants[thing]?.waiters.insert(op)
        }
        things[op] = new.isEmpty ? nil : new
    }

    /// Lets an op wait no longer.
    mutating func leave(_ op: DhtOpHash) {
        for thing in things.removeValue(forKey: op) ?? [] { leave(thing, op) }
    }

    private mutating func leave(_ thing: Thing, _ op: DhtOpHash) {
        wants[thing]?.waiters.remove(op)
        if wants[thing]?.waiters.isEmpty == true { wants[thing] = nil }
    }

    /// Something is here: who waited for it.
    mutating func arrived(_ thing: Thing) -> Set<DhtOpHash> {
        guard let want = wants.removeValue(forKey: thing) else { return [] }
        for op in want.waiters {
            things[op]?.removeAll { $0 == thing }
            if things[op]?.isEmpty == true { things[op] = nil }
        }
        return want.waiters
    }

    /// Whether anybody waits for it.
    func isWanted(_ thing: Thing) -> Bool { wants[thing] != nil }

    /// What is to be asked for now. The pause after each question doubles; of an author whose ops wait for many things only some are asked
    /// for at a time, and the others wait their turn.
    mutating func due(_ now: Timestamp, _ limits: PipelineLimits) -> [AnyDhtHash] {
        var questions: [AnyDhtHash] = []
        var byAuthor: [AgentPubKey: Int] = [:]
        while let (at, thing) = agenda.first, at <= now {
            agenda.removeFirst()
            guard var want = wants[thing], want.nextAsk == at else { continue }
            let count = byAuthor[want.author, default: 0]
            if questions.count < limits.fetches, count < limits.fetchesPerAuthor {
                byAuthor[want.author] = count + 1
                questions.append(thing.address)
                want.nextAsk = now.advanced(byMicroseconds: want.pause)
                want.pause = min(want.pause * 2, limits.lastRetry)
            } else {
                want.nextAsk = now.advanced(byMicroseconds: max(1, limits.patience))
            }
            wants[thing] = want
            agenda.add(want.nextAsk, thing)
        }
        return questions
    }

    /// When something is to be asked for next, or a little before.
    var nextAsk: Timestamp? { agenda.first?.at }
}

/// Things in the order of their times: a binary heap.
private struct Agenda: Sendable {
    private var heap: [(at: Timestamp, thing: WaitBook.Thing)] = []

    var first: (at: Timestamp, thing: WaitBook.Thing)? { heap.first }

    /// By time; between equal times by the bytes, so that the order is the same in every run.
    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].thing.name) < (heap[right].at, heap[right].thing.name)
    }

    mutating func add(_ at: Timestamp, _ thing: WaitBook.Thing) {
        heap.append((at, thing))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
