import ArgumentParser
import Integrity
import Manifests

/// `plasmid happ …`: the file that says what an app consists of.
struct Happ: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "happ", abstract: "Check a hApp file and the DNA files it names, pack them.",
        subcommands: [HappCheck.self, HappPack.self, HappUnpack.self])
}

/// `plasmid happ check PATH…`
struct HappCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check hApp files, with their DNA files, and tell every fault with its place.",
        discussion: CheckHelp.discussion)

    @Argument(
        help:
            "hApp files, folders that hold some at any depth, hApp bundles, or - for standard input. Default: this folder.",
        completion: .file(extensions: ["yaml", "happ"]))
    var paths: [String] = []

    @OptionGroup var check: CheckOptions

    func run() throws { try Checker(kind: .happ, paths: paths.isEmpty ? ["."] : paths, options: check).run() }
}
