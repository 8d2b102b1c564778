import Conductor
import ConductorAPI
import Foundation
import Integrity
import Keystore
import Logging
import Manifests
import NIOCore
import NIOPosix
import Sodium
import Storage
import Synchronization
import ZomeRuntime

/// A conductor with its service, on one event loop.
// `@unchecked Sendable`: `parts` is touched on the loop only.
final class RunningConductor: @unchecked Sendable {
    /// What runs, in the order in which it was started.
    private struct Parts {
        let database: Database
        let conductor: Conductor
        let server: APIServer
        let ports: APIPorts
    }

    let loop: any EventLoop
    private var parts: Parts?

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// The conductor, once it runs. On the loop only.
    var conductor: Conductor? { parts?.conductor }

    /// Opens everything and begins to answer.
    /// - Returns: the ports. Fails with the error that kept it from starting; then nothing listens.
    func start(_ settings: RunSettings, keystore: Keystore, logger: Logger) -> EventLoopFuture<APIPorts> {
        loop.submit { [self] in
            try open(settings, keystore: keystore, logger: logger)
        }.flatMap { $0 }
    }

    private func open(
        _ settings: RunSettings, keystore: Keystore, logger: Logger
    ) throws -> EventLoopFuture<APIPorts> {
        let loop = loop
        var options = Database.Options()
        if settings.testMode { options.atSyncPoint = KillPoint.fromEnvironment()?.pass }
        let database = try Database(folder: settings.folder.path, options: options) { work in loop.execute(work) }
        do {
            let conductor = try Conductor(
                loop: loop, options: settings.conductorOptions, keystore: keystore, database: database, logger: logger)
            try conductor.load()
            let token = settings.config.admin.auth == .none ? nil : try settings.folder.writeAdminToken()
            let server = APIServer(
                loop: loop, handler: ConductorBridge(conductor: conductor, adminToken: token),
                configuration: settings.apiConfiguration, logger: logger)
            let starting = server.start().assumeIsolated()
            return starting.flatMapThrowing { [self] ports in
                try settings.folder.writePorts(ports)
                parts = Parts(database: database, conductor: conductor, server: server, ports: ports)
                return ports
            }.nonisolated()
        } catch {
            database.close()
            throw error
        }
    }

    /// Installs an hApp file unless an app of its name is there.
    func install(_ path: String) -> EventLoopFuture<String> {
        let done = loop.makePromise(of: String.self)
        loop.execute { [self] in
            guard let conductor = parts?.conductor else {
                done.fail(PlasmidError(.startFailed, "the conductor is not running"))
                return
            }
            conductor.install(InstallRequest(path: path)) { result in
                switch result {
                case .success: done.succeed("installed \(path)")
                case .failure(let error) where error.code == .appExists: done.succeed("\(path): installed already")
                case .failure(let error): done.fail(error)
                }
            }
        }
        return done.futureResult
    }

    /// Ends connections and modules, waits for the last sync and closes the files.
    func stop() -> EventLoopFuture<Void> {
        loop.flatSubmit { [self] in
            guard let parts else { return loop.makeSucceededVoidFuture() }
            self.parts = nil
            let (loop, database, conductor) = (loop, parts.database, parts.conductor)
            return parts.server.stop().assumeIsolated().flatMap {
                let gone = loop.makePromise(of: Void.self)
                conductor.shutDown {
                    database.close()
                    gone.succeed(())
                }
                return gone.futureResult
            }.nonisolated()
        }
    }
}

/// Kills this process at the n-th pass of a named step on the way of a commit to the disk (`NAME:N`), so that a test can
/// look at what a power cut leaves. In test mode only.
final class KillPoint: Sendable {
    private let point: SyncPoint
    private let left: Mutex<Int>

    private init(point: SyncPoint, pass: Int) {
        self.point = point
        left = Mutex(pass)
    }

    /// `PLASMID_KILL_AT`; nil where it is not set or names no step.
    static func fromEnvironment(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> KillPoint? {
        guard let parts = environment["PLASMID_KILL_AT"]?.split(separator: ":"), parts.count == 2,
            let point = SyncPoint(rawValue: String(parts[0])), let pass = Int(parts[1])
        else { return nil }
        return KillPoint(point: point, pass: pass)
    }

    @Sendable
    func pass(_ reached: SyncPoint) {
        guard reached == point else { return }
        let now = left.withLock { count in
            count -= 1
            return count
        }
        if now == 0 { kill(getpid(), SIGKILL) }
    }
}

extension RunSettings {
    var conductorOptions: ConductorOptions {
        var limits = RuntimeLimits()
        limits.callTimeout = .milliseconds(Int64(config.zomes.callTimeoutMilliseconds))
        limits.memoryBytes = config.zomes.memoryBytes
        limits.sandbox = config.zomes.sandbox == .required ? .required : .best
        var options = ConductorOptions(
            dataFolder: folder.path, zomeHostPath: zomeHost, moduleFolders: moduleFolders,
            isolation: config.zomes.isolation == .none ? .none : .process, limits: limits, testMode: testMode,
            clock: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
            },
            randomBytes: { SystemRandom.bytes($0) })
        if let clock { options.clock = clock }
        if let failureBound { options.failureBound = failureBound }
        return options
    }

    var apiConfiguration: APIConfiguration {
        var api = APIConfiguration()
        api.adminPort = config.admin.port
        api.appPort = config.app.port
        api.adminOrigins = config.admin.origins
        api.appOrigins = config.app.origins
        let kinds: [(SystemSignal.Kind, Bool)] = [
            (.trace, config.signals.trace), (.consistency, config.signals.consistency),
            (.statistics, config.signals.statistics),
        ]
        api.unaskedSignals = Set(kinds.filter(\.1).map(\.0))
        return api
    }
}

extension DataFolder {
    /// Makes a new admin token, readable by the owner only. An earlier one opens nothing any more.
    func writeAdminToken() throws -> String {
        let token = Base64.encode(SystemRandom.bytes(32), alphabet: .url)
        try write(token + "\n", to: adminToken)
        return token
    }

    func writePorts(_ ports: APIPorts) throws {
        try write("{\"admin\":\(ports.admin),\"app\":\(ports.app)}\n", to: self.ports)
    }

    /// Writes beside the target and renames: a reader finds the old content or the new.
    private func write(_ text: String, to path: String) throws {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let bytes = Array(text.utf8)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count, close(descriptor) == 0,
            rename(temporary, path) == 0
        else {
            throw PlasmidError(
                .startFailed, "\(path) cannot be written", hint: "is the disk full, or the folder not yours?",
                cause: String(cString: strerror(errno)))
        }
    }
}
