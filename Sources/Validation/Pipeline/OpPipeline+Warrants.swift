import Integrity

/// Charges that are found here, and warrants of others, which are judged before they are believed.
extension OpPipeline {
    // MARK: Found here

    /// Two actions in one place of a chain: both stand, and their author is charged.
    mutating func lookForForks(
        _ op: CheckedOp, _ held: some PipelineReads, _ now: Timestamp
    ) throws(PlasmidError) {
        let action = op.action
        var others = try held.actions(of: action.author, at: action.actionSeq)
        let place = ChainPlace(author: action.author, seq: action.actionSeq)
        others += unstored[place] ?? []
        unstored[place, default: []].append(op.signedAction)
        for other in others {
            guard other.action.author == action.author, other.action.actionSeq == action.actionSeq,
                other.hash != op.signedAction.hash, other.action.prevAction == action.prevAction
            else { continue }
            return charge(.fork(op.signedAction, other), op.signedAction.hash, now)
        }
    }

    /// Notes a charge. Before it is made it must be sure that the action is of a chain of this space: the same key may have chains in
    /// others, whose actions anybody could bring here.
    mutating func charge(_ charge: Charge, _ action: ActionHash, _ now: Timestamp) {
        guard refused[charge.warrantee] == nil else { return }
        // No op has this name: the hash is one of an action.
        let name = DhtOpHash(core: action.core)
        guard items[name] == nil else { return }
        items[name] = Item(content: .charge(charge), since: now, source: nil, weight: 0)
        load.add(nil, weight: 0)
        work.append(name)
    }

    /// Takes up charges from before the start: those of agents who are refused already are over.
    public mutating func resume(
        _ charges: [Charge], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            for charge in charges { pipeline.charge(charge, charge.shown.hash, now) }
        }
    }

    /// Takes up a warrant from before the start that was found not to hold.
    public mutating func noteFalseWarrant(by issuer: AgentPubKey) { falseWarrants[issuer, default: 0] += 1 }

    mutating func judge(
        _ charge: Charge, _ name: DhtOpHash, _ held: some PipelineReads, _ now: Timestamp
    ) throws(PlasmidError) {
        let shown = charge.shown
        switch try member(shown.hash, shown.action, name, held) {
        case .missing(let hash): wait(name, for: [.action(hash)], now)
        case .foreign: remove(name)
        case .member:
            remove(name)
            guard refused[charge.warrantee] == nil else { return }
            effects.append(.charge(charge))
        }
    }

    enum Membership {
        case member
        case foreign
        case missing(ActionHash)
    }

    /// Whether an action's chain was begun for this DNA: by the hashes of the actions before it, back to the one that names the DNA. Nothing else
    /// ties an action to a space.
    private mutating func member(
        _ hash: ActionHash, _ action: Action, _ item: DhtOpHash, _ held: some PipelineReads
    ) throws(PlasmidError) -> Membership {
        let reads = StagedReads(staged, over: held)
        var seen: [ActionHash] = []
        var next: ActionHash? = items[item]?.walk ?? hash
        while let at = next {
            if members.contains(at) { break }
            guard let found = at == hash ? action : try reads.action(at) else {
                items[item]?.walk = at
                return .missing(at)
            }
            seen.append(at)
            if case .dna(let named) = found.data {
                guard named == system.dnaHash, found.prevAction == nil else { return .foreign }
                break
            }
            guard found.prevAction != nil, seen.count < limits.membershipSteps else { return .foreign }
            next = found.prevAction
        }
        // What was walked over is remembered, as far as there is room.
        if members.count > 100_000 { members = [] }
        members.formUnion(seen.prefix(100_000))
        return .member
    }

    // MARK: Of others

    mutating func judge(
        _ signed: SignedWarrant, _ evidence: CheckedOp?, _ hash: DhtOpHash, _ held: some PipelineReads,
        _ now: Timestamp, _ requests: inout [JudgeRequest]
    ) throws(PlasmidError) {
        guard let shown = signed.shown else { return settle(hash, signed, holds: false, now) }
        switch try member(shown.hash, shown.action, hash, held) {
        case .missing(let missing): return wait(hash, for: [.action(missing)], now)
        case .foreign: return settle(hash, signed, holds: false, now)
        case .member: break
        }
        // First actions follow nothing that would tie both to one space.
        if case .actions(let one, let two) = signed.evidence, one.action.prevAction == nil {
            let here = ActionData.dna(system.dnaHash)
            guard one.action.data == here, two.action.data == here else {
                return settle(hash, signed, holds: false, now)
            }
        }
        guard let op = evidence else { return settle(hash, signed, holds: true, now) }
        switch try rules(op, held) {
        case .rejected: settle(hash, signed, holds: true, now)
        case .missing(let missing): wait(hash, for: missing, now)
        case .valid:
            guard asksModules else { return settle(hash, signed, holds: false, now) }
            ask(hash, op, &requests)
        }
    }

    /// A warrant's verdict. One that holds blocks whom it charges; one that does not counts against who made it.
    mutating func settle(_ hash: DhtOpHash, _ signed: SignedWarrant, holds: Bool, _ now: Timestamp) {
        batch.warrants.append((signed, holds ? .valid : .rejected))
        beginStoring(hash)
        if holds {
            counts.integrated += 1
            refuse(signed.warrant.warrantee, from: signed.shown?.action.actionSeq ?? 0)
            effects.append(.block(signed.warrant.warrantee))
        } else {
            counts.rejected += 1
            let issuer = signed.warrant.author
            falseWarrants[issuer, default: 0] += 1
            if let peer = items[hash]?.source { fault(peer, .badWarrant("it charges an agent with a valid op")) }
            if falseWarrants[issuer] == limits.falseWarrants { effects.append(.block(issuer)) }
        }
    }

    /// Takes in a warrant that a local agent has signed for ``PipelineEffect/charge(_:)``: it was judged already.
    public mutating func charged(
        _ signed: SignedWarrant, held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            let hash = signed.warrant.hash
            guard pipeline.items[hash] == nil else { return }
            pipeline.items[hash] = Item(
                content: .warrant(signed, signed.evidenceOp), since: now, source: nil, weight: 0)
            pipeline.load.add(nil, weight: 0)
            pipeline.settle(hash, signed, holds: true, now)
        }
    }
}

/// A number of an author's chain.
struct ChainPlace: Hashable, Sendable {
    let author: AgentPubKey
    let seq: UInt32
}

extension Charge {
    /// An action of the chain that is charged.
    var shown: SignedAction {
        switch self {
        case .invalid(let op, _): op.signedAction
        case .fork(let one, _): one
        }
    }
}

extension SignedWarrant {
    /// The evidence of an invalid op, for the rules.
    var evidenceOp: CheckedOp? {
        guard case .op(let op) = evidence else { return nil }
        return CheckedOp(held: op)
    }

    /// An action of the chain that is charged.
    var shown: SignedAction? {
        switch evidence {
        case .op: evidenceOp?.signedAction
        case .actions(let one, _): one
        }
    }
}
