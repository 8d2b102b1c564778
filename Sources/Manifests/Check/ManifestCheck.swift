import Integrity

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
        let (manifest, diagnostics) = ManifestReader.dna(at: path, text: text)
        guard let manifest else { return (nil, diagnostics) }
        let modules = describe?(manifest.modules, manifest.sourceBase) ?? BuiltModules()
        return (manifest, (diagnostics + more(manifest, modules)).sorted())
    }

    /// What checking a hApp and the DNA of each of its roles found; the hApp is nil where an error of a file refuses it.
    /// - Parameter text: what to read instead of the file's content.
    public static func happ(
        at path: String, text: String? = nil, describe: Describe? = nil
    ) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        let (happ, faults) = ManifestReader.happ(at: path, text: text)
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
