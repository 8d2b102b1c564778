import ConductorAPI
import Foundation
import Integrity
import Keystore
import Logging
import Manifests
import NIOCore
import NIOPosix
import Storage

extension Run {
    func run() throws {
        do {
            try runUntilStopped()
        } catch let error as PlasmidError {
            // Whatever it is, there is no conductor: scripts are told that, and people the reason.
            throw Failure(status: .unreachable, error: error)
        }
    }

    private func runUntilStopped() throws {
        let settings = try settings()
        try settings.folder.create()
        // Before anyone types a passphrase for nothing; the start makes sure of it.
        try Database.checkUnused(settings.folder.path)
        try APIServer.checkPorts(settings.apiConfiguration)
        let signals = StopSignals()
        OpenFiles.raise()
        let log = LogSwitch(Logger.Level(rawValue: settings.config.log.rawValue) ?? .info)
        let logger = Self.logger(log, settings.config.logFormat)
        let keystore = try Self.keystore(settings)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let running = RunningConductor(loop: group.next())
        do {
            let ports = try running.start(settings, keystore: keystore, logger: logger, log: log).wait()
            for app in settings.apps { tell(try running.install(app).wait()) }
            try tellReady(ports, running.networkAddresses().wait(), settings)
        } catch {
            try? running.stop().wait()
            try? group.syncShutdownGracefully()
            throw error
        }
        while signals.wait() == SIGHUP { running.reload(logger) }
        tell("stopping")
        try running.stop().wait()
        try group.syncShutdownGracefully()
    }

    /// Words for people; a program is told one thing only.
    private func tell(_ words: String) {
        if !json { Output.line(words) }
    }

    private func tellReady(_ ports: APIPorts, _ addresses: [String], _ settings: RunSettings) throws {
        for address in addresses { tell("other conductors reach it at \(address)") }
        tell("ready: admin port \(ports.admin), app port \(ports.app), data in \(settings.folder.path)")
        guard json else { return }
        var line: [MessagePackValue.Pair] = [
            .init("admin", .int(Int64(ports.admin))), .init("app", .int(Int64(ports.app))),
            .init("data", .string(settings.folder.path)),
        ]
        if !addresses.isEmpty { line.append(.init("listen", .array(addresses.map { .string($0) }))) }
        try Output.json(.map(line))
    }

    /// Opens the keystore, or makes it where there is none.
    static func keystore(_ settings: RunSettings) throws -> Keystore {
        let source = settings.config.passphrase.reader
        let path = settings.folder.keystore
        if FileManager.default.fileExists(atPath: path) {
            return try Passphrase.asking(source) {
                let passphrase = try source.read()
                return try ProgressBar.during("opening the keystore takes some seconds") {
                    try Keystore.open(at: path, passphrase: passphrase)
                }
            }
        }
        let data = settings.folder.path
        guard !FileManager.default.fileExists(atPath: data + "/journal") else {
            throw Failure(
                PlasmidError(
                    .startFailed, "there are chains in \(data), but no keystore that could sign for them",
                    hint: "put the keystore of this folder back; a new one would hold none of its keys"))
        }
        if case .prompt = source {
            Output.note("there is no keystore at \(path) yet: one is made now, and you choose its passphrase")
            Output.note("whoever loses it loses the keys; nobody can reset it")
        }
        let passphrase = try Passphrase.asking(source) { try source.read(confirming: true, for: "new keystore") }
        return try ProgressBar.during("making the keystore takes some seconds") {
            try Keystore.create(at: path, passphrase: passphrase)
        }
    }

    /// The process's logger, whose level follows `level`.
    static func logger(_ level: LogSwitch, _ format: ConductorConfig.LogFormat = .text) -> Logger {
        Logger(label: "plasmid") { label -> any LogHandler in
            switch format {
            case .text: LevelledLog(TextLog(StreamLogHandler.standardError(label: label)), level)
            case .json: LevelledLog(JSONLog(), level)
            }
        }
    }
}

extension ConductorConfig.PassphraseSource {
    /// The same place, as the keystore reads it.
    fileprivate var reader: PassphraseSource {
        switch self {
        case .prompt: .prompt
        case .descriptor(let number): .descriptor(number)
        case .credential(let name): .credential(name)
        }
    }
}

/// SIGTERM, SIGINT and SIGHUP, taken by whoever waits for them and by no thread in passing.
struct StopSignals {
    private let set: sigset_t

    /// Before any thread is started, so that all of them leave the three signals alone.
    init() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        self.set = set
        signal(SIGPIPE, SIG_IGN)
    }

    /// The next of them.
    @discardableResult
    func wait() -> Int32 {
        var set = set
        var received: Int32 = 0
        while sigwait(&set, &received) != 0 {}
        return received
    }
}
