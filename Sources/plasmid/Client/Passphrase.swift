import Integrity
import Keystore

/// Passphrases as people type them: sometimes wrong.
enum Passphrase {
    /// How often one may be typed.
    static let attempts = 3

    /// Does what needs a passphrase; what was mistyped on a terminal may be typed again, while a descriptor or a credential
    /// would say the same each time.
    static func asking<Value: ~Copyable>(
        _ source: PassphraseSource, note: (String) -> Void = Output.note, _ work: () throws -> Value
    ) throws -> Value {
        for _ in 1..<attempts where source == .prompt {
            do {
                return try work()
            } catch let error as PlasmidError where isMistyped(error) {
                note("\(error.message); try again")
            }
        }
        return try work()
    }

    private static func isMistyped(_ error: PlasmidError) -> Bool {
        error.code == .wrongPassphrase || error == PassphraseSource.differing
    }
}
