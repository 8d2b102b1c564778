import ArgumentParser
import Foundation
import Integrity
import Manifests

/// What `pack` of both kinds takes.
struct PackOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("The bundle's file; by default NAME.dna or NAME.happ in this folder.", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(name: .long, help: "Write over a file that is there.")
    var force = false

    @Option(
        name: .customLong("modules"),
        help: ArgumentHelp(
            "Take the built modules from this folder (may be given again), and refuse when one is not there.",
            valueName: "dir"),
        completion: .directory)
    var moduleFolders: [String] = []

    @Flag(name: .long, help: "Pack no built modules: whoever installs the bundle builds them.")
    var noModules = false

    @OptionGroup var told: OutputOptions

    func validate() throws {
        if noModules, !moduleFolders.isEmpty {
            throw ValidationError("--modules and --no-modules contradict each other.")
        }
    }
}

/// What `pack` of both kinds says of itself.
enum PackHelp {
    static let discussion = """
        A bundle is one file with everything that another machine needs: the manifest, the validators' sources and the \
        modules built for this machine's platform (and those of other platforms, where an unpacked bundle is packed \
        again). The same files give the same bytes.

        Modules are taken from .build/release, else .build/debug of the package.
        """
}

/// `plasmid dna pack PATH`
struct DnaPack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Pack a DNA into one file that can be handed on.",
        discussion: PackHelp.discussion)

    @Argument(
        help: "The DNA file, or a folder that holds one (….dna.yaml or dna.yaml).",
        completion: .file(extensions: ["yaml"]))
    var path: String

    @OptionGroup var options: PackOptions

    func run() throws {
        let path = try ManifestPath.find(path, kind: "dna")
        let (manifest, diagnostics) = ManifestReader.dna(at: path)
        guard let manifest else { throw Failure(ManifestReader.error(path, diagnostics)) }
        let libraries = PackedLibraries(options)
        let packed = try BundlePacker.dna(manifest, libraries: libraries.of)
        try BundleReport.save(packed, libraries, options)
    }
}

/// `plasmid happ pack PATH`
struct HappPack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Pack a hApp and its DNAs into one file that can be handed on.",
        discussion: PackHelp.discussion)

    @Argument(
        help: "The hApp file, or a folder that holds one (….happ.yaml or happ.yaml).",
        completion: .file(extensions: ["yaml"]))
    var path: String

    @OptionGroup var options: PackOptions

    func run() throws {
        let path = try ManifestPath.find(path, kind: "happ")
        let (happ, diagnostics) = ManifestReader.happ(at: path)
        guard let happ else { throw Failure(ManifestReader.error(path, diagnostics, kind: "happ")) }
        let libraries = PackedLibraries(options)
        let packed = try BundlePacker.happ(happ, libraries: libraries.of)
        try BundleReport.save(packed, libraries, options)
    }
}

/// Which libraries go into a bundle.
final class PackedLibraries {
    private let options: PackOptions
    /// What each was taken from.
    private(set) var taken: [BundlePacker.Library] = []
    /// Modules that are not built.
    private(set) var missing: [String] = []

    init(_ options: PackOptions) {
        self.options = options
    }

    func of(_ manifest: DnaManifest) throws(PlasmidError) -> [BundlePacker.Library] {
        guard !options.noModules else { return [] }
        var found: [BundlePacker.Library] = []
        for library in manifest.bundledLibraries where !(isAsked && library.platform == BundlePlatform.current) {
            found.append(library)
        }
        let base = DataFolder.absolute(ManifestReader.sourceBase(of: manifest.path))
        let folders =
            isAsked
            ? options.moduleFolders.map(DataFolder.absolute)
            : [base + "/.build/release", base + "/.build/debug"]
        let locator = ModuleLocator(folders: folders)
        for module in manifest.modules
        where !found.contains(where: { $0.module == module && $0.platform == BundlePlatform.current }) {
            if let path = locator.path(of: module) {
                found.append(BundlePacker.Library(platform: BundlePlatform.current, module: module, path: path))
            } else if isAsked {
                throw PlasmidError(
                    .moduleRefused, "the module \(module) is not built",
                    hint: "searched for lib\(module).so in \(folders.joined(separator: ", "))")
            } else if !missing.contains(module) {
                missing.append(module)
            }
        }
        taken += found.filter { !taken.contains($0) }
        return found
    }

    private var isAsked: Bool { !options.moduleFolders.isEmpty }
}

/// What is told of a bundle.
enum BundleReport {
    static func save(_ packed: BundlePacker.Packed, _ libraries: PackedLibraries, _ options: PackOptions) throws {
        let path = options.output ?? "\(packed.bundle.name).\(packed.bundle.kind.rawValue)"
        try BundleFolder.save(packed.bytes, to: path, replacing: options.force)
        for module in libraries.missing {
            Output.note(
                "note: the module \(module) is not built, and the bundle does not have it; swift build makes it")
        }
        if options.told.json {
            return try Output.json(.map(facts(packed.bundle, path) + [.init("bytes", .int(Int64(packed.bytes.count)))]))
        }
        Output.line("\(path): \(Words.size(Int64(packed.bytes.count)))")
        for line in lines(packed.bundle) { Output.line("  " + line) }
        for library in libraries.taken { Output.line("  from    \(library.path)") }
    }

    static func facts(_ bundle: BundleFile, _ path: String) -> [MessagePackValue.Pair] {
        let modules = bundle.modules.map {
            MessagePackValue.object([
                "platform": .string($0.platform), "module": .string($0.name), "file": .string($0.file),
                "digest": .string($0.digest.text),
            ])
        }
        let dnas = bundle.dnas.map {
            MessagePackValue.object(["file": .string($0.file), "dna": .string($0.hash.text)])
        }
        return [
            .init("file", .string(path)), .init("kind", .string(bundle.kind.rawValue)),
            .init("name", .string(bundle.name)), .init("digest", .string(bundle.digest.text)),
            .init("files", .int(Int64(bundle.paths.count))), .init("dnas", .array(dnas)),
            .init("modules", .array(modules)),
        ]
    }

    static func lines(_ bundle: BundleFile) -> [String] {
        var lines = ["name    \(bundle.name)", "digest  \(bundle.digest.text)"]
        lines += bundle.dnas.map { "dna     \($0.hash.text)  \(Words.harmless($0.file))" }
        for (platform, modules) in Dictionary(grouping: bundle.modules, by: \.platform).sorted(by: { $0.key < $1.key })
        {
            lines.append("built   \(modules.map(\.name).joined(separator: ", ")) for \(platform)")
        }
        return lines
    }
}
