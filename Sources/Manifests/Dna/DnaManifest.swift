public import Integrity

/// A DNA manifest that was read without a fault, its validators' sources hashed.
public struct DnaManifest: Sendable {
    /// The file, as its path was given.
    public let path: String
    private let unmodified: DnaDefinition

    init(path: String, definition: DnaDefinition) {
        self.path = path
        unmodified = definition
    }

    /// The name of the DNA; not hashed.
    public var name: String { unmodified.name }

    /// The definition, whose `hash()` is the DNA hash.
    /// - Parameter modifiers: each that is given replaces the manifest's field as a whole; nothing is merged.
    public func definition(_ modifiers: DnaModifiers = DnaModifiers()) -> DnaDefinition {
        unmodified.modified(by: modifiers)
    }

    /// The names of every module, integrity zomes first, in file order.
    public var modules: [String] { unmodified.integrity.zomes.map(\.module) + unmodified.coordinator.map(\.module) }

    /// What a locator cannot find, one fault for each module that is not built.
    public func diagnostics(missingIn locator: ModuleLocator) -> [Diagnostic] {
        modules.filter { locator.path(of: $0) == nil }.map { module in
            Diagnostic(
                file: path, line: 1, column: 1, code: .unknownModule, message: "the module \(module) is not built",
                hint: "searched for lib\(module).so in \(locator.folders.joined(separator: ", ")); swift build makes it"
            )
        }
    }
}
