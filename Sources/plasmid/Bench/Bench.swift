import ArgumentParser

/// `plasmid bench`: figures of this machine, each beside a floor of the same run.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure speed and memory against floors of the same run, or replay a community.",
        subcommands: [Figures.self, Replay.self], defaultSubcommand: Figures.self)
}
