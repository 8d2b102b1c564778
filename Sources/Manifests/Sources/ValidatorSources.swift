import Integrity

/// The sources that an integrity zome names, checked and hashed.
struct ValidatorSources {
    /// The path as the manifest writes it.
    let path: String
    /// The hash whose core enters the DNA hash.
    let hash: EntryHash

    /// Reads `sources` of an integrity zome; nil with faults.
    static func read(_ fields: Fields, base: String, report: inout Report) -> ValidatorSources? {
        guard let node = fields.required("sources", report: &report),
            let path = Fields.text(node, "\"sources\" of \(fields.what)", maxBytes: 1_000, report: &report)
        else { return nil }
        guard ManifestFile.isRelative(path, mayGoUp: false) else {
            report.add(
                .badPath, node.position, "\"sources\" of \(fields.what) cannot be \"\(Spelling.shown(path))\"",
                hint: "a path below \(base), without . and ..")
            return nil
        }
        guard isFolder(path, base: base, place: node.position, report: &report),
            let tree = SourceTree.read(
                folder: ManifestFile.join(base, path), shown: path, place: node.position, report: &report)
        else { return nil }
        tree.checkLanguage(folder: ManifestFile.join(base, path), shown: path, place: node.position, report: &report)
        return ValidatorSources(path: path, hash: EntryHash(hashing: tree.canonicalBytes))
    }

    /// Whether every part of the path is a folder, none a link.
    private static func isFolder(_ path: String, base: String, place: Position, report: inout Report) -> Bool {
        var folder = base
        for part in path.split(separator: "/") {
            folder = ManifestFile.join(folder, String(part))
            switch FileKind(folder) {
            case .folder: continue
            case .symbolicLink:
                report.add(
                    .symbolicLink, place, "the sources \(Spelling.shown(path)) lead through a symbolic link at \(part)",
                    hint: "put the folder itself there")
                return false
            case .missing, .file, .other:
                report.add(
                    .sourcesMissing, place, "there is no folder \(Spelling.shown(path))", hint: "searched in \(base)")
                return false
            }
        }
        return true
    }
}
