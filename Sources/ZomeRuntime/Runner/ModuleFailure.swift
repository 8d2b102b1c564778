import Glibc
import Integrity
import NIOCore

/// How a process of modules ended, as the kernel tells it.
struct ChildExit: Equatable, Sendable {
    enum Status: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        case notStarted(errno: Int32)
    }

    var status: Status
    /// The most memory that it had, in bytes.
    var peakBytes = 0
    /// The end of what it wrote to its output.
    var lastWords = ""
}

/// Turns an end into words and a code.
struct ModuleFailure: Equatable {
    let code: PlasmidError.Code
    /// Completes "The module of zome 'z' …".
    let what: String
    /// All that is known of why, for the log.
    var cause: String?
    var hint: String?

    /// What an unexpected end means.
    static func explaining(_ exit: ChildExit, memoryBytes: Int) -> ModuleFailure {
        let words = exit.lastWords.isEmpty ? nil : exit.lastWords
        switch exit.status {
        case .notStarted(let number):
            return ModuleFailure(
                code: .startFailed, what: "could not be started: \(String(cString: strerror(number)))", cause: nil,
                hint: "Is plasmid-zome-host beside the plasmid program?")
        case .exited(let code):
            return ModuleFailure(
                code: .moduleTrapped, what: "ended its process by itself (exit code \(code))", cause: words,
                hint: ownFault)
        case .signalled(SIGSYS):
            return ModuleFailure(
                code: .moduleForbidden, what: "made a system call that the sandbox forbids, and was killed",
                cause: words,
                hint: "A module has no files, no network and no other processes; it asks the host.")
        case .signalled(SIGKILL):
            return outOfMemory("was killed from outside", memoryBytes, words)
        case .signalled(let signal) where nearLimit(exit, memoryBytes) || exit.lastWords.contains("allocate memory"):
            return outOfMemory("crashed (\(name(signal)))", memoryBytes, words)
        case .signalled(let signal):
            return ModuleFailure(code: .moduleTrapped, what: "trapped (\(name(signal)))", cause: words, hint: ownFault)
        }
    }

    /// A trap is the module's own: an index out of bounds, an overflow, a value that was not there.
    private static let ownFault =
        "Nothing of the call was written, and the next call starts the module anew. The cause in brackets is its last word; the "
        + "conductor's log has all that it said."

    private static func outOfMemory(_ how: String, _ limit: Int, _ words: String?) -> ModuleFailure {
        ModuleFailure(
            code: .moduleOutOfMemory, what: "\(how), probably for want of memory (its limit is \(limit >> 20) MiB)",
            cause: words)
    }

    private static func nearLimit(_ exit: ChildExit, _ memoryBytes: Int) -> Bool {
        exit.peakBytes >= memoryBytes / 4 * 3
    }

    private static func name(_ signal: Int32) -> String {
        switch signal {
        case SIGILL: "SIGILL"
        case SIGTRAP: "SIGTRAP"
        case SIGSEGV: "SIGSEGV"
        case SIGBUS: "SIGBUS"
        case SIGFPE: "SIGFPE"
        case SIGABRT: "SIGABRT"
        default: "signal \(signal)"
        }
    }

    /// The error of one call that was in flight.
    func error(zome: String, kind: InvocationKind, name: String) -> PlasmidError {
        PlasmidError(
            code, "The module of zome '\(zome)' \(what) while \(Self.label(kind, name)) ran.", hint: hint,
            cause: cause.flatMap(Self.headline))
    }

    /// Longest cause that a caller is shown, in characters.
    private static let headlineLength = 300

    /// The one line of a process's last words that says why it ended. What the Swift runtime says at a trap is followed by
    /// its stack, which helps only who mends the module: it stands in the log.
    static func headline(_ words: String) -> String? {
        let lines = words.split(separator: "\n").filter { line in line.contains { $0 != " " } }
        let said = lines.prefix { !$0.hasPrefix("Current stack trace") }
        let line = said.last { $0.contains("Fatal error") } ?? said.last ?? lines.last
        return line.map { $0.count > headlineLength ? String($0.prefix(headlineLength)) + "…" : String($0) }
    }

    /// The same error with one line of its cause.
    static func brief(_ error: PlasmidError) -> PlasmidError {
        PlasmidError(error.code, error.message, hint: error.hint, cause: error.cause.flatMap(headline))
    }

    /// Ended at its deadline.
    static func timedOut(_ allowed: TimeAmount) -> ModuleFailure {
        let milliseconds = allowed.nanoseconds / 1_000_000
        let bound = milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
        return ModuleFailure(
            code: .moduleTimedOut, what: "took longer than the \(bound) that it may and was ended",
            hint:
                "The time a call waits for the host does not count. The bound is the conductor's key zomes.call_timeout."
        )
    }

    /// The error of the module as a whole; its cause has all that is known.
    func error(zomes: [String]) -> PlasmidError {
        let list = zomes.map { "'\($0)'" }.joined(separator: ", ")
        return PlasmidError(code, "The module of zome \(list) \(what).", hint: hint, cause: cause)
    }

    /// How messages name a call.
    static func label(_ kind: InvocationKind, _ name: String) -> String {
        switch kind {
        case .function: "function '\(name)'"
        case .validate: "'validate'"
        case .receive: "'receive'"
        case .initialize: "'init'"
        case .genesisSelfCheck: "the genesis self-check"
        case .postCommit: "'post_commit'"
        case .scheduled: "scheduled function '\(name)'"
        }
    }
}
