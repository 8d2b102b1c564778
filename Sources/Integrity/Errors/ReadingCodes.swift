// Codes of what zomes read, send and encrypt; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A direct message or a signal beyond its size limit.
    public static let messageTooLarge = Self(rawValue: "messageTooLarge")
    /// Encrypted bytes that do not open: altered, cut, or from or for somebody else.
    public static let decryptionFailed = Self(rawValue: "decryptionFailed")
}
