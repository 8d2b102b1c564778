import Integrity
import ZomeRuntime

/// What becomes of a message between two agents.
public enum MessageFate: Sendable, Hashable {
    /// It arrives.
    case delivered
    /// It is lost on its way: nobody answers, and the sender waits until its time is up.
    case lost
    /// The receiver is known to be away: the sender hears `peerUnreachable` at once.
    case unreachable
}

/// How zome modules run.
public enum ZomeIsolation: String, Sendable {
    /// Each cell's modules in a sandboxed child process: the default.
    case process
    /// In the conductor itself, for development: a trap ends the conductor.
    case none
}

/// Everything a conductor is told from outside: where its data lies, how modules run, and its sources of time and
/// randomness, which are parameters so that tests decide them.
public struct ConductorOptions: Sendable {
    /// Folder that holds everything the conductor keeps.
    public var dataFolder: String
    /// Path of the `plasmid-zome-host` executable.
    public var zomeHostPath: String
    /// Folders that are searched for built modules (`lib<Module>.so`) at installation.
    public var moduleFolders: [String]
    /// How modules run.
    public var isolation: ZomeIsolation
    /// Deadlines and memory of modules.
    public var limits: RuntimeLimits
    /// Whether throwaway agents may be added (`test/agent/add`).
    public var testMode: Bool
    /// Longest time, in microseconds, that one call may keep the cell's writer position before it passes on.
    public var writerPositionMicroseconds: Int64
    /// How often the modules of an app may end badly before it is disabled.
    public var failureBound = FailureBound()
    /// The wall clock, µs since the Unix epoch.
    public var clock: @Sendable () -> Timestamp
    /// Random bytes from the system's generator, or a test's.
    public var randomBytes: @Sendable (Int) -> [UInt8]
    /// What becomes of a message or call from one agent to another on its way. For tests only; nil delivers all.
    public var messageFate: (@Sendable (_ from: AgentPubKey, _ to: AgentPubKey) -> MessageFate)?

    /// Options with the defaults of `plasmid run`.
    public init(
        dataFolder: String, zomeHostPath: String, moduleFolders: [String], isolation: ZomeIsolation = .process,
        limits: RuntimeLimits, testMode: Bool = false, writerPositionMicroseconds: Int64 = 50_000,
        clock: @escaping @Sendable () -> Timestamp, randomBytes: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.dataFolder = dataFolder
        self.zomeHostPath = zomeHostPath
        self.moduleFolders = moduleFolders
        self.isolation = isolation
        self.limits = limits
        self.testMode = testMode
        self.writerPositionMicroseconds = writerPositionMicroseconds
        self.clock = clock
        self.randomBytes = randomBytes
    }
}
