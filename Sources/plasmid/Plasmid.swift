import ArgumentParser
import Foundation

/// The command line. Exit status: 0 success, 1 the thing asked about is wrong, 2 usage, 3 cannot reach or start.
struct Plasmid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plasmid",
        abstract: "Run peer-to-peer apps, and look after them.",
        discussion: """
            A conductor ('plasmid run') loads apps, keeps every person's signed chain of what they did, and runs the \
            apps' own code in a sandbox. The other commands check the files of an app or talk to a running conductor.

            Exit status: 0 success, 1 the thing asked about is wrong, 2 the command line is wrong, 3 the conductor \
            cannot be reached or started. Errors go to standard error as 'error[code]: …' and 'hint: …'.

            Completions: plasmid --generate-completion-script bash|zsh|fish
            """,
        version: "plasmid 0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Conductor", subcommands: [Run.self, Keys.self]),
            CommandGroup(name: "Client", subcommands: [Call.self, Signals.self, Admin.self]),
            CommandGroup(name: "App file", subcommands: [Dna.self, Happ.self]),
        ])
}

@main
enum Main {
    static func main() async {
        exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs one command line and tells its exit status.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try Plasmid.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return Failure.tell(error)
        }
    }
}
