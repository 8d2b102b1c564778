import ArgumentParser
import Conductor
import ConductorAPI
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Synchronization

/// `plasmid dev`: a conductor that runs a package and takes up what changes in it.
struct Dev: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Run a package of zome modules, and take up every change when it is saved.",
        discussion: """
            Builds the package, starts a conductor with its app, and watches sources and manifests. A changed coordinator is \
            swapped between two calls and chains stay; another DNA is another network and begins a new chain. While a build \
            fails, the old code serves. Data lies in PATH/.plasmid-dev, under keys that protect nothing. Ctrl-C ends it.
            """)

    @Argument(help: "The folder of the package.", completion: .directory)
    var path = "."

    @Option(name: .long, help: "The admin port; the app port is the next one. 0 takes two free ones.")
    var port = 9_100

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Install the app for a person of this name (may be given again). Default: one of the app's own name.",
            valueName: "name"))
    var people: [String] = []

    @Flag(name: .long, help: "Build the package and run its tests instead.")
    var test = false

    func validate() throws {
        guard (0...65_534).contains(port) else { throw ValidationError("--port takes a number from 0 to 65534") }
    }

    /// - Throws: a failure of usage: no saved file could mend such a name.
    static func check(_ people: [String]) throws {
        guard let wrong = people.first(where: { !Conductor.canBeID($0) }) else { return }
        throw Failure.usage(
            "--as \"\(Words.harmless(wrong))\" cannot be the name of a person",
            hint: "1 to 64 letters, digits, `-`, `_` and `.`, the first no point")
    }

    func run() throws {
        try Self.check(people)
        let package = try DevPackage(path)
        guard !test else {
            let status = try package.test()
            guard status == 0 else { throw Failure.told }
            return
        }
        let signals = StopSignals()
        let folder = try DataFolder(option: package.folder + "/.plasmid-dev")
        try folder.create()
        let session: DevSession
        do {
            session = try DevSession(package, folder: folder, port: port, people: people)
        } catch let error as PlasmidError {
            throw Failure(status: .unreachable, error: error)
        }
        session.begin()
        signals.wait()
        Output.line("stopping")
        try session.stop()
    }
}
