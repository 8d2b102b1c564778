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
        let hash = EntryHash(hashing: tree.canonicalBytes)
        checkPin(fields, hash, report: &report)
        return ValidatorSources(path: path, hash: hash)
    }

    /// Compares a pinned `digest` with that of the sources.
    private static func checkPin(_ fields: Fields, _ hash: EntryHash, report: inout Report) {
        guard let node = fields.value("digest"), let pinned = pin(node, fields, report: &report), pinned != hash else {
            return
        }
        report.add(
            .digestMismatch, node.position,
            "the sources of \(fields.what) have the digest \(hash), pinned is \(pinned)",
            hint: "with other sources it is another network: take the pinned sources, or pin the new digest")
    }

    /// The digest that a manifest pins.
    static func pin(_ node: YamlNode, _ fields: Fields, report: inout Report) -> EntryHash? {
        guard let text = Fields.text(node, "\"digest\" of \(fields.what)", maxBytes: 200, report: &report) else {
            return nil
        }
        do throws(PlasmidError) {
            return try EntryHash(text)
        } catch {
            report.add(
                .badDigest, node.position, "\"digest\" of \(fields.what) is no digest of sources",
                hint: "it is a text of 53 characters that begins with uhCEk; plasmid dna hash --digests prints it")
            return nil
        }
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
                let near = ManifestFile.neighbour(of: folder, isFolder: true)
                report.add(
                    .sourcesMissing, place, "there is no folder \(Spelling.shown(path))",
                    hint: (near.map { "did you mean \"\($0)\"? " } ?? "") + "searched in \(base)")
                return false
            }
        }
        return true
    }
}
