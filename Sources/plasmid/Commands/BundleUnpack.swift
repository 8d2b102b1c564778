import ArgumentParser
import Foundation
import Integrity
import Manifests

/// What `unpack` of both kinds takes.
struct UnpackOptions: ParsableArguments {
    @Argument(help: "The bundle.", completion: .file())
    var file: String

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "The folder to unpack into; by default one in this folder with the name of the app or DNA.",
            valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(name: .long, help: "Write over files that are there; others of the folder stay.")
    var force = false

    @OptionGroup var told: OutputOptions

    func run(_ kind: ManifestKind) throws {
        guard file.isEmpty || BundleFile.isBundle(file) || !FileManager.default.fileExists(atPath: file) else {
            throw Failure(
                PlasmidError(
                    .bundleInvalid, "\(Words.harmless(file)) is no bundle",
                    hint: "a bundle is what 'plasmid \(kind.rawValue) pack' makes"))
        }
        let bundle = try BundleFile.read(file)
        guard bundle.kind == kind else {
            throw Failure(
                PlasmidError(
                    .bundleInvalid, "\(Words.harmless(file)) is the bundle of \(bundle.kind.title.dropLast(5))",
                    hint: "use plasmid \(bundle.kind.rawValue) unpack \(Words.harmless(file))"))
        }
        let folder = try output ?? Self.folder(bundle)
        try BundleFolder.unpack(bundle, to: folder, replacing: force)
        if told.json {
            return try Output.json(
                .map(
                    BundleReport.facts(bundle, file) + [
                        .init("folder", .string(folder)), .init("manifest", .string(folder + "/" + bundle.file)),
                    ]))
        }
        Output.line("\(folder): \(Words.count(bundle.paths.count, "file"))")
        for line in BundleReport.lines(bundle) { Output.line("  " + line) }
        Output.line("  file    \(folder)/\(Words.harmless(bundle.file))")
        if !bundle.modules.isEmpty {
            Output.note("note: the built modules came with the bundle; nobody here built them from its sources")
        }
    }

    /// The bundle's name, which comes from elsewhere, as the name of a folder.
    private static func folder(_ bundle: BundleFile) throws -> String {
        let name = bundle.name
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D || $0 == 0x5F
        }
        guard isPlain, (1...128).contains(name.utf8.count), name.utf8.first != 0x2D else {
            throw Failure.usage("the bundle's name is no name for a folder", hint: "name one with -o DIR")
        }
        return name
    }
}

/// What `unpack` of both kinds says of itself.
enum UnpackHelp {
    static let discussion = """
        Everything is compared with what the bundle says of itself before anything is written. The folder appears whole or \
        not at all; no file is written over without --force, none outside the folder ever.
        """
}

/// `plasmid dna unpack FILE`
struct DnaUnpack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpack", abstract: "Unpack a DNA bundle into a folder.", discussion: UnpackHelp.discussion)
    @OptionGroup var options: UnpackOptions
    func run() throws { try options.run(.dna) }
}

/// `plasmid happ unpack FILE`
struct HappUnpack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpack", abstract: "Unpack a hApp bundle into a folder.", discussion: UnpackHelp.discussion)
    @OptionGroup var options: UnpackOptions
    func run() throws { try options.run(.happ) }
}
