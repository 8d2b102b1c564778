import Integrity

/// The declarative rules of a DNA's entry types, enforced after ``SystemRules`` and before any module: docs/spec/rules.md.
/// (Those of link types are rules 26 and 27 of ``SystemRules``.)
///
/// Pure: the same record and the same held data give the same verdict, whatever the order in which the data came.
public struct DeclarativeRules: Sendable {
    struct TypeKey: Hashable {
        let zome: UInt8
        let index: UInt8
    }

    /// An entry type with rules.
    struct Ruled: Sendable {
        let key: TypeKey
        let definition: EntryTypeDef
        /// Nil where no rule looks into the entry.
        let plan: RulePlan?
        /// The place among the types with unique fields; nil where it has none.
        let unique: Int?
    }

    private let types: [TypeKey: Ruled]
    private let names: [TypeKey: String]
    let uniqueTypes: [Ruled]

    /// Whether no entry type of the DNA has a rule.
    public var isEmpty: Bool { types.isEmpty }
    /// Whether a type has unique fields, so that verdicts need the author's chain.
    public var needsChain: Bool { !uniqueTypes.isEmpty }

    /// The rules of a DNA, laid out once.
    public init(dna: DnaDefinition) {
        var types: [TypeKey: Ruled] = [:]
        var names: [TypeKey: String] = [:]
        var uniqueTypes: [Ruled] = []
        for definition in dna.integrity.entryTypes {
            guard let app = dna.integrity.appEntryDef(named: definition.name) else { continue }
            let key = TypeKey(zome: app.zomeIndex, index: app.entryIndex)
            names[key] = definition.name
            guard !definition.rules.isNone else { continue }
            let plan = definition.rules.fields.isOpen ? nil : RulePlan(definition.rules.fields)
            let isUnique = plan?.uniqueNames.isEmpty == false
            let ruled = Ruled(
                key: key, definition: definition, plan: plan, unique: isUnique ? uniqueTypes.count : nil)
            types[key] = ruled
            if isUnique { uniqueTypes.append(ruled) }
        }
        self.types = types
        self.names = names
        self.uniqueTypes = uniqueTypes
    }

    /// Judges the records of one commit in their order, each in sight of those before; the first that is not valid speaks for
    /// all. What an author's own node does before it writes.
    /// - Parameters:
    ///   - own: what this node holds, the author's private entries among it: for judging private entries.
    ///   - shared: what any node could hold: for judging public ones.
    ///   - memory: spares reading the chain again; ``settle(_:head:reads:)`` brings it up to date.
    /// - Throws: what the reads throw; that is no verdict.
    public func check(
        _ records: [Record], own: some ValidationReads, shared: some ValidationReads, memory: UniqueMemory? = nil
    ) throws(PlasmidError) -> Verdict {
        if isEmpty { return .valid }
        let all = CandidateReads(records, over: own)
        let open = CandidateReads(records.map { $0.withoutPrivateEntry }, over: shared)
        var chains = UniqueChains(rules: self, memory: memory)
        var missing: [AnyDhtHash] = []
        for record in records {
            let verdict =
                record.action.entryType?.visibility == .private
                ? try check(record.signedAction.action, record.hash, record.entry.entry, all, &chains)
                : try check(record.signedAction.action, record.hash, record.entry.entry, open, &chains)
            switch verdict {
            case .valid: continue
            case .rejected(let violation): return .rejected(violation)
            case .missing(let hashes):
                // More than anyone would look for: what is told is that something is missing, not all of it.
                guard missing.count < Limits.ruleReferences else { continue }
                missing += hashes.filter { !missing.contains($0) }
            }
        }
        return missing.isEmpty ? .valid : .missing(missing)
    }

    /// Judges one op by the rules that its type answers for (docs/spec/rules.md §8).
    /// - Parameter memory: spares reading chains again that it knows.
    /// - Throws: what `reads` throws; that is no verdict.
    public func check(
        op: ChainOp, reads: some ValidationReads, memory: UniqueMemory? = nil
    ) throws(PlasmidError) -> Verdict {
        if isEmpty { return .valid }
        switch op.type {
        case .createRecord, .createEntry:
            // A deletion is judged by its own ops.
            guard op.action.entryType != nil else { return .valid }
        case .updateEntry, .updateRecord, .deleteEntry, .deleteRecord: break
        case .agentActivity, .createLink, .deleteLink: return .valid
        }
        var chains = UniqueChains(rules: self, memory: memory)
        return try check(op.action, op.action.hash, op.entry.asRecordEntry.entry, reads, &chains)
    }

