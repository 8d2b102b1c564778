import Conductor
import Foundation
import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Sodium
import Storage
import ZomeRuntime

/// A conductor in this process without its ports, driven from its own loop.
final class BenchConductor {
    /// Of a keystore that is thrown away.
    static var passphrase: SecretBytes {
        var phrase = Array("bench".utf8)
        return SecretBytes(moving: &phrase)
    }

    let keystore: Keystore
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let parts: Parts

    /// What lives on the loop.
    // `@unchecked Sendable`: made on the loop and used there only.
    private final class Parts: @unchecked Sendable {
        let database: Database
        let conductor: Conductor

        init(folder: String, options: ConductorOptions, keystore: Keystore, loop: any EventLoop) throws {
            database = try Database(folder: folder) { work in loop.execute(work) }
            var logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .error
            conductor = try Conductor(
                loop: loop, options: options, keystore: keystore, database: database, logger: logger)
            try conductor.load()
        }
    }

    /// Opens the folder, or makes what is missing in it.
    /// - Parameter network: how it meets others; it is alone without.
    init(folder: String, isolation: ZomeIsolation, network: NetworkOptions? = nil) throws {
        let loop = group.next()
        self.loop = loop
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let path = folder + "/keystore"
        let keystore =
            FileManager.default.fileExists(atPath: path)
            ? try Keystore.open(at: path, passphrase: Self.passphrase)
            : try Keystore.create(at: path, passphrase: Self.passphrase, cost: .forTests)
        self.keystore = keystore
        let programs = RunSettings.programFolder()
        var options = ConductorOptions(
            dataFolder: folder, zomeHostPath: programs + "/plasmid-zome-host", moduleFolders: [programs],
            isolation: isolation, limits: RuntimeLimits(), clock: { Keystore.now() },
            randomBytes: { SystemRandom.bytes($0) })
        options.network = network
        let made = options
        parts = try loop.submit { try Parts(folder: folder, options: made, keystore: keystore, loop: loop) }.wait()
        guard network != nil else { return }
        let joined = loop.makePromise(of: [String].self)
        loop.execute { [parts] in
            parts.conductor.startNetwork { joined.completeWith($0.mapError { $0 as any Error }) }
        }
        addresses = try joined.futureResult.wait()
    }

    /// Where others reach it.
    private(set) var addresses: [String] = []

    /// Ops that it holds and compares with others.
    func heldOps() throws -> Int { try loop.submit { [parts] in parts.conductor.heldOps }.wait() }

    /// An administrative method's answer.
    func admin(_ method: String, _ params: MessagePackValue = .map([])) throws -> MessagePackValue {
        let done = loop.makePromise(of: MessagePackValue.self)
        loop.execute { [parts] in
            parts.conductor.admin(method, params: params) { done.completeWith($0.mapError { $0 as any Error }) }
        }
        return try done.futureResult.wait()
    }

    /// The space of an app's only role.
    func space(of app: String) throws -> DnaHash {
        let apps = try admin("admin/app/list").items
        let found = apps.first { $0["app_id"]?.text == app }?["roles"]?.items.first?["dna"]?.text
        guard let found else { throw PlasmidError(.internal, "there is no app \(app)") }
        return try DnaHash(found)
    }

    /// Installs an app under each name that is not there yet.
    func install(_ happ: String, as names: [String]) throws {
        for name in names {
            let done = loop.makePromise(of: Void.self)
            loop.execute { [parts] in
                parts.conductor.install(InstallRequest(path: happ, appID: name)) { result in
                    if case .failure(let error) = result, error.code != .appExists { return done.fail(error) }
                    done.succeed(())
                }
            }
            try done.futureResult.wait()
        }
    }

    /// One call and its result.
    func call(_ instance: String, _ function: String, _ payload: MessagePackValue) throws -> [UInt8] {
        let load = Load(callers: 1, calls: 1, instances: [instance], function: function, keepsResults: true) { _ in
            payload.packed
        }
        return try drive(load).results[0]
    }

    /// Keeps the load's callers busy until all its calls are answered.
    func drive(_ load: Load) throws -> LoadResult {
        let before = ProcessFacts.processorSeconds(of: getpid())
        var result = try loop.flatSubmit { [loop, parts] in
            LoadDriver(load, conductor: parts.conductor, loop: loop).run()
        }.wait()
        result.processorSeconds = ProcessFacts.processorSeconds(of: getpid()) - before
        return result
    }

    func stop() throws {
        try loop.flatSubmit { [parts, loop] in
            let gone = loop.makePromise(of: Void.self)
            // Their ends come by way of the loop, so that it stays until then.
            parts.conductor.shutDown { gone.succeed(()) }
            return gone.futureResult
        }.wait()
        try loop.submit { [parts] in parts.database.close() }.wait()
        try group.syncShutdownGracefully()
    }
}

/// Calls that a number of callers make, each its next one when the last was answered.
struct Load: Sendable {
    var callers: Int
    var calls: Int
    /// Caller n calls instance n modulo their number.
    var instances: [String]
    var zome = "messenger"
    var function: String
    var keepsResults = false
    /// The input of call n, one MessagePack value.
    var payload: @Sendable (Int) -> [UInt8]
}

struct LoadResult: Sendable {
    var seconds = 0.0
    var latency = Samples()
    /// What all threads of this process and its children computed meanwhile.
    var processorSeconds = 0.0
    /// What each call answered, in the order of the answers, where the load keeps it.
    var results: [[UInt8]] = []

    /// Processor time of one call, in microseconds.
    var processorMicroseconds: Double { processorSeconds / Double(max(1, latency.seconds.count)) * 1e6 }
    var perSecond: Double { seconds > 0 ? Double(latency.seconds.count) / seconds : 0 }
}

/// Confined to the conductor's loop.
private final class LoadDriver {
    private let load: Load
    private let conductor: Conductor
    private let done: EventLoopPromise<LoadResult>
    private var started = 0
    private var answered = 0
    private var begin = 0.0
    private var result = LoadResult()
    private var isOver = false

    init(_ load: Load, conductor: Conductor, loop: any EventLoop) {
        self.load = load
        self.conductor = conductor
        done = loop.makePromise()
    }

    func run() -> EventLoopFuture<LoadResult> {
        begin = monotonicSeconds()
        for caller in 0..<min(load.callers, load.calls) { next(caller) }
        return done.futureResult
    }

    private func next(_ caller: Int) {
        let number = started
        guard number < load.calls, !isOver else { return }
        started += 1
        let start = monotonicSeconds()
        let request = ClientRequest(
            app: nil, instanceID: load.instances[caller % load.instances.count], zome: load.zome,
            function: load.function, payload: load.payload(number))
        conductor.call(request) { [self] outcome in
            result.latency.add(monotonicSeconds() - start)
            take(outcome)
            next(caller)
        }
    }

    private func take(_ outcome: Result<ZomeOutcome, PlasmidError>) {
        switch outcome {
        case .success(.ok(let bytes)):
            if load.keepsResults { result.results.append(bytes) }
            answered += 1
        case .success(.appError(let error)): fail(AppError(words: error.message))
        case .failure(let error): fail(error)
        }
        guard answered == load.calls, !isOver else { return }
        isOver = true
        result.seconds = monotonicSeconds() - begin
        done.succeed(result)
    }

    private func fail(_ error: any Error) {
        guard !isOver else { return }
        isOver = true
        done.fail(error)
    }
}
