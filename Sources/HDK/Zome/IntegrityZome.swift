import Integrity

/// An integrity zome: the rules by which every node judges what others publish.
///
/// ```swift
/// let rules = IntegrityZome("messenger_integrity") {
///     Validate(Note.self) { note, op in
///         guard !note.text.isEmpty else { throw Invalid("a note needs a text") }
///     }
///     ValidateLink("inbox") { link, op in … }
/// }
/// ```
/// A rule must come to the same verdict on every node and at any time: no clock, no randomness, no memory of earlier
/// calls, no order of a `Set` or `Dictionary`. To judge, it throws `Invalid` or returns; anything else it throws is no
/// verdict, and the operation waits.
public struct IntegrityZome: Sendable {
    /// The zome's name, as the DNA manifest has it.
    public let name: String
    let table: CallTable

    /// A zome of these rules. What no rule is about is valid.
    public init(_ name: String, @IntegrityZomeBuilder _ rules: () -> [ValidationRule]) {
        self.name = name
        let book = RuleBook(rules())
        var table = CallTable(zome: name)
        table.callbacks[.validate] = { call, payload in try await book.judge(payload, call) }
        var callbacks = ["validate"]
        if let check = book.genesis {
            table.callbacks[.genesisSelfCheck] = { call, payload in try await check(payload, call) }
            callbacks.append("genesis_self_check")
        }
        table.description =
            ModuleDescription(
                abi: zomeABI, hdk: hdkVersion, zome: name, kind: .integrity, callbacks: callbacks,
                validates: book.entryTypes, validatesLinks: book.linkTypes, validatesActivity: book.activity != nil
            ).packed
        self.table = table
    }
}

/// One rule of an integrity zome, as the builder collects it.
public struct ValidationRule: Sendable {
    enum Subject: Sendable {
        case entry(String, EntryRule)
        case delete(String, DeleteRule)
        case link(String, LinkRule)
        case activity(ActivityRule)
        case genesis(GenesisRule)
    }

    let subject: Subject
}

typealias EntryRule = @Sendable (_ bytes: [UInt8], _ op: EntryOp) async throws -> Void
typealias DeleteRule = @Sendable (_ op: DeleteOp) async throws -> Void
typealias LinkRule = @Sendable (_ link: ProposedLink, _ op: LinkOp) async throws -> Void
typealias ActivityRule = @Sendable (_ action: SignedAction, _ host: ValidationHost) async throws -> Void
typealias GenesisRule = @Sendable (_ payload: [UInt8], _ call: LiveCall) async throws -> [UInt8]

/// Collects the rules of an `IntegrityZome`.
@resultBuilder
public enum IntegrityZomeBuilder {
    /// A rule for entries.
    public static func buildExpression(_ rule: Validate) -> [ValidationRule] { [rule.rule] }
    /// A rule for deletions.
    public static func buildExpression(_ rule: ValidateDelete) -> [ValidationRule] { [rule.rule] }
    /// A rule for links.
    public static func buildExpression(_ rule: ValidateLink) -> [ValidationRule] { [rule.rule] }
    /// A rule for every action.
    public static func buildExpression(_ rule: ValidateActivity) -> [ValidationRule] { [rule.rule] }
    /// The check before anything is written.
    public static func buildExpression(_ rule: GenesisSelfCheck) -> [ValidationRule] { [rule.rule] }
    /// Rules that a function with this builder put together: a large zome in several files.
    public static func buildExpression(_ rules: [ValidationRule]) -> [ValidationRule] { rules }
    /// All of them.
    public static func buildBlock(_ rules: [ValidationRule]...) -> [ValidationRule] { rules.flatMap { $0 } }
    /// Rules made by a loop.
    public static func buildArray(_ rules: [[ValidationRule]]) -> [ValidationRule] { rules.flatMap { $0 } }
}

/// The rule for entries of one type, when they are created and when they replace another.
///
/// An entry whose bytes are not a `Value` is invalid before the rule sees it; the verdict names the field.
public struct Validate: Sendable {
    let rule: ValidationRule

    /// Judges a value: throws `Invalid`, or returns when the value is good.
    public init<Value: EntryValue>(
        _ type: Value.Type, _ body: @escaping @Sendable (_ value: Value, _ op: EntryOp) async throws -> Void
    ) {
        let name = Value.type.rawValue
        rule = ValidationRule(
            subject: .entry(name) { bytes, op in
                let value: Value
                do throws(ZomeError) {
                    value = try ValueCodec.input(Value.self, bytes)
                } catch {
                    throw Invalid("the entry is not a `\(name)`: \(error.message)")
                }
                try await body(value, op)
            })
    }
}

/// The rule for deletions of entries of one type.
public struct ValidateDelete: Sendable {
    let rule: ValidationRule

    /// Judges a deletion: throws `Invalid`, or returns when it is allowed.
    public init<Value: EntryValue>(
        _ type: Value.Type, _ body: @escaping @Sendable (_ op: DeleteOp) async throws -> Void
    ) {
        rule = ValidationRule(subject: .delete(Value.type.rawValue, body))
    }
}

/// The rule for links of one type, when they are made and when they are taken back.
public struct ValidateLink: Sendable {
    let rule: ValidationRule

    /// Judges a link or its deletion: throws `Invalid`, or returns when it is good.
    public init(
        _ type: LinkTypeName, _ body: @escaping @Sendable (_ link: ProposedLink, _ op: LinkOp) async throws -> Void
    ) {
        rule = ValidationRule(subject: .link(type.rawValue, body))
    }
}

/// The rule for every action of every chain, whatever its kind.
public struct ValidateActivity: Sendable {
    let rule: ValidationRule

    /// Judges an action: throws `Invalid`, or returns when it is good.
    public init(_ body: @escaping @Sendable (_ action: SignedAction, _ host: ValidationHost) async throws -> Void) {
        rule = ValidationRule(subject: .activity(body))
    }
}

/// The check of one's own membership, before the first action of a chain is written: it spares a newcomer a chain that
/// nobody would accept. It sees no network.
public struct GenesisSelfCheck: Sendable {
    let rule: ValidationRule

    /// Judges the proof (the bytes that the installation was given, or nil) for the agent who would join.
    public init(
        _ body: @escaping @Sendable (_ proof: [UInt8]?, _ agent: AgentKey, _ host: GenesisHost) async throws -> Void
    ) {
        rule = ValidationRule(
            subject: .genesis { payload, call in
                let input = try ValueCodec.packed(GenesisCheckInput.self, payload)
                do {
                    try await body(input.membraneProof, input.agentKey, GenesisHost(call))
                    return ValidateOutcome.valid.packed
                } catch let error as Invalid {
                    return ValidateOutcome.invalid(error.reason).packed
                }
            })
    }
}
