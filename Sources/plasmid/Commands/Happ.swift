import ArgumentParser
import Integrity
import Manifests

/// `plasmid happ …`: the file that says what an app consists of.
struct Happ: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "happ", abstract: "Check a hApp file and the DNA files it names.",
        subcommands: [HappCheck.self])
}

/// `plasmid happ check PATH…`
struct HappCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check hApp files, with their DNA files, and tell every fault with its place.",
        discussion: "Exit status: 0 when every file is valid, 1 when one is not.")

    @Argument(
        help: "hApp files, or folders that hold one (….happ.yaml or happ.yaml).",
        completion: .file(extensions: ["yaml"]))
    var paths: [String]

    @OptionGroup var check: CheckOptions

    func run() throws {
        let found = try paths.map { HappCheck.diagnose(try ManifestPath.find($0, kind: "happ"), check.locator) }
        try Diagnosis.tell(found, check.chosen)
    }

    static func diagnose(_ path: String, _ locator: ModuleLocator?) -> Diagnosis {
        var (happ, diagnostics) = ManifestReader.happ(at: path)
        guard let happ else { return Diagnosis(path: path, diagnostics: diagnostics, facts: [], lines: []) }
        if let locator {
            diagnostics += Set(happ.dnas.flatMap { $0.diagnostics(missingIn: locator) }).sorted()
        }
        let roles = happ.roles.map { (role: $0.role.name, name: $0.manifest.name, hash: $0.definition.hash().text) }
        let facts: [MessagePackValue.Pair] = [
            .init("name", .string(happ.manifest.name)),
            .init(
                "roles",
                .array(
                    roles.map {
                        .object(["role": .string($0.role), "dna_name": .string($0.name), "dna": .string($0.hash)])
                    })),
        ]
        let table = Table(headings: ["ROLE", "DNA", "DNA HASH"], rows: roles.map { [$0.role, $0.name, $0.hash] })
        let lines = ["name  \(happ.manifest.name)"] + table.text.split(separator: "\n").map(String.init)
        return Diagnosis(path: path, diagnostics: diagnostics, facts: facts, lines: lines)
    }
}
