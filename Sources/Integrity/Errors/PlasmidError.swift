/// The one error type of Plasmid: a stable code for programs, a sentence for people, and a hint that says what to do.
///
/// The same four fields reach the command line, JSON-RPC (`error.data`), MessagePack answers and zomes. Never put payloads,
/// keys or tokens into the texts.
public struct PlasmidError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable name such as `entryTooLarge`; the set is open, the known ones are static members (see ErrorCodes.swift).
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
        /// The name as it appears in answers and in docs/errors.md.
        public let rawValue: String

        /// Any name is a code, known here or not.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A code written out in source.
        public init(stringLiteral value: StaticString) { rawValue = "\(value)" }

        /// The name.
        public var description: String { rawValue }
    }

    /// What went wrong, for programs.
    public let code: Code
    /// One sentence that names the object, for people.
    public let message: String
    /// What the reader can do about it, if anything is known.
    public let hint: String?
    /// The words of the error that led to this one, if there was one.
    public let cause: String?

    /// Makes an error; `message` is one sentence without the code.
    @inline(never)
    public init(_ code: Code, _ message: String, hint: String? = nil, cause: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// `code: message (cause)`, then the hint on the same line after a semicolon.
    public var description: String {
        var text = "\(code.rawValue): \(message)"
        if let cause { text += " (\(cause))" }
        if let hint { text += "; \(hint)" }
        return text
    }

    /// The same error, told as the consequence of a wider action.
    public func wrapped(_ code: Code, _ message: String, hint: String? = nil) -> PlasmidError {
        PlasmidError(code, message, hint: hint ?? self.hint, cause: "\(self.code.rawValue): \(self.message)")
    }
}
