public import Integrity

/// A DNA manifest that was read without a fault, its validators' sources hashed.
public struct DnaManifest: Sendable {
    /// The file, as its path was given.
    public let path: String
    private let unmodified: DnaDefinition
    /// Where its things stand in the file.
    let places: Places
    /// The folder that `sources` starts from.
    let sourceBase: String

    init(path: String, definition: DnaDefinition, places: Places = Places(), sourceBase: String = ".") {
        self.path = path
        unmodified = definition
        self.places = places
        self.sourceBase = sourceBase
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
}
