import Conductor
import Foundation
import Integrity
import Manifests
import NIOCore
import NIOPosix

/// The configuration of a running conductor: looked at, changed and read again while it runs.
///
/// A change is read by the same reader as `plasmid run --config`, saved whole or not at all, and then taken up as far as a
/// running conductor can. Confined to the conductor loop; files are touched on the pool's threads.
final class LiveConfig {
    private let loop: any EventLoop
    /// The file; it need not be there.
    let path: String
    /// What the command line says instead of the file.
    private let overrides: ConfigOverrides
    /// What is in force, of the live keys now and of the others since the start.
    private(set) var inForce: ConductorConfig
    /// Takes a configuration up; only its live keys may differ from what is in force.
    private let apply: (ConductorConfig) -> Void
    private let atStep: (@Sendable (ConfigStep) -> Void)?
    private var isBusy = false
    /// What the file said when it was read last, with what waits for the next start.
    private var wanted: ConductorConfig

    init(
        loop: any EventLoop, path: String, overrides: ConfigOverrides, inForce: ConductorConfig,
        atStep: (@Sendable (ConfigStep) -> Void)? = nil, apply: @escaping (ConductorConfig) -> Void
    ) {
        self.loop = loop
        self.path = path
        self.overrides = overrides
        self.inForce = inForce
        wanted = inForce
        self.atStep = atStep
        self.apply = apply
    }

    /// Answers `admin/config/…`.
    func answer(
        _ method: String, _ params: MessagePackValue,
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        switch method {
        case "admin/config/get": reply(.success(view()))
        case "admin/config/check":
            let path = params["path"]?.text ?? path
            work(reply, { try ConfigFile.read(path) }, then: { [self] config in told(config, path: path) })
        case "admin/config/reload": reload(reply)
        default: set(params["key"]?.text ?? "", to: params["value"]?.text ?? "", reply)
        }
    }

    /// Reads the file again. What cannot be read changes nothing.
    func reload(_ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void) {
        let path = path
        work(reply, { try ConfigFile.read(path) }, then: { [self] config in takeUp(config) })
    }

    private func set(
        _ key: String, to value: String, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        guard key != "data" else {
            return reply(
                .failure(
                    PlasmidError(
                        .badParameter, "`data` cannot be changed while a conductor runs in it",
                        hint: "start one with --data DIR")))
        }
        guard let known = inForce.settings.first(where: { $0.key == key }) else {
            let keys = inForce.settings.map(\.key)
            return reply(
                .failure(
                    PlasmidError(
                        .badParameter, "there is no key `\(Words.harmless(key))`",
                        hint: Spelling.nearest(to: key, among: keys).map { "did you mean `\($0)`?" }
                            ?? "the keys are \(keys.joined(separator: ", "))")))
        }
        let (path, atStep) = (path, atStep)
        work(
            reply,
            { () throws -> (config: ConductorConfig, kept: String?) in
                // From the file and not from what is in force: it may hold changes that wait for a restart.
                let before = try ConfigFile.read(path)
                guard let text = ConductorFile.text(before, setting: known.key, to: value) else { return (before, nil) }
                let after = try ConfigFile.parse(text, value: value, of: known.key)
                let kept = ConfigFile.keepOwnWords(path, of: before)
                try ConfigFile.save(ConductorFile.text(after), to: path, atStep: atStep)
                return (after, kept)
            },
            then: { [self] (read: (config: ConductorConfig, kept: String?)) in
                let answer = takeUp(read.config)
                guard let kept = read.kept, case .map(let pairs) = answer else { return answer }
                return .map(pairs + [.init("kept", .string(kept))])
            })
    }

    /// One at a time, off the loop, and the answer on it.
    private func work<Read: Sendable>(
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void,
        _ body: @escaping @Sendable () throws -> Read,
        then done: @escaping (Read) -> MessagePackValue
    ) {
        guard !isBusy else {
            return reply(
                .failure(PlasmidError(.overloaded, "the configuration is being changed", hint: "try again at once")))
        }
        isBusy = true
        NIOThreadPool.singleton.runIfActive(eventLoop: loop, body).assumeIsolated().whenComplete { [self] result in
            isBusy = false
            switch result {
            case .success(let read): reply(.success(done(read)))
            case .failure(let error as PlasmidError): reply(.failure(error))
            case .failure(let failure as Failure):
                reply(.failure(failure.error ?? PlasmidError(.configInvalid, "the configuration cannot be read")))
            case .failure(let error): reply(.failure(PlasmidError(.internal, "\(error)")))
            }
        }
    }

    // MARK: Taking up

    private func takeUp(_ file: ConductorConfig) -> MessagePackValue {
        let wanted = overrides.over(file)
        self.wanted = wanted
        let answer = told(file, path: path)
        var next = inForce
        next.takeLive(from: wanted)
        if next != inForce {
            inForce = next
            apply(next)
        }
        return answer
    }

    /// What a file would change, and when.
    private func told(_ file: ConductorConfig, path: String) -> MessagePackValue {
        let changes = inForce.changes(to: overrides.over(file))
        func names(_ isLive: Bool) -> MessagePackValue {
            .array(changes.filter { $0.isLive == isLive }.map { .string($0.key) })
        }
        return .map([
            .init("file", .string(path)), .init("live", names(true)), .init("needs_restart", names(false)),
        ])
    }

