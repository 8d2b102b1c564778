import ArgumentParser
import Manifests

/// `plasmid schema dna|happ|conductor`
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of a DNA file, a hApp file or a configuration.",
        discussion: """
            For editors: they complete keys and mark what does not fit while a file is written. A schema knows the form of \
            a file only; 'plasmid dna check' and 'plasmid happ check' know whether it holds together.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case dna
        case happ
        case conductor

        var manifest: ManifestKind {
            switch self {
            case .dna: .dna
            case .happ: .happ
            case .conductor: .conductor
            }
        }
    }

    @Argument(help: "What the schema is of: dna, happ or conductor.")
    var kind: Kind

    func run() throws { Output.line(ManifestSchema.text(kind.manifest)) }
}
