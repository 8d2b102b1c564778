import Integrity
import NIOCore

/// One module that a runner shall load, and what the manifest says of it.
public struct ModuleSpec: Sendable, Hashable {
    /// Name of the zome in the manifest.
    public var zome: String
    /// Absolute path of the shared library.
    public var path: String
    /// Functions that the manifest lists; a module that lacks one is refused (`moduleDescribe`).
    public var functions: [String]
    /// Callbacks that the manifest lists, under their manifest names; a module that lacks one is refused.
    public var callbacks: [String]

    /// A module. Its index in the list that a runner gets is its zome index.
    public init(zome: String, path: String, functions: [String] = [], callbacks: [String] = []) {
        self.zome = zome
        self.path = path
        self.functions = functions
        self.callbacks = callbacks
    }
}

/// Whether a kernel that cannot give the whole sandbox will do.
public enum SandboxDemand: String, Sendable, Hashable {
    /// What the kernel can give.
    case best
    /// Landlock and both system call filters, else no module is loaded (`sandboxUnavailable`).
    case required
}

/// What a process of modules is for.
public enum RunnerRole: String, Sendable, Hashable {
    /// Functions and callbacks of one cell.
    case coordinator
    /// Validation of one DNA: deterministic hashing.
    case validator
}

/// Bounds of a runner.
public struct RuntimeLimits: Sendable, Hashable {
    /// Time a call may run, without what it spends waiting for the host.
    public var callTimeout: TimeAmount = .seconds(30)
    /// Time from the start of a process to its `ready`.
    public var startTimeout: TimeAmount = .seconds(5)
    /// Writable memory of a process, in bytes.
    public var memoryBytes = 128 << 20
    /// A process without calls for this long is stopped.
    public var idleAfter: TimeAmount = .seconds(300)
    /// Largest frame in either direction, in bytes, header included.
    public var maxFrameBytes = 16 << 20
    /// Most calls that wait for a process to become ready or to read; more are refused (`overloaded`).
    public var maxQueuedCalls = 10_000
    /// Most payload bytes of those calls.
    public var maxQueuedBytes = 64 << 20
    /// Whether a degraded kernel will do.
    public var sandbox = SandboxDemand.best

    /// The defaults.
    public init() {}
}

/// How a call ended that the module answered.
public enum ModuleReply: Sendable, Equatable {
    /// The result: one MessagePack value.
    case ok([UInt8])
    /// The app's own error.
    case appError(ModuleError)
}

/// Counters of a runner, since it was made.
public struct RunnerStatistics: Sendable, Equatable {
    /// Calls that were handed to a module.
    public var calls = 0
    /// Processes that ended otherwise than asked to.
    public var crashes = 0
    /// Processes started after the first.
    public var restarts = 0
    /// Calls that wait for a result now.
    public var inFlight = 0
    /// Resident memory of the process now, in bytes; 0 without one.
    public var residentBytes = 0
    /// Number of the process now.
    public var processID: Int32?

    /// Zeros.
    public init() {}
}

/// Who answers the host operations of modules. Loop-confined, like the runner.
public protocol ZomeHostHandler: AnyObject {
    /// A module asks.
    ///
    /// - Parameters:
    ///   - call: number of the live call on whose behalf it asks
    ///   - zome: index of the module
    ///   - operation: number of a `HostOperation`, unchecked
    ///   - bytes: the request's MessagePack, unchecked
    ///   - answer: to be called exactly once, on the loop, now or later: status 0 with the response, or 1 with a packed
    ///     `ModuleError`
    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void)

    /// The modules ended otherwise than asked to, or could not be loaded. The calls in flight have failed already.
    func runnerStopped(_ reason: PlasmidError)
}

/// Modules that can be called. Confined to one event loop: every method and every closure runs there.
public protocol ZomeRunner: AnyObject {
    /// What the modules say of themselves, in the order of the specs; `nil` until they were loaded once.
    var descriptions: [ModuleDescription]? { get }

    /// Counters.
    var statistics: RunnerStatistics { get }

    /// Loads the modules, unless they are loaded, and says what they say of themselves. Nothing of them runs but their
    /// constructors and their description.
    ///
    /// - Parameter done: called once, on the loop. Failures: those of loading and describing that a call would meet.
    func load(_ done: @escaping (Result<[ModuleDescription], PlasmidError>) -> Void)

    /// Starts a call.
    ///
    /// - Parameters:
    ///   - call: a number that no other live call of this runner has
    ///   - zome: index of the module
    ///   - name: the function, or empty for callbacks
    ///   - timeout: how long it may run; `nil` for the default of the limits
    ///   - completion: called once, on the loop. Failures: `moduleTrapped`, `moduleTimedOut`, `moduleOutOfMemory`,
    ///     `moduleForbidden`, `moduleGarbage`, `moduleRestarted`, `unknownFunction`, `badInput`, `cancelled`,
    ///     `overloaded`, `moduleStopped` and the refusals of docs/spec/zome-process.md
    func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: Invocation, timeout: TimeAmount?,
        completion: @escaping (Result<ModuleReply, PlasmidError>) -> Void)

    /// Asks a call to end; it completes with `cancelled`, or with its result if that was quicker. Unknown calls are ignored.
    func cancel(call: UInt64)

    /// Stops the clock of a call until as many `resumeDeadline` follow. Requests to the host stop it by themselves.
    func pauseDeadline(call: UInt64)

    /// Lets the clock of a call go on.
    func resumeDeadline(call: UInt64)

    /// Sends what has gathered at once. Not needed: it is sent at the end of the loop's turn anyway.
    func flush()

    /// Ends the modules; live calls fail with `moduleStopped`. The runner cannot be used again.
    func stop()

    /// Calls back, on the loop, when nothing of a stopped runner is left that could still need the loop: at once, or when
    /// its process has ended.
    func whenGone(_ done: @escaping () -> Void)
}

extension ZomeRunner {
    /// For runners that load nothing: what they describe.
    public func load(_ done: @escaping (Result<[ModuleDescription], PlasmidError>) -> Void) {
        done(.success(descriptions ?? []))
    }

    /// At once: there is no process.
    public func whenGone(_ done: @escaping () -> Void) { done() }
}
