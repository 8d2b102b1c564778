import Integrity

/// What is checked of an op before it is stored or judged: that it is what it says, and that its author signed it.
public enum OpChecks {
    /// Rules 16 and 17: the op's type fits its action, and the entry is there exactly where it may be.
    /// - Parameter hash: the action's, where it is known; hashing is most of the work here.
    public static func checkStructure(_ op: ChainOp, hash: ActionHash? = nil) -> Verdict {
        var findings = Findings(hash ?? op.action.hash)
        guard ChainOpType.produced(by: op.action).contains(op.type) else {
            findings.reject(16, "An action of type \(op.action.type.name) makes no op of type \(op.type.name).")
            return findings.verdict
        }
        guard op.type.hasEntrySlot else { return findings.verdict }
        switch (op.action.entryType, op.entry) {
        case (nil, .actionOnly): break
        case (nil, _): findings.reject(17, "An op carries an entry, and its action has none.")
        case (.agentPubKey?, .present), (.agentPubKey?, .actionOnly): break
        case (let type?, .present):
            if type.visibility == .private { findings.reject(17, "An op carries an entry that is private.") }
        case (let type?, .hidden), (let type?, .actionOnly):
            if type.visibility == .public || type == .agentPubKey {
                findings.reject(17, "An op lacks the public entry that its action names.")
            }
        }
        if op.type == .createEntry, op.entry == .hidden || op.entry == .actionOnly {
            findings.reject(17, "An op of type CreateEntry comes without the entry.")
        }
        return findings.verdict
    }

    /// Rule 31: the author (for the closing of a chain in favour of a new key, that key) signed the action. Not asked for
    /// again of a signature that this node has just made.
    public static func checkSignature(_ action: Action, _ signature: Signature) -> Verdict {
        let signed = SignedAction(action: action, signature: signature)
        if signed.hasTrueSignature { return .valid }
        return .rejected(badSignature(signed))
    }

    /// Rules 30 and 31: the hash that comes with an action is its own, and the signature is good.
    public static func checkSignature(_ signed: SignedAction) -> Verdict {
        guard signed.hasTrueHash else {
            return .rejected(
                RuleViolation(
                    rule: 30, code: .validationFailed, message: "The hash that comes with an action is not its own.",
                    action: signed.hash))
        }
        return signed.hasTrueSignature ? .valid : .rejected(badSignature(signed))
    }

    private static func badSignature(_ signed: SignedAction) -> RuleViolation {
        RuleViolation(
            rule: 31, code: .badSignature, message: "An action does not bear the signature of \(signed.action.signer).",
            action: signed.hash)
    }
}
