import Integrity

/// What a check comes to.
public enum Verdict: Hashable, Sendable {
    /// No rule is broken.
    case valid
    /// A rule is broken; no further data changes that.
    case rejected(RuleViolation)
    /// No rule is broken as far as can be told; these are needed to tell.
    case missing([AnyDhtHash])
}

/// A broken rule of docs/spec/validation.md.
public struct RuleViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule's number in docs/spec/validation.md.
    public let rule: Int
    /// A stable code for programs.
    public let code: PlasmidError.Code
    /// One sentence for people.
    public let message: String
    /// The action that breaks the rule.
    public let action: ActionHash
    /// What a declarative rule found, and in which field; nil for system rules.
    public let refusal: RuleRefusal?

    /// A violation of `rule` by `action`.
    public init(
        rule: Int, code: PlasmidError.Code, message: String, action: ActionHash, refusal: RuleRefusal? = nil
    ) {
        self.rule = rule
        self.code = code
        self.message = message
        self.action = action
        self.refusal = refusal
    }

    /// The sentence with the number of the rule.
    public var description: String { "\(message) (rule \(rule))" }

    /// The violation as an error for whoever wrote the action.
    public var error: PlasmidError {
        var cause = "rule \(rule), action \(action)"
        if let refusal { cause += ", \(refusal.word.rawValue)" + (refusal.path.isEmpty ? "" : " at \(refusal.path)") }
        return PlasmidError(code, message, cause: cause)
    }
}

/// What the rules need to see of other data: what this node holds. Nothing is fetched; the answer nil means "not here".
public protocol ValidationReads {
    /// The action with this hash.
    func action(_ hash: ActionHash) throws(PlasmidError) -> Action?
    /// The entry with this hash.
    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry?
    /// Of what kind the entry with this hash is. Most rules ask no more, and entries are large.
    func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry?
}

extension ValidationReads {
    /// By way of ``entry(_:)``; a store that can look without reading answers faster.
    public func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? { try entry(hash).map { HeldEntry($0) } }
}

/// Of what kind a held entry is, as far as rules tell entries apart that are only named.
public enum HeldEntry: Sendable, Hashable {
    /// An agent's key.
    case agent
    /// An app's bytes, countersigned or not.
    case app
    /// A capability.
    case other

    /// The kind of an entry.
    public init(_ entry: Entry) {
        switch entry {
        case .agent: self = .agent
        case .app, .counterSign: self = .app
        case .capClaim, .capGrant: self = .other
        }
    }
}

/// Reads in which the records of one commit see each other, in any order, before the data that is already held.
public struct CandidateReads<Held: ValidationReads>: ValidationReads {
    private var actions: [ActionHash: Action] = [:]
    private var entries: [EntryHash: Entry] = [:]
    private let held: Held

    /// Puts `candidates` in front of `held`.
    public init(_ candidates: [Record], over held: Held) {
        self.held = held
        for record in candidates {
            actions[record.hash] = record.action
            if let hash = record.action.entryHash, let entry = record.entry.entry { entries[hash] = entry }
        }
    }

    /// The action, of a candidate or held.
    public func action(_ hash: ActionHash) throws(PlasmidError) -> Action? {
        if let action = actions[hash] { return action }
        return try held.action(hash)
    }

    /// The entry, of a candidate or held.
    public func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        if let entry = entries[hash] { return entry }
        return try held.entry(hash)
    }

    /// The kind of the entry, of a candidate or held.
    public func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? {
        if let entry = entries[hash] { return HeldEntry(entry) }
        return try held.kind(of: hash)
    }
}

extension Record {
    /// As anyone but the author sees it.
    var withoutPrivateEntry: Record {
        guard action.entryType?.visibility == .private else { return self }
        return Record(signedAction: signedAction, entry: .hidden)
    }
}

/// What a check has found so far: the first violation, else what is missing.
struct Findings {
    let subject: ActionHash
    private(set) var violation: RuleViolation?
    private(set) var missing: [AnyDhtHash] = []

    init(_ subject: ActionHash) { self.subject = subject }

    mutating func reject(_ rule: Int, _ message: String) { reject(rule, .validationFailed, message) }

    mutating func reject(_ rule: Int, _ code: PlasmidError.Code, _ message: String) {
        reject(RuleViolation(rule: rule, code: code, message: message, action: subject))
    }

    mutating func reject(_ found: RuleViolation) {
        // The lowest rule is told, so that the words do not depend on the order of the checks.
        if let violation, violation.rule <= found.rule { return }
        violation = found
    }

    mutating func miss(_ hash: AnyDhtHash) {
        if !missing.contains(hash) { missing.append(hash) }
    }

    var verdict: Verdict {
        if let violation { return .rejected(violation) }
        return missing.isEmpty ? .valid : .missing(missing)
    }
}
