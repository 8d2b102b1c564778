import ArgumentParser
import Foundation
import Integrity
import Manifests

/// `plasmid dna …`: the file that says what a network agrees on.
struct Dna: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dna", abstract: "Check a DNA file, tell its hash, pack it.",
        discussion: "The DNA hash names the network: who has another hash is in another network.",
        subcommands: [DnaCheck.self, DnaHashCommand.self, DnaPack.self, DnaUnpack.self])
}

/// `plasmid dna check PATH…`
struct DnaCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check DNA files and tell every fault with its place.",
        discussion: CheckHelp.discussion)

    @Argument(
        help:
            "DNA files, folders that hold some at any depth, DNA bundles, or - for standard input. Default: this folder.",
        completion: .file(extensions: ["yaml", "dna"]))
    var paths: [String] = []

    @OptionGroup var check: CheckOptions

    func run() throws { try Checker(kind: .dna, paths: paths.isEmpty ? ["."] : paths, options: check).run() }
}

/// `plasmid dna hash PATH`
struct DnaHashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash", abstract: "Print the DNA hash of a DNA file or bundle.",
        discussion: "Of a .dna.json of 2019 it prints the Qm… address that its conductors knew it by.")

    @Argument(
        help: "The DNA file, a folder that holds one (….dna.yaml or dna.yaml), or a DNA bundle.",
        completion: .file(extensions: ["yaml", "dna"]))
    var path: String

    @Option(
        name: .long,
        help: ArgumentHelp("The hash with this network seed in the place of the file's.", valueName: "seed"))
    var networkSeed: String?

    @Flag(name: .long, help: "Print the digest of each validator's sources too, as `digest` of a zome takes it.")
    var digests = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        if path.hasSuffix(".json") { return try LegacyDnaHash.run(path, output) }
        let path = try ManifestPath.find(path, kind: "dna")
        let bundle = try BundleDiagnosis.dna(path)
        let (manifest, diagnostics) = try bundle?.dna() ?? ManifestReader.dna(at: path)
        guard let manifest else { throw Failure(ManifestReader.error(path, diagnostics)) }
        let definition = manifest.definition(DnaModifiers(networkSeed: networkSeed))
        let hash = definition.hash().text
        let zomes =
            digests ? definition.integrity.zomes.map { (name: $0.name, digest: EntryHash(core: $0.digest).text) } : []
        if output.json {
            return try Output.json(
                .object([
                    "file": .string(path), "name": .string(manifest.name), "dna": .string(hash),
                    "digests": digests
                        ? .map(zomes.map { .init($0.name, .string($0.digest)) }) : .null,
                ]))
        }
        Output.line(hash)
        for zome in zomes { Output.line("\(zome.digest)  \(zome.name)") }
    }
}

/// The manifest that a path of the command line means.
enum ManifestPath {
    /// The path itself, or the one manifest of that kind in the folder.
    static func find(_ path: String, kind: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            return path
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let fitting = names.filter { $0 == "\(kind).yaml" || $0.hasSuffix(".\(kind).yaml") }.sorted()
        guard fitting.count == 1 else {
            let what = fitting.isEmpty ? "no" : "more than one"
            throw Failure.usage(
                "\(path) is a folder with \(what) \(kind) file", hint: "name the file: ….\(kind).yaml or \(kind).yaml")
        }
        return path.hasSuffix("/") ? path + fitting[0] : path + "/" + fitting[0]
    }
}
