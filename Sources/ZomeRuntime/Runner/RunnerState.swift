import Integrity
import NIOCore

/// What a process of modules is doing and what is owed to whom: events in, effects out. It starts nothing, reads no clock
/// and knows no socket; `ProcessRunner` does what it says.
///
/// `Waiter` is whatever the shell wants back when a call ends.
struct RunnerState<Waiter> {
    /// What the shell shall do.
    enum Effect {
        /// Start a process and call it by this number.
        case start(generation: Int)
        /// Send the invocation of a call that was queued.
        case send(call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: [UInt8])
        /// A call has failed.
        case fail(Waiter, PlasmidError)
        /// Kill the process.
        case kill
        /// Ask the process to close its modules; its end is expected.
        case close
        /// Tell the handler.
        case report(PlasmidError)
    }

    /// What became of a new call.
    enum Admission {
        /// Send it now.
        case send
        /// It waits; do the effects.
        case queued([Effect])
        case refused(PlasmidError)
    }

    /// What a request of a module deserves.
    enum RequestVerdict: Equatable { case deliver, notLive, garbage }

    enum Phase: Equatable {
        /// No process.
        case idle
        /// Waits before it starts one again.
        case backingOff(until: NIODeadline)
        case starting(until: NIODeadline)
        case ready(idleSince: NIODeadline)
        /// The process was killed or closed its end: its exit is awaited.
        case ending(expected: Bool)
        case stopped
    }

    /// The watchdog's step: deadlines are kept to this.
    static var tick: TimeAmount { .milliseconds(25) }
    static var firstBackOff: TimeAmount { .milliseconds(100) }
    static var longestBackOff: TimeAmount { .seconds(10) }
    /// Open requests of one process.
    static var maxRequests: Int { 1 << 16 }

    let zomes: [String]
    let limits: RuntimeLimits
    private(set) var phase = Phase.idle
    private(set) var generation = 0
    private(set) var statistics = RunnerStatistics()
    private(set) var descriptions: [ModuleDescription]?
    private var table = CallTable<Waiter>()
    /// Numbers of calls that were not yet sent, oldest first, and their payload bytes.
    private var queue: [UInt64] = []
    private var queuedBytes = 0
    /// Open requests of the process, and the call each belongs to.
    private var requests: [UInt32: UInt64] = [:]
    /// Processes in a row that ended badly without a single answered call.
    private var failures = 0
    /// Why the process is ending, where that is known before its exit.
    private var verdict: ModuleFailure?
    /// Whether the process got as far as ready.
    private var hasServed = false
    /// Why the modules could not be loaded the last time.
    private var refusal: PlasmidError?
    /// Whether the socket takes more.
    private(set) var isWritable = true

    init(zomes: [String], limits: RuntimeLimits) {
        self.zomes = zomes
        self.limits = limits
    }

    var inFlight: Int { table.count }

    // MARK: Calls

