import Integrity

/// One execution of a zome call: the call's number and which attempt at it this is (the first is 1).
public struct CallRun: Hashable, Sendable {
    /// The number that the conductor gave to the call.
    public let call: UInt64
    /// Counts the executions of the same call; events of an earlier attempt are ignored.
    public let attempt: UInt32

    /// The first attempt at `call`, or the one given.
    public init(call: UInt64, attempt: UInt32 = 1) {
        self.call = call
        self.attempt = attempt
    }

    /// The attempt that follows this one.
    public var next: CallRun { CallRun(call: call, attempt: attempt + 1) }
}

/// Puts the zome calls of one cell in order, so that what they write is one linear chain (DESIGN §6).
///
/// A pure state machine: `handle` takes an event and answers with effects for the shell to carry out in order. Events
/// that arise while effects are carried out are fed in afterwards, never from inside.
///
/// The chain has two ends. The **certain tail** is the last action handed over with `.commit`. The **speculative tail**
/// is the last action of the last call whose function returned, validated or not; the calls between the two stand in
/// **the line**. One call at a time holds **the position**: it alone writes, starting at the speculative tail, and when
/// its function returns, its actions extend the tail and the position passes on while its validation goes on.
/// What a call says to anybody (success, error, a validator's refusal) waits until all that it saw is certain.
///
/// | phase    | the call…                                | on `writes`                        | on `waits`             |
/// |----------|------------------------------------------|------------------------------------|------------------------|
/// | running  | has no position and wrote nothing        | asks for the position; if it has a head and the tail is another: re-run | forgets its head |
/// | queued   | waits for the position, first come first | already asked                      | leaves the queue, asks again afterwards |
/// | holding  | has the position                         | goes on                            | gives the position up  |
/// | detached | wrote, then lost the position            | asks again; tail moved: re-run     | stays                  |
/// | in line  | returned; is being validated             | –                                  | –                      |
///
/// `returned` takes a holder into the line, and a detached call too if the tail is still where it began; a call without
/// writes is released once what it saw is certain. A re-run is for calls without outside effect only; `headMoved`
/// therefore reaches no other call than one that had sent something. First re-run: under the position, on the
/// speculative tail. After a demotion or the failure of a call that it was built on: **certain**, that is only once
/// everything before it is committed, and then never demoted, so that it ends. Hence two re-runs at most.
public struct CommitOrder: Sendable {
    /// What happened to a run. Events of runs that are over are ignored.
    public enum Event: Hashable, Sendable {
        /// A call is about to do its first operation that concerns the chain (calls that never do need no mention).
        case began(CallRun)
        /// It reads chain state; answered at once by `.headFixed`.
        case reads(CallRun)
        /// It wants to write: sent before its first write and before the first after a wait, or before each.
        /// Answered by `.grantPosition`, now or later.
        case writes(CallRun)
        /// It is about to wait for the network (`send`, `call`): the outside effect after which nothing is re-run.
        case waits(CallRun)
        /// One wait for the network is over.
        case resumed(CallRun)
        /// Its function returned; `end` is its last action, nil if it wrote nothing or answered with an error.
        case returned(CallRun, end: ChainHead?)
        /// The verdict on its actions.
        case validated(CallRun, valid: Bool)
        /// Its module crashed, ran out of time, or its validator gave no verdict: the call ends, whatever its phase.
        case failed(CallRun)
        /// The caller took the call back, whichever attempt is under way.
        case cancelled(call: UInt64)
        /// Time passed (`nextDeadline` says when it matters).
        case tick
        /// Storage could not take a commit: the chain ends at `tail`, and every open call ends.
        case reset(tail: ChainHead)
    }

    /// What the shell must do. Every call ends with exactly one of `.commit`, `.release`, `.refuse`.
    public enum Effect: Hashable, Sendable {
        /// The run reads as of `head`, the certain tail.
        case headFixed(CallRun, head: ChainHead)
        /// The run may write; its scratch starts at `head`, and it sees the calls of `speculation` below it.
        case grantPosition(CallRun, head: ChainHead)
        /// Stop this run and its validation, drop its scratch and buffered signals; its `.rerun` follows.
        case abandon(CallRun)
        /// Start the call's function again, with the position from the start, on `head`.
        case rerun(CallRun, head: ChainHead, certain: Bool)
        /// Validate the actions of the run; answer with `.validated` or `.failed`.
        case beginValidation(CallRun)
        /// Hand the run's actions to storage, now and in this order; answer the caller after the sync.
        case commit(CallRun)
        /// The run wrote nothing: answer the caller.
        case release(CallRun)
        /// The call ends with an error; stop the run if it is still going.
        case refuse(CallRun, Refusal)
    }

