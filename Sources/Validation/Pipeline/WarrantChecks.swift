import Integrity

/// Rule 19, as far as a warrant tells by itself (docs/spec/validation.md §8): that its evidence is what it charges. What remains for an
/// invalid op is to judge that op, and for both that the chain is one of this space.
public enum WarrantChecks {
    /// What is wrong with a warrant whatever else is known; nil if nothing is.
    public static func fault(_ signed: SignedWarrant) -> PeerFault? {
        let warrant = signed.warrant
        guard warrant.author.hasDerivedLocation, warrant.warrantee.hasDerivedLocation else {
            return .malformed("a warrant with a key whose location is not its own")
        }
        guard warrant.proof.chainAuthor == warrant.warrantee else {
            return .badWarrant("it charges another agent than the one whose chain it shows")
        }
        guard signed.hasTrueSignature else { return .badSignature }
        switch (warrant.proof, signed.evidence) {
        case (.invalidChainOp(_, let named, let type, let reason), .op(let op)):
            guard reason.utf8.count <= Limits.warrantReasonBytes else {
                return .malformed("a warrant's reason is too long")
            }
            guard op.type == type, op.signature == named.signature, op.action.hash == named.hash else {
                return .badWarrant("its evidence is another op than the one that it names")
            }
            if let fault = ArrivalChecks.structure(op) {
                if fault == .privateEntry { return fault }
                return .badWarrant("its evidence is no op")
            }
            return isSigned(op.action, op.signature, by: warrant.warrantee)
                ? nil : .badWarrant("the agent charged did not sign the op")
        case (.chainFork(_, let first, let second, let seq), .actions(let one, let two)):
            return fork(warrant.warrantee, (first, second), (one, two), seq)
        default: return .badWarrant("its evidence is of another kind than its charge")
        }
    }

    /// Two different actions behind the same one, both signed by their author.
    private static func fork(
        _ agent: AgentPubKey, _ named: (WarrantedAction, WarrantedAction), _ shown: (SignedAction, SignedAction),
        _ seq: UInt32
    ) -> PeerFault? {
        guard shown.0.hasTrueHash, shown.1.hasTrueHash, WarrantedAction(shown.0) == named.0,
            WarrantedAction(shown.1) == named.1
        else { return .badWarrant("its evidence is of other actions than those that it names") }
        guard shown.0.hash != shown.1.hash else { return .badWarrant("a fork of one action with itself") }
        let (one, two) = (shown.0.action, shown.1.action)
        guard one.actionSeq == seq, two.actionSeq == seq, one.prevAction == two.prevAction else {
            return .badWarrant("two actions that do not claim the same place of a chain")
        }
        guard isSigned(one, shown.0.signature, by: agent), isSigned(two, shown.1.signature, by: agent) else {
            return .badWarrant("the agent charged did not sign both actions")
        }
        return nil
    }

    private static func isSigned(_ action: Action, _ signature: Signature, by agent: AgentPubKey) -> Bool {
        action.author == agent && signature.verifies(action.packed, by: agent)
    }
}

extension Warrant {
    /// The charge that `op` breaks a rule.
    public static func invalid(
        _ op: CheckedOp, reason: String, author: AgentPubKey, now: Timestamp
    ) -> (warrant: Warrant, evidence: WarrantEvidence) {
        let proof = WarrantProof.invalidChainOp(
            author: op.action.author, action: WarrantedAction(op.signedAction), type: op.type,
            reason: cut(reason))
        return (
            Warrant(proof: proof, author: author, timestamp: now, warrantee: op.action.author), .op(op.chainOp)
        )
    }

    /// The charge that two actions claim the same place. They stand in the order of their hashes, whichever came first.
    public static func fork(
        _ one: SignedAction, _ two: SignedAction, author: AgentPubKey, now: Timestamp
    ) -> (warrant: Warrant, evidence: WarrantEvidence) {
        let (first, second) = one.hash < two.hash ? (one, two) : (two, one)
        let proof = WarrantProof.chainFork(
            author: one.action.author, first: WarrantedAction(first), second: WarrantedAction(second),
            seq: one.action.actionSeq)
        return (
            Warrant(proof: proof, author: author, timestamp: now, warrantee: one.action.author),
            .actions(first, second)
        )
    }

    /// At a character's boundary.
    private static func cut(_ reason: String) -> String {
        guard reason.utf8.count > Limits.warrantReasonBytes else { return reason }
        var kept = ""
        for character in reason.unicodeScalars {
            guard kept.utf8.count + String(character).utf8.count <= Limits.warrantReasonBytes else { break }
            kept.unicodeScalars.append(character)
        }
        return kept
    }
}
