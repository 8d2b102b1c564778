import ArgumentParser
import Conductor
import Foundation
import Integrity
import Manifests

/// `plasmid run`: a conductor, until it is told to stop.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a conductor: keep chains, run apps, serve the two loopback ports.",
        discussion: """
            Needs no configuration: the data folder is made where it is missing, and so are the keys, under a \
            passphrase that is asked for. Ctrl-C stops it; whatever it acknowledged is on disk.
            """)

    @Option(
        name: .long, help: ArgumentHelp("Read settings from this conductor.yaml.", valueName: "file"),
        completion: .file(extensions: ["yaml"]))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep everything here. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @Option(
        name: .customLong("app"),
        help: ArgumentHelp(
            "Install this hApp file if its app is not there yet (may be given again).", valueName: "path"),
        completion: .file(extensions: ["yaml"]))
    var apps: [String] = []

    @Option(name: .long, help: "The admin port; the app port is the next one. 0 takes two free ones. Default: 9100.")
    var port: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Let other conductors reach this one there, in place of the file's addresses (may be given again).",
            discussion: "Such as /ip4/0.0.0.0/tcp/4001; port 0 takes a free one. Default: /ip4/127.0.0.1/tcp/0.",
            valueName: "address"))
    var listen: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Ask there for others of the same DNAs, in place of the file's addresses (may be given again).",
            valueName: "address"))
    var bootstrap: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Be reached over this relay where nobody can dial this machine, in place of the file's (may be given again).",
            discussion: "As 'plasmid relay' prints it, with its key at the end.", valueName: "address"))
    var relay: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the keys' passphrase comes from: prompt, fd:N or credential:NAME.", valueName: "source"))
    var passphrase: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Look for built zome modules here too (may be given again).", valueName: "dir"),
        completion: .directory)
    var modules: [String] = []

    @Flag(name: .long, help: "Say in JSON where it listens, once it is ready.")
    var json = false

    @Flag(name: .long, help: "Allow throwaway agents, for which anyone can sign. For tests only.")
    var testMode = false

    func validate() throws {
        if let port, !(0...65_534).contains(port) { throw ValidationError("--port takes a number from 0 to 65534") }
        if let passphrase, ConductorConfig.PassphraseSource(passphrase) == nil {
            // Not repeated: it may be the passphrase itself.
            throw ValidationError("--passphrase takes prompt, fd:N or credential:NAME, never the passphrase itself")
        }
        try Run.check(listen, of: "--listen", for: .listen)
        try Run.check(bootstrap, of: "--bootstrap", for: .dial)
        try Run.check(relay, of: "--relay", for: .relay)
    }

    private static func check(_ addresses: [String], of option: String, for use: NetworkAddress.Use) throws {
        for address in addresses {
            guard let fault = NetworkAddress.fault(address, for: use) else { continue }
            throw ValidationError("\(option): \(Words.harmless(address)) \(fault.reason); \(fault.hint)")
        }
    }

    /// Everything that starting needs, from the command line, the configuration and the defaults, in this order.
    func settings(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> RunSettings {
        let overrides = ConfigOverrides(
            port: port, listen: listen, bootstrap: bootstrap, relays: relay,
            passphrase: passphrase.flatMap(ConductorConfig.PassphraseSource.init))
        var file = try config.map(Run.read) ?? ConductorConfig()
        let folder = try DataFolder(option: data, configured: file.data, environment: environment)
        // What `plasmid admin config set` wrote there.
        let path = config.map(DataFolder.absolute) ?? folder.config
        if config == nil { file = try ConfigFile.read(path) }
        let config = overrides.over(file)
        let programs = RunSettings.programFolder()
        var settings = RunSettings(
            folder: folder, config: config, apps: apps.map(DataFolder.absolute),
            moduleFolders: modules.map(DataFolder.absolute) + [programs], zomeHost: programs + "/plasmid-zome-host",
            testMode: testMode, configFile: path, overrides: overrides)
        settings.hasNetwork = true
        return settings
    }

    /// Reads a configuration; its faults are told with their places.
    static func read(_ path: String) throws -> ConductorConfig {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw Failure(
                PlasmidError(
                    .configInvalid, isThere ? "\(path) cannot be read" : "there is no file \(path)",
                    hint: isThere ? "it has to be a file that is yours to read" : "check the path"))
        }
        guard bytes.count <= 256 << 10, let text = String(bytes: bytes, encoding: .utf8) else {
            throw Failure(
                PlasmidError(
                    .configInvalid, "\(path) is no text of at most 256 KiB",
                    hint: "a configuration is YAML; docs/conductor.md lists every key"))
        }
        let (config, diagnostics) = ConductorFile.read(text: text, file: path)
        if let config { return config }
        throw Failure(
            PlasmidError(
                .configInvalid,
                "\(path) has \(diagnostics.count) \(diagnostics.count == 1 ? "fault" : "faults"):\n"
                    + diagnostics.text, hint: "docs/conductor.md lists every key"))
    }
}

/// What a conductor is started with.
struct RunSettings {
    let folder: DataFolder
    var config: ConductorConfig
    /// hApp files to install where their app is not there yet, as whole paths.
    let apps: [String]
    /// Folders that are searched for built modules, in this order.
    let moduleFolders: [String]
    /// The program that runs modules.
    let zomeHost: String
    let testMode: Bool
    /// Whether it meets other conductors, as the configuration says.
    var hasNetwork = false
    /// In place of the system's clock and the conductor's own bound; for tests.
    var clock: (@Sendable () -> Timestamp)?
    var failureBound: FailureBound?
    /// The file that the configuration came from, or would go to; `conductor.yaml` in the data folder where nil.
    var configFile: String?
    /// What the command line said instead of the file.
    var overrides = ConfigOverrides()

    /// The folder of this program, which holds `plasmid-zome-host` and the modules that were built with it.
    static func programFolder() -> String {
        let path =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: path).deletingLastPathComponent().path
    }
}
