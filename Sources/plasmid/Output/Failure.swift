import ArgumentParser
import ConductorAPI
import Foundation
import Integrity

/// A failure with the exit status it ends the command with.
struct Failure: Error {
    /// What the statuses mean to a script.
    enum Status: Int32 {
        /// The thing asked about is wrong: a faulty manifest, a refused call.
        case wrong = 1
        /// The command line does not say what to do.
        case usage = 2
        /// The conductor cannot be reached or started.
        case unreachable = 3
    }

    let status: Status
    let error: PlasmidError?

    /// A failure that was told already, as a list of diagnostics is.
    static let told = Failure(status: .wrong, error: nil)

    init(status: Status, error: PlasmidError?) {
        self.status = status
        self.error = error
    }

    init(_ error: PlasmidError) {
        self.init(status: Failure.status(of: error.code), error: error)
    }

    static func usage(_ message: String, hint: String? = nil) -> Failure {
        Failure(status: .usage, error: PlasmidError(.usage, message, hint: hint))
    }

    /// Codes that mean that there is no conductor to ask, or that none can start.
    private static let unreachable: Set<PlasmidError.Code> = [
        .conductorUnreachable, .connectionLost, .badAnswer, .unauthorized, "tokenMissing", "tokenWrong", .addressInUse,
        .startFailed, .storageInUse, .storageVersion, .configInvalid, .wrongPassphrase, .keystoreLocked,
        "keystoreMissing", "passphraseUnusable",
    ]

    static func status(of code: PlasmidError.Code) -> Status {
        if code == .usage { return .usage }
        return unreachable.contains(code) ? .unreachable : .wrong
    }

    /// The two lines that standard error gets: `error[code]: sentence` and `hint: what to do`.
    static func lines(_ error: PlasmidError) -> String {
        var text = "error[\(error.code.rawValue)]: \(Words.harmless(error.message, keepingLines: true))"
        if let cause = error.cause { text += " (\(Words.oneLine(cause)))" }
        if let hint = error.hint { text += "\nhint: \(Words.harmless(hint, keepingLines: true))" }
        return text + "\n"
    }

    /// Tells standard error what happened and gives the status to exit with. Help and version go to standard output.
    static func tell(_ error: any Error) -> Int32 {
        switch error {
        case let failure as Failure:
            if let error = failure.error { write(lines(error), to: .standardError) }
            return failure.status.rawValue
        case let error as PlasmidError:
            return tell(Failure(error))
        default:
            let code = Plasmid.exitCode(for: error)
            let text = Plasmid.fullMessage(for: error)
            if code.isSuccess {
                write(text.hasSuffix("\n") ? text : text + "\n", to: .standardOutput)
                return 0
            }
            if code != .validationFailure { return tell(unexpected(error)) }
            let unknown = UnknownCommand.find(in: Array(CommandLine.arguments.dropFirst()))
            write(unknown.map(lines) ?? usageLines(text), to: .standardError)
            return Status.usage.rawValue
        }
    }

    private static func unexpected(_ error: any Error) -> Failure {
        Failure(PlasmidError(.internal, "the command failed: \(error)"))
    }

    /// What the parser says, in the form of every other error.
    static func usageLines(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let first = lines.first, first.hasPrefix("Error: ") {
            lines[0] = "error[usage]: " + first.dropFirst("Error: ".count)
        }
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func write(_ text: String, to handle: FileHandle) {
        // Whoever closed the pipe does not want to know.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
