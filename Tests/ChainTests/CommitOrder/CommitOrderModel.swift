import Integrity

@testable import Chain

/// splitmix64: small, seedable, the same everywhere.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// A head that only the model makes: number `n` of all actions ever written, valid or not.
func testHead(_ n: UInt64, seq: UInt32) -> ChainHead {
    ChainHead(hash: testActionHash(n), seq: seq, timestamp: Timestamp(microseconds: Int64(n)))
}

/// Plays the shell and the modules of one cell against a `CommitOrder`, and checks every promise it makes.
struct CommitOrderModel {
    /// `aside` starts a wait for the network and goes on meanwhile.
    enum Step: Equatable { case read, write, wait, aside, answer, fail, crash }
    struct Script {
        var steps: [Step]
        var valid: Bool
        /// The validator crashes instead of giving a verdict.
        var validatorCrashes = false
    }
    struct Live {
        var run: CallRun
        var script: Script
        var at = 0
        /// What the run is blocked on, nil while it can take its next step.
        var blocked: Blocked?
        var base: ChainHead?
        var actions: [ChainHead] = []
        var sentSomething = false
        var asides = 0
        var reruns: [Bool] = []
    }
    enum Blocked { case position, network, validation, rerun, line }
    struct Broken: Error, CustomStringConvertible { let description: String }

    var order: CommitOrder
    var dice: Dice
    var live: [UInt64: Live] = [:]
    var ended: [UInt64: CommitOrder.Effect] = [:]
    var chain: [ChainHead]
    var validating: [CallRun] = []
    var stale: [CallRun] = []
    var writer: UInt64?
    var actionCount: UInt64 = 100
    var now: UInt64 = 0
    /// What happened, kept only where someone will read it.
    var log: [String]?
    var tally: [String: Int] = [:]

    init(seed: UInt64, logging: Bool = false, bounds: CommitOrder.Bounds = .init(hold: 50, line: 8)) {
        let start = testHead(3, seq: 2)
        order = CommitOrder(tail: start, bounds: bounds)
        dice = Dice(state: seed)
        log = logging ? [] : nil
        chain = [start]
    }

    mutating func start(_ id: UInt64, _ script: Script) throws {
        live[id] = Live(run: CallRun(call: id), script: script)
        try feed(.began(CallRun(call: id)))
    }

    mutating func feed(_ event: CommitOrder.Event) throws {
        log?.append("\(now) \(event)")
        for effect in order.handle(event, now: now) {
            log?.append("    → \(effect)")
            try take(effect)
        }
        try invariants()
    }

    mutating func take(_ effect: CommitOrder.Effect) throws {
        switch effect {
        case .headFixed(let run, _):
            try check(live[run.call]?.run == run, "head for a run that is over")
        case .grantPosition(let run, let head):
            try check(live[run.call]?.run == run && live[run.call]?.blocked == .position, "position nobody asked for")
            let last = live[run.call]?.actions.last
            try check(last == nil || last == head || live[run.call]?.base == head, "the scratch would not fit the head")
            if last == nil { live[run.call]?.base = head }
            live[run.call]?.blocked = nil
            try write(run.call)
        case .abandon(let run):
            try check(live[run.call]?.run == run, "abandoned a run that is over")
            try check(live[run.call]?.sentSomething == false, "a call that sent something would run again")
            stale.append(run)
            validating.removeAll { $0 == run }
            live[run.call]?.blocked = .rerun
            live[run.call]?.run = run.next
            live[run.call]?.actions = []
            live[run.call]?.base = nil
        case .rerun(let run, let head, let certain):
            try check(live[run.call]?.run == run && live[run.call]?.blocked == .rerun, "re-run without abandon")
            try check(!certain || head == chain.last, "a certain run starts before everything is committed")
            live[run.call]?.blocked = nil
            live[run.call]?.at = 0
            live[run.call]?.base = head
            live[run.call]?.asides = 0
            live[run.call]?.reruns.append(certain)
            tally[certain ? "certain" : "rerun", default: 0] += 1
            let reruns = live[run.call]?.reruns ?? []
            try check(reruns.count { !$0 } <= 1 && reruns.count { $0 } <= 1, "re-run too often: \(reruns)")
        case .beginValidation(let run):
            try check(live[run.call]?.run == run, "validation of a run that is over")
            live[run.call]?.blocked = .validation
            validating.append(run)
        case .commit(let run): try commit(run, effect)
        case .release(let run):
            try check(live[run.call]?.actions.isEmpty == true, "writes were dropped")
            try sawOnlyCertain(run)
            try end(run, effect)
        case .refuse(let run, let reason):
            if reason == .headMoved {
                try check(live[run.call]?.sentSomething == true, "headMoved for a call that sent nothing")
            }
            if reason == .invalid {
                try check(live[run.call]?.script.valid == false, "a valid call was refused")
                try sawOnlyCertain(run)
            }
            validating.removeAll { $0 == run }
            tally["\(reason)", default: 0] += 1
            try end(run, effect)
        }
    }

