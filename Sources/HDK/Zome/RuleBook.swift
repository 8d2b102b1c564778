import Integrity

/// The rules of an integrity zome, by type, and how an operation finds its rule.
struct RuleBook: Sendable {
    private(set) var entryTypes: [String] = []
    private(set) var linkTypes: [String] = []
    private var entries: [String: EntryRule] = [:]
    private var deletes: [String: DeleteRule] = [:]
    private var links: [String: LinkRule] = [:]
    private(set) var activity: ActivityRule?
    private(set) var genesis: GenesisRule?

    init(_ rules: [ValidationRule]) {
        for rule in rules {
            switch rule.subject {
            case .entry(let name, let body):
                entryTypes.append(name)
                entries[name] = body
            case .delete(let name, let body):
                deletes[name] = body
            case .link(let name, let body):
                linkTypes.append(name)
                links[name] = body
            case .activity(let body): activity = body
            case .genesis(let body): genesis = body
            }
        }
    }

    /// Judges an array of operations and returns the array of verdicts, in their order.
    func judge(_ payload: [UInt8], _ call: LiveCall) async throws -> [UInt8] {
        let ops = try ValueCodec.packed([Op].self, payload)
        var outcomes: [ValidateOutcome] = []
        outcomes.reserveCapacity(ops.count)
        // A create comes as a record and as an entry, one after the other: one look is enough.
        var last: (action: ActionHash, outcome: ValidateOutcome)?
        for op in ops {
            let outcome: ValidateOutcome
            if case .agentActivity(let action, _) = op {
                outcome = try await verdict(call) { try await activity?(action, $0) }
            } else {
                let action = op.signedAction
                if let last, last.action == action.hash {
                    outcome = last.outcome
                } else {
                    outcome = try await verdict(call) { try await judge(op, $0) }
                    last = (action.hash, outcome)
                }
            }
            outcomes.append(outcome)
        }
        return outcomes.packed
    }

    /// Runs a rule. What it missed makes the operation wait whatever the rule made of it; otherwise what it threw
    /// counts.
    private func verdict(
        _ call: LiveCall, _ rule: (ValidationHost) async throws -> Void
    ) async throws -> ValidateOutcome {
        let gaps = Gaps()
        var thrown: (any Error)?
        do {
            try await rule(ValidationHost(call, gaps))
        } catch {
            thrown = error
        }
        let (missing, rejected) = gaps.found
        if let rejected { return .invalid(rejected) }
        if !missing.isEmpty { return .unresolved(missing) }
        switch thrown {
        case nil: return .valid
        case let invalid as Invalid: return .invalid(invalid.reason)
        case .some(let error): throw error
        }
    }

    private func judge(_ op: Op, _ host: ValidationHost) async throws {
        switch op {
        case .createRecord(let record):
            try await judge(record.signedAction, record.entry.entry?.appBytes, host)
        case .createEntry(let action, let entry):
            try await judge(action, entry.appBytes, host)
        case .update(let action, let entry):
            try await judge(action, entry?.appBytes, host)
        case .delete(let action), .createLink(let action):
            try await judge(action, nil, host)
        case .deleteLink(let action, let createLink):
            try await judgeLink(createLink, .delete, action, host)
        case .agentActivity:
            break
        }
    }

    /// Judges an action by what it does, wherever the operation came from.
    private func judge(_ action: SignedAction, _ bytes: [UInt8]?, _ host: ValidationHost) async throws {
        switch action.action.data {
        case .create(let type, _):
            try await judgeEntry(type, bytes, EntryOp(change: .create, action: action, host: host))
        case .update(let original, let originalEntry, let type, _):
            let change = EntryOp.Change.update(original: original, originalEntry: originalEntry)
            try await judgeEntry(type, bytes, EntryOp(change: change, action: action, host: host))
        case .delete(let original, _):
            guard !deletes.isEmpty else { return }
            let original = try await host.mustGetAction(original)
            guard let name = try await host.entryTypeName(original.action.entryType), let rule = deletes[name] else {
                return
            }
            try await rule(DeleteOp(action: action, original: original, host: host))
        case .createLink:
            try await judgeLink(action.action, .create, action, host)
        case .deleteLink(_, let linkAdd):
            guard !links.isEmpty else { return }
            try await judgeLink(try await host.mustGetAction(linkAdd).action, .delete, action, host)
        default:
            break
        }
    }

    private func judgeEntry(_ type: EntryType, _ bytes: [UInt8]?, _ op: EntryOp) async throws {
        // Without its bytes it is a private entry of somebody else, of which a node sees the action only.
        guard let bytes, !entries.isEmpty, let name = try await op.host.entryTypeName(type), let rule = entries[name]
        else { return }
        try await rule(bytes, op)
    }

    private func judgeLink(
        _ link: Action, _ change: LinkOp.Change, _ action: SignedAction, _ host: ValidationHost
    ) async throws {
        guard !links.isEmpty, case .createLink(let base, let target, _, let linkType, let tag) = link.data,
            let name = try await host.linkTypeName(linkType), let rule = links[name]
        else { return }
        let proposed = ProposedLink(
            base: base, target: target, tag: tag, author: link.header.author, timestamp: link.header.timestamp)
        try await rule(proposed, LinkOp(change: change, action: action, host: host))
    }
}
