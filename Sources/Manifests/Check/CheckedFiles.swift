import Foundation
import Integrity

/// The files that a check looks at: what to watch for changes.
public enum CheckedFiles {
    /// The manifests that a check of this path reads, itself first.
    public static func manifests(of path: String, kind: ManifestKind) -> [String] {
        guard kind == .happ, let happ = ManifestReader.happ(at: path).happ else {
            return [path] + dnaPaths(inHappAt: path, kind)
        }
        return [path] + happ.dnas.map(\.path)
    }

    /// The DNA paths that a hApp with faults names all the same.
    private static func dnaPaths(inHappAt path: String, _ kind: ManifestKind) -> [String] {
        var report = Report(file: path)
        guard kind == .happ, let root = ManifestFile.root(report: &report),
            case .list(let roles)? = root["roles"]?.content
        else { return [] }
        return roles.compactMap { role in
            guard case .scalar(let dna, _)? = role["dna"]?["path"]?.content,
                ManifestFile.isRelative(dna, mayGoUp: true)
            else { return nil }
            return ManifestFile.join(ManifestFile.folder(of: path), dna)
        }
    }

    /// The folders of sources that a check of this DNA reads: the validators', and the coordinators' where they are found.
    public static func sourceFolders(ofDna path: String) -> [String] {
        var report = Report(file: path)
        guard let root = ManifestFile.root(report: &report) else { return [] }
        let base = ManifestFile.sourceBase(of: path)
        var folders: [String] = []
        var parents = ["Plugins", "Sources"]
        for zome in items(root["integrity"]) {
            guard case .scalar(let sources, _)? = zome["sources"]?.content,
                ManifestFile.isRelative(sources, mayGoUp: false)
            else { continue }
            folders.append(ManifestFile.join(base, sources))
            parents.append(ManifestFile.folder(of: sources))
        }
        for zome in items(root["coordinator"]) {
            guard case .scalar(let module, _)? = zome["module"]?.content, Spelling.isIdentifier(module) else {
                continue
            }
            folders += parents.map { ManifestFile.join(ManifestFile.join(base, $0), module) }
        }
        return folders.filter { FileKind($0) == .folder }
    }

    private static func items(_ section: YamlNode?) -> [YamlNode] {
        guard case .list(let items)? = section?["zomes"]?.content else { return [] }
        return items
    }
}