    // MARK: One action

    private func check(
        _ action: Action, _ hash: ActionHash, _ entry: Entry?, _ reads: some ValidationReads,
        _ chains: inout UniqueChains
    ) throws(PlasmidError) -> Verdict {
        var findings = Findings(hash)
        switch action.data {
        case .create(.app(let app), _):
            guard let type = ruled(app) else { break }
            try checkEntry(action, entry, type, reads, &chains, &findings)
        case .update(let original, _, .app(let app), _):
            guard let type = ruled(app) else { break }
            try checkEntry(action, entry, type, reads, &chains, &findings)
            try checkMay(.update, type.definition.rules.update, type, action, original, reads, &findings)
        case .delete(let target, _):
            guard let held = try reads.action(target) else {
                findings.miss(.action(target))
                break
            }
            guard case .app(let app)? = held.entryType, let type = ruled(app) else { break }
            try checkMay(.delete, type.definition.rules.delete, type, action, target, reads, &findings)
        default: break
        }
        return findings.verdict
    }

    func ruled(_ app: AppEntryDef) -> Ruled? { types[TypeKey(zome: app.zomeIndex, index: app.entryIndex)] }

    private func checkEntry(
        _ action: Action, _ entry: Entry?, _ type: Ruled, _ reads: some ValidationReads, _ chains: inout UniqueChains,
        _ findings: inout Findings
    ) throws(PlasmidError) {
        guard let plan = type.plan, let bytes = entry?.appBytes else { return }
        let words = RuleWords(plan: plan, type: type.definition.name)
        switch EntryJudge.judge(bytes, by: plan, type: type.definition.name) {
        case .failure(let refusal): findings.reject(refusal)
        case .success(let facts):
            var seen: Set<RuleReference.Key> = []
            for reference in facts.references where seen.insert(reference.key).inserted {
                try checkReference(reference, plan, words, action.author, reads, &findings)
            }
            guard type.unique != nil, !facts.uniqueValues.isEmpty else { return }
            switch try chains.taken(facts.uniqueValues, by: action, findings.subject, of: type, reads) {
            case .free: break
            case .taken(let value):
                findings.reject(words.refusal(RuleFault(.notUnique, name: plan.uniqueNames[value.field]), []))
            case .missing(let hash): findings.miss(hash)
            }
        }
    }

    private func checkReference(
        _ reference: RuleReference, _ plan: RulePlan, _ words: RuleWords, _ author: AgentPubKey,
        _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        let node = plan.nodes[reference.node]
        let fault = RuleFault(.wrongReference, node: reference.node)
        if let hash = reference.hash.action {
            guard let action = try reads.action(hash) else { return findings.miss(reference.hash) }
            guard node.type >= 0 else { return }
            if case .app(let app)? = action.entryType, name(app) == plan.types[node.type] { return }
            findings.reject(words.refusal(fault, reference.trail))
        } else if let hash = reference.hash.entry {
            // The author's own key needs no look: its chain could not have come this far without it.
            if node.address == .agent, hash == author.entryHash { return }
            guard let kind = try reads.kind(of: hash) else { return findings.miss(reference.hash) }
            if node.address != .agent || kind == .agent { return }
            findings.reject(words.refusal(fault, reference.trail))
        }
    }

    private func name(_ app: AppEntryDef) -> String? { names[TypeKey(zome: app.zomeIndex, index: app.entryIndex)] }

    private func checkMay(
        _ word: RefusalWord, _ who: WhoMayChange, _ type: Ruled, _ action: Action, _ target: ActionHash,
        _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        let name = type.definition.name
        let verb = word == .update ? "change" : "delete"
        switch who {
        case .anyone: break
        case .nobody:
            findings.reject(RuleRefusal(word, path: "", message: "A '\(name)' cannot be \(verb)d."))
        case .author:
            guard let held = try reads.action(target) else { return findings.miss(.action(target)) }
            if held.author == action.author { return }
            findings.reject(
                RuleRefusal(word, path: "", message: "Only its author may \(verb) a '\(name)'."))
        }
    }
}

extension Findings {
    mutating func reject(_ refusal: RuleRefusal) {
        reject(
            RuleViolation(
                rule: refusal.word.rule, code: .validationFailed, message: refusal.message, action: subject,
                refusal: refusal))
    }
}
