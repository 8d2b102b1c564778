import ArgumentParser
import ConductorAPI
import Foundation
import Integrity
import Keystore
import Logging
import Manifests
import NIOCore
import NIOPosix
import Sodium

/// `plasmid test-conductor`: a conductor at the end of two pipes, for the tests of an app (`HDKTesting` starts it).
///
/// Each line of standard input is a request, `{"id":1,"method":"…","params":{…},"as":"app"}`: without `as` the operator asks,
/// with it the app, over a token and a connection of its own. Each line of standard output is an answer,
/// `{"id":1,"result":…}` or `{"id":1,"error":{"code","message","hint"}}`, or a signal as docs/api.md has it; the first line is
/// `{"ready":{…}}`. It ends with its input.
struct TestConductorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test-conductor",
        abstract: "A throwaway conductor on standard input and output, for the tests of an app.",
        discussion: """
            Keys cost nothing and protect nothing, throwaway agents are allowed, and it ends with its input. The tests of a \
            package that 'plasmid new' made start it by themselves.
            """, shouldDisplay: false)

    @Option(name: .long, help: ArgumentHelp("Keep everything here.", valueName: "dir"), completion: .directory)
    var data: String

    @Option(
        name: .long, help: ArgumentHelp("Look for built zome modules here (may be given again).", valueName: "dir"),
        completion: .directory)
    var modules: [String] = []

    func run() throws {
        do {
            try serve()
        } catch let error as PlasmidError {
            throw Failure(status: .unreachable, error: error)
        }
    }

    private func serve() throws {
        signal(SIGPIPE, SIG_IGN)
        let folder = try DataFolder(option: data)
        try folder.create()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let running = RunningConductor(loop: group.next())
        let settings = KitSettings.settings(folder: folder, modules: modules)
        var logger = Logger(label: "plasmid") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let keystore = try KitSettings.keystore(folder)
        let ports = try running.start(settings, keystore: keystore, logger: logger).wait()
        let desk = LineDesk(ports: ports, adminToken: try folder.readAdminToken(), group: .singleton)
        try desk.socket(of: nil).map { _ in }.wait()
        Output.line(#"{"ready":{"admin":\#(ports.admin),"app":\#(ports.app)}}"#)
        while let line = readLine(strippingNewline: true) { desk.take(line) }
        try running.stop().wait()
        try group.syncShutdownGracefully()
    }
}

/// What conductors for developers have in common: two free ports, no passphrase, throwaway agents.
enum KitSettings {
    static func settings(folder: DataFolder, modules: [String], port: Int = 0) -> RunSettings {
        var config = ConductorConfig()
        config.admin.port = port
        config.app.port = port == 0 ? 0 : port + 1
        let programs = RunSettings.programFolder()
        return RunSettings(
            folder: folder, config: config, apps: [], moduleFolders: modules.map(DataFolder.absolute) + [programs],
            zomeHost: programs + "/plasmid-zome-host", testMode: true)
    }

    /// A keystore under a passphrase that everyone knows: opened at once, and no protection at all.
    static func keystore(_ folder: DataFolder) throws -> Keystore {
        var passphrase = Array("for development only".utf8)
        let secret = SecretBytes(moving: &passphrase)
        if FileManager.default.fileExists(atPath: folder.keystore) {
            return try Keystore.open(at: folder.keystore, passphrase: secret)
        }
        return try Keystore.create(at: folder.keystore, passphrase: secret, cost: .forTests)
    }
}
