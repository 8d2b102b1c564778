// Bundles of DNAs and hApps; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A bundle that was cut, altered, or never was one.
    public static let bundleInvalid = Self(rawValue: "bundleInvalid")
    /// A bundle, or what it holds, beyond the limits.
    public static let bundleTooLarge = Self(rawValue: "bundleTooLarge")
    /// A name in a bundle that would lead out of its folder, or through a link.
    public static let bundleUnsafe = Self(rawValue: "bundleUnsafe")
    /// A bundle whose content is not what it says of itself.
    public static let bundleMismatch = Self(rawValue: "bundleMismatch")
    /// A file that should be made and is there already.
    public static let fileExists = Self(rawValue: "fileExists")
    /// A file that cannot be read or written.
    public static let fileFailed = Self(rawValue: "fileFailed")
}
