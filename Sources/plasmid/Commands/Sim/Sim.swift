import ArgumentParser

/// `plasmid sim`
struct Sim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim",
        abstract: "Run networks of many nodes in virtual time, with faults, and watch what must hold.",
        subcommands: [SimDht.self])
}
