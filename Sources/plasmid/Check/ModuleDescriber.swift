import Foundation
import Integrity
import Manifests
import ZomeRuntime

/// Finds the built modules of manifests and asks each what it is, in a sandboxed process; each library once.
final class ModuleDescriber {
    /// Folders of the command line; empty when none was given.
    private let given: [String]
    private let executable: String
    private var known: [String: BuiltModule] = [:]

    init(given: [String], programs: String = RunSettings.programFolder()) {
        self.given = given
        executable = programs + "/plasmid-zome-host"
    }

    /// Where a package's modules are looked for, in this order.
    func folders(_ sourceBase: String) -> [String] {
        guard given.isEmpty else { return given }
        let programs = URL(fileURLWithPath: executable).deletingLastPathComponent().path
        let base = DataFolder.absolute(sourceBase)
        // Modules that came with a bundle are what would run.
        let bundled = DnaManifest.bundledModules(base).map { [$0] } ?? []
        return bundled + [base + "/.build/debug", base + "/.build/release", programs]
    }

    /// The libraries that are there, by their modules.
    func libraries(_ modules: [String], _ sourceBase: String) -> [String: String] {
        let locator = ModuleLocator(folders: folders(sourceBase))
        return Dictionary(modules.map { ($0, locator.path(of: $0)) }) { first, _ in first }.compactMapValues { $0 }
    }

    /// Every path at which a module of a manifest may come to be, to be watched.
    func places(of modules: [String], _ manifest: String) -> [String] {
        let base = ManifestReader.sourceBase(of: manifest)
        return folders(base).flatMap { folder in modules.map { "\(folder)/lib\($0).so" } }
    }

    func describe(_ modules: [String], _ sourceBase: String) -> BuiltModules {
        let libraries = libraries(modules, sourceBase)
        let new = libraries.filter { known[$0.value] == nil }.sorted { $0.key < $1.key }
        let answers = ModuleProbe.describe(new.map { (zome: $0.key, path: $0.value) }, executable: executable)
        for ((_, path), answer) in zip(new, answers) {
            switch answer {
            case .success(let description): known[path] = .described(description, path: path)
            case .failure(let error):
                known[path] = .refused(
                    path: path, reason: Words.harmless(error.message),
                    hint: error.hint.map { Words.harmless($0) } ?? "the library is \(path)")
            }
        }
        var result = BuiltModules(areRequired: !given.isEmpty)
        for module in modules {
            result.found[module] = libraries[module].flatMap { known[$0] } ?? .notBuilt(searched: folders(sourceBase))
        }
        return result
    }
}
