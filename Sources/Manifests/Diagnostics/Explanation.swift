/// What a code means, for a person who has met it: `plasmid dna check --explain CODE`.
public struct Explanation: Sendable, Equatable {
    /// What is wrong, and why it matters.
    public let cause: String
    /// A few lines that have the fault.
    public let example: String
    /// How to mend it.
    public let mend: String

    init(_ cause: String, example: String, mend: String) {
        self.cause = cause
        self.example = example
        self.mend = mend
    }
}

extension DiagnosticCode {
    /// What the code means. The one table behind `--explain` and the rules of SARIF.
    public var explanation: Explanation {
        // A test holds that every code has one.
        Self.table[self] ?? Explanation("there is no explanation", example: "", mend: "see docs/manifests.md")
    }

    static let table: [DiagnosticCode: Explanation] =
        [fileTable, yamlTable, shapeTable, nameTable, ruleTable, sourceTable, moduleTable, meaningTable, happTable]
        .reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}
