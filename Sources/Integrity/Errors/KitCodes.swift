// What can go wrong while an app is being developed; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A package was to be made in a folder that is there already.
    public static let folderExists = Self(rawValue: "folderExists")
    /// git could not clone the checkout of Plasmid that a package was to be built with.
    public static let cloneFailed = Self(rawValue: "cloneFailed")
    /// The Swift compiler or the package manager found faults.
    public static let buildFailed = Self(rawValue: "buildFailed")
    /// A folder is no package of zome modules.
    public static let notAPackage = Self(rawValue: "notAPackage")
}
