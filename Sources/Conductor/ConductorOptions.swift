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

/// How a conductor meets others. Addresses are multiaddrs as text: `/ip4/192.0.2.7/tcp/4001`, with `/p2p/…` at the end where
/// one is known.
public struct NetworkOptions: Sendable, Hashable {
    /// Where others may reach it, port 0 for any free one; it only dials when empty.
    public var listen: [String]
    /// Who is asked first for the members of a space.
    public var bootstrap: [String]
    /// Whether it lets itself be reached through others where nobody can dial it.
    public var relay: RelayUse
    /// Relays to be reached over, each with `/p2p/…` at its end, besides those that stand at ``bootstrap`` addresses.
    public var relays: [String]
    /// How many agents shall hold each op at least: 25. Everybody in a space has to go by the same; only tests take another.
    public var holders = 25
    /// How many members of a space are connected at a time where nothing needs more; as many again may be, for as long as they are needed.
    public var members = 64

    /// Loopback, a free port, nobody to ask.
    public init(
        listen: [String] = ["/ip4/127.0.0.1/tcp/0"], bootstrap: [String] = [], relay: RelayUse = .auto,
        relays: [String] = []
    ) {
        self.listen = listen
        self.bootstrap = bootstrap
        self.relay = relay
        self.relays = relays
    }
}

/// Whether a conductor is reached through relays.
public enum RelayUse: String, Sendable {
    /// Where it cannot be dialled.
    case auto
    /// Never.
    case never
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
    /// How other conductors are met; nil for a conductor that is alone.
    public var network: NetworkOptions?
    /// The wall clock, µs since the Unix epoch.
    public var clock: @Sendable () -> Timestamp
    /// The clock of what waits for peers: retries, rounds, records; nil for ``clock``. A test whose wall clock stands still
    /// gives one that runs.
    public var networkClock: (@Sendable () -> Timestamp)?
    /// Random bytes from the system's generator, or a test's.
    public var randomBytes: @Sendable (Int) -> [UInt8]
    /// Writes are taken without being judged, as a changed program would have it. Only to test what other nodes make of it.
    public var skipsOwnChecks = false
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
