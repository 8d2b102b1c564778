/// One fault of a file that a person wrote: where it is, what is wrong and what to do about it.
///
/// A reader never stops at the first fault: it returns every one it finds, sorted by place.
public struct Diagnostic: Hashable, Sendable {
    /// How bad it is: an error refuses the file, a warning does not, a note is only worth knowing.
    public enum Severity: String, Hashable, Sendable, Codable {
        /// The file is refused.
        case error
        /// The file is accepted, but hardly meant so. `--strict` refuses it.
        case warning
        /// The file is accepted; nothing need be done.
        case note
    }

    /// The file as its path was given to the reader.
    public let file: String
    /// Line, counted from 1. A fault of a whole file stands at 1.
    public let line: Int
    /// Column, counted from 1 in Unicode scalars.
    public let column: Int
    /// Whether the file is refused for it.
    public let severity: Severity
    /// What kind of fault it is; stable, documented in docs/manifests.md.
    public let code: DiagnosticCode
    /// A sentence that names the object.
    public let message: String
    /// What to do, where there is something sensible to say.
    public let hint: String?

    /// A diagnostic of its parts.
    public init(
        file: String, line: Int, column: Int, severity: Severity = .error, code: DiagnosticCode, message: String,
        hint: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.severity = severity
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The same diagnostic, taken more or less seriously.
    public func with(severity: Severity) -> Diagnostic {
        Diagnostic(
            file: file, line: line, column: column, severity: severity, code: code, message: message, hint: hint)
    }

    /// The diagnostic as text: `file:line:column: error: message [code]`, and a second line for the hint.
    public var text: String {
        let first = "\(file):\(line):\(column): \(severity.rawValue): \(message) [\(code.rawValue)]"
        guard let hint else { return first }
        return first + "\n    hint: \(hint)"
    }

    /// The diagnostic as one line of JSON with the keys file, line, column, severity, code, message and hint (which
    /// is left out where there is none), in this order.
    public var json: String {
        var fields = [
            "\"file\":\(JSONLine.quoted(file))", "\"line\":\(line)", "\"column\":\(column)",
            "\"severity\":\"\(severity.rawValue)\"", "\"code\":\"\(code.rawValue)\"",
            "\"message\":\(JSONLine.quoted(message))",
        ]
        if let hint { fields.append("\"hint\":\(JSONLine.quoted(hint))") }
        return "{" + fields.joined(separator: ",") + "}"
    }
}

extension Diagnostic: Comparable {
    /// Order of place: file, line, column, then code and message, so that a listing is the same on every run.
    public static func < (left: Diagnostic, right: Diagnostic) -> Bool {
        (left.file, left.line, left.column, left.code.rawValue, left.message)
            < (right.file, right.line, right.column, right.code.rawValue, right.message)
    }
}

extension Sequence where Element == Diagnostic {
    /// Whether any of them refuses the file.
    public var hasErrors: Bool { contains { $0.severity == .error } }

    /// The same list with every warning turned into an error, as `--strict` wants it.
    public var strict: [Diagnostic] { map { $0.severity == .warning ? $0.with(severity: .error) : $0 } }

    /// All diagnostics as text, one or two lines each, without a newline at the end.
    public var text: String { map(\.text).joined(separator: "\n") }

    /// All diagnostics as JSON lines, without a newline at the end.
    public var jsonLines: String { map(\.json).joined(separator: "\n") }
}

/// Just enough of JSON to write a text value.
enum JSONLine {
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let hex = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
