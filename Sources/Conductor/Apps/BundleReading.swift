import Integrity
import Manifests

/// Manifests as installations name them: a file, or a bundle, which is unpacked below the data folder while it is read.
enum BundleReading {
    /// The hApp at a path.
    /// - Returns: with the bundle, which has to live until its modules were copied
    /// - Throws: what is wrong with the manifest or the bundle.
    static func happ(_ path: String, _ store: ModuleStore) throws(PlasmidError) -> (LoadedHapp, UnpackedBundle?) {
        let bundle = BundleFile.isBundle(path) ? try UnpackedBundle(path, in: store.dataFolder) : nil
        try expect(.happ, bundle, path)
        let reading = try bundle?.happ() ?? ManifestReader.happ(at: path)
        guard let happ = reading.happ else { throw ManifestReader.error(path, reading.diagnostics, kind: "happ") }
        return (happ, bundle)
    }

    /// The DNA at a path.
    /// - Throws: what is wrong with the manifest or the bundle.
    static func dna(_ path: String, _ store: ModuleStore) throws(PlasmidError) -> (DnaManifest, UnpackedBundle?) {
        let bundle = BundleFile.isBundle(path) ? try UnpackedBundle(path, in: store.dataFolder) : nil
        try expect(.dna, bundle, path)
        let reading = try bundle?.dna() ?? ManifestReader.dna(at: path)
        guard let manifest = reading.manifest else { throw ManifestReader.error(path, reading.diagnostics) }
        return (manifest, bundle)
    }

    private static func expect(
        _ kind: ManifestKind, _ bundle: UnpackedBundle?, _ path: String
    ) throws(PlasmidError) {
        guard let found = bundle?.bundle.kind, found != kind else { return }
        throw PlasmidError(
            .manifestInvalid, "\(path) is the bundle of \(found.title), \(kind.title) belongs there",
            hint: "plasmid \(found.rawValue) unpack \(path) shows what is in it")
    }

    /// Where a DNA's modules are looked for: in its bundle first.
    static func locator(_ manifest: DnaManifest, _ locator: ModuleLocator) -> ModuleLocator {
        guard let own = manifest.bundledModules else { return locator }
        return ModuleLocator(folders: [own] + locator.folders)
    }
}
