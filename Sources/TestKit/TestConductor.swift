import Conductor
import Foundation
import Glibc
import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Sodium
import Storage
import Synchronization
import ZomeRuntime

/// One conductor of a ``TestNetwork``: the real one, in this process, without its ports. Modules run in sandboxed processes
/// of their own, as they do under `plasmid run`.
public final class TestConductor: Sendable {
    /// What a test may have otherwise than `plasmid run`.
    public struct Settings: Sendable {
        /// Folders with built modules; the folder of the running test is always searched.
        public var modules: [String] = []
        /// How much room each database file has, in bytes: a small number is a disk that fills up. nil: as much as there is.
        public var diskBytes: Int?
        /// Longest time a function may run.
        public var callTimeout = Duration.seconds(30)
        /// By how much its clocks are ahead of the network's; negative: behind.
        public var clockSkew = Duration.zero
        /// Where it looks for others, as multiaddrs; nil: at the addresses of all that run when it starts.
        public var bootstrap: [String]?
        /// How many members of a space it is connected with at a time where nothing needs more.
        public var members = 64

        /// The defaults.
        public init() {}
    }

    private struct Running {
        var conductor: Conductor
        var database: Database
    }

    /// Its name in the network.
    public let name: String
    private let folder: String
    private let settings: Mutex<Settings>
    private let loop: any EventLoop
    private let disk = DiskSwitch()
    private unowned let network: TestNetwork
    /// `Running` is touched on `loop` only; the lock is for those who ask whether there is one.
    private let running = Mutex<NIOLoopBound<Running>?>(nil)
    private let inbox = Inbox()
    private let listening = Mutex<[String]>([])

    /// Where it listens for other conductors, as multiaddrs; none while it is down or not on a network.
    public var addresses: [String] { listening.withLock { $0 } }

    init(name: String, folder: String, settings: Settings, network: TestNetwork, loop: any EventLoop) {
        self.name = name
        self.folder = folder
        self.settings = Mutex(settings)
        self.network = network
        self.loop = loop
    }

    // MARK: Start, stop and faults

    /// Starts it, on what its folder holds. A running one is left as it is.
    public func start() async throws {
        guard running.withLock({ $0 == nil }) else { return }
        disk.fail(with: nil)
        let options = options
        let store = storeOptions
        let listening = try await loop.flatSubmit { [self] () -> EventLoopFuture<[String]> in
            let promise = loop.makePromise(of: [String].self)
            do {
                try open(options, store).startNetwork { promise.completeWith($0.mapError { $0 as any Error }) }
            } catch {
                promise.fail(error)
            }
            return promise.futureResult
        }.get()
        self.listening.withLock { $0 = listening }
        network.bell.ring()
    }

    /// On the loop.
    private func open(_ options: ConductorOptions, _ store: Database.Options) throws -> Conductor {
        let loop = loop
        var logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let keystore = try Self.keystore(folder)
        let database = try Database(folder: folder, options: store) { work in loop.execute(work) }
        do {
            let conductor = try Conductor(
                loop: loop, options: options, keystore: keystore, database: database, logger: logger)
            try conductor.load()
            _ = conductor.hearSignals { [inbox, network] signal in
                inbox.add(signal)
                network.transcript.heard(signal)
                network.bell.ring()
            }
            conductor.hearNetwork { [network] in network.bell.ring() }
            let bound = NIOLoopBound(Running(conductor: conductor, database: database), eventLoop: loop)
            running.withLock { $0 = bound }
            return conductor
        } catch {
            database.close()
            throw error
        }
    }

    /// Ends it as an operator would: what is on its way is finished first.
    public func stop() async throws {
        try await leave { running, done in
            running.conductor.shutDown {
                running.database.close()
                done()
            }
        }
    }

    /// Ends it as `kill -9` would: nothing more reaches the disk, nobody is told, modules are gone. Calls under way end with
    /// `connectionLost`. ``start()`` then finds what a power cut leaves.
    public func crash() async throws {
        disk.fail(with: EIO)
        try await leave { running, done in
            running.database.cutOff()
            running.conductor.shutDown(abruptly: true, done)
        }
    }

    /// Lets it look at the clock.
    func clockMoved() {
        guard let now = running.withLock({ $0 }) else { return }
        loop.execute { now.value.conductor.clockMoved() }
    }

    /// Every write to the journal fails from now on, until the next start.
    public func breakDisk() { disk.fail(with: EIO) }

    /// Gives each database file other room, from the next start on.
    public func setDisk(bytes: Int?) { settings.withLock { $0.diskBytes = bytes } }

    private func leave(_ end: @escaping @Sendable (Running, @escaping () -> Void) -> Void) async throws {
        let last = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let last else { return }
        inbox.failCalls()
        listening.withLock { $0 = [] }
        let gone = loop.makePromise(of: Void.self)
        loop.execute { end(last.value) { gone.succeed(()) } }
        try await gone.futureResult.get()
        network.bell.ring()
    }

