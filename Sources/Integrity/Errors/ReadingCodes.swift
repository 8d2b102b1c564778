// Codes of the operations that read, and of what agents encrypt; docs/errors.md explains each.

extension PlasmidError.Code {
    /// Encrypted bytes that do not open: altered, cut, or from or for somebody else.
    public static let decryptionFailed = Self(rawValue: "decryptionFailed")
}
