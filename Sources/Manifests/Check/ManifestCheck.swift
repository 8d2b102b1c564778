public import Integrity

/// Everything that can be said about a manifest: faults of the file, differences from the built modules, and what is
/// seldom meant. What `plasmid dna check` and `plasmid happ check` show.
public enum ManifestCheck {
    /// Asks the built modules what they are.
    ///
    /// Gets each module's name with the manifest's source folder, each once.
    public typealias Describe = (_ modules: [String], _ sourceBase: String) -> BuiltModules

    /// What checking a DNA found; the manifest is nil where an error of the file refuses it.
    /// - Parameter text: what to read instead of the file's content.
    public static func dna(
        at path: String, text: String? = nil, describe: Describe? = nil
    ) -> (manifest: DnaManifest?, diagnostics: [Diagnostic]) {
        dna(ManifestReader.dna(at: path, text: text), describe)
    }

    /// What checking the DNA of a bundle found.
    /// - Throws: `bundleMismatch` where the bundle says otherwise than its manifest.
    public static func dna(
        in bundle: UnpackedBundle, describe: Describe? = nil
    ) throws(PlasmidError) -> (manifest: DnaManifest?, diagnostics: [Diagnostic]) {
        dna(try bundle.dna(), describe)
    }

    private static func dna(
        _ read: (manifest: DnaManifest?, diagnostics: [Diagnostic]), _ describe: Describe?
    ) -> (manifest: DnaManifest?, diagnostics: [Diagnostic]) {
        let (manifest, diagnostics) = read
        guard let manifest else { return (nil, diagnostics) }
        let modules = describe?(manifest.modules, manifest.sourceBase) ?? BuiltModules()
        return (manifest, (diagnostics + more(manifest, modules)).sorted())
    }

    /// What checking a hApp and the DNA of each of its roles found; the hApp is nil where an error of a file refuses it.
    /// - Parameter text: what to read instead of the file's content.
    public static func happ(
        at path: String, text: String? = nil, describe: Describe? = nil
    ) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        happ(ManifestReader.happ(at: path, text: text), describe)
    }

    /// What checking the hApp of a bundle found.
    /// - Throws: `bundleMismatch` where the bundle says otherwise than its manifests.
    public static func happ(
        in bundle: UnpackedBundle, describe: Describe? = nil
    ) throws(PlasmidError) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        happ(try bundle.happ(), describe)
    }

    private static func happ(
        _ read: (happ: LoadedHapp?, diagnostics: [Diagnostic]), _ describe: Describe?
    ) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        let (happ, faults) = read
        guard let happ else { return (nil, faults) }
        var diagnostics = faults
        var all = BuiltModules()
        let manifests = Dictionary(grouping: happ.roles, by: \.manifest.path).sorted { $0.key < $1.key }
        for (_, roles) in manifests {
            let manifest = roles[0].manifest
            let modules = describe?(manifest.modules, manifest.sourceBase) ?? BuiltModules()
            all.found.merge(modules.found) { first, _ in first }
            // A role's own seed makes its space private, whatever the DNA file says.
            let isSeeded = roles.allSatisfy { !$0.definition.integrity.networkSeed.isEmpty }
            diagnostics += more(manifest, modules).filter { !($0.code == .publicSpace && isSeeded) }
        }
        return (happ, (diagnostics + HappLint.happ(happ, modules: all)).sorted())
    }

    private static func more(_ manifest: DnaManifest, _ modules: BuiltModules) -> [Diagnostic] {
        ModuleComparison.diagnostics(manifest, modules) + Lint.dna(manifest)
    }
}
