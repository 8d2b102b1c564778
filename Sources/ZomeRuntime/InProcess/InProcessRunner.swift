import Integrity
import NIOCore

/// Modules loaded into the conductor itself, on a thread of their own: for development (`isolation: none`).
///
/// There is no sandbox: a trap ends the conductor, and a call that never ends keeps the thread; its caller gets
/// `moduleTimedOut`, and so do all that wait behind it.
public final class InProcessRunner: ZomeRunner {
    private typealias Completion = (Result<ModuleReply, PlasmidError>) -> Void

    private let loop: any EventLoop
    private let specs: [ModuleSpec]
    private let limits: RuntimeLimits
    private weak var handler: (any ZomeHostHandler)?
    private var thread: ModuleThread?
    private var table = CallTable<Completion>()
    private var requests: [UInt32: UInt64] = [:]
    private var counters = RunnerStatistics()
    /// Why no call is taken any more.
    private var refusal: PlasmidError?
    private var tickTask: Scheduled<Void>?
    private var waitingForLoad: [(Result<[ModuleDescription], PlasmidError>) -> Void] = []

    /// Makes a runner; nothing is loaded before the first call.
    ///
    /// - Parameters:
    ///   - loop: the loop of all its methods and closures
    ///   - modules: their order is the zome index
    ///   - limits: of which the call time-out and the frame size apply
    ///   - handler: answers the modules; held weakly
    public init(loop: any EventLoop, modules: [ModuleSpec], limits: RuntimeLimits, handler: any ZomeHostHandler) {
        self.loop = loop
        self.specs = modules
        self.limits = limits
        self.handler = handler
    }

    deinit {
        thread?.inbox.put(.close)
        tickTask?.cancel()
    }

    /// What the modules say of themselves; `nil` until they were loaded once.
    public private(set) var descriptions: [ModuleDescription]?

    /// Counters; reads the memory of the process from the kernel.
    public var statistics: RunnerStatistics {
        var statistics = counters
        statistics.inFlight = table.count
        return statistics
    }

    /// Loads the modules; see `ZomeRunner`.
    public func load(_ done: @escaping (Result<[ModuleDescription], PlasmidError>) -> Void) {
        loop.preconditionInEventLoop()
        if let refusal { return done(.failure(refusal)) }
        if let descriptions { return done(.success(descriptions)) }
        waitingForLoad.append(done)
        if thread == nil { _ = start() }
    }

    private func loaded(_ result: Result<[ModuleDescription], PlasmidError>) {
        let waiting = waitingForLoad
        waitingForLoad = []
        for done in waiting { done(result) }
    }

    /// Starts a call; see `ZomeRunner`.
    public func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: Invocation, timeout: TimeAmount?,
        completion: @escaping (Result<ModuleReply, PlasmidError>) -> Void
    ) {
        loop.preconditionInEventLoop()
        if let refusal { return completion(.failure(refusal)) }
        guard specs.indices.contains(zome), table[call] == nil else {
            let words = "Call \(call) has no such zome, or its number is taken."
            return completion(.failure(PlasmidError(.internal, words)))
        }
        table[call] = CallTable<Completion>.Call(
            zome: zome, kind: kind, name: name, waiter: completion, queued: nil,
            allowed: timeout ?? limits.callTimeout, left: timeout ?? limits.callTimeout,
            runningSince: .now())
        counters.calls += 1
        let thread = self.thread ?? start()
        thread.inbox.put(
            .invoke(call: call, zome: zome, kind: UInt32(kind.rawValue), name: name, bytes: invocation.packed))
        armTick()
    }

    private func start() -> ModuleThread {
        let me = NIOLoopBound(WeakInProcess(self), eventLoop: loop)
        let thread = ModuleThread(specs: specs, loop: loop) { events in
            me.value.runner?.take(events)
        }
        self.thread = thread
        thread.start()
        return thread
    }

    /// Asks a call to end; see `ZomeRunner`.
    public func cancel(call: UInt64) {
        guard let entry = table[call] else { return }
        thread?.inbox.put(.cancel(call: call, zome: entry.zome))
    }

    /// Stops the clock of a call.
    public func pauseDeadline(call: UInt64) { table.pause(call, .now()) }

    /// Lets the clock of a call go on.
    public func resumeDeadline(call: UInt64) { table.resume(call, .now()) }

    /// Nothing gathers here: orders cross one by one, and a busy thread takes them in batches.
    public func flush() {}

    /// Ends the modules; live calls fail with `moduleStopped`.
    public func stop() {
        loop.preconditionInEventLoop()
        let failure = ModuleFailure(code: .moduleStopped, what: "was stopped")
        end(failure.error(zomes: specs.map(\.zome)))
    }

    private func end(_ reason: PlasmidError) {
        refusal = reason
        tickTask?.cancel()
        thread?.inbox.put(.close)
        thread = nil
        for (_, call) in table.takeAll() { call.waiter(.failure(reason)) }
        loaded(.failure(reason))
    }

    private func take(_ events: [ModuleThread.Event]) {
        for event in events {
            switch event {
            case .ready(let found):
                descriptions = found
                if let fault = ModuleCheck.fault(found, specs) { refuse(fault) } else { loaded(.success(found)) }
            case .refused(let error): refuse(error)
            case .result(let call, let status, let bytes):
                // Late results of calls that timed out find nobody.
                guard let entry = table.remove(call) else { continue }
                entry.waiter(
                    ModuleStatus.reply(
                        status, bytes, zome: specs[entry.zome].zome, kind: entry.kind, name: entry.name))
            case .request(let call, let id, let zome, let operation, let bytes):
                request(call: call, id: id, zome: zome, operation: operation, bytes: bytes)
            }
        }
    }

    private func refuse(_ error: PlasmidError) {
        end(error)
        handler?.runnerStopped(error)
    }

    private func request(call: UInt64, id: UInt32, zome: Int, operation: UInt32, bytes: [UInt8]) {
        guard let thread else { return }
        guard let handler, table[call] != nil else {
            return thread.inbox.put(.answer(id: id, zome: zome, status: 3, bytes: []))
        }
        requests[id] = call
        table.pause(call, .now())
        handler.hostRequest(call: call, zome: zome, operation: operation, bytes: bytes) { [weak self] status, answer in
            guard let self, requests.removeValue(forKey: id) != nil else { return }
            table.resume(call, .now())
            thread.inbox.put(.answer(id: id, zome: zome, status: status, bytes: answer))
        }
    }

    /// The watchdog, which runs while there are calls.
    private func armTick() {
        guard tickTask == nil else { return }
        tickTask = loop.assumeIsolated().scheduleTask(in: RunnerState<Completion>.tick) { [weak self] in
            guard let self else { return }
            tickTask = nil
            for (number, call) in table.takeExpired(.now()) {
                let failure = ModuleFailure.timedOut(call.allowed)
                thread?.inbox.put(.cancel(call: number, zome: call.zome))
                call.waiter(.failure(failure.error(zome: specs[call.zome].zome, kind: call.kind, name: call.name)))
            }
            if table.count > 0 { armTick() }
        }
    }
}

/// Lets the thread's closures carry a runner to its loop without keeping it.
private struct WeakInProcess {
    weak var runner: InProcessRunner?

    init(_ runner: InProcessRunner) { self.runner = runner }
}