    /// Ends the process that runs a person's modules, as a trap or the kernel would; the next call starts another.
    /// - Returns: whether there was one.
    @discardableResult
    public func killModules(of person: Person) async throws -> Bool {
        let stats = try await admin("admin/stats")
        let cell = stats["instances"]?.items.first { $0["instance_id"]?.text == person.instance }
        guard let pid = cell?["modules"]?["pid"]?.number, let process = Int32(exactly: pid)
        else { return false }
        return kill(process, SIGKILL) == 0
    }

    // MARK: What a test does with it

    /// Any administrative method of docs/api.md.
    /// - Throws: ``Refusal`` with the conductor's code and words.
    public func admin(_ method: String, _ params: MessagePackValue = .emptyMap) async throws -> MessagePackValue {
        try await ask { conductor, reply in conductor.admin(method, params: params, reply: reply) }
    }

    func install(_ name: String, happ: String, networkSeed: String?) async throws -> Person {
        let request = InstallRequest(path: happ, appID: name, networkSeed: networkSeed)
        let info = try await ask { conductor, reply in conductor.install(request, reply) }
        guard let agent = info["agent"]?.text, let role = info["roles"]?.items.first,
            let instance = role["instance_id"]?.text, let dna = role["dna_name"]?.text
        else { throw Refusal(code: "internal", message: "the app has no role: \(info)") }
        let person = Person(
            name: name, agent: try AgentPubKey(agent), instance: instance, dna: dna, conductor: self, network: network)
        network.transcript.know(person)
        return person
    }

    func call(_ request: ClientRequest) async throws -> ZomeOutcome {
        try await ask { conductor, reply in conductor.call(request, reply: reply) }
    }

    func holds(_ hash: AnyDhtHash, in instance: String) async throws -> Bool {
        try await ask { conductor, reply in
            reply(Result { () throws(PlasmidError) in try conductor.holds(hash, in: instance) })
        }
    }

    /// The next signal that fits and that nobody took.
    func takeSignal(_ fits: (UserSignal) -> Bool) -> UserSignal? { inbox.take(fits) }

    /// Asks the conductor on its loop. A conductor that ends meanwhile answers nothing: the question fails then.
    private func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Conductor, @escaping (Result<Value, PlasmidError>) -> Void) -> Void
    ) async throws -> Value {
        let promise = loop.makePromise(of: Value.self)
        guard let now = running.withLock({ $0 }) else {
            promise.fail(Refusal.down(name))
            return try await promise.futureResult.get()
        }
        let number = inbox.expect { promise.fail(Refusal.down($0)) }
        loop.execute { [inbox, network] in
            body(now.value.conductor) { result in
                guard inbox.answered(number) else { return }
                promise.completeWith(result.mapError { Refusal(code: $0.code.rawValue, message: $0.message) })
                network.bell.ring()
            }
        }
        return try await promise.futureResult.get()
    }

    // MARK: Options

    private var options: ConductorOptions {
        let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let (clock, messages) = (network.clock, network.messages)
        let settings = settings.withLock { $0 }
        let skew = Int64(settings.clockSkew / .microseconds(1))
        var limits = RuntimeLimits()
        limits.callTimeout = .nanoseconds(Int64(settings.callTimeout / .nanoseconds(1)))
        var options = ConductorOptions(
            dataFolder: folder, zomeHostPath: products + "/plasmid-zome-host",
            moduleFolders: settings.modules + [products], limits: limits, testMode: true,
            clock: { clock.now.advanced(byMicroseconds: skew) }, randomBytes: { SystemRandom.bytes($0) })
        options.messageFate = { messages.fate($0, $1) }
        if network.isConnected {
            let started = network.started
            options.networkClock = {
                let passed = (NIODeadline.now() - started).nanoseconds / 1_000
                return clock.now.advanced(byMicroseconds: skew + passed)
            }
            var others = NetworkOptions(
                listen: ["/ip4/127.0.0.1/tcp/0"], bootstrap: settings.bootstrap ?? network.addresses(besides: self))
            others.holders = network.holders
            others.members = settings.members
            options.network = others
        }
        return options
    }

    private var storeOptions: Database.Options {
        var options = Database.Options()
        options.calls = disk.calls
        if let bytes = settings.withLock({ $0.diskBytes }) {
            options.mapBytes = bytes
            options.segmentBytes = 64 << 10
            options.journalBytesMax = 192 << 10
            options.applyDelayMilliseconds = 0
        }
        return options
    }

    private static func keystore(_ folder: String) throws -> Keystore {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var passphrase = Array("for tests".utf8)
        let secret = SecretBytes(moving: &passphrase)
        let path = folder + "/keystore"
        if FileManager.default.fileExists(atPath: path) { return try Keystore.open(at: path, passphrase: secret) }
        return try Keystore.create(at: path, passphrase: secret, cost: .forTests)
    }
}
