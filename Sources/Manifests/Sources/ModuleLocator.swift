import Foundation
import Integrity

/// Finds the built library of a zome module, `lib<Module>.so`, in a list of folders.
public struct ModuleLocator: Sendable {
    /// The folders, searched in this order.
    public let folders: [String]

    /// A locator over the folders, first match wins.
    public init(folders: [String]) {
        self.folders = folders
    }

    /// The path of the module's library, or nil when no folder holds it. A name that is no plain module name is never
    /// looked for.
    public func path(of module: String) -> String? {
        guard Spelling.isIdentifier(module) else { return nil }
        return folders.lazy.map { $0 + "/lib\(module).so" }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The built module whose name is close to one that no folder holds.
    /// - Parameter others: modules that are meant as they are written, and so are none of the guesses.
    public func nearest(to module: String, except others: [String] = []) -> String? {
        let files = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        let built = files.filter { $0.hasPrefix("lib") && $0.hasSuffix(".so") }.map {
            String($0.dropFirst(3).dropLast(3))
        }
        return Spelling.nearest(to: module, among: Array(Set(built).subtracting(others)).sorted())
    }

    /// The path of the module's library.
    /// - Throws: `moduleRefused`, naming the zome, the module and the folders that were searched.
    public func locate(_ module: String, zome: String) throws(PlasmidError) -> String {
        if let path = path(of: module) { return path }
        throw PlasmidError(
            .moduleRefused, "the module \(module) of zome \"\(zome)\" is not built",
            hint: (nearest(to: module).map { "did you mean \($0)? " } ?? "")
                + "searched for lib\(module).so in \(folders.joined(separator: ", ")); build it with swift build, or name its "
                + "folder with --modules (of plasmid run, for an installation)")
    }
}
