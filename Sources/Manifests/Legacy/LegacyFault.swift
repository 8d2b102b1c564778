/// One thing about a configuration of 2019 that is wrong, or that is not taken over.
public struct LegacyFault: Hashable, Sendable {
    /// What kind of fault it is.
    public enum Kind: String, Hashable, Sendable {
        /// The text is no TOML.
        case syntax
        /// A key that 2019 did not have, or that has no meaning here.
        case unknownKey
        /// A key that must be there is not.
        case missingKey
        /// A value of another type than the key takes.
        case wrongType
        /// A value that is none of the words that the key takes.
        case unknownWord
        /// A number beyond its range.
        case outOfRange
        /// An id, or a path, that stands twice.
        case duplicateName
        /// A reference to something that is not there.
        case unknownName
    }

    /// The file as its path was given.
    public let file: String
    /// Line, counted from 1.
    public let line: Int
    /// What kind of fault it is.
    public let kind: Kind
    /// Whether the configuration can be used nevertheless.
    public let isWarning: Bool
    /// A sentence that names the object.
    public let message: String
    /// What to do, where there is something sensible to say.
    public let hint: String?

    /// The fault as text: `file:line: error: message [kind]`, and a second line for the hint.
    public var text: String {
        let first = "\(file):\(line): \(isWarning ? "warning" : "error"): \(message) [\(kind.rawValue)]"
        guard let hint else { return first }
        return first + "\n    hint: \(hint)"
    }
}

/// Gathers the faults of one file.
struct LegacyReport {
    let file: String
    private var faults: [LegacyFault] = []

    init(file: String) { self.file = file }

    mutating func add(
        _ kind: LegacyFault.Kind, _ line: Int, _ message: String, hint: String? = nil, isWarning: Bool = false
    ) {
        // No file can make a listing longer than this.
        guard faults.count < 1_000 else { return }
        faults.append(
            LegacyFault(file: file, line: line, kind: kind, isWarning: isWarning, message: message, hint: hint))
    }

    var hasErrors: Bool { faults.contains { !$0.isWarning } }

    var sorted: [LegacyFault] { faults.sorted { ($0.line, $0.message) < ($1.line, $1.message) } }
}
