import Integrity

/// Why something was refused: a stable code (docs/errors.md) and words for people; for what a zome function throws, its
/// `ZomeError`.
public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code, for example `validationFailed`, `badInput`, `capabilityMissing`, or the app's own.
    public let code: String
    /// The words.
    public let message: String

    /// A refusal of its parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Code and words.
    public var description: String { "\(code): \(message)" }

    static func down(_ name: String) -> Refusal {
        Refusal(code: "connectionLost", message: "the conductor `\(name)` is down")
    }
}

extension MessagePackValue {
    /// The text, if it is one.
    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The whole number, if it is one.
    public var number: Int64? {
        switch self {
        case .int(let number): number
        case .uint(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// The elements of a list; none for anything else.
    public var items: [MessagePackValue] {
        if case .array(let items) = self { return items }
        return []
    }
}
