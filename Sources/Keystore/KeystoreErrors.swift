public import Integrity

extension PlasmidError.Code {
    /// The keystore file is cut short or altered.
    public static let keystoreDamaged = PlasmidError.Code(rawValue: "keystoreDamaged")
    /// The keystore file was written by a later version.
    public static let keystoreNewer = PlasmidError.Code(rawValue: "keystoreNewer")
    /// There is no keystore file.
    public static let keystoreMissing = PlasmidError.Code(rawValue: "keystoreMissing")
    /// The keystore file was changed by another program since it was read.
    public static let keystoreChanged = PlasmidError.Code(rawValue: "keystoreChanged")
    /// The keystore file cannot be read or written.
    public static let keystoreUnusable = PlasmidError.Code(rawValue: "keystoreUnusable")
    /// There is not enough memory for the passphrase's cost.
    public static let keystoreCost = PlasmidError.Code(rawValue: "keystoreCost")
    /// There is a key with that tag already.
    public static let keyTagTaken = PlasmidError.Code(rawValue: "keyTagTaken")
    /// The tag is empty, too long or has characters that tags may not have.
    public static let badKeyTag = PlasmidError.Code(rawValue: "badKeyTag")
    /// The keystore holds as many keys as it may.
    public static let keystoreFull = PlasmidError.Code(rawValue: "keystoreFull")
    /// The sealed bytes were not sealed by that key in that context, or were altered.
    public static let sealBroken = PlasmidError.Code(rawValue: "sealBroken")
    /// The passphrase is empty, too long or cannot be had from its source.
    public static let passphraseUnusable = PlasmidError.Code(rawValue: "passphraseUnusable")
}

/// One function per fault, so that each sentence stands once.
enum KeystoreFault {
    static func damaged(_ path: String, _ why: String) -> PlasmidError {
        PlasmidError(
            .keystoreDamaged, "the keystore \(path) is damaged: \(why)",
            hint: "restore it from a backup; nothing was changed")
    }

    static func wrongPassphrase(_ path: String) -> PlasmidError {
        PlasmidError(.wrongPassphrase, "the passphrase does not open the keystore \(path)", hint: "try again")
    }

    static func missing(_ path: String) -> PlasmidError {
        PlasmidError(.keystoreMissing, "there is no keystore at \(path)", hint: "make one with: plasmid keys init")
    }

    static func exists(_ path: String) -> PlasmidError {
        PlasmidError(
            .keystoreExists, "there is a file at \(path) already",
            hint: "a keystore is never overwritten; move the file away first")
    }

    static func locked(_ path: String) -> PlasmidError {
        PlasmidError(
            .keystoreLocked, "another program is writing the keystore \(path) right now",
            hint: "try again; nothing was written")
    }

    static func newer(_ path: String, version: UInt16) -> PlasmidError {
        PlasmidError(
            .keystoreNewer, "the keystore \(path) has version \(version), this program reads version 1",
            hint: "use the later program that wrote it")
    }

    static func system(_ path: String, _ action: String, _ number: Int32) -> PlasmidError {
        PlasmidError(
            .keystoreUnusable, "the keystore \(path) cannot be \(action)",
            hint: "check the folder's owner, mode and free space", cause: SystemError.text(number))
    }

    static func notFound(_ what: String) -> PlasmidError {
        PlasmidError(.keyNotFound, "the keystore holds no key of \(what)")
    }
}
