import Integrity

/// Why a call, or something that the host was asked to do, failed.
///
/// Thrown out of a function, it reaches the caller as it is: the code for programs, the message for people. Errors that
/// the host answers are of this type as well.
public struct ZomeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable word that programs may compare. The set is open: an app names its own. Those of the conductor are the
    /// static members, listed in docs/errors.md.
    public typealias Code = PlasmidError.Code

    /// The word for programs.
    public let code: Code
    /// A sentence for people.
    public let message: String

    /// An error with a code of the app's own choosing.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// An error with the code `internal` and this sentence.
    public init(_ message: String) {
        self.init(.internal, message)
    }

    /// `code: message`.
    public var description: String { "\(code): \(message)" }

    static let cancelled = ZomeError(.cancelled, "the call is over: it was cancelled, or has returned")

    /// What reaches the caller when a function throws `error`.
    init(thrown error: any Error) {
        switch error {
        case let error as ZomeError: self = error
        case let error as Invalid: self.init(.internal, error.reason)
        case let error as PlasmidError: self.init(Code(rawValue: error.code.rawValue), error.message)
        case is CancellationError: self = .cancelled
        default: self.init(.internal, String(describing: error))
        }
    }
}

/// A validator's verdict: what it was shown is against the rules of the app, for a reason that people can read.
public struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why, in a sentence for the author of what was refused.
    public let reason: String

    /// A verdict with its reason.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// The reason.
    public var description: String { reason }
}
