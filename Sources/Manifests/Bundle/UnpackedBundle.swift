import Foundation
public import Integrity

/// A bundle unpacked to a folder of its own for as long as this lives, for readers of files.
///
/// Invariant of being Sendable: nothing changes after `init`.
public final class UnpackedBundle: Sendable {
    /// What was read.
    public let bundle: BundleFile
    /// The folder, mode 0700; it goes away with this.
    public let folder: String

    /// The manifest's path.
    public var manifest: String { folder + "/" + bundle.file }

    /// Reads a bundle and unpacks it.
    /// - Parameter parent: the folder in which to make one; made where it is not there
    /// - Throws: as ``BundleFile/read(_:)``, and `fileFailed`.
    public init(_ path: String, in parent: String) throws(PlasmidError) {
        bundle = try BundleFile.read(path)
        folder = "\(parent)/\(Self.prefix)\(UUID().uuidString)"
        try BundleFolder.make(parent, mode: 0o700)
        do throws(PlasmidError) {
            try BundleFolder.write(bundle.files, to: folder)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private static let prefix = "plasmid-bundle-"

    /// Removes what was left in a folder by a process that was killed. Whoever calls it knows that no other is at work there.
    public static func removeAll(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where name.hasPrefix(prefix) {
            try? FileManager.default.removeItem(atPath: parent + "/" + name)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The DNA in it, with its faults.
    public func dna() throws(PlasmidError) -> (manifest: DnaManifest?, diagnostics: [Diagnostic]) {
        let read = ManifestReader.dna(at: manifest)
        if let manifest = read.manifest { try check([manifest]) }
        return read
    }

    /// The hApp in it, with its faults. No path of it leads out of the bundle.
    public func happ() throws(PlasmidError) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        let read = ManifestReader.happ(at: manifest, within: folder)
        if let happ = read.happ { try check(happ.dnas) }
        return read
    }

    /// Compares what the manifests say with what the bundle says of them.
    /// - Throws: `bundleMismatch`, `manifestInvalid` for another kind of bundle.
    private func check(_ manifests: [DnaManifest]) throws(PlasmidError) {
        for manifest in manifests {
            let path = BundlePath.below(folder, BundlePacker.absolute(manifest.path)) ?? manifest.path
            guard let told = bundle.dnas.first(where: { $0.file == path }) else {
                throw BundleFault.mismatch(bundle.file, "its index does not know the DNA \(path)")
            }
            let definition = manifest.definition()
            guard told.hash == definition.hash() else {
                throw BundleFault.mismatch(path, "the DNA has the hash \(definition.hash()), told is \(told.hash)")
            }
            let sources = Dictionary(
                definition.integrity.zomes.map { ($0.name, EntryHash(core: $0.digest)) }, uniquingKeysWith: { $1 })
            guard sources == told.sources else {
                throw BundleFault.mismatch(path, "its sources are not those of its validators")
            }
            if let stranger = told.modules.first(where: { !manifest.modules.contains($0.name) }) {
                throw BundleFault.mismatch(path, "no zome has the module \(stranger.name)")
            }
        }
    }
}

extension DnaManifest {
    /// Where an unpacked bundle has its modules for this platform; nil where the manifest is not in one.
    public var bundledModules: String? { Self.bundledModules(sourceBase) }

    /// Where the modules for this platform are, in a folder that `sources` starts from; nil where it is no unpacked bundle.
    public static func bundledModules(_ sourceBase: String) -> String? {
        guard case .file = FileKind(ManifestFile.join(sourceBase, BundleFile.mark)) else { return nil }
        return ManifestFile.join(sourceBase, "modules/\(BundlePlatform.current)")
    }

    /// The libraries that came with the bundle in whose folder the manifest is, for every platform.
    public var bundledLibraries: [BundlePacker.Library] {
        guard case .file = FileKind(ManifestFile.join(sourceBase, BundleFile.mark)) else { return [] }
        let folder = ManifestFile.join(sourceBase, "modules")
        let platforms = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return platforms.filter(BundlePlatform.isName).flatMap { platform in
            modules.compactMap { module in
                let path = ManifestFile.join(sourceBase, BundlePlatform.place(platform, module))
                guard case .file = FileKind(path) else { return nil }
                return BundlePacker.Library(platform: platform, module: module, path: path)
            }
        }
    }
}
