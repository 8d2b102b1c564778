public import Integrity

/// A hApp manifest that was read without a fault, with the DNA of each role.
public struct LoadedHapp: Sendable {
    /// The file, as its path was given.
    public let path: String
    /// The app.
    public let manifest: HappManifest
    /// The DNA of each role, in the order of `manifest.roles`. Two roles may share a file and differ in modifiers.
    public let dnas: [DnaManifest]
    /// Where its things stand in the file.
    let places: Places

    /// Each role with its DNA after the role's modifiers.
    public var roles: [(role: RoleDef, manifest: DnaManifest, definition: DnaDefinition)] {
        zip(manifest.roles, dnas).map { ($0, $1, $1.definition($0.modifiers)) }
    }
}
