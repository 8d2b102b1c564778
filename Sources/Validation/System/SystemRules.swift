import Integrity

/// The rules that the conductor itself enforces on every record, numbered as in docs/spec/validation.md: those of Holochain
/// (1–17) that need no word of another node, and those that follow from a DNA's definition or from what
/// Plasmid adds (20–34).
///
/// Pure: the same record and the same held data give the same verdict, whatever the order in which the data came. A rejection
/// found while data is missing stands, since no further data can undo it.
public struct SystemRules: Sendable {
    struct TypeKey: Hashable {
        let zome: UInt8
        let index: UInt8
    }

    /// The definition by which records are judged.
    public let dna: DnaDefinition
    /// The definition's hash: the space.
    public let dnaHash: DnaHash
    private var entryTypes: [TypeKey: EntryTypeDef] = [:]
    private var linkTypes: [TypeKey: LinkTypeDef] = [:]

    /// The rules of the space `dna`; its indexes are laid out once.
    public init(dna: DnaDefinition, hash: DnaHash? = nil) {
        self.dna = dna
        dnaHash = hash ?? dna.hash()
        for type in dna.integrity.entryTypes {
            guard let app = dna.integrity.appEntryDef(named: type.name) else { continue }
            entryTypes[TypeKey(zome: app.zomeIndex, index: app.entryIndex)] = type
        }
        for type in dna.integrity.linkTypes {
            guard let indexes = dna.integrity.linkIndexes(named: type.name) else { continue }
            linkTypes[TypeKey(zome: indexes.zomeIndex, index: indexes.linkType)] = type
        }
    }

    /// Judges a record by all rules: what an author's own node does before it writes.
    /// - Throws: what `reads` throws; that is no verdict.
    public func check(_ record: Record, reads: some ValidationReads) throws(PlasmidError) -> Verdict {
        var findings = Findings(record.hash)
        checkAddresses(record.action, record.hash, &findings)
        checkPlace(record.action, &findings)
        try checkChain(record.action, reads, &findings)
        checkEntry(record.action, record.entry, &findings)
        checkGrants(record.entry, &findings)
        checkNote(record.action, record.entry, &findings)
        try checkTargets(record.action, reads, &findings)
        return findings.verdict
    }

    /// Judges the records of one commit, each in sight of the others; the first that is not valid speaks for all.
    /// - Parameter reads: what any node could hold. Of private entries, the commit's own too, only their record's own check
    ///   knows: what leads to them would be missing everywhere else.
    /// - Throws: what `reads` throws; that is no verdict.
    public func check(_ records: [Record], reads: some ValidationReads) throws(PlasmidError) -> Verdict {
        let together = CandidateReads(records.map(\.withoutPrivateEntry), over: reads)
        var missing: [AnyDhtHash] = []
        for record in records {
            switch try check(record, reads: together) {
            case .valid: continue
            case .rejected(let violation): return .rejected(violation)
            case .missing(let hashes): missing += hashes.filter { !missing.contains($0) }
            }
        }
        return missing.isEmpty ? .valid : .missing(missing)
    }

    /// Judges one op by the rules that its type answers for (the table in docs/spec/validation.md). Structure and signature
    /// are checked apart, before.
    /// - Parameter hash: the action's, where it is known.
    /// - Throws: what `reads` throws; that is no verdict.
    public func check(
        op: ChainOp, hash: ActionHash? = nil, reads: some ValidationReads
    ) throws(PlasmidError) -> Verdict {
        var findings = Findings(hash ?? op.action.hash)
        checkAddresses(op.action, findings.subject, &findings)
        switch op.type {
        case .createRecord, .createEntry:
            checkPlace(op.action, &findings)
            checkEntry(op.action, op.entry.asRecordEntry, &findings)
            if case .update = op.action.data { try checkTargets(op.action, reads, &findings) }
        case .agentActivity:
            checkPlace(op.action, &findings)
            try checkChain(op.action, reads, &findings)
        case .updateEntry, .updateRecord:
            checkEntry(op.action, op.entry.asRecordEntry, &findings)
            try checkTargets(op.action, reads, &findings)
        case .deleteEntry, .deleteRecord, .createLink, .deleteLink:
            try checkTargets(op.action, reads, &findings)
        }
        return findings.verdict
    }

    // MARK: Definitions

    func entryType(_ app: AppEntryDef) -> EntryTypeDef? {
        entryTypes[TypeKey(zome: app.zomeIndex, index: app.entryIndex)]
    }

    func linkType(zome: UInt8, index: UInt8) -> LinkTypeDef? { linkTypes[TypeKey(zome: zome, index: index)] }

    /// The name of an entry type as people know it.
    func name(_ type: EntryType?) -> String {
        switch type {
        case nil: "action without an entry"
        case .agentPubKey: "agent key"
        case .capClaim: "capability claim"
        case .capGrant: "capability grant"
        case .capNote: "note beside a capability"
        case .app(let app): entryType(app)?.name ?? "entry type \(app.entryIndex) of zome \(app.zomeIndex)"
        }
    }

    /// Rule 34: what an author writes as the location of an address decides nothing about who keeps it.
    private func checkAddresses(_ action: Action, _ hash: ActionHash, _ findings: inout Findings) {
        for type in ChainOpType.produced(by: action) {
            // The action's own address is not among what its author wrote.
            guard let basis = type.basis(of: action, hash: hash), basis.core != hash.core, !basis.hasDerivedLocation
            else { continue }
            return findings.reject(34, "An action names an address with a location that is not its own.")
        }
    }

    // MARK: Rules on what an action points to

    private func checkTargets(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        switch action.data {
        case .update: try checkUpdate(action, reads, &findings)
        case .delete: try checkDelete(action, reads, &findings)
        case .createLink: try checkCreateLink(action, reads, &findings)
        case .deleteLink: try checkDeleteLink(action, reads, &findings)
        default: break
        }
    }
}

extension OpEntry {
    var asRecordEntry: RecordEntry {
        switch self {
        case .present(let entry): .present(entry)
        case .hidden: .hidden
        case .actionOnly: .notStored
        }
    }
}
