import Integrity

/// The runtime's own error codes beside those of Integrity.
extension PlasmidError.Code {
    /// There is no file where the module should be.
    public static let moduleMissing = Self(rawValue: "moduleMissing")
    /// The file is not a library, or not one that exports a zome module.
    public static let notAModule = Self(rawValue: "notAModule")
    /// The module speaks another ABI number.
    public static let moduleABI = Self(rawValue: "moduleABI")
    /// The module does not describe itself, or lacks what the manifest lists.
    public static let moduleDescribe = Self(rawValue: "moduleDescribe")
    /// The module did something that the sandbox forbids and was killed for it.
    public static let moduleForbidden = Self(rawValue: "moduleForbidden")
    /// Another call of the same process was at fault; this one may be tried again.
    public static let moduleRestarted = Self(rawValue: "moduleRestarted")
    /// The runner was stopped.
    public static let moduleStopped = Self(rawValue: "moduleStopped")
}
