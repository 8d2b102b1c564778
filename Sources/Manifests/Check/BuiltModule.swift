public import Integrity

/// What became of asking a built module what it is.
public enum BuiltModule: Sendable, Equatable {
    /// No folder that was searched holds it.
    case notBuilt(searched: [String])
    /// The library was found and refused: why, in a sentence, and what to do.
    case refused(path: String, reason: String, hint: String?)
    /// What the module says of itself.
    case described(ModuleDescription, path: String)

    var description: ModuleDescription? {
        if case .described(let description, _) = self { return description }
        return nil
    }
}

/// What the modules of manifests turned out to be, by their names.
public struct BuiltModules: Sendable {
    /// What each is. A module that was not looked for is not compared.
    public var found: [String: BuiltModule]
    /// Whether somebody said where the modules are: then a missing one is an error, else a note.
    public var areRequired: Bool

    /// What was found out.
    public init(found: [String: BuiltModule] = [:], areRequired: Bool = false) {
        self.found = found
        self.areRequired = areRequired
    }
}
