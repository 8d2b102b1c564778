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

    /// The path of the module's library.
    /// - Throws: `moduleRefused`, naming the zome, the module and the folders that were searched.
    public func locate(_ module: String, zome: String) throws(PlasmidError) -> String {
        if let path = path(of: module) { return path }
        throw PlasmidError(
            .moduleRefused, "the module \(module) of zome \"\(zome)\" is not built",
            hint:
                "searched for lib\(module).so in \(folders.joined(separator: ", ")); build it with swift build, or name its "
                + "folder with --modules (of plasmid run, for an installation)")
    }
}