    /// Why a call ended without its writes.
    public enum Refusal: Hashable, Sendable {
        /// Another call's writes came first, and this one had already reached outside.
        case headMoved
        /// A validator or a rule rejected its actions.
        case invalid
        /// Its module failed, or it was cancelled; the shell knows the error.
        case failed
        /// Storage failed; the chain was set back.
        case chainReset
    }

    /// The bounds of one cell.
    public struct Bounds: Sendable {
        /// How long a call may keep the position while another waits for it, in microseconds.
        public var hold: UInt64
        /// How many calls may stand in the line before the position is withheld.
        public var line: Int

        /// 100 ms and 256 calls unless told.
        public init(hold: UInt64 = 100_000, line: Int = 256) {
            self.hold = hold
            self.line = max(1, line)
        }
    }

    enum Purpose { case firstWrite, resume, append, rerun }
    enum Phase: Equatable { case running, queued(Purpose), holding, detached, inLine }

    struct Call {
        let arrival: UInt64
        var run: CallRun
        var phase = Phase.running
        /// The head that its reads and writes stand on, once fixed.
        var head: ChainHead?
        /// Its last action, once returned.
        var end: ChainHead?
        /// The highest line number among the calls whose writes it may have seen.
        var seen: UInt64 = 0
        var hasWritten = false
        var outsideEffect = false
        var certain = false
        /// Waits for the network under way, and whether a write waits for their end.
        var waits = 0
        var wantsWrite = false
        /// Tells its present place in the queue from those that it left.
        var ticket: UInt64 = 0
    }

    enum Standing { case validating, valid, nothing, refusal }

    struct LineEntry {
        let number: UInt64
        let run: CallRun
        var standing: Standing
        /// The tail up to and including this entry.
        var end: ChainHead
    }

    let bounds: Bounds
    var calls: [UInt64: Call] = [:]
    var queue = FIFO<(call: UInt64, ticket: UInt64)>()
    var line = FIFO<LineEntry>()
    var holder: UInt64?
    var heldSince: UInt64 = 0
    var arrivals: UInt64 = 0
    var tickets: UInt64 = 0
    var lineNumbers: UInt64 = 0
    var effects: [Effect] = []

    /// The last action handed to storage.
    public internal(set) var certainTail: ChainHead
    /// The last action of the last call that returned, validated or not: where the next writer starts.
    public internal(set) var tail: ChainHead

    /// The order of a cell whose chain ends at `tail` (at least the genesis actions).
    public init(tail: ChainHead, bounds: Bounds = Bounds()) {
        self.tail = tail
        self.certainTail = tail
        self.bounds = bounds
    }

    /// The calls whose uncommitted writes lie between the certain and the speculative tail, oldest first: a writer's
    /// reads see their scratches, newest on top.
    public var speculation: [CallRun] {
        line.elements.compactMap { $0.standing == .validating || $0.standing == .valid ? $0.run : nil }
    }

    /// How many calls have begun and not ended.
    public var openCalls: Int { calls.count }

    /// When a `.tick` will matter, in the microseconds of `now`; nil while nobody waits for a holder.
    public var nextDeadline: UInt64? {
        guard let holder, let call = calls[holder], !call.certain, !queue.isEmpty else { return nil }
        return heldSince + bounds.hold
    }

    /// Takes one event and answers with what to do, in order. `now` is a monotonic clock in microseconds.
    public mutating func handle(_ event: Event, now: UInt64) -> [Effect] {
        switch event {
        case .began(let run):
            if calls[run.call] == nil, run.attempt == 1 {
                arrivals += 1
                calls[run.call] = Call(arrival: arrivals, run: run)
            }
        case .reads(let run): if live(run) { reads(run.call) }
        case .writes(let run): if live(run) { writes(run.call, now) }
        case .waits(let run): if live(run) { waits(run.call, now) }
        case .resumed(let run): if live(run) { resumed(run.call, now) }
        case .returned(let run, let end): if live(run) { returned(run.call, end, now) }
        case .validated(let run, let valid): if live(run) { validated(run.call, valid, now) }
        case .failed(let run): if live(run) { fail(run.call, now) }
        case .cancelled(let call): if calls[call] != nil { fail(call, now) }
        case .tick: tick(now)
        case .reset(let tail): reset(tail)
        }
        let answer = effects
        effects = []
        return answer
    }

    private func live(_ run: CallRun) -> Bool { calls[run.call]?.run == run }

    /// Ends a call with the one effect that says how.
    mutating func end(_ id: UInt64, _ effect: Effect) {
        if holder == id { holder = nil }
        calls[id] = nil
        effects.append(effect)
    }

    private mutating func reset(_ newTail: ChainHead) {
        for call in calls.values.sorted(by: { $0.arrival < $1.arrival }) {
            effects.append(.refuse(call.run, .chainReset))
        }
        calls.removeAll()
        queue = FIFO()
        line = FIFO()
        holder = nil
        certainTail = newTail
        tail = newTail
    }
}