    private mutating func commit(_ run: CallRun, _ effect: CommitOrder.Effect) throws {
        guard let call = live[run.call], call.run == run else { throw Broken(description: "commit of no run") }
        try check(call.script.valid && !call.actions.isEmpty, "committed what is not valid")
        try check(call.base == chain.last, "the chain forks at \(run)")
        try check(call.actions.count == call.script.steps.count { $0 == .write }, "committed half a call")
        chain += call.actions
        tally["commit", default: 0] += 1
        try end(run, effect)
    }

    private mutating func end(_ run: CallRun, _ effect: CommitOrder.Effect) throws {
        try check(live[run.call]?.run == run && ended[run.call] == nil, "\(run) ended twice")
        stale.append(run)
        live[run.call] = nil
        ended[run.call] = effect
    }

    /// What a call answers may rest on nothing that could still turn out never to have been.
    private func sawOnlyCertain(_ run: CallRun) throws {
        guard let base = live[run.call]?.base else { return }
        try check(chain.contains(base), "\(run) was answered from what is not certain")
    }

    /// The scratch takes one more action, onto the one before.
    private mutating func write(_ id: UInt64) throws {
        guard let call = live[id], let under = call.actions.last ?? call.base else {
            throw Broken(description: "write without a head")
        }
        actionCount += 1
        live[id]?.actions.append(testHead(actionCount, seq: under.seq + 1))
    }

    /// Lets the call's function take its next step.
    mutating func step(_ id: UInt64) throws {
        guard let call = live[id], call.blocked == nil, call.at < call.script.steps.count else { return }
        live[id]?.at += 1
        switch call.script.steps[call.at] {
        case .read: try feed(.reads(call.run))
        case .write:
            live[id]?.blocked = .position
            try feed(.writes(call.run))
        case .wait:
            live[id]?.sentSomething = true
            live[id]?.blocked = .network
            try feed(.waits(call.run))
        case .aside:
            live[id]?.sentSomething = true
            live[id]?.asides += 1
            try feed(.waits(call.run))
        case .answer:
            live[id]?.blocked = .line
            try feed(.returned(call.run, end: call.actions.last))
        case .fail:
            live[id]?.blocked = .line
            live[id]?.actions = []
            try feed(.returned(call.run, end: nil))
        case .crash: try feed(.failed(call.run))
        }
    }

    mutating func answerNetwork(_ id: UInt64) throws {
        guard let call = live[id] else { return }
        if call.asides > 0 {
            live[id]?.asides -= 1
        } else if call.blocked == .network {
            live[id]?.blocked = nil
        } else {
            return
        }
        try feed(.resumed(call.run))
    }

    mutating func judge(_ run: CallRun) throws {
        validating.removeAll { $0 == run }
        guard let call = live[run.call], call.run == run else { return }
        live[run.call]?.blocked = .line
        if call.script.validatorCrashes { return try feed(.failed(run)) }
        try feed(.validated(run, valid: call.script.valid))
    }

    /// Events of runs that are over must change nothing.
    mutating func sayStale() throws {
        guard let run = stale.randomElement(using: &dice) else { return }
        let events: [CommitOrder.Event] = [
            .reads(run), .writes(run), .waits(run), .resumed(run), .returned(run, end: testHead(1, seq: 9)),
            .validated(run, valid: dice.chance(50)), .failed(run),
        ]
        guard let event = events.randomElement(using: &dice) else { return }
        try check(order.handle(event, now: now).isEmpty, "the machine listened to a run that is over: \(event)")
    }

    /// Storage keeps only the first part of what it was handed.
    mutating func loseStorage() throws {
        chain.removeSubrange(Int.random(in: 1...chain.count, using: &dice)...)
        try feed(.reset(tail: chain[chain.count - 1]))
        try check(live.isEmpty && order.speculation.isEmpty, "calls outlived a reset")
    }

    func invariants() throws {
        try check(order.certainTail == chain.last, "the certain tail is not the last action committed")
        let uncommitted = order.speculation
        let last = uncommitted.last.flatMap { live[$0.call]?.actions.last } ?? chain.last
        try check(order.tail == last, "the speculative tail is not the last action in the line")
        var under = chain.last
        for run in uncommitted {
            try check(live[run.call]?.base == under, "the line is not linear at \(run)")
            under = live[run.call]?.actions.last
        }
        try check(order.openCalls == live.count, "calls were lost")
        if let holder = order.holder.flatMap({ live[$0] }) {
            try check(
                holder.blocked != .network && holder.asides == 0, "a call that waits for a peer holds the position")
        }
    }

    func check(_ holds: Bool, _ words: @autoclosure () -> String) throws {
        if !holds { throw Broken(description: words()) }
    }
}
