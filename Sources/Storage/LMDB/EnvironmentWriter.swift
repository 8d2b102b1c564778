import Glibc
import Integrity

/// The one thread that writes an environment: it gathers durable commits and applies them in large transactions.
final class EnvironmentWriter: Sendable {
    /// What the loop hears of.
    enum News: Sendable {
        /// Everything up to this number is in LMDB, durably.
        case applied(UInt64)
        /// The disk or the map is full: the commits wait in the journal, and the writer tries again now and then.
        case full(PlasmidError)
        /// The environment cannot be written any more.
        case failed(PlasmidError)
    }

    private struct State {
        var queue: [DurableCommit] = []
        var queuedBytes = 0
        var stopping = false
        var hurry = false
    }

    private let state = Monitor(State())
    private let applier: RowApplier
    private let delayMilliseconds: Int
    private let bytesMax: Int
    private let news: @Sendable (News) -> Void

    init(
        applier: RowApplier, delayMilliseconds: Int, bytesMax: Int, news: @escaping @Sendable (News) -> Void
    ) {
        self.applier = applier
        self.delayMilliseconds = delayMilliseconds
        self.bytesMax = bytesMax
        self.news = news
    }

    /// Starts the thread.
    func start() throws(PlasmidError) -> OwnThread {
        guard let thread = OwnThread.start({ self.run() }) else {
            throw StorageFault.failed("Cannot start a writer thread for \(applier.environment.folder)")
        }
        return thread
    }

    /// Takes commits that the journal holds durably, in the order of their numbers.
    func submit(_ jobs: ArraySlice<JournalJob>) {
        state.change { state in
            let wasEmpty = state.queue.isEmpty
            for job in jobs {
                state.queue.append(DurableCommit(lsn: job.lsn, payload: job.payload))
                state.queuedBytes += job.payload.count
            }
            // While it gathers, more commits are nothing to wake up for until there are enough.
            return wasEmpty || state.queuedBytes >= bytesMax
        }
    }

    /// Applies what is queued without waiting for more.
    func hurry() {
        state.with(wake: true) { $0.hurry = true }
    }

    /// Drops what is queued and takes nothing more.
    func forget() {
        state.with(wake: true) { state in
            state.queue = []
            state.stopping = true
        }
    }

    /// Lets the thread end once its queue is applied, or has been tried once more.
    func stop() {
        state.with(wake: true) { $0.stopping = true }
    }

    private func run() {
        var full = false
        while let commits = nextBatch() {
            var rest = commits[...]
            while !rest.isEmpty {
                switch apply(rest) {
                case .success(let count):
                    if full || count > 0 { full = false }
                    rest = rest.dropFirst(count)
                    if let last = commits[..<rest.startIndex].last { news(.applied(last.lsn)) }
                case .failure(let error) where error.code == .diskFull:
                    if !full { news(.full(error)) }
                    full = true
                    if pauseOrStop() { return }
                case .failure(let error):
                    news(.failed(error))
                    return
                }
            }
        }
    }

    /// All of the commits in one transaction; where that fails, one by one, so that one too large for the room that is
    /// left does not hold back those before it. Gives how many were applied.
    private func apply(_ commits: ArraySlice<DurableCommit>) -> Result<Int, PlasmidError> {
        do throws(PlasmidError) {
            try applier.apply(commits)
            return .success(commits.count)
        } catch {
            guard error.code == .diskFull, commits.count > 1 else { return .failure(error) }
        }
        var done = 0
        for index in commits.indices {
            do throws(PlasmidError) {
                try applier.apply(commits[index...index])
                done += 1
            } catch {
                return done > 0 ? .success(done) : .failure(error)
            }
        }
        return .success(done)
    }

    /// Waits for the first commit, then a moment for more: large sorted transactions cost least a row, and the
    /// transaction's sync would stand in the way of the journal's.
    private func nextBatch() -> [DurableCommit]? {
        let stopped = state.wait { state -> Bool? in
            if !state.queue.isEmpty { return false }
            return state.stopping ? true : nil
        }
        guard stopped == false else { return nil }
        if delayMilliseconds > 0 {
            _ = state.wait(milliseconds: delayMilliseconds) { state -> Bool? in
                state.stopping || state.hurry || state.queuedBytes >= self.bytesMax ? true : nil
            }
        }
        return state.with { state in
            var bytes = 0
            var count = 0
            while count < state.queue.count, count == 0 || bytes < bytesMax {
                bytes += state.queue[count].payload.count
                count += 1
            }
            let batch = Array(state.queue[..<count])
            state.queue.removeFirst(count)
            state.queuedBytes -= bytes
            if state.queue.isEmpty { state.hurry = false }
            return batch
        }
    }

    /// A pause before the next try on a full disk; true when the thread shall end instead.
    private func pauseOrStop() -> Bool {
        let stop = state.wait(milliseconds: 250) { $0.stopping ? true : nil }
        return stop == true
    }
}