    private func view() -> MessagePackValue {
        let defaults = ConductorConfig().settings
        let waiting = wanted.settings
        let rows = inForce.settings.enumerated().map { index, setting -> MessagePackValue in
            var row: [MessagePackValue.Pair] = [
                .init("key", .string(setting.key)), .init("value", .string(setting.value)),
                .init("default", .string(defaults[index].value)), .init("live", .bool(setting.isLive)),
            ]
            let later = waiting[index].value
            if later != setting.value { row.append(.init("at_next_start", .string(later))) }
            return .map(row)
        }
        return .map([.init("file", .string(path)), .init("settings", .array(rows))])
    }
}

/// What the command line of `plasmid run` says instead of the file.
struct ConfigOverrides: Sendable {
    /// `--port`: the admin port; the app port is the next one, or both any free ones for 0.
    var port: Int?
    /// `--listen`: all of them, where there is one.
    var listen: [String] = []
    /// `--bootstrap`: all of them, where there is one.
    var bootstrap: [String] = []
    /// `--relay`: all of them, where there is one.
    var relays: [String] = []
    /// `--passphrase`
    var passphrase: ConductorConfig.PassphraseSource?

    func over(_ file: ConductorConfig) -> ConductorConfig {
        var config = file
        if let port {
            config.admin.port = port
            config.app.port = port == 0 ? 0 : port + 1
        }
        if !listen.isEmpty { config.network.listen = listen }
        if !bootstrap.isEmpty { config.network.bootstrap = bootstrap }
        if !relays.isEmpty { (config.network.relays, config.network.relay) = (relays, .auto) }
        if let passphrase { config.passphrase = passphrase }
        return config
    }
}

extension ConductorConfig {
    /// Takes the keys that a running conductor can change from another configuration.
    mutating func takeLive(from other: ConductorConfig) {
        admin.origins = other.admin.origins
        app.origins = other.app.origins
        zomes.callTimeoutMilliseconds = other.zomes.callTimeoutMilliseconds
        zomes.failures = other.zomes.failures
        signals = other.signals
        log = other.log
    }
}

/// The named steps of saving a configuration, for tests that end the process there.
enum ConfigStep: String, CaseIterable, Sendable {
    case configBegun, configHalfWritten, configWritten, configSynced, configRenamed, configFolderSynced
}

/// conductor.yaml on disk.
enum ConfigFile {
    /// The configuration of a file; all defaults where there is none.
    static func read(_ path: String) throws -> ConductorConfig {
        FileManager.default.fileExists(atPath: path) ? try Run.read(path) : ConductorConfig()
    }

    /// Reads a text in which one value is new; a fault is told of that value.
    static func parse(_ text: String, value: String, of key: String) throws -> ConductorConfig {
        let (config, diagnostics) = ConductorFile.read(text: text, file: "conductor.yaml")
        if let config { return config }
        guard key != "keystore.passphrase" else {
            // Not repeated: it may be the passphrase itself.
            throw PlasmidError(
                .configInvalid, "`\(key)` takes prompt, fd:N or credential:NAME, never the passphrase itself",
                hint: "docs/conductor.md lists every key")
        }
        let fault = diagnostics.first { $0.severity == .error } ?? diagnostics.first
        let words = "cannot be \"\(Words.harmless(value))\""
        let reason = fault.map { $0.message.hasSuffix(words) ? "" : ": \($0.message)" } ?? ": it is no value"
        throw PlasmidError(
            .configInvalid, "`\(key)` \(words)\(reason)", hint: fault?.hint ?? "docs/conductor.md lists every key")
    }

    /// Gives a file that somebody wrote a second name before it is replaced: what comes in its place has no comments.
    /// - Returns: that name; nil where there was no file, nothing that would be lost, or no second name to be had.
    static func keepOwnWords(_ path: String, of config: ConductorConfig) -> String? {
        let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let bytes = FileManager.default.contents(atPath: path), bytes != Data(ConductorFile.text(config).utf8)
        else { return nil }
        let kept = path + ".old"
        unlink(kept)
        return link(path, kept) == 0 ? kept : nil
    }

    /// Replaces the file: whatever moment the process dies at, the path holds the old text or the new one, whole.
    static func save(_ text: String, to path: String, atStep: (@Sendable (ConfigStep) -> Void)? = nil) throws {
        // A link stays a link: what it leads to is replaced.
        let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let temporary = path + ".new"
        unlink(temporary)
        var status = stat()
        let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o600
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failed(path) }
        defer { close(descriptor) }
        atStep?(.configBegun)
        let bytes = Array(text.utf8)
        for part in [bytes[..<(bytes.count / 2)], bytes[(bytes.count / 2)...]] {
            guard part.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == part.count else {
                let error = failed(path)
                unlink(temporary)
                throw error
            }
            atStep?(part.endIndex == bytes.count ? .configWritten : .configHalfWritten)
        }
        guard fsync(descriptor) == 0 else { throw failed(path) }
        atStep?(.configSynced)
        guard rename(temporary, path) == 0 else { throw failed(path) }
        atStep?(.configRenamed)
        let folder = open(
            URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failed(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failed(path) }
        atStep?(.configFolderSynced)
    }

    private static func failed(_ path: String) -> PlasmidError {
        PlasmidError(
            .fileFailed, "\(path) cannot be written", hint: "the configuration is as it was; is the disk full?",
            cause: String(cString: strerror(errno)))
    }
}
