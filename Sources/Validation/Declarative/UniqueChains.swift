import Integrity

/// Judges uniqueness for the records of one check: walks the chain below each, once.
struct UniqueChains {
    enum Answer {
        case free
        case taken(UniqueValue)
        case missing(AnyDhtHash)
    }

    let rules: DeclarativeRules
    let memory: UniqueMemory?
    /// The ledgers as of the last record, for the next, by the place of the type.
    private var ledgers: [Int: UniqueLedger] = [:]

    init(rules: DeclarativeRules, memory: UniqueMemory?) {
        self.rules = rules
        self.memory = memory
    }

    /// Whether another entry of the author takes one of the values on the chain that `action` ends.
    mutating func taken(
        _ values: [UniqueValue], by action: Action, _ hash: ActionHash, of type: DeclarativeRules.Ruled,
        _ reads: some ValidationReads
    ) throws(PlasmidError) -> Answer {
        guard let place = type.unique else { return .free }
        var ledger = ledgers[place] ?? UniqueLedger()
        if ledger.head != action.prevAction || ledger.head == nil {
            switch try read(below: action, type, reads, from: ledger) {
            case .success(let found): ledger = found
            case .failure(let missing): return .missing(missing.hash)
            }
        }
        let original = action.data.original
        let answer = ledger.taken(values, by: hash, original: original).map { Answer.taken($0) } ?? .free
        // The next record of the commit goes on from here.
        ledger.follow(hash, .version(hash, original: original, values: values))
        ledgers[place] = ledger
        return answer
    }

    private struct Missing: Error {
        let hash: AnyDhtHash
    }

    /// The ledger at the action before `action`: from the last record's, or from what is remembered, where the walk meets
    /// it; else from the chain's first action.
    private func read(
        below action: Action, _ type: DeclarativeRules.Ruled, _ reads: some ValidationReads, from last: UniqueLedger
    ) throws(PlasmidError) -> Result<UniqueLedger, Missing> {
        let base = type.unique.flatMap { memory?.base(UniqueMemory.Key(author: action.author, type: $0)) }
        var actions: [(hash: ActionHash, action: Action)] = []
        var next = action.prevAction
        var ledger = UniqueLedger()
        while let hash = next {
            if hash == last.head {
                ledger = last
                break
            }
            if let base, hash == base.ledger.head {
                ledger = UniqueLedger(on: base)
                break
            }
            guard let held = try reads.action(hash) else { return .failure(Missing(hash: .action(hash))) }
            actions.append((hash, held))
            next = held.prevAction
        }
        for (hash, action) in actions.reversed() {
            switch try rules.step(hash, action, type, reads) {
            case .success(let step): ledger.follow(hash, step)
            // Its author's node is the only one that ever had a private entry: waiting for it would be for ever.
            case .failure(let missing) where missing.isPrivate:
                ledger.follow(hash, .version(hash, original: action.data.original, values: []))
            case .failure(let missing): return .failure(Missing(hash: .entry(missing.entry)))
            }
        }
        return .success(ledger)
    }
}

/// An entry that is needed to judge, and is not held.
struct MissingEntry: Error {
    let entry: EntryHash
    let isPrivate: Bool
}

extension DeclarativeRules {
    /// What an action does to the entries of a type.
    func step(
        _ hash: ActionHash, _ action: Action, _ type: Ruled, _ reads: some ValidationReads
    ) throws(PlasmidError) -> Result<UniqueLedger.Step?, MissingEntry> {
        if case .delete(let target, _) = action.data { return .success(.deletion(of: target)) }
        guard case .app(let app)? = action.entryType, let entryHash = action.entryHash, let plan = type.plan,
            TypeKey(zome: app.zomeIndex, index: app.entryIndex) == type.key
        else { return .success(nil) }
        // It breaks rule 21, which who holds other ops of it does not see: whether its entry came here by way of another action must not
        // decide what it takes.
        if app.visibility != type.definition.visibility {
            return .success(.version(hash, original: action.data.original, values: []))
        }
        guard let entry = try reads.entry(entryHash) else {
            return .failure(MissingEntry(entry: entryHash, isPrivate: app.visibility == .private))
        }
        var values: [UniqueValue] = []
        if let bytes = entry.appBytes, case .success(let facts) = EntryJudge.judge(bytes, by: plan, type: "") {
            values = facts.uniqueValues
        }
        return .success(.version(hash, original: action.data.original, values: values))
    }

    /// Brings a memory up to date with the chain that ends with `head`, none of whose actions will be taken back. Where the chain
    /// or an entry of it is not held, the memory stays as it is.
    /// - Parameter reads: what is held of the chain, with its author's private entries.
    /// - Throws: what `reads` throws.
    public func settle(
        _ memory: UniqueMemory, author: AgentPubKey, head: ActionHash, reads: some ValidationReads
    ) throws(PlasmidError) {
        for (place, type) in uniqueTypes.enumerated() {
            let key = UniqueMemory.Key(author: author, type: place)
            let base = memory.base(key)
            var actions: [(hash: ActionHash, action: Action)] = []
            var next: ActionHash? = head
            while let hash = next, hash != base?.ledger.head {
                guard let action = try reads.action(hash) else { return }
                actions.append((hash, action))
                next = action.prevAction
            }
            var steps: [(hash: ActionHash, step: UniqueLedger.Step?)] = []
            for (hash, action) in actions.reversed() {
                guard case .success(let step) = try step(hash, action, type, reads) else { return }
                steps.append((hash, step))
            }
            if steps.isEmpty { continue }
            // The walk ended at the chain's first action without meeting what is remembered: that was another chain.
            memory.settle(key, steps, afresh: next == nil)
        }
    }
}

extension ActionData {
    /// The action that an update replaces.
    fileprivate var original: ActionHash? {
        guard case .update(let original, _, _, _) = self else { return nil }
        return original
    }
}