    /// A call comes. Hot: `.send` allocates nothing but the call's row.
    mutating func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: [UInt8], timeout: TimeAmount?,
        waiter: Waiter, now: NIODeadline
    ) -> Admission {
        if let error = admissionError(call: call, zome: zome, kind: kind, name: name, bytes: invocation.count) {
            return .refused(error)
        }
        let allowed = timeout ?? limits.callTimeout
        var entry = CallTable<Waiter>.Call(
            zome: zome, kind: kind, name: name, waiter: waiter, queued: nil, allowed: allowed, left: allowed,
            runningSince: nil)
        if case .ready = phase, isWritable, queue.isEmpty {
            entry.runningSince = now
            table[call] = entry
            statistics.calls += 1
            return .send
        }
        entry.queued = invocation
        table[call] = entry
        queue.append(call)
        queuedBytes += invocation.count
        guard case .idle = phase else { return .queued([]) }
        return .queued(start(now))
    }

    /// Starts a process if there is none and nothing speaks against it: for those who want the modules loaded, not called.
    mutating func load(_ now: NIODeadline) -> Result<[Effect], PlasmidError> {
        if phase == .stopped { return .failure(stoppedError) }
        if case .backingOff = phase, let refusal { return .failure(refusal) }
        guard case .idle = phase else { return .success([]) }
        return .success(start(now))
    }

    private func admissionError(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, bytes: Int
    ) -> PlasmidError? {
        guard phase != .stopped else { return stoppedError }
        guard zomes.indices.contains(zome), table[call] == nil, name.utf8.count <= 65_535 else {
            return PlasmidError(.internal, "Call \(call) has no such zome, or its number is taken.")
        }
        let label = ModuleFailure.label(kind, name)
        guard bytes + name.utf8.count + ModuleFrame.headerBytes <= limits.maxFrameBytes else {
            return PlasmidError(
                .tooLarge,
                "The input of \(label) of zome '\(zomes[zome])' has \(bytes) bytes; a frame holds at most"
                    + " \(limits.maxFrameBytes).")
        }
        if case .backingOff = phase, let refusal { return refusal }
        guard queue.count < limits.maxQueuedCalls, queuedBytes + bytes <= limits.maxQueuedBytes || queue.isEmpty else {
            return PlasmidError(
                .overloaded, "Zome '\(zomes[zome])' has \(queue.count) calls waiting; \(label) was not taken.",
                hint: "Try again later.")
        }
        return nil
    }

    private var stoppedError: PlasmidError {
        ModuleFailure(code: .moduleStopped, what: "was stopped").error(zomes: zomes)
    }

    /// A result came. `nil` when no sent call of that zome has the number: the process does not keep to the protocol.
    mutating func result(call: UInt64, zome: Int, now: NIODeadline) -> CallTable<Waiter>.Call? {
        guard case .ready = phase, let entry = table[call], entry.queued == nil, entry.zome == zome else { return nil }
        _ = table.remove(call)
        failures = 0
        if table.count == 0 { phase = .ready(idleSince: now) }
        return entry
    }

    /// A module asks the host.
    mutating func request(call: UInt64, id: UInt32, now: NIODeadline) -> RequestVerdict {
        guard requests[id] == nil, requests.count < Self.maxRequests else { return .garbage }
        guard let entry = table[call], entry.queued == nil else { return .notLive }
        requests[id] = call
        table.pause(call, now)
        return .deliver
    }

    /// The host answers. `false` when the process that asked is gone: nothing is to be sent.
    mutating func answered(id: UInt32, generation: Int, now: NIODeadline) -> Bool {
        guard generation == self.generation, let call = requests.removeValue(forKey: id) else { return false }
        table.resume(call, now)
        if case .ready = phase { return true }
        return false
    }

    mutating func pause(call: UInt64, now: NIODeadline) { table.pause(call, now) }

    mutating func resume(call: UInt64, now: NIODeadline) { table.resume(call, now) }

    /// The index of the zome whose module shall be told, where the call was sent; a queued call fails at once.
    mutating func cancel(call: UInt64) -> (tell: Int?, effects: [Effect]) {
        guard let entry = table[call] else { return (nil, []) }
        guard let bytes = entry.queued else { return (entry.zome, []) }
        _ = table.remove(call)
        queue.removeAll { $0 == call }
        queuedBytes -= bytes.count
        let what = "'s \(ModuleFailure.label(entry.kind, entry.name)) was cancelled before it began"
        return (nil, [.fail(entry.waiter, PlasmidError(.cancelled, "Zome '\(zomes[entry.zome])'\(what)."))])
    }

    /// The socket is full, or has room again.
    mutating func writability(_ writable: Bool, now: NIODeadline) -> [Effect] {
        isWritable = writable
        guard writable, case .ready = phase else { return [] }
        return sendQueued(now)
    }

    private mutating func sendQueued(_ now: NIODeadline) -> [Effect] {
        let numbers = queue
        queue = []
        queuedBytes = 0
        var effects: [Effect] = []
        for number in numbers {
            guard let entry = table[number], let bytes = entry.queued else { continue }
            table[number]?.send(now)
            statistics.calls += 1
            effects.append(
                .send(call: number, zome: entry.zome, kind: entry.kind, name: entry.name, invocation: bytes))
        }
        return effects
    }

    // MARK: The process

    private mutating func start(_ now: NIODeadline) -> [Effect] {
        generation += 1
        if generation > 1 { statistics.restarts += 1 }
        phase = .starting(until: now + limits.startTimeout)
        isWritable = true
        verdict = nil
        hasServed = false
        requests.removeAll(keepingCapacity: true)
        return [.start(generation: generation)]
    }

    /// The modules are loaded.
    mutating func ready(_ readiness: ModuleReadiness, specs: [ModuleSpec], now: NIODeadline) -> [Effect] {
        guard case .starting = phase else { return garbage("said twice that it is ready") }
        if limits.sandbox == .required, !readiness.sandbox.isComplete {
            return refused(
                PlasmidError(.sandboxUnavailable, "The sandbox is required, but this kernel does not give all of it."))
        }
        if let error = ModuleCheck.fault(readiness.modules, specs) { return refused(error) }
        descriptions = readiness.modules
        refusal = nil
        hasServed = true
        phase = .ready(idleSince: now)
        return sendQueued(now)
    }

    /// The process says why it will not serve, or what it says will not do.
    mutating func refused(_ error: PlasmidError) -> [Effect] {
        refusal = error
        phase = .ending(expected: false)
        verdict = ModuleFailure(code: error.code, what: "was refused", cause: error.cause, hint: error.hint)
        return [.kill] + failAll { _ in error }
    }

    /// The process breaks the protocol.
    ///
    /// - Parameter culprit: the call that did it, where that is known and already answered; the others may try again
    mutating func garbage(_ what: String, culprit: String? = nil) -> [Effect] {
        phase = .ending(expected: false)
        let failure = ModuleFailure(code: .moduleGarbage, what: what)
        verdict = failure
        let names = zomes
        let others = culprit.map { Self.restarted(because: "\($0) answered garbage") } ?? failure
        return [.kill] + failSent { others.error(zome: names[$0.zome], kind: $0.kind, name: $0.name) }
    }

    private static func restarted(because what: String) -> ModuleFailure {
        ModuleFailure(
            code: .moduleRestarted, what: "was restarted, because \(what),",
            hint: "This call is not at fault and may be tried again.")
    }

    /// The process closed its end: how it ended is still to come, so the calls wait for that.
    mutating func disconnected() -> [Effect] {
        switch phase {
        case .ending, .idle, .backingOff, .stopped: return []
        case .starting, .ready:
            phase = .ending(expected: false)
            // Ends a process that only closed its socket; one that is dying keeps its own cause.
            return [.kill]
        }
    }

    /// The process has ended.
    mutating func exited(_ exit: ChildExit, generation: Int, now: NIODeadline) -> [Effect] {
        guard generation == self.generation, phase != .stopped else { return [] }
        guard phase != .ending(expected: true) else {
            phase = .idle
            return queue.isEmpty ? [] : start(now)
        }
        statistics.crashes += 1
        failures += 1
        let failure = verdict ?? ModuleFailure.explaining(exit, memoryBytes: limits.memoryBytes)
        let names = zomes
        var effects = failSent { failure.error(zome: names[$0.zome], kind: $0.kind, name: $0.name) }
        let error = refusal ?? failure.error(zomes: zomes)
        if !hasServed {
            // Those that waited for it would only wait for the same again.
            effects += failAll { _ in ModuleFailure.brief(error) }
        }
        effects.append(.report(error))
        return effects + restart(now)
    }

    private mutating func restart(_ now: NIODeadline) -> [Effect] {
        guard failures > 1 || refusal != nil else {
            phase = .idle
            return queue.isEmpty ? [] : start(now)
        }
        phase = .backingOff(until: now + Self.backOff(afterFailures: failures))
        return []
    }

    /// 100 ms after the second failure in a row, doubled with each further one, at most 10 s.
    static func backOff(afterFailures failures: Int) -> TimeAmount {
        let doublings = min(max(failures - 2, 0), 20)
        return min(.nanoseconds(firstBackOff.nanoseconds << Int64(doublings)), longestBackOff)
    }

    // MARK: Time

    /// When `tick` is wanted next; `nil` when nothing can happen by itself.
    func nextTick(now: NIODeadline) -> NIODeadline? {
        switch phase {
        case .idle, .stopped, .ending: nil
        case .backingOff(let until), .starting(let until): until
        case .ready(let idleSince): table.count > 0 ? now + Self.tick : idleSince + limits.idleAfter
        }
    }

    /// Time has passed.
    mutating func tick(now: NIODeadline) -> [Effect] {
        switch phase {
        case .idle, .stopped, .ending: return []
        case .backingOff(let until):
            guard now >= until else { return [] }
            phase = .idle
            refusal = nil
            return queue.isEmpty ? [] : start(now)
        case .starting(let until):
            guard now >= until else { return [] }
            let seconds = limits.startTimeout.nanoseconds / 1_000_000_000
            let failure = ModuleFailure(
                code: .moduleTimedOut, what: "was not ready within \(seconds) s of its start",
                hint: "Too little memory, or a constructor that does not end?")
            phase = .ending(expected: false)
            verdict = failure
            let error = failure.error(zomes: zomes)
            return [.kill] + failAll { _ in error }
        case .ready(let idleSince):
            if table.count == 0, now >= idleSince + limits.idleAfter {
                phase = .ending(expected: true)
                return [.close]
            }
            return expire(now)
        }
    }

    /// Kills the process when a call has used up its time: that call is the culprit, the others may try again.
    private mutating func expire(_ now: NIODeadline) -> [Effect] {
        let late = table.takeExpired(now)
        guard !late.isEmpty else { return [] }
        phase = .ending(expected: false)
        verdict = .timedOut(late[0].call.allowed)
        var effects: [Effect] = [.kill]
        for (_, call) in late {
            let timedOut = ModuleFailure.timedOut(call.allowed)
            effects.append(
                .fail(call.waiter, timedOut.error(zome: zomes[call.zome], kind: call.kind, name: call.name)))
        }
        let culprit =
            "\(ModuleFailure.label(late[0].call.kind, late[0].call.name)) of zome '\(zomes[late[0].call.zome])'"
        let other = Self.restarted(because: "\(culprit) took too long")
        let names = zomes
        return effects + failSent { other.error(zome: names[$0.zome], kind: $0.kind, name: $0.name) }
    }

    /// Ends everything.
    mutating func stop() -> [Effect] {
        guard phase != .stopped else { return [] }
        let error = stoppedError
        let hasProcess =
            switch phase {
            case .starting, .ready, .ending: true
            case .idle, .backingOff, .stopped: false
            }
        phase = .stopped
        return failAll { _ in error } + (hasProcess ? [.close] : [])
    }

    private mutating func failSent(_ error: (CallTable<Waiter>.Call) -> PlasmidError) -> [Effect] {
        table.takeAll { $0.queued == nil }.map { .fail($0.call.waiter, error($0.call)) }
    }

    private mutating func failAll(_ error: (CallTable<Waiter>.Call) -> PlasmidError) -> [Effect] {
        queue = []
        queuedBytes = 0
        return table.takeAll().map { .fail($0.call.waiter, error($0.call)) }
    }
}

/// Whether modules are what the manifest says.
enum ModuleCheck {
    /// The first fault; `nil` when all is well.
    static func fault(_ modules: [ModuleDescription], _ specs: [ModuleSpec]) -> PlasmidError? {
        guard modules.count == specs.count else {
            return PlasmidError(.moduleDescribe, "\(modules.count) modules answered where \(specs.count) were loaded.")
        }
        for (module, spec) in zip(modules, specs) {
            if let missing = spec.functions.first(where: { !module.functions.contains($0) }) {
                return PlasmidError(
                    .moduleDescribe,
                    "Zome '\(spec.zome)': the manifest lists function '\(missing)', the module has none.",
                    hint: "The module has: \(module.functions.joined(separator: ", ")).")
            }
            if let missing = spec.callbacks.first(where: { !module.callbacks.contains($0) }) {
                return PlasmidError(
                    .moduleDescribe,
                    "Zome '\(spec.zome)': the manifest lists callback '\(missing)', the module has none.")
            }
        }
        return nil
    }
}
