/// JSON Schemas (2020-12) of what people write: for editors, and for checks without this program.
///
/// A schema knows the form of a file, not what stands elsewhere: it accepts a file whose names, paths or hashes lead
/// nowhere. What it refuses, the reader refuses too.
public enum ManifestSchema {
    /// The schema of a kind of file, as indented JSON.
    public static func text(_ kind: ManifestKind) -> String { schema(kind).text() }

    static func schema(_ kind: ManifestKind) -> JSON {
        let head: JSON = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": .text("urn:plasmid:schema:\(kind.rawValue):1"), "title": .text(title(kind)),
        ]
        guard case .map(let pairs) = head, case .map(let own) = shape(kind).schema else { return head }
        let schema = JSON.map(pairs + own)
        switch kind {
        case .dna: return schema.with("$defs", RulesShape.definitions)
        case .happ: return schema
        case .conductor:
            // A file of comments only is a configuration with every default.
            guard case .map(let all) = schema else { return schema }
            return .map(all.map { $0.key == "type" ? .init(key: "type", value: ["object", "null"]) : $0 })
        }
    }

    private static func shape(_ kind: ManifestKind) -> MapShape {
        switch kind {
        case .dna: DnaShape.dna
        case .happ: HappShape.happ
        case .conductor: ConductorShape.conductor
        }
    }

    private static func title(_ kind: ManifestKind) -> String {
        switch kind {
        case .dna: "A DNA of Plasmid"
        case .happ: "A hApp of Plasmid"
        case .conductor: "The configuration of a conductor of Plasmid"
        }
    }
}
