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
        let config: LiveConfig
        let doors: Doors
    }

    let loop: any EventLoop
    private var parts: Parts?

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// The conductor, once it runs. On the loop only.
    var conductor: Conductor? { parts?.conductor }

    /// Where other conductors reach it.
    func networkAddresses() -> EventLoopFuture<[String]> {
        loop.submit { [self] in parts?.conductor.networkAddresses ?? [] }
    }

    /// Opens everything and begins to answer.
    /// - Returns: the ports. Fails with the error that kept it from starting; then nothing listens.
    /// - Parameter log: what decides which lines are logged, if that may change.
    func start(
        _ settings: RunSettings, keystore: Keystore, logger: Logger, log: LogSwitch? = nil
    ) -> EventLoopFuture<APIPorts> {
        loop.submit { [self] in
            try open(settings, keystore: keystore, logger: logger, log: log)
        }.flatMap { $0 }
    }

    private func open(
        _ settings: RunSettings, keystore: Keystore, logger: Logger, log: LogSwitch?
    ) throws -> EventLoopFuture<APIPorts> {
        let loop = loop
        var options = Database.Options()
        if settings.testMode { options.atSyncPoint = KillPoint.fromEnvironment()?.atSyncPoint }
        let database = try Database(folder: settings.folder.path, options: options) { work in loop.execute(work) }
        do {
            let conductor = try Conductor(
                loop: loop, options: settings.conductorOptions, keystore: keystore, database: database, logger: logger)
            try conductor.load()
            let token = settings.config.admin.auth == .none ? nil : try settings.folder.writeAdminToken()
            let config = liveConfig(settings, conductor, log)
            let server = APIServer(
                loop: loop, handler: ConductorBridge(conductor: conductor, adminToken: token, config: config),
                configuration: settings.apiConfiguration, logger: logger)
            let starting = server.start().assumeIsolated()
            return starting.flatMap { [self] ports in
                let doors = Doors(server)
                parts = Parts(
                    database: database, conductor: conductor, server: server, ports: ports, config: config, doors: doors
                )
                conductor.listen(with: doors)
                let joined = loop.makePromise(of: APIPorts.self).assumeIsolated()
                conductor.startNetwork { result in
                    joined.completeWith(
                        result.mapError { $0 as any Error }.flatMap { addresses in
                            Result { () throws(any Error) in
                                try settings.folder.writePorts(ports, network: addresses)
                                return ports
                            }
                        })
                }
                return joined.futureResult.nonisolated()
            }.nonisolated()
        } catch {
            database.close()
            throw error
        }
    }

    private func liveConfig(_ settings: RunSettings, _ conductor: Conductor, _ log: LogSwitch?) -> LiveConfig {
        let kill = settings.testMode ? KillPoint.fromEnvironment() : nil
        return LiveConfig(
            loop: loop, path: settings.configFile ?? settings.folder.config, overrides: settings.overrides,
            inForce: settings.config, atStep: kill?.atConfigStep
        ) { [weak self] config in
            var changed = settings
            changed.config = config
            let options = changed.conductorOptions
            conductor.setCallTimeout(options.limits.callTimeout)
            conductor.setFailureBound(options.failureBound)
            log?.level = Logger.Level(rawValue: config.log.rawValue) ?? .info
            self?.parts?.server.take(changed.apiConfiguration)
        }
    }

    /// Reads the configuration again, as SIGHUP asks for; what came of it is logged.
    func reload(_ logger: Logger) {
        loop.execute { [self] in
            parts?.config.reload { result in
                switch result {
                case .success(let answer):
                    let text = (try? JSONLines.text(answer, indented: false)) ?? ""
                    logger.notice("the configuration was read again", metadata: ["result": "\(text)"])
                case .failure(let error):
                    logger.error(
                        "the configuration stays as it was",
                        metadata: ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
                }
            }
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
        if hasNetwork {
            options.network = NetworkOptions(
                listen: config.network.listen, bootstrap: config.network.bootstrap,
                relay: config.network.relay == .never ? .never : .auto, relays: config.network.relays)
        }
        options.skipsOwnChecks = testMode && ProcessInfo.processInfo.environment["PLASMID_TEST_UNCHECKED"] == "1"
        options.failureBound.count = config.zomes.failures
        if let failureBound { options.failureBound = failureBound }
        return options
    }

    var apiConfiguration: APIConfiguration {
        var api = APIConfiguration()
        api.adminPort = config.admin.port
        api.appPort = config.app.port
        api.adminOrigins = config.admin.origins
        api.appOrigins = config.app.origins
        api.maximumConnections = OpenFiles.connections(most: api.maximumConnections)
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

    func writePorts(_ ports: APIPorts, network: [String]) throws {
        let value = MessagePackValue.object([
            "admin": .int(Int64(ports.admin)), "app": .int(Int64(ports.app)),
            "network": .array(network.map { .string($0) }),
        ])
        try write(try JSONLines.text(value, indented: false) + "\n", to: self.ports)
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
