import ArgumentParser
import Conductor
import Foundation

/// The command line. Exit status: 0 success, 1 the thing asked about is wrong, 2 usage, 3 cannot reach or start.
struct Plasmid: AsyncParsableCommand {
    /// The version of all that is in this package.
    static let version = Conductor.version

    static let configuration = CommandConfiguration(
        commandName: "plasmid",
        abstract: "Run peer-to-peer apps, and look after them.",
        discussion: """
            A conductor ('plasmid run') loads apps, keeps every person's signed chain of what they did, and runs the \
            apps' own code in a sandbox. The other commands check the files of an app or talk to a running conductor.

            Exit status: 0 success, 1 the thing asked about is wrong, 2 the command line is wrong, 3 the conductor \
            cannot be reached or started. Errors go to standard error as 'error[code]: …' and 'hint: …'.

            Completions of a shell: plasmid completions bash|zsh|fish. The manual page: plasmid man.
            """,
        version: "plasmid \(version)",
        groupedSubcommands: [
            CommandGroup(name: "Conductor", subcommands: [Run.self, Keys.self, Db.self, Demo.self]),
            CommandGroup(name: "Network", subcommands: [Bootstrap.self, Relay.self]),
            CommandGroup(name: "Client", subcommands: [Call.self, Signals.self, Admin.self, Config.self]),
            CommandGroup(name: "App file", subcommands: [Dna.self, Happ.self, Schema.self]),
            CommandGroup(name: "Developer", subcommands: [New.self, Dev.self, TestConductorCommand.self]),
            CommandGroup(name: "Shell", subcommands: [Completions.self, Man.self]),
            CommandGroup(name: "Measure", subcommands: [Bench.self, Sim.self, FloorProgram.self]),
        ])
}

@main
enum Main {
    /// Not async: `run` blocks signals for all threads that it starts, so that there may be none before it.
    static func main() {
        do {
            var command = try Plasmid.parseAsRoot()
            if !(command is any AsyncParsableCommand) {
                try command.run()
                return
            }
        } catch {
            exit(Failure.tell(error))
        }
        Task { exit(await runClient()) }
        dispatchMain()
    }

    /// Runs a command that waits for a conductor's answers, and tells its exit status. Parses again, since a command
    /// belongs to the thread that made it.
    private static func runClient() async -> Int32 {
        do {
            guard var command = try Plasmid.parseAsRoot() as? any AsyncParsableCommand else { return 0 }
            try await command.run()
            return 0
        } catch {
            return Failure.tell(error)
        }
    }
}
