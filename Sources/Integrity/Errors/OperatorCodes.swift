// Backups, dumps of chains and the running configuration; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A backup whose files are not what its manifest says.
    public static let backupDamaged = Self(rawValue: "backupDamaged")
    /// A folder that should be made and holds something already.
    public static let folderNotEmpty = Self(rawValue: "folderNotEmpty")
    /// A write to a cell that came out of a backup or dump, before the operator said that it may go on.
    public static let readOnlyAfterRestore = Self(rawValue: "readOnlyAfterRestore")
    /// A dump of a chain that was cut, altered, or never was one.
    public static let dumpInvalid = Self(rawValue: "dumpInvalid")
    /// A chain that is in storage already.
    public static let chainExists = Self(rawValue: "chainExists")
    /// A chain was brought back only in part.
    public static let restoreUnfinished = Self(rawValue: "restoreUnfinished")
}
