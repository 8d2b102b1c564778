import Integrity

/// Which ops of a commit go to which integrity zome's `validate`, and what their answers come to (reference holochain.md §4.2).
///
/// An op goes to the one zome that owns the entry or link type (of the deleted action, for deletions); agent activity goes
/// to every zome that asks for it. A zome is asked only about what its module declares. Actions without an app type
/// (genesis, capabilities, …) reach validators as agent activity only.
public struct OpPlan: Sendable {
    /// What one zome is asked, in the order in which it is asked.
    public struct Request: Sendable {
        /// The integrity zome, in the DNA's order.
        public let zomeIndex: Int
        /// The zome's name.
        public let zome: String
        /// The ops of one action stand together, agent activity last.
        public fileprivate(set) var ops: [Op]
    }

    /// What to ask; no zome stands here twice, and none with nothing to judge.
    public private(set) var requests: [Request] = []

    /// Plans for the records of one commit, signed, with the entries that their author sees.
    ///
    /// `modules` are what the DNA's integrity zomes declare, in the DNA's order, nil for one that has no validators.
    /// - Throws: `missingDependency` for a deletion of what `reads` does not hold (``SystemRules`` tells that first).
    public init(
        _ records: [Record], dna: DnaDefinition, modules: [ModuleDescription?], reads: some ValidationReads
    ) throws(PlasmidError) {
        let together = CandidateReads(records, over: reads)
        let router = Router(dna: dna, modules: modules)
        for record in records {
            let (zome, ops) = try router.route(record, together)
            for op in ops { ask(zome, op, router) }
            for zome in router.activityZomes {
                ask(zome, .agentActivity(record.signedAction, cachedEntry: nil), router)
            }
        }
    }

    private mutating func ask(_ zome: Int, _ op: Op, _ router: Router) {
        if let index = requests.firstIndex(where: { $0.zomeIndex == zome }) {
            requests[index].ops.append(op)
        } else {
            requests.append(Request(zomeIndex: zome, zome: router.name(zome), ops: [op]))
        }
    }
}

/// Knows which integrity zome owns what, and what each wants to judge.
struct Router {
    let dna: DnaDefinition
    let modules: [ModuleDescription?]

    var activityZomes: [Int] { modules.indices.filter { modules[$0]?.validatesActivity == true } }

    func name(_ zome: Int) -> String {
        dna.integrity.zomes.indices.contains(zome) ? dna.integrity.zomes[zome].name : modules[zome]?.zome ?? ""
    }

    /// The owner of the record's type and what it is asked about; no ops where it asks for none.
    func route(_ record: Record, _ reads: some ValidationReads) throws(PlasmidError) -> (zome: Int, ops: [Op]) {
        let signed = record.signedAction
        switch record.action.data {
        case .create(.app(let app), _):
            guard wantsEntry(app) else { return (0, []) }
            return (Int(app.zomeIndex), [.createRecord(record)] + createEntry(record, app))
        case .update(_, _, .app(let app), _):
            guard wantsEntry(app) else { return (0, []) }
            let update = Op.update(update: signed, newEntry: record.entry.entry)
            return (Int(app.zomeIndex), [.createRecord(record)] + createEntry(record, app) + [update])
        case .delete(let address, _):
            guard case .app(let app)? = try held(address, reads).entryType, wantsDeletions(app) else { return (0, []) }
            return (Int(app.zomeIndex), [.createRecord(record), .delete(signed)])
        case .createLink(_, _, let zome, let type, _):
            guard wantsLink(zome, type) else { return (0, []) }
            return (Int(zome), [.createRecord(record), .createLink(signed)])
        case .deleteLink(_, let add):
            let made = try held(add, reads)
            guard case .createLink(_, _, let zome, let type, _) = made.data, wantsLink(zome, type) else {
                return (0, [])
            }
            return (Int(zome), [.createRecord(record), .deleteLink(signed, createLink: made)])
        default: return (0, [])
        }
    }

    /// The owner of one op of the DHT and what it is asked; or what has to be here to tell.
    func route(_ op: CheckedOp, _ reads: some ValidationReads) throws(PlasmidError) -> Route {
        let signed = op.signedAction
        let record = Op.createRecord(op.record)
        switch (op.type, op.action.data) {
        case (.agentActivity, _):
            return .asked(activityZomes, .agentActivity(signed, cachedEntry: nil))
        case (_, .create(.app(let app), _)), (_, .update(_, _, .app(let app), _)):
            guard wantsEntry(app) else { return .nobody }
            let zome = [Int(app.zomeIndex)]
            switch op.type {
            case .createRecord: return .asked(zome, record)
            case .createEntry:
                return op.entry.present.map { .asked(zome, .createEntry(action: signed, entry: $0)) } ?? .nobody
            default: return .asked(zome, .update(update: signed, newEntry: op.entry.present))
            }
        case (_, .delete(let address, _)):
            guard let target = try reads.action(address) else { return .missing(address) }
            guard case .app(let app)? = target.entryType, wantsDeletions(app) else { return .nobody }
            return .asked([Int(app.zomeIndex)], op.type == .createRecord ? record : .delete(signed))
        case (_, .createLink(_, _, let zome, let type, _)):
            guard wantsLink(zome, type) else { return .nobody }
            return .asked([Int(zome)], op.type == .createRecord ? record : .createLink(signed))
        case (_, .deleteLink(_, let add)):
            guard let made = try reads.action(add) else { return .missing(add) }
            guard case .createLink(_, _, let zome, let type, _) = made.data, wantsLink(zome, type) else {
                return .nobody
            }
            return .asked([Int(zome)], op.type == .createRecord ? record : .deleteLink(signed, createLink: made))
        default: return .nobody
        }
    }

    enum Route {
        case nobody
        case asked([Int], Op)
        case missing(ActionHash)
    }

    /// A private entry makes no op of its own: only the record tells of it.
    private func createEntry(_ record: Record, _ app: AppEntryDef) -> [Op] {
        guard app.visibility == .public, let entry = record.entry.entry else { return [] }
        return [.createEntry(action: record.signedAction, entry: entry)]
    }

    private func held(_ hash: ActionHash, _ reads: some ValidationReads) throws(PlasmidError) -> Action {
        guard let action = try reads.action(hash) else {
            throw PlasmidError(.missingDependency, "The action \(hash), which is to be deleted, is not held here.")
        }
        return action
    }

    private func module(_ zome: UInt8) -> ModuleDescription? {
        modules.indices.contains(Int(zome)) ? modules[Int(zome)] : nil
    }

    private func wantsEntry(_ app: AppEntryDef) -> Bool {
        guard let module = module(app.zomeIndex),
            let type = dna.integrity.entryType(zomeIndex: app.zomeIndex, entryIndex: app.entryIndex)
        else { return false }
        return module.validates.contains(type.name)
    }

    /// A module does not declare the types whose deletion it judges apart from those it judges, so every owner is asked.
    private func wantsDeletions(_ app: AppEntryDef) -> Bool {
        module(app.zomeIndex)?.callbacks.contains("validate") == true
    }

    private func wantsLink(_ zome: UInt8, _ index: UInt8) -> Bool {
        guard let module = module(zome), let type = dna.integrity.linkType(zomeIndex: zome, linkType: index) else {
            return false
        }
        return module.validatesLinks.contains(type.name)
    }
}
