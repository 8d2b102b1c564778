/// The kinds of faults a manifest can have. The raw values are stable: tools match on them, docs/manifests.md explains
/// each with an example.
public enum DiagnosticCode: String, Hashable, Sendable, CaseIterable, Codable {
    // The file as such.
    /// There is no file at the path.
    case fileMissing
    /// The file is there and cannot be read.
    case fileUnreadable
    /// What stands at the path is a folder or a device.
    case notAFile
    /// The file is a manifest of another kind.
    case wrongKind
    /// The file is larger than a manifest may be.
    case fileTooLarge
    /// The bytes are not UTF-8 text.
    case notUTF8
    /// The bundle cannot be read, or is not what it says of itself.
    case badBundle
    /// The text begins with a byte order mark.
    case byteOrderMark

    // YAML.
    /// The text is not YAML, or holds more than one document.
    case yamlSyntax
    /// Anchors and aliases are not read: they make small files expand without end.
    case yamlAlias
    /// Explicit tags other than `!!str` are not read.
    case yamlTag
    /// Values nest deeper than a manifest needs.
    case tooDeep
    /// A key stands twice in one map.
    case duplicateKey
    /// A key is not a text.
    case keyNotText

    // Shape.
    /// The key is not known here.
    case unknownKey
    /// A key that must be there is not.
    case missingKey
    /// The value is of another type than the key takes.
    case wrongType
    /// The value is none of the words that the key takes.
    case unknownWord
    /// The number lies outside the range of the key.
    case outOfRange
    /// The text or the list is too long.
    case tooLong
    /// The manifest's version is not one that is read here.
    case unsupportedVersion

    // Names and references.
    /// The name has characters that names may not have, or is empty.
    case badName
    /// Two things of one kind bear one name.
    case duplicateName
    /// The end of a link names an entry type that is not declared.
    case unknownEntryType
    /// A type names an integrity zome that is not declared.
    case unknownZome
    /// There is no zome at all.
    case noZome
    /// The module is not a plain name.
    case badModule
    /// No folder that was searched holds the built module.
    case unknownModule
    /// The path leads outside its folder or is absolute.
    case badPath

    // Declarative rules.
    /// A rule that makes no sense where it stands, or beside another.
    case badRule
    /// A range whose lower end lies above its upper end.
    case emptyRange
    /// A rule asks for an author, and entries may be published without one.
    case rulesNeedAuthor

    // What is promised but not there yet.
    /// Publishing other than signed is not supported yet.
    case publishingUnsupported

    // A validator's sources.
    /// The sources are not there, not a folder, or hold no Swift file.
    case sourcesMissing
    /// The sources hold too many or too large files.
    case sourcesTooLarge
    /// The sources hold a symbolic link or something that is neither file nor folder.
    case symbolicLink
    /// A validator's source imports something else than HDK.
    case forbiddenImport
    /// A validator's folder holds a source of another language.
    case foreignSource
    /// The text is not a digest of sources.
    case badDigest
    /// The sources have another digest than the one pinned.
    case digestMismatch

    // The built module against the manifest.
    /// The built module cannot be loaded, or does not say what it is.
    case moduleUnreadable
    /// A validator stands where a coordinator belongs, or the reverse.
    case moduleWrongKind
    /// The module calls its zome otherwise than the manifest.
    case moduleNameDiffers
    /// The manifest declares a function that the module does not have.
    case functionMissing
    /// The module has a function that the manifest does not declare: nobody can call it.
    case functionUndeclared
    /// The manifest declares a callback that the module does not have.
    case callbackMissing
    /// The module has a callback that the manifest does not declare: it is never called.
    case callbackUndeclared
    /// The module judges a type that the manifest does not give to it: the rule is never asked.
    case validatesUnknownType
    /// Nothing judges what is written of a type.
    case typeUnvalidated

    // What is allowed and seldom meant.
    /// The network seed is empty: whoever has the file finds the network.
    case publicSpace
    /// This version cannot hold messages to the floor.
    case floorUnmet
    /// Everyone may call a function that writes.
    case publicFunctionWrites
    /// Everyone may call a function that writes, to judge by its name.
    case publicFunctionName
    /// No source of a zome names the type.
    case unusedType
    /// The sources of a zome name a type that the DNA does not have.
    case undeclaredType

    // hApps.
    /// There is no role.
    case noRole
    /// Two roles are one and the same DNA.
    case duplicateDna
    /// The DNA file of a role is not there.
    case dnaMissing
    /// The text is not a DNA hash.
    case badHash
    /// The DNA has another hash than the one pinned.
    case installedHashMismatch
    /// A bridge names a role that the hApp does not have.
    case unknownRole
    /// Bridges lead back to where they start.
    case bridgeCycle
    /// Nothing can be called in the role.
    case unreachableRole
    /// Cells may wait for a membrane proof that no DNA asks for.
    case proofUnasked
}
