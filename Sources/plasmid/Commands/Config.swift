import ArgumentParser
import Foundation
import Integrity
import Manifests

/// `plasmid config …`: what a conductor of 2019 was configured with.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Take over a conductor-config.toml of 2019.",
        subcommands: [ConfigCheck.self, ConfigImport.self])
}

/// `plasmid config check FILE.toml`
struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tell what of a configuration of 2019 can be taken over, and what is wrong with it.",
        discussion: "Exit status: 0 when it can be taken over, 1 when not.")

    @Argument(help: "The configuration, conductor-config.toml.", completion: .file(extensions: ["toml"]))
    var path: String

    @Flag(name: .long, help: "Print the configuration as it is understood, as TOML.")
    var show = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let config = try LegacyImport.read(path)
        if output.json {
            return try Output.json(
                .object([
                    "file": .string(path), "agents": .int(Int64(config.agents.count)),
                    "dnas": .int(Int64(config.dnas.count)), "instances": .int(Int64(config.instances.count)),
                    "interfaces": .int(Int64(config.interfaces.count)), "toml": .optional(show ? config.text : nil),
                ]))
        }
        if show { Output.line(config.text) }
        Output.line(
            "\(path): "
                + [
                    Words.count(config.agents.count, "agent"), Words.count(config.dnas.count, "DNA"),
                    Words.count(config.instances.count, "instance"), Words.count(config.interfaces.count, "interface"),
                ].joined(separator: ", "))
    }
}

/// `plasmid config import FILE.toml`
struct ConfigImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make what a configuration of 2019 names in a running conductor.",
        discussion: """
            Everything is checked before anything is made. What the conductor has already is left as it is, so that an \
            import that was cut off can be run again. With --json each thing that was made is a line.
            """)

    @Argument(help: "The configuration, conductor-config.toml.", completion: .file(extensions: ["toml"]))
    var path: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let config = try LegacyImport.read(path)
        let connection = try conductor.connect()
        let plan = LegacyImport(
            config: config, folder: (DataFolder.absolute(path) as NSString).deletingLastPathComponent)
        try await plan.check(connection)
        for step in try await plan.steps(connection) {
            let answer = try await connection.request(step.method, step.params)
            guard output.json else {
                Output.line(step.words)
                continue
            }
            try Output.json(.object(["method": .string(step.method), "params": step.params, "result": answer]))
        }
        if output.json { return }
        Output.line("taken over; programs need tokens: 'plasmid admin token issue --interface ID'")
    }
}
