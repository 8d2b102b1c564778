import ArgumentParser
import Foundation
import Integrity

/// `plasmid new …`: a package of its own for a DNA or an app.
struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Begin a package of zome modules, with manifests and tests.",
        subcommands: [NewDna.self, NewHapp.self])
}

/// `plasmid new dna NAME`
struct NewDna: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dna", abstract: "Begin a DNA: a coordinator, an integrity zome, manifests, a test.",
        discussion: "The package builds and passes its test at once: cd NAME; swift test")

    @OptionGroup var options: NewOptions

    func run() throws { try options.write { PackageTemplate(name: $0, folderOfDna: "") } }
}

/// `plasmid new happ NAME`
struct NewHapp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "happ", abstract: "Begin an app that may have several DNAs, each in a folder below dna/.",
        discussion: "The package builds and passes its test at once: cd NAME; swift test")

    @OptionGroup var options: NewOptions

    func run() throws { try options.write { PackageTemplate(name: $0, folderOfDna: "dna/\($0.snake)/") } }
}

struct NewOptions: ParsableArguments {
    @Argument(help: "Its name: small letters, digits and -, the first a letter.")
    var name: String

    @Option(
        name: .long, help: ArgumentHelp("The folder to make it in. Default: the working folder.", valueName: "dir"),
        completion: .directory)
    var path: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A checkout of Plasmid, or an address that git clones one from. Default: where this program was built.",
            valueName: "path-or-url"))
    var plasmid: String?

    @OptionGroup var output: OutputOptions

    func write(_ template: (PackageName) -> PackageTemplate) throws {
        let name = try PackageName(name)
        let folder = DataFolder.absolute(path ?? ".") + "/" + name.text
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw Failure(
                PlasmidError(.folderExists, "\(folder) is there already", hint: "take another name, or another --path")
            )
        }
        var package = template(name)
        let source = try PlasmidSource(plasmid)
        switch source {
        case .checkout(let path): package.plasmid = Self.relative(path, from: folder)
        case .address(let address):
            (package.plasmid, package.address) = (".plasmid", address)
        }
        for file in package.files {
            let target = folder + "/" + file.path
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: target).deletingLastPathComponent().path, withIntermediateDirectories: true
            )
            try Data(file.text.utf8).write(to: URL(fileURLWithPath: target))
            if file.isProgram {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: target)
            }
        }
        if case .address(let address) = source { try Self.clone(address, into: folder + "/.plasmid") }
        if output.json { return try Output.json(.object(["path": .string(folder)])) }
        Output.line("made \(folder)")
        Output.line("next: cd \(Self.relative(folder, from: DataFolder.absolute("."))) && swift test")
        guard !Self.isOnPath() else { return }
        Output.line("the tests look for plasmid on the PATH: export PATH=\"\(RunSettings.programFolder()):$PATH\"")
    }

    /// Whether the tests of a package would find this program, or another of its name.
    static func isOnPath(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> Bool {
        guard environment["PLASMID"] == nil else { return true }
        return (environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/plasmid")
        }
    }

    private static func clone(_ address: String, into folder: String) throws {
        let git = Process()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        git.arguments = ["git", "clone", "--quiet", "--depth", "1", "--", address, folder]
        try git.run()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else {
            throw Failure(
                PlasmidError(
                    .cloneFailed, "git could not clone \(address)",
                    hint: "its words are above; the package is made, "
                        + "and its script ci tries again"))
        }
    }

    /// A path as seen from a folder: short where both lie together, and good as long as they do.
    static func relative(_ path: String, from folder: String) -> String {
        let (target, base) = (path.split(separator: "/"), folder.split(separator: "/"))
        let common = zip(target, base).prefix { $0 == $1 }.count
        guard common > 0 else { return path }
        let up = Array(repeating: "..", count: base.count - common)
        let words = up + target.dropFirst(common).map(String.init)
        return words.isEmpty ? "." : words.joined(separator: "/")
    }
}

/// Where a new package takes the HDK from.
enum PlasmidSource {
    case checkout(String)
    case address(String)

    init(_ given: String?) throws {
        if let given, given.contains("://") || given.hasPrefix("git@") {
            self = .address(given)
            return
        }
        var candidates = given.map { [DataFolder.absolute($0)] } ?? []
        if given == nil {
            var folder = URL(fileURLWithPath: RunSettings.programFolder())
            while folder.path != "/" {
                candidates.append(folder.path)
                folder.deleteLastPathComponent()
            }
        }
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0 + "/hdk/Package.swift") })
        else {
            throw Failure.usage(
                "there is no checkout of Plasmid in \(candidates.first ?? "/")",
                hint: "name its folder, or an address to clone it from, with --plasmid")
        }
        self = .checkout(found)
    }
}

/// The name of a package in the spellings that files need.
struct PackageName {
    /// As it was given: `guest-book`.
    let text: String
    /// Of DNA, zome and app: `guest_book`.
    var snake: String { text.replacingOccurrences(of: "-", with: "_") }
    /// Of the modules: `GuestBook`.
    var camel: String { text.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }

    init(_ text: String) throws {
        let isFine = text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
        guard isFine, let first = text.utf8.first, (0x61...0x7a).contains(first), text.utf8.count <= 40,
            !text.hasSuffix("-"), !text.contains("--")
        else {
            throw Failure.usage(
                "\"\(Words.harmless(text))\" cannot be the name of a package",
                hint: "small letters, digits and -, the first a letter, at most 40")
        }
        // Targets of these names would be other modules.
        guard !["hdk", "integrity", "sodium", "czome", "hdktesting", "testing", "swift", "foundation"].contains(text)
        else {
            throw Failure.usage("\"\(text)\" is the name of a module that is there already")
        }
        self.text = text
    }
}
