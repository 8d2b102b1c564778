/// Gathers the faults of one file while it is read.
struct Report: Sendable {
    /// The file as its path was given.
    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    /// Where things stand that a later check may speak of.
    var places = Places()

    /// No file can make a listing longer than this.
    static let maxDiagnostics = 1_000

    init(file: String) {
        self.file = file
    }

    /// One fault at a place of this file.
    mutating func add(
        _ code: DiagnosticCode, _ place: Position, _ message: String, hint: String? = nil,
        severity: Diagnostic.Severity = .error
    ) {
        add(
            Diagnostic(
                file: file, line: place.line, column: place.column, severity: severity, code: code, message: message,
                hint: hint))
    }

    /// A fault of another file that belongs to this one, for example of a validator's source.
    mutating func add(_ diagnostic: Diagnostic) {
        guard diagnostics.count < Self.maxDiagnostics else { return }
        diagnostics.append(diagnostic)
    }

    /// Whether any fault refuses the file.
    var hasErrors: Bool { diagnostics.hasErrors }

    /// The faults in order of place, each once.
    var sorted: [Diagnostic] { Array(Set(diagnostics)).sorted() }
}
